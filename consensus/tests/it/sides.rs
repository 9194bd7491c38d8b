//! Reads by phase: the same from both sides, legacy-only rows never hidden, fallback to the legacy tables.

use conclave_consensus::migrate::FindingKind;
use conclave_consensus::record::{OutputRecord, RunRecord, record_output, record_run};
use conclave_consensus::runs::{
    self, Found, OutputContent, RunCursor, RunDetail, RunFilter, RunId, RunStatus, RunSummary,
};
use conclave_consensus::shadow;
use proptest::prelude::*;

use crate::project::{LEGACY_DDL, Project};

/// Everything that reads give.
#[derive(Debug, Clone, PartialEq)]
struct Everything {
    list: Vec<RunSummary>,
    pages: Vec<RunSummary>,
    count: u64,
    details: Vec<RunDetail>,
    contents: Vec<OutputContent>,
    syntheses: Vec<Option<(RunId, String)>>,
}

fn everything(project: &Project) -> Everything {
    let db = &project.db;
    let filter = RunFilter::default();
    let list = runs::list(db, &filter, None, None).unwrap();
    let mut pages: Vec<RunSummary> = Vec::new();
    loop {
        let cursor = pages.last().map(RunCursor::from);
        let page = runs::list(db, &filter, cursor.as_ref(), Some(2)).unwrap();
        if page.is_empty() {
            break;
        }
        pages.extend(page);
        assert!(pages.len() <= list.len(), "a page repeats another");
    }
    let details: Vec<_> = list.iter().map(|run| runs::show(db, run.id).unwrap().unwrap()).collect();
    for (run, detail) in list.iter().zip(&details) {
        assert_eq!(detail.summary, *run, "a list and a detail say the same");
    }
    for status in RunStatus::ALL {
        let filter = RunFilter { status: Some(status), ..RunFilter::default() };
        let wanted: Vec<&RunSummary> = list.iter().filter(|run| run.status == status).collect();
        assert_eq!(runs::list(db, &filter, None, None).unwrap().iter().collect::<Vec<_>>(), wanted);
        assert_eq!(runs::count(db, &filter).unwrap(), wanted.len() as u64, "{status}");
        assert_eq!(runs::list(db, &filter, None, Some(1)).unwrap().len(), wanted.len().min(1));
    }
    let mut contents = Vec::new();
    let mut syntheses = Vec::new();
    for run in &details {
        assert_eq!(runs::find(db, &run.summary.id.to_string()).unwrap(), Found::One(run.summary.id));
        for output in &run.outputs {
            let name = stored_name(project, output.id);
            let content =
                runs::output(db, run.summary.id, &name, Some(output.attempt), Some(output.sequence)).unwrap();
            contents.push(content.unwrap());
            assert!(runs::output(db, run.summary.id, &name, None, None).unwrap().is_some());
        }
        syntheses.push(runs::latest_synthesis(db, &run.summary.spec, &run.summary.stage).unwrap());
    }
    Everything { count: runs::count(db, &filter).unwrap(), list, pages, details, contents, syntheses }
}

fn stored_name(project: &Project, output: i64) -> Vec<u8> {
    let query = if output < 0 {
        format!("SELECT CAST(agent_name AS BLOB) FROM consensus_artifacts WHERE id = {}", -output)
    } else {
        format!("SELECT CAST(agent_name AS BLOB) FROM agent_outputs WHERE id = {output}")
    };
    project.db.read(|conn| conn.query_row(&query, [], |row| row.get::<_, Vec<u8>>(0))).unwrap()
}

