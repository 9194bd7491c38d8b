//! What agents are asked, how often, and what is kept of each try.

use conclave_consensus::agents::AgentDefinition;
use conclave_consensus::runs::{self, RunStatus};
use conclave_consensus::workflow::{self, AgentState, AttemptEnd, Event, Owner, RunRequest};
use conclave_consensus::{ConsensusErrorKind, record};
use conclave_db::sql::Value;

use super::{PLAN, agent, drive, good, listening, request, run, session};
use crate::project::Project;

fn texts(project: &Project, query: &str) -> Vec<String> {
    let text = |row: Vec<Value>| match row.into_iter().next() {
        Some(Value::Text(text)) => text,
        other => format!("{other:?}"),
    };
    project.rows(query).into_iter().map(text).collect()
}

#[test]
fn a_run_is_recorded_driven_and_closed() {
    let project = Project::new();
    let asked = request(&project, vec![good("a"), good("b"), good("c")]);
    let (session, events) = listening();
    let id = workflow::begin(&project.db, &asked).unwrap();
    let begun = runs::show(&project.db, id).unwrap().unwrap();
    assert_eq!(begun.summary.status, RunStatus::Running);
    assert_eq!(begun.settings.as_ref().map(|settings| settings.owner), Some(Owner::Here));
    assert!(begun.roster.iter().all(|entry| entry.state == AgentState::Waiting && entry.limit == 1));
    assert_eq!(workflow::unfinished(&project.db).unwrap().len(), 1);

    let driven = drive(&project.db, id, &session);
    let verdict = driven.verdict.unwrap();
    assert_eq!((verdict.status, verdict.usable, verdict.expected), (RunStatus::Ok, 3, 3), "{verdict:?}");
    let shown = runs::show(&project.db, id).unwrap().unwrap();
    assert_eq!((shown.summary.status, shown.summary.consensus_ok), (RunStatus::Ok, Some(true)));
    assert_eq!((shown.summary.stage.as_str(), shown.summary.run_key.as_str()), ("plan", "R1"));
    let settings = shown.settings.unwrap();
    assert_eq!((settings.prompt.as_str(), settings.quorum, settings.owner), ("do it", 2, Owner::Nobody));
    assert!(settings.ended_at.is_some());
    assert!(shown.roster.iter().all(|entry| entry.state == AgentState::Answered), "{:?}", shown.roster);
    assert_eq!(shown.attempts.len(), 3);
    for attempt in &shown.attempts {
        assert_eq!((attempt.state.as_str(), attempt.exit_code), ("completed", Some(0)));
        assert_eq!(attempt.details.outcome, Some(AttemptEnd::Answered));
        assert!(attempt.details.pid.is_some());
    }
    assert_eq!(shown.outputs.len(), 3);
    assert_eq!(shown.outputs[0].content, PLAN);
    assert_eq!(shown.outputs[0].response_text.as_deref(), Some(format!("{PLAN}\n").as_str()));
    let synthesis = shown.synthesis.unwrap();
    assert!(synthesis["output_markdown"].is_string() && synthesis["status"] == "ok", "{synthesis}");
    assert_eq!(workflow::unfinished(&project.db).unwrap(), []);

    let events = events.lock().unwrap();
    assert_eq!(events.first(), Some(&Event::Begun { run: id }));
    assert!(matches!(events.last(), Some(Event::Closed { .. })));
    for name in ["a", "b", "c"] {
        let own: Vec<bool> = events
            .iter()
            .filter_map(|event| match event {
                Event::Started { agent, .. } if agent == name => Some(true),
                Event::Ended { agent, end: AttemptEnd::Answered, .. } if agent == name => Some(false),
                _ => None,
            })
            .collect();
        assert_eq!(own, [true, false], "{name}");
    }
    project.assert_sound();
}

