//! Recording what comes about: one row for a run, nothing lost, nothing erased.

use std::sync::Arc;

use conclave_consensus::record::{
    CompletionRecord, OutputRecord, RunRecord, SpawnRecord, SynthesisRecord, record_completion,
    record_output, record_run, record_spawn, record_synthesis,
};
use conclave_consensus::runs::{self, RunFilter, RunId, RunStatus};
use conclave_consensus::{ConsensusError, ConsensusErrorKind};
use conclave_db::{DbOptions, ErrorKind};
use conclave_testkit::ManualClock;

use crate::project::{Project, schema};

fn run(id: &str) -> RunRecord {
    RunRecord { run_id: id.into(), spec: "S".into(), stage: "spec-plan".into(), ..RunRecord::default() }
}

fn answer(run: RunId, agent: &str, content: &str, at: i64) -> OutputRecord {
    OutputRecord {
        run,
        agent: agent.into(),
        attempt: 1,
        content: content.as_bytes().to_vec(),
        response: None,
        at: Some(at),
        write_key: None,
    }
}

/// Does the same in every phase. Where both sides are written, they must be equal afterwards.
fn in_every_phase(test: impl Fn(&Project)) {
    for phase in 1..=5 {
        let project = Project::in_phase(phase);
        test(&project);
        if phase < 4 {
            let report = project.verify();
            assert!(report.equal, "phase {phase}: {:?}", report.findings);
            let sides =
                "SELECT (SELECT count(*) FROM consensus_artifacts), (SELECT count(*) FROM agent_outputs),
              (SELECT count(*) FROM consensus_synthesis), (SELECT count(*) FROM run_syntheses),
              (SELECT count(*) FROM agent_executions), (SELECT count(*) FROM run_attempts)";
            let sides = project.rows(sides).remove(0);
            assert!(sides.chunks(2).all(|pair| pair[0] == pair[1]), "phase {phase}: {sides:?}");
            assert_eq!(
                project.number("SELECT writes FROM capture_seen"),
                0,
                "phase {phase}: none was an old one's"
            );
        } else if phase == 4 {
            assert_eq!(project.number("SELECT count(*) FROM consensus_artifacts"), 0);
        }
        let captured = "SELECT (SELECT count(captured_phase) FROM agent_outputs)
          + (SELECT count(captured_phase) FROM run_syntheses) + (SELECT count(captured_phase) FROM run_attempts)";
        assert_eq!(project.number(captured), 0, "phase {phase}: all is our own");
        assert_eq!(project.number("SELECT count(*) FROM capture_off"), 0);
        project.assert_sound();
    }
}

#[test]
fn concurrent_agents_share_one_run() {
    for (agents, at) in [(3, 1_762_828_400_000), (20, 1_762_828_400_000)] {
        in_every_phase(|project| {
            std::thread::scope(|scope| {
                for agent in 0..agents {
                    let db = project.db.clone();
                    scope.spawn(move || {
                        let id = record_run(&db, &RunRecord { at: Some(at), ..run("R") }).unwrap();
                        record_output(&db, &answer(id, &format!("agent{agent}"), "{}", at)).unwrap();
                    });
                }
            });
            let id = record_run(&project.db, &RunRecord { at: Some(at), ..run("R") }).unwrap();
            let synthesis = SynthesisRecord { status: "ok".into(), ..SynthesisRecord::default() };
            record_synthesis(&project.db, id, &synthesis).unwrap();
            let listed = runs::list(&project.db, &RunFilter::default(), None, None).unwrap();
            assert_eq!(listed.len(), 1);
            assert_eq!((listed[0].id, listed[0].output_count), (id, agents));
            // None of the answers has what a plan must have, whatever the synthesis claims.
            assert_eq!((listed[0].status, listed[0].consensus_ok), (RunStatus::Degraded, Some(false)));
            assert_eq!(listed[0].recorded.as_deref(), Some("ok"));
        });
    }
}

