//! A spec on its way through the stages, asked of real processes.

mod agents;
mod unfinished;

use std::time::Duration;

use conclave_consensus::ConsensusErrorKind;
use conclave_consensus::gates::{self, Answered, GateState};
use conclave_consensus::runs::RunStatus;
use conclave_consensus::workflow::{
    Event, Owner, PipelineId, PipelineState, RunRequest, begin, begin_pipeline, cancel, drive,
    drive_pipeline, pipeline, pipeline_of_run, unfinished, unfinished_pipelines,
};
use conclave_testkit::{KillDriver, Parent, Rerun};

use self::agents::{STEPS, Scene, block_on, session};

#[test]
fn a_spec_goes_through_its_stages() {
    let scene = Scene::new("");
    let end = scene.auto(None);
    assert_eq!(end.pipeline.state, PipelineState::Done, "{:?}", end.pipeline.reason);
    assert_eq!(end.verdict.unwrap().status, RunStatus::Ok);
    let steps: Vec<&str> = end.pipeline.steps.iter().map(|step| step.name.as_str()).collect();
    assert_eq!(steps, STEPS);
    for step in &end.pipeline.steps {
        assert_eq!(step.status, Some(RunStatus::Ok), "{step:?}");
        assert_eq!(step.gate_state, step.gate.then_some(GateState::Passed), "{step:?}");
    }
    let keys = scene.number("SELECT count(DISTINCT run_key) FROM consensus_runs");
    assert_eq!((keys, scene.calls().len()), (1, STEPS.len() * 3));
    let prompt = scene.prompt(&end.pipeline, "unlock");
    assert!(
        prompt.starts_with("Build it.\n\n## What came of the stages before\n\n### plan: ok\n\n{"),
        "{prompt}"
    );
    assert!(prompt.contains(r#""work_breakdown":["w"]"#), "{prompt}");
    assert!(prompt.ends_with("STEP unlock"), "{prompt}");
    assert_eq!(scene.prompt(&end.pipeline, "clarify"), "Build it.\n\nSTEP clarify");
    let step = pipeline_of_run(&scene.db, end.pipeline.steps[3].run.unwrap()).unwrap();
    assert_eq!(step.as_ref(), Some(&end.pipeline));
    // It has ended: the next one is another.
    assert!(unfinished_pipelines(&scene.db).unwrap().is_empty());
    assert_eq!(scene.drive(end.pipeline.id).pipeline, pipeline(&scene.db, end.pipeline.id).unwrap().unwrap());
    assert!(!begin_pipeline(&scene.db, &scene.request(None)).unwrap().resumed);
}

#[test]
fn an_open_gate_waits_for_a_person() {
    let scene = Scene::new(r#"clarify) issues='{"id":"Q-1","question":"Which?","answer":"'$NAME'"}';;"#);
    let end = scene.auto(None);
    assert_eq!(end.pipeline.state, PipelineState::Waiting);
    assert_eq!(end.pipeline.reason.as_deref(), Some("clarify: 1 of 1 issues wait for a person"));
    let [open] = &end.open[..] else { panic!("{:?}", end.open) };
    assert_eq!((&*open.issue.id, open.issue.tie, open.before.as_deref()), ("Q-1", true, Some("plan")));
    // Driven again without an answer, nobody is asked anything.
    let again = scene.auto(None);
    assert_eq!((again.pipeline.state, again.pipeline.id), (PipelineState::Waiting, end.pipeline.id));
    assert_eq!(scene.calls().len(), 3);
    let answered = gates::answer(&scene.db, open.run, "Q-1", "the left one", "ada").unwrap();
    assert_eq!(answered, Answered::Stored { left: 0 });
    let done = scene.auto(None);
    assert_eq!((done.pipeline.state, done.pipeline.id), (PipelineState::Done, end.pipeline.id));
    for stage in ["plan", "unlock"] {
        let prompt = scene.prompt(&done.pipeline, stage);
        assert!(prompt.contains("- clarify Q-1: Which?\n  the left one (ada)\n"), "{stage}: {prompt}");
    }
    assert_eq!(scene.calls().len(), STEPS.len() * 3);
}

#[test]
fn what_agents_may_settle_is_given_to_the_next_stage() {
    let scene = Scene::new(
        r#"analyze) issues='{"id":"C-1","description":"25 or 50?","suggested_fix":"50","severity":"minor",
            "resolvability":"auto-fix"}';;"#,
    );
    let end = scene.auto(None);
    assert_eq!(end.pipeline.state, PipelineState::Done);
    let prompt = scene.prompt(&end.pipeline, "implement");
    assert!(prompt.contains("- analyze C-1: 25 or 50?\n  50 (agents)\n"), "{prompt}");
    assert!(!scene.prompt(&end.pipeline, "tasks").contains("C-1"));
    // Whoever begins behind the gate has its answers too.
    let later = scene.auto(Some("validate"));
    assert!(scene.prompt(&later.pipeline, "validate").contains("- analyze C-1: "));
}

#[test]
fn a_gate_that_nobody_answers_halts() {
    let scene = Scene::new("checklist) echo hello; exit 0;;");
    let end = scene.auto(None);
    assert_eq!(end.pipeline.state, PipelineState::Halted);
    assert_eq!(end.pipeline.reason.as_deref(), Some("checklist: no agent gave a payload that could be read"));
    assert_eq!(end.pipeline.steps[2].gate_state, Some(GateState::Failed));
    assert_eq!(end.verdict.unwrap().status, RunStatus::Insufficient);
    assert!(!scene.calls().iter().any(|call| call.ends_with("tasks")));
}

#[test]
fn a_conflict_halts_and_from_goes_on_from_there() {
    let scene = Scene::new("audit) audit=$NAME;;");
    let end = scene.auto(None);
    assert_eq!(end.pipeline.state, PipelineState::Halted);
    assert!(end.pipeline.reason.unwrap().starts_with("audit: conflict: "));
    assert_eq!(end.verdict.unwrap().status, RunStatus::Conflict);
    assert!(!scene.calls().iter().any(|call| call.ends_with("unlock")));
    scene.behave("");
    let next = scene.auto(Some("spec-audit"));
    assert_eq!((next.pipeline.state, next.pipeline.steps.len()), (PipelineState::Done, 2));
    assert_ne!(next.pipeline.id, end.pipeline.id);
    let prompt = scene.prompt(&next.pipeline, "audit");
    assert!(prompt.contains("### validate: ok") && !prompt.contains("### audit"), "{prompt}");
}

#[test]
fn degraded_goes_on_and_insufficient_halts() {
    let scene = Scene::new("plan) [ $NAME = c ] && exit 7;; tasks) [ $NAME = a ] || exit 7;;");
    let end = scene.auto(None);
    assert_eq!(end.pipeline.state, PipelineState::Halted);
    let status = |step: usize| end.pipeline.steps[step].status;
    assert_eq!((status(1), status(3)), (Some(RunStatus::Degraded), Some(RunStatus::Insufficient)));
}

#[test]
fn prompts_are_bounded() {
    let scene = Scene::new("*) notes=$(head -c 200000 /dev/zero | tr '\\0' $NAME);;");
    let end = scene.auto(None);
    assert_eq!(end.pipeline.state, PipelineState::Done, "{:?}", end.pipeline.reason);
    let length = scene.prompt(&end.pipeline, "unlock").len();
    assert!(length < 100_000, "{length}");
}

#[test]
fn another_first_stage_replaces_what_is_unfinished() {
    let scene = Scene::new(r#"clarify) issues='{"id":"Q-1","question":"Which?","answer":"'$NAME'"}';;"#);
    let waiting = scene.auto(None).pipeline;
    let begun = begin_pipeline(&scene.db, &scene.request(Some("tasks"))).unwrap();
    assert!(!begun.resumed);
    let replaced = pipeline(&scene.db, waiting.id).unwrap().unwrap();
    assert_eq!(replaced.state, PipelineState::Replaced);
    assert!(gates::open(&scene.db).unwrap().is_empty(), "nobody waits for them any more");
    // The gate before the stage is the same first step; so is nothing at all.
    for from in [Some("tasks"), Some("spec-tasks"), Some("checklist"), None] {
        let again = begin_pipeline(&scene.db, &scene.request(from)).unwrap();
        assert_eq!((again.id, again.resumed), (begun.id, true), "{from:?}");
    }
    let end = scene.drive(begun.id).pipeline;
    assert_eq!((end.state, end.steps[0].name.as_str()), (PipelineState::Done, "checklist"));
    // Another spec has its own.
    let mut other = scene.request(None);
    other.spec = "S-2".into();
    assert!(!begin_pipeline(&scene.db, &other).unwrap().resumed);
}

#[test]
fn an_interrupted_pipeline_goes_on() {
    let scene = Scene::new("");
    let begun = begin_pipeline(&scene.db, &scene.request(None)).unwrap();
    let mut session = session();
    let stop = session.stop.clone();
    session.observer = std::sync::Arc::new(move |event| {
        if matches!(event, Event::Closed { .. }) {
            stop.cancel();
        }
    });
    let end = scene.drive_with(begun.id, &session).unwrap();
    assert_eq!((end.pipeline.state, scene.calls().len()), (PipelineState::Running, 3));
    assert_eq!(end.pipeline.owner, Owner::Nobody);
    assert_eq!(scene.auto(None).pipeline.state, PipelineState::Done);
    assert_eq!(scene.calls().len(), STEPS.len() * 3);
}

/// Every write of a pipeline, and some of its runs': one that is not made is as the death of the process before it,
/// and after the one before.
#[test]
fn a_pipeline_goes_on_after_any_write_that_was_not_made() {
    let rows = "SELECT group_concat(line, char(10)) FROM (SELECT r.stage || r.status || o.agent_name || o.content AS line
        FROM consensus_runs r JOIN agent_outputs o ON o.run_id = r.id
        UNION ALL SELECT issue_id || issue || answer || answered_by FROM gate_issues
        UNION ALL SELECT payloads || rejected FROM gate_results
        UNION ALL SELECT verdict FROM run_verdicts
        UNION ALL SELECT state FROM pipelines ORDER BY line)";
    let clarify =
        r#"clarify) issues='{"id":"Q-1","question":"Which?","answer":"yes","resolvability":"auto-fix"}';;"#;
    let undisturbed = {
        let scene = Scene::new(clarify);
        scene.auto(None);
        scene.text(rows)
    };
    for point in [
        "UPDATE ON pipelines WHEN NEW.owner IS NOT NULL",
        "INSERT ON consensus_runs WHEN NEW.stage = 'clarify'",
        "INSERT ON consensus_runs WHEN NEW.stage = 'plan'",
        "INSERT ON consensus_runs WHEN NEW.stage = 'unlock'",
        "INSERT ON run_verdicts WHEN (SELECT stage FROM consensus_runs WHERE id = NEW.run_id) = 'clarify'",
        "INSERT ON run_verdicts WHEN (SELECT stage FROM consensus_runs WHERE id = NEW.run_id) = 'unlock'",
        "INSERT ON gate_results WHEN TRUE",
        "INSERT ON gate_issues WHEN TRUE",
        "UPDATE ON pipelines WHEN NEW.state = 'done'",
    ] {
        let scene = Scene::new(clarify);
        let begun = begin_pipeline(&scene.db, &scene.request(None)).unwrap();
        scene.write(&format!("CREATE TRIGGER no AFTER {point} BEGIN SELECT RAISE(ABORT, 'not made'); END"));
        scene.drive_with(begun.id, &session()).unwrap_err();
        let shown = pipeline(&scene.db, begun.id).unwrap().unwrap();
        assert_eq!(shown.state, PipelineState::Running, "{point}");
        scene.write("DROP TRIGGER no");
        let end = scene.auto(None);
        assert_eq!((end.pipeline.state, end.pipeline.id), (PipelineState::Done, begun.id), "{point}");
        assert_eq!(scene.text(rows), undisturbed, "{point}");
        assert_eq!(scene.calls().len(), STEPS.len() * 3, "nobody was asked twice: {point}");
    }
}

#[test]
fn a_process_drives_a_pipeline_once() {
    let scene = Scene::new("");
    let id = begin_pipeline(&scene.db, &scene.request(None)).unwrap().id;
    let session = session();
    let (first, second) = block_on(async {
        tokio::join!(drive_pipeline(&scene.db, id, &session), drive_pipeline(&scene.db, id, &session))
    });
    assert_eq!(second.unwrap_err().kind(), ConsensusErrorKind::Refused);
    assert_eq!(first.unwrap().pipeline.state, PipelineState::Done);
}

#[test]
fn a_cancelled_step_halts() {
    let scene = Scene::new("plan) sleep 60;;");
    let id = begin_pipeline(&scene.db, &scene.request(None)).unwrap().id;
    let (told, mut heard) = tokio::sync::mpsc::unbounded_channel();
    let mut session = session();
    session.observer = std::sync::Arc::new(move |event| {
        if let Event::Begun { run } = event {
            told.send(run).unwrap();
        }
    });
    let (end, _) = block_on(async {
        tokio::join!(drive_pipeline(&scene.db, id, &session), async {
            heard.recv().await.unwrap();
            let plan = heard.recv().await.unwrap();
            cancel(&scene.db, plan, "ada").await.unwrap()
        })
    });
    let pipeline = end.unwrap().pipeline;
    assert_eq!(
        (pipeline.state, pipeline.reason.as_deref()),
        (PipelineState::Halted, Some("plan: cancelled"))
    );
}

#[test]
fn what_makes_no_sense_is_refused() {
    let scene = Scene::new("");
    let request = || scene.request(None);
    let mut cases = vec![scene.request(Some("deploy")), scene.request(Some(""))];
    cases.push({
        let mut it = request();
        it.spec.clear();
        it
    });
    cases.push({
        let mut it = request();
        it.agents.clear();
        it
    });
    cases.push({
        let mut it = request();
        it.agents.push(it.agents[0].clone());
        it
    });
    cases.push({
        let mut it = request();
        it.agents.iter_mut().for_each(|agent| agent.stages = vec!["plan".into()]);
        it
    });
    cases.push({
        let mut it = request();
        it.quorum = Some(4);
        it
    });
    cases.push({
        let mut it = request();
        it.quorum = Some(0);
        it
    });
    cases.push({
        let mut it = request();
        it.brief = Some(b" \n".to_vec());
        it
    });
    cases.push({
        let mut it = request();
        it.brief = Some(b"\xff".to_vec());
        it
    });
    cases.push({
        let mut it = request();
        it.prompts.insert("plan".into(), Vec::new());
        it
    });
    cases.push({
        let mut it = request();
        it.gate_timeout = Duration::ZERO;
        it
    });
    for request in cases {
        let refused = begin_pipeline(&scene.db, &request).unwrap_err();
        assert_eq!(refused.kind(), ConsensusErrorKind::Invalid, "{refused}");
    }
    assert!(unfinished_pipelines(&scene.db).unwrap().is_empty());
    let nothing = scene.drive_with(PipelineId(99), &session()).unwrap_err();
    assert_eq!(nothing.kind(), ConsensusErrorKind::NotFound);
}

/// Drives the pipeline of the scene that the parent made, and tells each event.
fn child(mut parent: Parent) {
    let scene = Scene::of_parent();
    let mut session = session();
    parent.wait_for_release();
    let parent = std::sync::Mutex::new(parent);
    session.observer = std::sync::Arc::new(move |event| {
        let line = format!("{event:?}");
        parent.lock().unwrap().say(line.split_whitespace().next().unwrap());
    });
    // The one before may have been killed when it was done: then it is not begun again.
    if pipeline(&scene.db, PipelineId(1)).unwrap().is_none() {
        begin_pipeline(&scene.db, &scene.request(None)).unwrap();
    }
    scene.drive_with(PipelineId(1), &session).unwrap();
}

#[test]
fn a_pipeline_has_one_driver() {
    if let Some(parent) = Parent::of_this_process() {
        return child(parent);
    }
    let scene = Scene::new("clarify) sleep 60;;");
    let mut driver = scene.rerun(&Rerun::of("pipeline::a_pipeline_has_one_driver")).start();
    driver.release();
    while driver.line().unwrap() != "Started" {}
    let begun = begin_pipeline(&scene.db, &scene.request(None)).unwrap();
    assert!(begun.resumed);
    let refused = scene.drive_with(begun.id, &session()).unwrap_err();
    assert_eq!(refused.kind(), ConsensusErrorKind::Refused);
    assert!(refused.to_string().ends_with(&format!("process {}", driver.pid())), "{refused}");
    let replace = begin_pipeline(&scene.db, &scene.request(Some("audit"))).unwrap_err();
    assert_eq!(replace.kind(), ConsensusErrorKind::Refused);
    driver.kill();
    // What it left unfinished is closed, without asking anybody, when another one takes its place.
    scene.behave("");
    let begun = begin_pipeline(&scene.db, &scene.request(Some("audit"))).unwrap();
    assert_eq!(scene.drive(begun.id).pipeline.state, PipelineState::Done);
    assert!(unfinished(&scene.db).unwrap().is_empty());
}

#[test]
fn a_pipeline_survives_kill_anywhere() {
    if let Some(parent) = Parent::of_this_process() {
        return child(parent);
    }
    for seed in 0..3 {
        let scene = Scene::new(
            r#"clarify) issues='{"id":"Q-1","question":"Which?","answer":"yes",
            "resolvability":"auto-fix"}';;"#,
        );
        let mut kills = KillDriver::new(seed);
        let rerun = scene.rerun(&Rerun::of("pipeline::a_pipeline_survives_kill_anywhere"));
        let mut killed = 0;
        while !kills.run_and_kill(rerun.start(), 30, Duration::from_millis(20)).ended {
            killed += 1;
        }
        assert!(killed > 1, "seed {seed}");
        // Whoever ended by itself had gone to the end; an ended pipeline is not begun again here.
        let count = |query: &str| scene.number(query);
        assert_eq!(count("SELECT count(*) FROM pipelines WHERE state = 'done'"), 1, "seed {seed}");
        assert_eq!(count("SELECT count(*) FROM pipelines WHERE ended_at IS NULL"), 0, "seed {seed}");
        assert_eq!(count("SELECT count(*) FROM consensus_runs WHERE status = 'ok'"), 9, "seed {seed}");
        assert_eq!(count("SELECT count(DISTINCT run_key) FROM consensus_runs"), 1, "seed {seed}");
        assert_eq!(count("SELECT count(*) FROM agent_outputs"), 27, "seed {seed}");
        assert_eq!(
            count("SELECT count(DISTINCT run_id || agent_name) FROM agent_outputs"),
            27,
            "seed {seed}"
        );
        assert_eq!(count("SELECT count(*) FROM gate_results"), 3, "seed {seed}");
        assert_eq!(count("SELECT count(*) FROM gate_issues WHERE answered_by = 'agents'"), 1, "seed {seed}");
        assert_eq!(count("SELECT count(*) FROM run_verdicts"), 9, "seed {seed}");
    }
}

#[test]
fn a_gate_of_its_own_is_recorded_when_it_is_closed() {
    let scene = Scene::new(r#"clarify) issues='{"id":"Q-1","question":"Which?","answer":"'$NAME'"}';;"#);
    let all = scene.request(None);
    let request = RunRequest {
        spec: all.spec,
        stage: "clarify".into(),
        run_key: None,
        prompt: b"STEP clarify".to_vec(),
        agents: all.agents,
        quorum: None,
        accept: all.accept,
        timeout: all.gate_timeout,
        sequential: false,
        gate: true,
        directory: all.directory,
        actor: all.actor,
    };
    let run = begin(&scene.db, &request).unwrap();
    assert_eq!(gates::record(&scene.db, run).unwrap_err().kind(), ConsensusErrorKind::Refused);
    block_on(drive(&scene.db, run, &session())).unwrap();
    let gate = gates::of_run(&scene.db, run).unwrap().unwrap();
    assert_eq!((gate.state, gate.payloads), (GateState::Open, 3));
    assert_eq!(gates::record(&scene.db, run).unwrap(), gate);
}