/// Without what only the new tables give: numbers and the file that a row came from.
fn without_numbers(everything: &Everything) -> Everything {
    let mut plain = everything.clone();
    let bare = |run: &mut RunSummary| run.id = RunId(0);
    plain.list.iter_mut().chain(&mut plain.pages).for_each(bare);
    plain.details.iter_mut().for_each(|run| {
        bare(&mut run.summary);
        run.outputs.iter_mut().for_each(|output| output.id = 0);
    });
    plain.contents.iter_mut().for_each(|output| output.id = 0);
    plain.syntheses.iter_mut().flatten().for_each(|(id, _)| *id = RunId(0));
    // Equal times are ordered by number, which is another for rows that have none of their own.
    let key = |run: &RunSummary| (run.run_key.clone(), run.spec.clone(), run.stage.clone());
    plain.list.sort_by_key(key);
    plain.pages.sort_by_key(key);
    plain.details.sort_by_key(|run| key(&run.summary));
    plain
        .contents
        .sort_by_key(|one| (one.agent.clone(), one.content.clone(), one.sequence, one.response.clone()));
    plain.syntheses.sort();
    plain
}

/// A literal of each: for a column of text, and for a time.
const SPECS: &[&str] = &["'S'", "'T'", "x'5A'"];
const STAGES: &[&str] = &["'spec-plan'", "'plan'", "'review'", "'odd'"];
const AGENTS: &[&str] = &["'a'", "'b'", "CAST(x'FF61' AS TEXT)"];
const CONTENTS: &[&str] =
    &["'{}'", "''", "'{\"model\":\"m\"}'", "x'7B00FF7D'", "'no json'", "5", "CAST(x'00FF' AS TEXT)"];
const RUNS: &[&str] = &["NULL", "''", "'run_A'", "'@x'"];
const TIMES: &[&str] = &[
    "'2025-11-11 02:33:20'",
    "'2025-11-11 02:33:21.123'",
    "'garbage'",
    "1762828295",
    "1762828295123",
    "1762828295.5",
    "NULL",
    "x'00'",
];

type Choice = (usize, usize, usize, usize, usize, usize, usize);

fn statement((table, spec, stage, agent, content, run, time): Choice, n: usize) -> String {
    let pick = |list: &[&'static str], index: usize| list[index % list.len()];
    let (spec, stage, agent) = (pick(SPECS, spec), pick(STAGES, stage), pick(AGENTS, agent));
    let (content, run, at) = (pick(CONTENTS, content), pick(RUNS, run), pick(TIMES, time));
    match table % 6 {
        0 => format!(
            "INSERT INTO consensus_synthesis(spec_id, stage, output_markdown, status, degraded, run_id, created_at)
             VALUES({spec}, {stage}, {content}, 'degraded', {}, {run}, {at});",
            n % 3
        ),
        1 => format!(
            "INSERT INTO agent_executions(agent_id, spec_id, stage, phase_type, agent_name, run_id, spawned_at, completed_at)
             VALUES('x-{n}', {spec}, {stage}, 'regular_stage', {agent}, {run}, ifnull({at}, ''), {});",
            if n.is_multiple_of(2) { "NULL" } else { at }
        ),
        _ => format!(
            "INSERT INTO consensus_artifacts(spec_id, stage, agent_name, content_json, run_id, created_at)
             VALUES({spec}, {stage}, {agent}, {content}, {run}, {at});"
        ),
    }
}

fn in_place(statements: &str) -> Project {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state.db");
    conclave_db::foreign::create(&path, &format!("{LEGACY_DDL}{statements}")).unwrap();
    Project::over(dir, &path)
}

/// The same from both sides, and from legacy rows alone before any of them is copied.
fn assert_same_in_every_phase(project: &Project) {
    let before = everything(project);
    assert!(before.list.iter().all(|run| run.id.0 < 0), "only legacy rows know the runs");
    assert_eq!(before.list, before.pages);
    let narrowed: Vec<_> = [("S", "plan"), ("S", "spec-audit"), ("T", "odd"), ("S1", "plan")]
        .map(|(spec, stage)| RunFilter { spec: Some(spec.into()), stage: Some(stage.into()), status: None })
        .into();
    for filter in &narrowed {
        let fits = |run: &&RunSummary| {
            Some(&run.spec) == filter.spec.as_ref()
                && filter.stage.as_ref().is_some_and(|stage| run.stage == stage.trim_start_matches("spec-"))
        };
        let wanted: Vec<RunSummary> = before.list.iter().filter(fits).cloned().collect();
        assert_eq!(runs::list(&project.db, filter, None, None).unwrap(), wanted);
        assert_eq!(runs::count(&project.db, filter).unwrap(), wanted.len() as u64);
    }
    project.backfill();
    let first = everything(project);
    assert_eq!(first.list, first.pages);
    assert!(first.list.iter().all(|run| run.id.0 > 0));
    assert_eq!(first.count, first.list.len() as u64);
    assert_eq!(without_numbers(&before), without_numbers(&first));
    // The number from before leads to the copied run.
    for run in &before.list {
        assert_eq!(runs::show(&project.db, run.id).unwrap().unwrap().summary.run_key, run.run_key);
    }
    for phase in [2, 3, 4] {
        project.set_phase(phase);
        shadow::compare_after(&project.db, 0);
        assert_eq!(everything(project), first, "phase {phase}");
    }
    project.set_phase(1);
    assert_eq!(shadow::metrics(&project.db).differing, 0);
    assert!(shadow::metrics(&project.db).compared > 0, "some reads of phase 2 were compared");
    assert_eq!(shadow::metrics(&project.db).fallbacks, 0);
}

#[test]
fn the_golden_rows_read_the_same_from_both_sides() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state.db");
    conclave_consensus::golden::write_legacy_fixture(&path).unwrap();
    assert_same_in_every_phase(&Project::over(dir, &path));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_rows_read_the_same_from_both_sides(
        rows in proptest::collection::vec((0..6_usize, 0..3_usize, 0..4_usize, 0..3_usize, 0..7_usize, 0..4_usize, 0..8_usize), 1..25),
    ) {
        let statements: String = rows.into_iter().enumerate().map(|(n, row)| statement(row, n)).collect();
        assert_same_in_every_phase(&in_place(&statements));
    }
}