#[test]
fn recording_a_run_again_gives_its_own_id_and_keeps_its_synthesis() {
    in_every_phase(|project| {
        let db = &project.db;
        let with = RunRecord {
            synthesis_json: Some("{\"a\":1}".into()),
            status: Some(RunStatus::Conflict),
            consensus_ok: Some(false),
            ..run("A")
        };
        let a = record_run(db, &with).unwrap();
        let b = record_run(db, &run("B")).unwrap();
        let again = record_run(db, &run("A")).unwrap();
        assert_eq!((a, b, again), (RunId(1), RunId(2), RunId(1)));
        let detail = runs::show(db, a).unwrap().unwrap();
        assert_eq!(detail.synthesis.unwrap()["a"], 1);
        assert_eq!(
            (detail.summary.status, detail.summary.recorded.as_deref()),
            (RunStatus::Unknown, Some("conflict"))
        );
        assert_eq!(detail.summary.stage, "plan");
        // Numbers have no gaps, however often a run is recorded.
        assert_eq!(record_run(db, &run("C")).unwrap(), RunId(3));
        // Another stage of the same key is another run.
        let tasks = RunRecord { stage: "tasks".into(), ..run("A") };
        assert_eq!(record_run(db, &tasks).unwrap(), RunId(4));
        let refused =
            record_run(db, &RunRecord { synthesis_json: Some("no".into()), ..run("D") }).unwrap_err();
        assert_eq!(refused.kind(), ConsensusErrorKind::Storage(ErrorKind::Constraint));
        assert_eq!(record_run(db, &run("")).unwrap_err().kind(), ConsensusErrorKind::Invalid);
    });
}

#[test]
fn an_agent_that_answers_twice_has_two_rows_and_the_latest_is_read() {
    in_every_phase(|project| {
        let id = record_run(&project.db, &run("R")).unwrap();
        let first = record_output(&project.db, &answer(id, "a", "{\"v\":1,\"model\":\"m-1\"}", 1)).unwrap();
        let second = record_output(&project.db, &answer(id, "a", "no json", 2)).unwrap();
        assert_eq!((first.sequence, second.sequence), (1, 2));
        assert_eq!((first.valid_json, second.valid_json), (true, false));
        let latest = runs::output(&project.db, id, "a", None, None).unwrap().unwrap();
        assert_eq!((latest.id, latest.content), (second.id, b"no json".to_vec()));
        let earlier = runs::output(&project.db, id, "a", Some(1), Some(1)).unwrap().unwrap();
        assert_eq!(earlier.id, first.id);
        let detail = runs::show(&project.db, id).unwrap().unwrap();
        assert_eq!(detail.outputs.len(), 2);
        assert_eq!(detail.outputs[0].model_version.as_deref(), Some("m-1"));
        let raw = OutputRecord {
            content: b"\xff{}".to_vec(),
            response: Some(vec![0, 255]),
            ..answer(id, "b", "", 3)
        };
        assert!(!record_output(&project.db, &raw).unwrap().valid_json);
        let stored = runs::output(&project.db, id, "b", None, None).unwrap().unwrap();
        assert_eq!((stored.content, stored.response), (raw.content, raw.response));
        let nowhere = record_output(&project.db, &answer(RunId(99), "a", "", 0)).unwrap_err();
        assert_eq!(nowhere.kind(), ConsensusErrorKind::NotFound);
    });
}

#[test]
fn an_output_after_the_synthesis_does_not_hide_it() {
    in_every_phase(|project| {
        let db = &project.db;
        let id = record_run(db, &RunRecord { at: Some(10), ..run("R") }).unwrap();
        let synthesis =
            SynthesisRecord { output_markdown: "# S".into(), status: "ok".into(), ..Default::default() };
        record_synthesis(db, id, &synthesis).unwrap();
        record_output(db, &answer(id, "late", "{}", 20)).unwrap();
        // Nor does a newer run without one.
        record_run(db, &RunRecord { at: Some(30), ..run("newer") }).unwrap();
        let (found, text) = runs::latest_synthesis(db, "S", "spec-plan").unwrap().unwrap();
        assert_eq!(found, id);
        assert!(text.contains("# S"));
        let none =
            SynthesisRecord { output_markdown: "# T".into(), status: "odd".into(), ..Default::default() };
        record_synthesis(db, id, &none).unwrap();
        let (_, text) = runs::latest_synthesis(db, "S", "plan").unwrap().unwrap();
        assert!(text.contains("# T"), "the newest by id");
        assert_eq!(project.number("SELECT count(*) FROM run_syntheses"), 2);
    });
}

