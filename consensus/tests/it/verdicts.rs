//! Verdicts in lists and details: computed from the rows, in every phase, whatever somebody claims.

use std::fmt::Write as _;

use conclave_consensus::record::{OutputRecord, RunRecord, record_output, record_run};
use conclave_consensus::runs::{self, Found, RunDetail, RunFilter, RunId, RunStatus, RunSummary};

use crate::phases::Timed;
use crate::project::Project;

fn begin(project: &Project, stage: &str) -> RunId {
    let run = RunRecord { run_id: "R".into(), spec: "S".into(), stage: stage.into(), ..RunRecord::default() };
    record_run(&project.db, &run).unwrap()
}

fn answer(project: &Project, run: RunId, agent: &str, content: &str) {
    let output = OutputRecord {
        run,
        agent: agent.into(),
        attempt: 1,
        content: content.into(),
        response: None,
        at: None,
        write_key: None,
    };
    record_output(&project.db, &output).unwrap();
}

/// The run as a list and as a detail have it, which must be the same.
fn read(project: &Project, id: RunId) -> (RunSummary, RunDetail) {
    let listed = runs::list(&project.db, &RunFilter::default(), None, None).unwrap();
    let listed = listed.into_iter().find(|run| run.id == id).unwrap();
    let shown = runs::show(&project.db, id).unwrap().unwrap();
    assert_eq!(shown.summary, listed);
    (listed, shown)
}

fn settings(run: RunId, roster: &[(&str, &str)]) -> String {
    let mut sql = format!(
        "INSERT INTO run_settings(run_id, prompt, quorum, accept, timeout_ms, sequential, phase_type, directory,
           actor, driven_at)
         VALUES({run}, x'3f', 1, 'all', 1000, 0, 'regular_stage', '/', 'ana', 1);"
    );
    for (position, (agent, family)) in roster.iter().enumerate() {
        let _ = write!(
            sql,
            "INSERT INTO run_roster VALUES({run}, {}, '{agent}', '{family}', '{{}}');",
            position + 1
        );
    }
    sql
}

fn execute(project: &Project, sql: String) {
    project.db.write("test", move |tx| tx.execute_batch(&sql)).unwrap();
}

/// Recorded as ok, as a real file has it.
#[test]
fn four_empty_answers_are_never_ok() {
    let project = Project::new();
    let agents = ["claude", "gemini", "gpt_codex", "gpt_pro"];
    let rows =
        agents.map(|agent| format!("('S', 'spec-implement', '{agent}', '', 'R', '2025-11-11 02:35:22')"));
    let artifacts = format!(
        "INSERT INTO consensus_artifacts(spec_id, stage, agent_name, content_json, run_id, created_at)
         VALUES{};",
        rows.join(", ")
    );
    let synthesis =
        "INSERT INTO consensus_synthesis(spec_id, stage, output_markdown, status, artifacts_count, degraded,
           run_id, created_at)
         VALUES('S', 'spec-implement', '# I', 'ok', 4, 0, 'R', '2025-11-11 02:35:22');";
    project.import(&project.legacy("old.db", &format!("{artifacts}{synthesis}")));
    for phase in 1..=5 {
        project.set_phase(phase);
        let (listed, shown) = read(&project, RunId(1));
        assert_eq!((listed.status, listed.recorded.as_deref()), (RunStatus::Insufficient, Some("ok")));
        assert_eq!((listed.consensus_ok, listed.degraded), (Some(false), Some(false)));
        let verdict = shown.verdict.unwrap();
        assert_eq!((verdict.usable, verdict.expected, verdict.missing.len()), (0, 4, 4), "phase {phase}");
    }
}

#[test]
fn a_roster_says_who_is_expected_and_what_is_asked_for() {
    let project = Project::new();
    let run = begin(&project, "unlock");
    execute(&project, settings(run, &[("b", "one"), ("a", "one"), ("c", "two")]));
    let (nobody, shown) = read(&project, run);
    assert_eq!(nobody.status, RunStatus::Insufficient);
    assert_eq!(shown.verdict.unwrap().missing, ["b", "a", "c"], "in the order of the roster");
    answer(&project, run, "a", "{\"unlock_decision\":\"go\"}");
    let (one, shown) = read(&project, run);
    assert_eq!(one.status, RunStatus::Degraded, "the quorum is that of the run");
    let verdict = shown.verdict.unwrap();
    assert_eq!((verdict.quorum, verdict.accept.as_str(), verdict.expected), (1, "all", 3));
    assert_eq!(verdict.agents[1].family, "one");
    for agent in ["b", "c"] {
        answer(&project, run, agent, "{\"unlock_decision\":\"go\"}");
    }
    assert_eq!(read(&project, run).0.status, RunStatus::Ok);
}