fn old_rows(numbers: std::ops::Range<u32>) -> String {
    numbers
        .map(|n| {
            format!(
                "INSERT INTO consensus_artifacts(spec_id, stage, agent_name, content_json, run_id, created_at)
                 VALUES('S', 'spec-plan', 'old{n}', '{{\"n\":{n}}}', 'R', '2025-11-11 02:33:2{n}');"
            )
        })
        .collect::<Vec<_>>()
        .concat()
}

fn record(project: &Project, key: &str, agent: &str) -> RunId {
    let run = RunRecord {
        run_id: key.into(),
        spec: "S".into(),
        stage: "plan".into(),
        at: Some(1_762_828_500_000),
        ..RunRecord::default()
    };
    let id = record_run(&project.db, &run).unwrap();
    let output = OutputRecord {
        run: id,
        agent: agent.into(),
        attempt: 1,
        content: b"{}".to_vec(),
        response: None,
        at: Some(1_762_828_500_000),
        write_key: None,
    };
    record_output(&project.db, &output).unwrap();
    id
}

/// F 24, by each way in which an old row may be without a counterpart.
#[test]
fn five_old_rows_and_a_new_one_are_six() {
    // Never copied; written while no trigger stood; copied and lost again.
    let never = in_place(&old_rows(0..5));
    let unwatched = Project::in_phase(3);
    unwatched.old_program("DROP TRIGGER capture_consensus_artifacts_insert");
    unwatched.old_program(&old_rows(0..5));
    let lost = Project::in_phase(3);
    lost.old_program(&old_rows(0..5));
    lost.tamper("DELETE FROM agent_outputs");
    for (project, listed) in [(never, true), (unwatched, true), (lost, false)] {
        for phase in [1, 2, 3] {
            project.set_phase(phase);
            if phase == 1 {
                project.set_phase(3);
                record(&project, "R", "new");
                project.set_phase(1);
            }
            let found = runs::list(&project.db, &RunFilter::default(), None, None).unwrap();
            assert_eq!(found.len(), 1, "one run for all");
            if listed {
                assert_eq!(found[0].output_count, 6, "phase {phase}");
                assert_eq!(found[0].agents, ["new", "old0", "old1", "old2", "old3", "old4"]);
            }
            let run = runs::show(&project.db, found[0].id).unwrap().unwrap();
            assert_eq!(run.summary.output_count, 6);
            let agents: Vec<&str> = run.outputs.iter().map(|output| output.agent.as_str()).collect();
            assert_eq!(agents, ["old0", "old1", "old2", "old3", "old4", "new"], "phase {phase}");
            let old = runs::output(&project.db, found[0].id, "old3", None, None).unwrap().unwrap();
            assert_eq!(old.content, b"{\"n\":3}");
            assert!(old.id < 0, "it has no number of its own");
        }
    }
}