#[test]
fn a_request_that_makes_no_sense_is_refused() {
    let project = Project::new();
    let sound = request(&project, vec![good("a"), good("b")]);
    let change = |change: fn(&mut RunRequest)| {
        let mut request = sound.clone();
        change(&mut request);
        workflow::begin(&project.db, &request).unwrap_err().kind()
    };
    let invalid = ConsensusErrorKind::Invalid;
    assert_eq!(change(|request| request.prompt.clear()), invalid);
    assert_eq!(change(|request| request.prompt = b" \n".to_vec()), invalid);
    assert_eq!(change(|request| request.agents.clear()), invalid);
    assert_eq!(change(|request| request.agents[1].name = "a".into()), invalid);
    assert_eq!(change(|request| request.agents[1].name.clear()), invalid);
    assert_eq!(change(|request| request.quorum = Some(3)), invalid);
    assert_eq!(change(|request| request.quorum = Some(0)), invalid);
    assert_eq!(change(|request| request.timeout = std::time::Duration::ZERO), invalid);
    assert_eq!(change(|request| request.spec.clear()), invalid);
    assert_eq!(change(|request| request.run_key = Some(String::new())), invalid);
    assert_eq!(change(|request| request.run_key = Some("a\nb".into())), invalid);
    assert_eq!(change(|request| request.stage = "\u{1b}[31m".into()), invalid);
    assert_eq!(change(|request| request.spec = "ä".repeat(201)), invalid);
    assert_eq!(project.number("SELECT count(*) FROM consensus_runs"), 0);
    workflow::begin(&project.db, &sound).unwrap();
    // The same key in another spelling of the stage.
    let again = RunRequest { stage: "plan".into(), ..sound.clone() };
    assert_eq!(workflow::begin(&project.db, &again).unwrap_err().kind(), ConsensusErrorKind::Refused);
    let other = RunRequest { stage: "tasks".into(), ..sound };
    workflow::begin(&project.db, &other).unwrap();
}

#[test]
fn keys_that_are_made_up_differ() {
    let project = Project::new();
    let asked = RunRequest { run_key: None, ..request(&project, vec![good("a")]) };
    for _ in 0..3 {
        workflow::begin(&project.db, &asked).unwrap();
    }
    let keys = texts(&project, "SELECT DISTINCT run_key FROM consensus_runs");
    assert!(keys.len() == 3 && keys.iter().all(|key| key.starts_with("run_S-1_")), "{keys:?}");
}

#[test]
fn an_agent_gets_role_prompt_and_the_environment_that_it_may_see() {
    let project = Project::new();
    let wanted = "env | grep -c '^CONCLAVE_TEST_' ; echo \"$SET $CONCLAVE_ATTEMPT\"; cat";
    let mut asked = agent("a", wanted);
    asked.role = Some("critic".into());
    asked.env = vec![("SET".into(), "secret-5".into())];
    let mut session = session();
    session.environment.push(("CONCLAVE_TEST_X".into(), "1".into()));
    session.definitions = vec![asked.clone()];
    let request = RunRequest { stage: "free".into(), ..request(&project, vec![asked]) };
    let id = workflow::begin(&project.db, &request).unwrap();
    drive(&project.db, id, &session);
    let answer = texts(&project, "SELECT content FROM agent_outputs").remove(0);
    let mark = format!("R1/S-1/free/1/a@{}", project.db.path().display());
    assert_eq!(answer, format!("0\nsecret-5 {mark}\nYour role: critic\n\ndo it"));
    // What was set stands nowhere.
    let stored = texts(&project, "SELECT definition FROM run_roster").remove(0);
    assert!(!stored.contains("secret-5"), "{stored}");
}

#[test]
fn agents_before_are_heard_in_turn() {
    let project = Project::new();
    let names = ["a", "b", "c"];
    let agents = names.map(|name| agent(name, &format!("cat > prompt-{name}; echo 'answer of {name}'")));
    let request = RunRequest { stage: "free".into(), sequential: true, ..request(&project, agents.to_vec()) };
    run(&project, &request);
    let prompt = |name: &str| std::fs::read_to_string(project.path(&format!("prompt-{name}"))).unwrap();
    assert_eq!(prompt("a"), "do it");
    assert!(prompt("b").contains("Answer of a:\n\nanswer of a\n") && !prompt("b").contains("answer of b"));
    assert!(prompt("c").contains("answer of a") && prompt("c").contains("answer of b"));
}