/// In whatever tables the rows are, and whether or not they have a counterpart.
#[test]
fn the_latest_answer_of_an_agent_counts_in_every_phase() {
    let project = Project::new();
    let rows = ["{\"conflicts\":[\"x\"]}", "", "{\"unlock_decision\":\"go\"}"]
        .map(|content| format!("('S', 'spec-unlock', 'a', '{content}', 'R', '2025-11-11 02:35:22')"));
    let artifacts =
        "INSERT INTO consensus_artifacts(spec_id, stage, agent_name, content_json, run_id, created_at)";
    project.import(&project.legacy("old.db", &format!("{artifacts} VALUES{};", rows.join(", "))));
    for phase in 1..=5 {
        project.set_phase(phase);
        assert_eq!(read(&project, RunId(1)).0.status, RunStatus::Ok, "phase {phase}");
    }
    // A later attempt counts, also where it came before the last answer of the first.
    let output = OutputRecord {
        run: RunId(1),
        agent: "a".into(),
        attempt: 2,
        content: Vec::new(),
        response: None,
        at: None,
        write_key: None,
    };
    record_output(&project.db, &output).unwrap();
    answer(&project, RunId(1), "a", "{\"unlock_decision\":\"go\"}");
    assert_eq!(read(&project, RunId(1)).0.status, RunStatus::Insufficient);
}

#[test]
fn candidates_of_a_name_show_what_a_list_shows() {
    let project = Project::new();
    project.import(&project.golden());
    let listed = runs::list(&project.db, &RunFilter::default(), None, None).unwrap();
    for phase in 1..=5 {
        project.set_phase(phase);
        let Found::Ambiguous(candidates) = runs::find(&project.db, "run_").unwrap() else {
            panic!("several runs begin like this")
        };
        for one in &candidates {
            assert!(listed.contains(one), "phase {phase}: {one:?}");
        }
    }
}

#[test]
fn a_run_that_is_under_way_has_no_verdict() {
    let project = Project::new();
    let run = begin(&project, "unlock");
    execute(&project, settings(run, &[("a", "one"), ("b", "two")]));
    project.write("UPDATE consensus_runs SET status = 'running'");
    answer(&project, run, "a", "{\"unlock_decision\":\"go\"}");
    let (listed, shown) = read(&project, run);
    assert_eq!((listed.status, listed.consensus_ok, shown.verdict), (RunStatus::Running, None, None));
    let running = RunFilter { status: Some(RunStatus::Running), ..RunFilter::default() };
    assert_eq!(runs::count(&project.db, &running).unwrap(), 1);
    assert_eq!(runs::list(&project.db, &running, None, Some(5)).unwrap(), [listed]);
}

#[test]
fn without_answers_and_roster_nothing_is_known() {
    let project = Project::new();
    let (listed, shown) = read(&project, begin(&project, "plan"));
    assert_eq!((listed.status, listed.consensus_ok, shown.verdict), (RunStatus::Unknown, None, None));
}

/// Lists believe a stored verdict, so it must not outlive the answers that it is of, whoever changes them.
#[test]
fn a_stored_verdict_goes_when_its_outputs_change() {
    let older =
        "INSERT INTO consensus_artifacts(spec_id, stage, agent_name, content_json, run_id, created_at)
      VALUES('S', 'spec-unlock', 'old', '{}', 'R', '2025-11-11 02:35:22')";
    for (change, phase) in [
        ("INSERT INTO agent_outputs(run_id, agent_name, content, sequence) VALUES(1, 'b', '{}', 1)", 5),
        ("UPDATE agent_outputs SET content = 'x'", 5),
        ("UPDATE agent_outputs SET agent_name = 'x'", 5),
        ("DELETE FROM agent_outputs", 5),
        (older, 2),
        (older, 3),
    ] {
        let timed = if phase == 5 { None } else { Some(Timed::in_phase(phase)) };
        let fresh = timed.is_none().then(Project::new);
        let project = timed.as_ref().map(|timed| &timed.project).or(fresh.as_ref()).unwrap();
        let run = begin(project, "unlock");
        answer(project, run, "a", "{\"unlock_decision\":\"go\"}");
        // Not what the rows say, so that it shows where a list has its status from.
        let stored = format!("INSERT INTO run_verdicts VALUES({run}, 'conflict', '{{}}', 1)");
        execute(project, stored);
        let status = || {
            let listed = runs::list(&project.db, &RunFilter::default(), None, None).unwrap();
            listed.into_iter().find(|one| one.id == run).unwrap().status
        };
        assert_eq!(status(), RunStatus::Conflict, "{change}");
        project.old_program(&change.replace("VALUES(1,", &format!("VALUES({run},")));
        let kept = format!("SELECT count(*) FROM run_verdicts WHERE run_id = {run}");
        assert_eq!(project.number(&kept), 0, "{change}");
        assert_ne!(status(), RunStatus::Conflict, "{change}");
    }
}