#[test]
fn an_open_difference_is_listed_too() {
    let project = Project::in_phase(3);
    project.old_program(&old_rows(0..2));
    record(&project, "other", "x");
    project.tamper("DELETE FROM consensus_runs WHERE run_key = 'R'");
    assert_eq!(runs::count(&project.db, &RunFilter::default()).unwrap(), 2, "before anybody has looked");
    assert_eq!(project.verify().differences, 2);
    let listed = runs::list(&project.db, &RunFilter::default(), None, None).unwrap();
    assert_eq!(listed.len(), 2);
    assert_eq!((listed[1].id, listed[1].run_key.as_str(), listed[1].output_count), (RunId(-4), "R", 2));
    assert_eq!(runs::find(&project.db, "-4").unwrap(), Found::One(RunId(-4)));
    assert_eq!(runs::find(&project.db, "R").unwrap(), Found::One(RunId(-4)));
    assert_eq!(runs::show(&project.db, RunId(-4)).unwrap().unwrap().outputs.len(), 2);
    // Copied, it has a number, and the old one still leads there.
    project.backfill();
    project.verify();
    let run = runs::show(&project.db, RunId(-4)).unwrap().unwrap();
    assert!(run.summary.id.0 > 0);
    assert_eq!(runs::count(&project.db, &RunFilter::default()).unwrap(), 2);
    // In phase 4 the new tables are all there is.
    project.set_phase(4);
    assert!(runs::show(&project.db, RunId(-4)).unwrap().is_none());
}

#[test]
fn a_row_that_the_new_tables_cannot_hold_is_shown() {
    let project = in_place("");
    project.old_program(
        "INSERT INTO agent_executions(agent_id, spec_id, stage, phase_type, agent_name, run_id, spawned_at)
           VALUES(NULL, 'S', 'spec-plan', 'regular_stage', 'nameless', 'R', '2025-11-11 02:33:20');",
    );
    for phase in [1, 2, 3] {
        project.set_phase(phase);
        let listed = runs::list(&project.db, &RunFilter::default(), None, None).unwrap();
        assert_eq!((listed.len(), listed[0].id), (1, RunId(-6)), "phase {phase}");
        let run = runs::show(&project.db, listed[0].id).unwrap().unwrap();
        assert_eq!((run.attempts.len(), run.attempts[0].agent.as_str()), (1, "nameless"));
    }
}