/// Fails with this message until it was asked often enough.
fn flaky(name: &str, fails: u32, how: &str) -> AgentDefinition {
    let script = format!(
        "cat >/dev/null; echo x >> asked-{name}; [ $(wc -l < asked-{name}) -gt {fails} ] && echo '{PLAN}' && exit 0; {how}"
    );
    agent(name, &script)
}

#[test]
fn failures_are_repeated_by_their_class_and_all_are_kept() {
    // (how it fails, how often it would, its retries) → (attempts, answered)
    for (how, fails, retries, attempts, answered) in [
        ("echo 'HTTP 503 service unavailable' >&2; exit 1", 2, 2, 3, true),
        ("echo 'HTTP 503 service unavailable' >&2; exit 1", 3, 2, 3, false),
        ("echo 'HTTP 503 service unavailable' >&2; exit 1", 1, 0, 1, false),
        ("echo 'HTTP 401 unauthorized' >&2; exit 1", 1, 2, 1, false),
        // Exit 0 without an answer: one more try.
        ("exit 0", 1, 2, 2, true),
        ("exit 0", 2, 5, 2, false),
        // What stands beside a failure is no answer.
        (&format!("echo '{PLAN}'; echo 'HTTP 401 unauthorized' >&2; exit 1"), 1, 2, 1, false),
    ] {
        let project = Project::new();
        let mut asked = flaky("a", fails, how);
        asked.retries = retries;
        let driven = run(&project, &request(&project, vec![asked]));
        let shown = runs::show(&project.db, driven.run).unwrap().unwrap();
        assert_eq!(shown.attempts.len(), attempts, "{how}: {:?}", shown.attempts);
        assert_eq!(!shown.outputs.is_empty(), answered, "{how}");
        let wanted = if answered { RunStatus::Ok } else { RunStatus::Insufficient };
        assert_eq!(driven.verdict.unwrap().status, wanted, "{how}");
        for (number, attempt) in (1..).zip(&shown.attempts) {
            assert_eq!(attempt.attempt, number);
            let last = usize::try_from(number).unwrap() == attempts;
            if last && answered {
                continue;
            }
            let details = &attempt.details;
            assert_eq!(
                (attempt.state.as_str(), details.outcome),
                ("failed", Some(AttemptEnd::Failed)),
                "{how}"
            );
            assert!(details.class.is_some() && details.message.is_some(), "{how}: {details:?}");
            assert_eq!(details.retry_at, None, "nothing is waited for any more");
            assert!(attempt.extraction_error.is_some());
        }
        if answered {
            assert_eq!(shown.outputs[0].attempt, i64::try_from(attempts).unwrap());
        }
        project.assert_sound();
    }
}

#[test]
fn a_wait_that_was_asked_for_is_kept() {
    let project = Project::new();
    let mut asked = flaky("a", 1, "echo 'HTTP 429 too many requests, retry-after: 1' >&2; exit 1");
    asked.retries = 1;
    let (session, events) = listening();
    let id = workflow::begin(&project.db, &request(&project, vec![asked])).unwrap();
    drive(&project.db, id, &session);
    let events = events.lock().unwrap();
    let until = events.iter().find_map(|event| match event {
        Event::Waiting { until, attempt: 2, .. } => Some(*until),
        _ => None,
    });
    let times = project.rows("SELECT spawned_at, completed_at FROM run_attempts ORDER BY attempt");
    let (Value::Integer(ended), Value::Integer(again)) = (&times[0][1], &times[1][0]) else {
        panic!("{times:?}")
    };
    let until = until.unwrap();
    assert!(until >= ended + 900 && *again >= until - 1, "{ended} {until} {again}");
}

#[test]
fn a_program_that_is_missing_is_a_failure_of_its_agent() {
    let project = Project::new();
    let mut missing = good("a");
    missing.command = vec!["conclave-no-such-program".into()];
    let driven = run(&project, &request(&project, vec![missing, good("b"), good("c")]));
    let verdict = driven.verdict.unwrap();
    assert_eq!((verdict.status, verdict.missing), (RunStatus::Degraded, vec!["a".to_owned()]));
    let shown = runs::show(&project.db, driven.run).unwrap().unwrap();
    let failed = shown.attempts.iter().find(|attempt| attempt.agent == "a").unwrap();
    assert!(failed.details.hint.is_some() && failed.details.pid.is_none(), "{:?}", failed.details);
}