fn spawn(run: RunId) -> SpawnRecord {
    SpawnRecord {
        agent_id: "x-1".into(),
        run,
        agent: "gemini".into(),
        attempt: 1,
        phase_type: "regular_stage".into(),
        at: Some(100),
    }
}

#[test]
fn a_second_spawn_keeps_the_completion() {
    in_every_phase(|project| {
        let db = &project.db;
        let id = record_run(db, &run("R")).unwrap();
        record_spawn(db, &spawn(id)).unwrap();
        record_spawn(db, &SpawnRecord { at: Some(150), ..spawn(id) }).unwrap();
        let done = CompletionRecord {
            agent_id: "x-1".into(),
            response: Some(b"raw".to_vec()),
            exit_code: Some(0),
            at: Some(200),
            ..CompletionRecord::default()
        };
        assert!(record_completion(db, &done).unwrap());
        record_spawn(db, &SpawnRecord { at: Some(300), ..spawn(id) }).unwrap();
        let later = CompletionRecord { response: Some(b"other".to_vec()), at: Some(400), ..done.clone() };
        assert!(!record_completion(db, &later).unwrap(), "the first completion stands");
        let attempts = runs::show(db, id).unwrap().unwrap().attempts;
        assert_eq!(attempts.len(), 1);
        let attempt = &attempts[0];
        assert_eq!((attempt.spawned_at, attempt.completed_at), (Some(150), Some(200)));
        assert_eq!((attempt.response_text.as_deref(), attempt.state.as_str()), (Some("raw"), "completed"));
        assert_eq!(attempt.exit_code, Some(0));
        let other = record_run(db, &run("other")).unwrap();
        assert_eq!(record_spawn(db, &spawn(other)).unwrap_err().kind(), ConsensusErrorKind::Invalid);
    });
}

#[test]
fn a_completion_of_an_unknown_id_is_an_error() {
    in_every_phase(|project| {
        let unknown = CompletionRecord { agent_id: "nobody".into(), ..CompletionRecord::default() };
        let error = record_completion(&project.db, &unknown).unwrap_err();
        assert!(
            matches!(&error, ConsensusError::NotFound { what: "attempt", name } if name == "nobody"),
            "{error}"
        );
        assert_eq!(error.to_string(), "no attempt \"nobody\"");
    });
}

#[test]
fn times_come_from_the_clock_and_keep_their_year() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::at_wall_ms(1_762_828_400_123));
    let options = DbOptions::new(dir.path().join("state.db"), schema()).clock(clock);
    let db = conclave_db::Db::open(options).unwrap();
    let id = record_run(&db, &run("R")).unwrap();
    record_output(&db, &OutputRecord { at: None, ..answer(id, "a", "{}", 0) }).unwrap();
    let detail = serde_json::to_value(runs::show(&db, id).unwrap().unwrap()).unwrap();
    assert_eq!(detail["started_at"], "2025-11-11T02:33:20.123Z");
    assert_eq!(detail["outputs"][0]["completed_at"], "2025-11-11T02:33:20.123Z");
}

#[test]
fn an_answer_is_numbered_within_its_attempt_and_the_newest_attempt_is_read() {
    let project = Project::new();
    let db = &project.db;
    let id = record_run(db, &run("R")).unwrap();
    let say = |attempt, content: &str| {
        let output = OutputRecord { attempt, ..answer(id, "a", content, 1) };
        record_output(db, &output).unwrap().sequence
    };
    // A late answer of the first attempt comes behind that of the second.
    assert_eq!((say(1, "1.1"), say(2, "2.1"), say(1, "1.2")), (1, 1, 2));
    let read = |attempt, sequence| {
        let found = runs::output(db, id, "a", attempt, sequence).unwrap();
        found.map(|output| String::from_utf8(output.content).unwrap())
    };
    for (attempt, sequence, wanted) in [
        (None, None, Some("2.1")),
        (Some(1), None, Some("1.2")),
        (Some(1), Some(1), Some("1.1")),
        (Some(2), Some(1), Some("2.1")),
        (None, Some(2), Some("1.2")),
        (Some(2), Some(2), None),
        (Some(3), None, None),
    ] {
        assert_eq!(read(attempt, sequence).as_deref(), wanted, "{attempt:?} {sequence:?}");
    }
}