/// In phases 1 and 2 the legacy row is believed, in 3 the new one.
#[test]
fn the_side_that_leads_is_shown() {
    let project = in_place(&old_rows(0..2));
    project.old_program(
        "INSERT INTO consensus_synthesis(spec_id, stage, output_markdown, status, degraded, run_id, created_at)
           VALUES('S', 'spec-plan', '# A', 'ok', 0, 'R', '2025-11-11 02:33:25');
         INSERT INTO agent_executions(agent_id, spec_id, stage, phase_type, agent_name, run_id, spawned_at)
           VALUES('x-1', 'S', 'spec-plan', 'regular_stage', 'old0', 'R', '2025-11-11 02:33:00');",
    );
    project.backfill();
    project.tamper(
        "UPDATE consensus_artifacts SET content_json = 'tampered', agent_name = 'legacy' WHERE id = 1;
         UPDATE consensus_synthesis SET status = 'conflict', output_markdown = '# B';
         UPDATE agent_executions SET response_text = 'raw';
         DELETE FROM consensus_artifacts WHERE id = 2",
    );
    let (legacy, new) = (vec!["legacy", "old0"], vec!["old0", "old1"]);
    for (phase, agents, content, status, recorded, markdown, response) in [
        (1, &legacy, "tampered", "insufficient", "conflict", "# B", Some("raw")),
        (2, &legacy, "tampered", "insufficient", "conflict", "# B", Some("raw")),
        (3, &new, "{\"n\":0}", "degraded", "ok", "# A", None),
        (4, &new, "{\"n\":0}", "degraded", "ok", "# A", None),
    ] {
        project.set_phase(phase);
        let listed = runs::list(&project.db, &RunFilter::default(), None, None).unwrap();
        assert_eq!(listed[0].agents, *agents, "phase {phase}");
        assert_eq!(listed[0].status.as_str(), status);
        assert_eq!(listed[0].recorded.as_deref(), Some(recorded));
        let run = runs::show(&project.db, listed[0].id).unwrap().unwrap();
        assert_eq!(run.summary, listed[0]);
        assert_eq!(run.outputs.len() as u64, run.summary.output_count);
        assert_eq!(run.outputs[0].content, content, "phase {phase}");
        assert_eq!(run.synthesis.unwrap()["output_markdown"], markdown);
        assert_eq!(run.attempts[0].response_text.as_deref(), response);
        let (_, latest) = runs::latest_synthesis(&project.db, "S", "plan").unwrap().unwrap();
        assert!(latest.contains(markdown), "phase {phase}: {latest}");
    }
}

/// One read in 16 is compared; what differs is only counted until somebody has it kept.
#[test]
fn a_compared_read_finds_what_differs() {
    let project = in_place(&old_rows(0..2));
    project.backfill();
    project.set_phase(2);
    project.tamper("UPDATE agent_outputs SET content = 'tampered' WHERE legacy_id = 2");
    shadow::compare_after(&project.db, 3);
    let id = runs::list(&project.db, &RunFilter::default(), None, None).unwrap()[0].id;
    for _ in 0..2 {
        runs::show(&project.db, id).unwrap();
    }
    assert_eq!(shadow::metrics(&project.db).compared, 0);
    runs::show(&project.db, id).unwrap();
    assert_eq!((shadow::metrics(&project.db).compared, shadow::metrics(&project.db).differing), (1, 1));
    for _ in 0..15 {
        runs::show(&project.db, id).unwrap();
    }
    assert_eq!(shadow::metrics(&project.db).compared, 1);
    runs::show(&project.db, id).unwrap();
    assert_eq!(shadow::metrics(&project.db).compared, 2, "one in 16");
    assert_eq!(project.number("SELECT differences FROM migration_state"), 0, "a read writes nothing");
    let findings = shadow::take_findings(&project.db);
    assert_eq!(findings.len(), 1, "found twice, kept once");
    assert_eq!(
        (findings[0].kind, findings[0].legacy_id, findings[0].output_id),
        (FindingKind::Different, Some(2), Some(2))
    );
    assert_eq!(findings[0].field, Some("content"));
    assert!(shadow::take_findings(&project.db).is_empty());
    assert_eq!(shadow::keep(&project.db, findings.clone(), "ui").unwrap(), 1);
    assert_eq!(shadow::keep(&project.db, findings, "ui").unwrap(), 0, "known by now");
    assert_eq!(project.number("SELECT differences FROM migration_state"), 1);
    assert_eq!(project.number("SELECT count(*) FROM migration_findings"), 1);
    assert_eq!(project.number("SELECT count(*) FROM migration_events WHERE kind = 'difference'"), 1);
    assert_eq!(
        project.number("SELECT soak_since IS NOT NULL AND soak_passed_ms = 0 FROM migration_state"),
        1
    );
    // In other phases nothing is compared.
    project.set_phase(3);
    for _ in 0..40 {
        runs::show(&project.db, id).unwrap();
    }
    assert_eq!(shadow::metrics(&project.db).compared, 2);
}