#[test]
fn a_run_counts_only_its_own_answers() {
    let project = Project::new();
    let old = RunRequest {
        run_key: Some("old".into()),
        ..request(&project, vec![good("a"), good("b"), good("c")])
    };
    assert_eq!(run(&project, &old).verdict.unwrap().status, RunStatus::Ok);
    let bad = |name| agent(name, "exit 3");
    let new = request(&project, vec![good("a"), bad("b"), bad("c")]);
    let verdict = run(&project, &new).verdict.unwrap();
    assert_eq!((verdict.status, verdict.usable), (RunStatus::Insufficient, 1));
}

#[test]
fn short_and_strange_names_are_names() {
    let project = Project::new();
    let names = ["ä", "r", "a/b", "a b", "#1"];
    let agents = names.map(good).to_vec();
    let request = RunRequest { run_key: Some("r".into()), spec: "S/1".into(), ..request(&project, agents) };
    let driven = run(&project, &request);
    assert_eq!(driven.verdict.unwrap().usable, 5);
    let stored = texts(&project, "SELECT agent_name FROM agent_outputs ORDER BY id");
    assert!(names.iter().all(|name| stored.iter().any(|stored| stored == name)), "{stored:?}");
}

/// All sides get what a run brings, in every phase.
#[test]
fn a_run_is_on_the_sides_of_its_phase() {
    for phase in 1..=5 {
        let project = Project::in_phase(phase);
        let driven = run(&project, &request(&project, vec![good("a"), agent("b", "echo no >&2; exit 2")]));
        assert_eq!(driven.verdict.as_ref().unwrap().status, RunStatus::Insufficient, "phase {phase}");
        let shown = runs::show(&project.db, driven.run).unwrap().unwrap();
        assert_eq!(shown.summary.status, RunStatus::Insufficient);
        assert_eq!((shown.outputs.len(), shown.attempts.len(), shown.roster.len()), (1, 2, 2));
        assert!(shown.synthesis.unwrap()["sources"].is_array(), "the run's own synthesis, phase {phase}");
        let computed = serde_json::to_string(&shown.verdict.unwrap()).unwrap();
        assert_eq!(texts(&project, "SELECT verdict FROM run_verdicts"), [computed], "phase {phase}");
        if phase < 4 {
            assert_eq!(project.number("SELECT count(*) FROM consensus_artifacts"), 1);
            assert_eq!(
                project.number("SELECT count(*) FROM consensus_synthesis WHERE status = 'insufficient'"),
                1
            );
            let ended = "SELECT count(*) FROM agent_executions WHERE completed_at IS NOT NULL AND stage = 'spec-plan'";
            assert_eq!(project.number(ended), 2);
            assert!(project.verify().equal, "phase {phase}");
        }
        let listed = runs::list(&project.db, &runs::RunFilter::default(), None, None).unwrap();
        assert_eq!(listed.len(), 1);
        assert_eq!(listed[0].status, RunStatus::Insufficient);
        project.assert_sound();
    }
}

#[test]
fn recorded_rows_of_others_are_not_driven() {
    let project = Project::new();
    let record = record::RunRecord {
        run_id: "X".into(),
        spec: "S".into(),
        stage: "plan".into(),
        ..Default::default()
    };
    let id = record::record_run(&project.db, &record).unwrap();
    let drive =
        |id| super::runtime().block_on(workflow::drive(&project.db, id, &session())).unwrap_err().kind();
    assert_eq!(drive(id), ConsensusErrorKind::Refused);
    assert_eq!(drive(runs::RunId(99)), ConsensusErrorKind::NotFound);
    let shown = runs::show(&project.db, id).unwrap().unwrap();
    assert!(shown.settings.is_none() && shown.roster.is_empty());
}