#[test]
fn a_run_keeps_its_start_and_moves_on_with_what_is_recorded() {
    let project = Project::new();
    let db = &project.db;
    let again = |at| record_run(db, &RunRecord { at: Some(at), ..run("R") }).unwrap();
    let id = again(100);
    let times = || {
        let run = runs::show(db, id).unwrap().unwrap().summary;
        (run.started_at, run.updated_at)
    };
    again(200);
    assert_eq!(times(), (Some(100), Some(200)));
    again(150);
    assert_eq!(times(), (Some(100), Some(200)), "a clock that went back");
    record_output(db, &answer(id, "a", "{}", 300)).unwrap();
    assert_eq!(times(), (Some(100), Some(300)));
    record_output(db, &answer(id, "a", "{}", 250)).unwrap();
    assert_eq!(times(), (Some(100), Some(300)));
    record_spawn(db, &SpawnRecord { at: Some(400), ..spawn(id) }).unwrap();
    assert_eq!(times(), (Some(100), Some(400)));
    let done = CompletionRecord { agent_id: "x-1".into(), at: Some(500), ..CompletionRecord::default() };
    record_completion(db, &done).unwrap();
    assert_eq!(times(), (Some(100), Some(500)));
    record_synthesis(db, id, &SynthesisRecord { at: Some(600), ..SynthesisRecord::default() }).unwrap();
    assert_eq!(times(), (Some(100), Some(600)));
}

/// What a run id may hold is not what rows without one are grouped by.
#[test]
fn a_run_id_that_looks_like_a_group_is_none() {
    let project = Project::new();
    let group = RunRecord { run_id: "@text:2025-11-03 02:54:13".into(), spec: "S1".into(), ..run("") };
    let own = record_run(&project.db, &group).unwrap();
    assert_eq!(record_run(&project.db, &group).unwrap(), own);
    assert_eq!(project.import(&project.golden()).runs, 10);
    let own = runs::show(&project.db, own).unwrap().unwrap();
    assert_eq!(
        (own.summary.run_key.as_str(), own.summary.output_count),
        ("@id:@text:2025-11-03 02:54:13", 0)
    );
}

#[test]
fn an_attempt_without_an_answer_has_failed_and_attempts_stand_in_order() {
    let project = Project::new();
    let db = &project.db;
    let id = record_run(db, &run("R")).unwrap();
    for (agent_id, agent, at) in [("late", "gemini", 300), ("early", "claude", 100), ("same", "code", 300)] {
        let started =
            SpawnRecord { agent_id: agent_id.into(), agent: agent.into(), at: Some(at), ..spawn(id) };
        record_spawn(db, &started).unwrap();
    }
    let failed = CompletionRecord {
        agent_id: "late".into(),
        extraction_error: Some("no JSON".into()),
        signal: Some(9),
        at: Some(400),
        ..CompletionRecord::default()
    };
    record_completion(db, &failed).unwrap();
    let run = runs::show(db, id).unwrap().unwrap();
    let attempts: Vec<_> =
        run.attempts.iter().map(|attempt| (attempt.agent_id.as_str(), attempt.state.as_str())).collect();
    assert_eq!(attempts, [("early", "spawned"), ("late", "failed"), ("same", "spawned")]);
    assert_eq!(
        (run.attempts[1].extraction_error.as_deref(), run.attempts[1].signal),
        (Some("no JSON"), Some(9))
    );
    assert_eq!(run.summary.agents, ["claude", "code", "gemini"], "who has not answered is named too");
}

#[test]
fn nothing_is_recorded_of_a_run_that_is_not_there() {
    let project = Project::new();
    let nowhere = RunId(99);
    let errors = [
        record_output(&project.db, &answer(nowhere, "a", "", 0)).map(drop).unwrap_err(),
        record_synthesis(&project.db, nowhere, &SynthesisRecord::default()).map(drop).unwrap_err(),
        record_spawn(&project.db, &spawn(nowhere)).unwrap_err(),
    ];
    for error in errors {
        assert!(matches!(&error, ConsensusError::NotFound { what: "run", name } if name == "99"), "{error}");
    }
}