/// F 25: a new table that is gone or damaged hides nothing before phase 4.
#[test]
fn without_the_new_tables_the_legacy_ones_answer() {
    for table in ["agent_outputs", "consensus_runs", "run_syntheses", "run_attempts"] {
        let project = in_place(&old_rows(0..3));
        project.old_program(
            "INSERT INTO consensus_synthesis(spec_id, stage, output_markdown, status, degraded, run_id, created_at)
               VALUES('S', 'spec-plan', '# A', 'ok', 0, 'R', '2025-11-11 02:33:25');",
        );
        project.backfill();
        for phase in [2, 3, 4] {
            project.set_phase(phase);
            let whole = everything(&project);
            project.old_program(&format!("ALTER TABLE {table} RENAME TO gone"));
            if phase == 4 {
                let id = whole.list[0].id;
                assert!(runs::show(&project.db, id).is_err(), "nothing stands in for {table}");
                continue;
            }
            let before = shadow::metrics(&project.db).fallbacks;
            let alone = everything_of(&project, table == "consensus_runs");
            assert!(shadow::metrics(&project.db).fallbacks > before);
            assert_eq!(without_numbers(&alone), without_numbers(&whole), "{table} in phase {phase}");
            project.old_program(&format!("ALTER TABLE gone RENAME TO {table}"));
            assert_eq!(everything(&project), whole, "{table} is back in phase {phase}");
        }
    }
}

/// As [`everything`]; the number of a run is another when the table of runs is gone.
fn everything_of(project: &Project, renumbered: bool) -> Everything {
    let found = everything(project);
    assert!(found.list.iter().all(|run| (run.id.0 < 0) == renumbered));
    found
}

/// The same for a table whose pages are damaged.
#[test]
fn beside_a_damaged_table_the_legacy_ones_answer() {
    let project = in_place(&old_rows(0..3));
    project.backfill();
    project.set_phase(3);
    let whole = everything(&project);
    let page = project.number("SELECT rootpage FROM sqlite_schema WHERE name = 'agent_outputs'");
    let size = project.number("PRAGMA page_size");
    let Project { dir, db } = project;
    let path = db.path().to_path_buf();
    drop(db);
    let mut bytes = std::fs::read(&path).unwrap();
    let start = usize::try_from((page - 1) * size).unwrap();
    bytes[start..start + 100].fill(0xEE);
    std::fs::write(&path, bytes).unwrap();
    let damaged = Project::over(dir, &path);
    let alone = everything_of(&damaged, false);
    assert!(shadow::metrics(&damaged.db).fallbacks > 0);
    assert_eq!(without_numbers(&alone), without_numbers(&whole));
}

/// What somebody takes away from the new tables is shown from the legacy ones at once, not after a comparison.
#[test]
fn rows_that_lose_their_counterpart_are_not_hidden() {
    for loss in [
        "PRAGMA foreign_keys = 1; DELETE FROM consensus_runs WHERE id = 1",
        "PRAGMA foreign_keys = 0; DELETE FROM agent_outputs; DELETE FROM run_attempts; DELETE FROM consensus_runs",
    ] {
        let timed = crate::phases::Timed::in_phase(3);
        let db = &timed.project.db;
        assert!(timed.project.verify().equal);
        let listed = |db| {
            let runs = runs::list(db, &RunFilter::default(), None, None).unwrap();
            let mut keys: Vec<_> =
                runs.into_iter().map(|run| (run.run_key, run.stage, run.output_count)).collect();
            keys.sort();
            keys
        };
        let before = listed(db);
        timed.project.old_program(loss);
        assert_eq!(listed(db), before, "{loss}");
        // What the capture triggers take away is gone on both sides, and nothing has to be looked up for it.
        timed.project.backfill();
        let mapped = "SELECT mapped FROM migration_state";
        assert_eq!(timed.project.number(mapped), 1);
        timed.project.old_program("DELETE FROM consensus_artifacts WHERE id = 3");
        assert_eq!(timed.project.number(mapped), 1);
    }
}
