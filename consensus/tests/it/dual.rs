//! Own writes on both sides: equal or not at all, byte for byte, once per write key.

use conclave_consensus::record::{
    CompletionRecord, OutputRecord, RunRecord, SpawnRecord, SynthesisRecord, record_completion,
    record_output, record_run, record_spawn, record_synthesis,
};
use conclave_consensus::runs::{self, RunFilter, RunId};
use conclave_consensus::{ConsensusError, ConsensusErrorKind};
use conclave_db::sql::Value;
use conclave_db::{DbError, ErrorKind};

use crate::project::Project;

pub(crate) fn run(key: &str) -> RunRecord {
    RunRecord {
        run_id: key.into(),
        spec: "S".into(),
        stage: "plan".into(),
        at: Some(1_000),
        ..RunRecord::default()
    }
}

pub(crate) fn answer(run: RunId, agent: &str, content: &[u8]) -> OutputRecord {
    OutputRecord {
        run,
        agent: agent.into(),
        attempt: 1,
        content: content.to_vec(),
        response: None,
        at: Some(1_762_828_400_123),
        write_key: None,
    }
}

fn synthesis() -> SynthesisRecord {
    SynthesisRecord {
        output_markdown: "# S".into(),
        status: "ok".into(),
        at: Some(5_000),
        ..SynthesisRecord::default()
    }
}

pub(crate) fn spawn(run: RunId, id: &str) -> SpawnRecord {
    SpawnRecord {
        agent_id: id.into(),
        run,
        agent: "a".into(),
        attempt: 3,
        phase_type: "regular_stage".into(),
        at: Some(2_000),
    }
}

fn completion(id: &str) -> CompletionRecord {
    CompletionRecord {
        agent_id: id.into(),
        response: Some(b"raw \xff\0".to_vec()),
        exit_code: Some(7),
        at: Some(3_001),
        ..CompletionRecord::default()
    }
}

type Write = fn(&Project, RunId) -> Result<(), ConsensusError>;

/// Each kind of write, and the new table that it writes.
const WRITES: &[(&str, &str, Write)] = &[
    ("agent_outputs", "consensus_artifacts", |project, run| {
        record_output(&project.db, &answer(run, "b", b"{}")).map(drop)
    }),
    ("run_syntheses", "consensus_synthesis", |project, run| {
        record_synthesis(&project.db, run, &synthesis()).map(drop)
    }),
    ("run_attempts", "agent_executions", |project, run| record_spawn(&project.db, &spawn(run, "x-2"))),
    ("run_attempts", "agent_executions", |project, _| {
        record_completion(&project.db, &completion("x-1")).map(drop)
    }),
];

fn assert_equal(project: &Project) {
    let report = project.verify();
    assert!(report.equal, "{:?}", report.findings);
    assert_eq!(project.number("SELECT count(*) FROM capture_off"), 0);
    project.assert_sound();
}

/// F 22: what one side refuses, or holds otherwise, is on neither.
#[test]
fn a_difference_takes_both_sides_back() {
    for (number, (new, legacy, write)) in WRITES.iter().enumerate() {
        let event = if number == 3 { "UPDATE" } else { "INSERT" };
        let column = if number == 1 {
            "output_markdown"
        } else if number == 0 {
            "content"
        } else {
            "phase_type"
        };
        for (what, body, field) in [
            ("refuses", "SELECT RAISE(ABORT, 'no room in the new table')".to_owned(), None),
            (
                "alters",
                format!(
                    "UPDATE {new} SET {column} = {column} || 'x' WHERE id = NEW.id AND {column} NOT LIKE '%x'"
                ),
                Some(column),
            ),
            ("loses", format!("DELETE FROM {new} WHERE id = NEW.id"), None),
        ] {
            for phase in [2, 3] {
                let project = Project::in_phase(phase);
                let id = record_run(&project.db, &run("R")).unwrap();
                record_spawn(&project.db, &spawn(id, "x-1")).unwrap();
                let before = project.state();
                project.old_program(&format!("CREATE TRIGGER test AFTER {event} ON {new} BEGIN {body}; END"));
                let error = write(&project, id).unwrap_err();
                let context = format!("{new} {what} in phase {phase}: {error}");
                assert_eq!(error.kind(), ConsensusErrorKind::SidesDiffer, "{context}");
                assert_eq!(error.kind().as_str(), "sides-differ");
                assert!(error.hint().is_some() && !error.is_retryable());
                let ConsensusError::SidesDiffer(difference) = &error else { panic!("{context}") };
                assert_eq!(
                    (difference.finding.table, difference.finding.field),
                    (*legacy, field),
                    "{context}"
                );
                assert!(difference.finding.legacy_id.is_some() || difference.finding.agent_id.is_some());
                assert_eq!(difference.finding.output_id.is_some(), what == "alters", "{context}");
                assert_eq!(project.state(), before, "{context}");
                assert_eq!(project.number("SELECT count(*) FROM capture_off"), 0);
                let kept = "SELECT legacy_table, field FROM migration_findings";
                let named = field.map_or(Value::Null, |field| Value::Text(field.into()));
                assert_eq!(project.rows(kept), [[Value::Text((*legacy).into()), named]], "{context}");
                assert_eq!(project.number("SELECT differences FROM migration_state"), 1);
                assert_eq!(
                    project.number("SELECT count(*) FROM migration_events WHERE kind = 'difference'"),
                    1
                );
                // Without the cause it goes through, and both sides are equal.
                project.old_program("DROP TRIGGER test");
                write(&project, id).unwrap();
                assert_equal(&project);
            }
        }
    }
}

/// A legacy side that says no is no better.
#[test]
fn what_the_legacy_table_refuses_is_not_on_the_new_side() {
    let project = Project::in_phase(2);
    let id = record_run(&project.db, &run("R")).unwrap();
    project.old_program(
        "CREATE TRIGGER test BEFORE INSERT ON consensus_artifacts BEGIN SELECT RAISE(ABORT, 'no'); END",
    );
    let error = record_output(&project.db, &answer(id, "a", b"{}")).unwrap_err();
    assert_eq!(error.kind(), ConsensusErrorKind::SidesDiffer);
    assert_eq!(project.number("SELECT count(*) FROM agent_outputs"), 0);
    assert_eq!(
        project.rows("SELECT kind FROM migration_findings"),
        [[Value::Text("missing_in_legacy".into())]]
    );
}

/// A failed write does not take its neighbours along, which may be in the same group.
#[test]
fn a_difference_is_of_its_write_alone() {
    let project = Project::in_phase(2);
    let id = record_run(&project.db, &run("R")).unwrap();
    project.old_program(
        "CREATE TRIGGER test AFTER INSERT ON agent_outputs WHEN NEW.agent_name = 'bad' BEGIN
           UPDATE agent_outputs SET content = 'altered' WHERE id = NEW.id; END",
    );
    let failed = std::thread::scope(|scope| {
        let writers: Vec<_> = (0..24)
            .map(|n| {
                let db = project.db.clone();
                let agent = if n % 4 == 0 { "bad".to_owned() } else { format!("a{n}") };
                scope.spawn(move || record_output(&db, &answer(id, &agent, b"{}")).is_err())
            })
            .collect();
        writers.into_iter().map(|writer| writer.join().unwrap()).filter(|failed| *failed).count()
    });
    assert_eq!(failed, 6);
    assert_eq!(project.number("SELECT count(*) FROM agent_outputs"), 18);
    assert_eq!(project.number("SELECT count(*) FROM consensus_artifacts"), 18);
    assert_equal(&project);
}

#[test]
fn the_marker_cannot_be_committed() {
    let project = Project::in_phase(2);
    let left = project.refuse("INSERT INTO capture_off(id, never) VALUES(1, 1)");
    assert_eq!(left.kind(), ErrorKind::Constraint);
    assert_eq!(project.number("SELECT count(*) FROM capture_off"), 0);
    // A closure that fails in between leaves none either.
    let failed: Result<(), DbError> = project.db.write("test", |tx| {
        tx.execute("INSERT INTO capture_off(id, never) VALUES(1, 1)", [])?;
        Err(DbError::Invalid("in between".into()))
    });
    assert!(failed.is_err());
    project.old_program(
        "INSERT INTO consensus_artifacts(spec_id, stage, agent_name, content_json, run_id)
           VALUES('S', 'spec-plan', 'a', '{}', 'R')",
    );
    assert_eq!(project.number("SELECT count(*) FROM agent_outputs"), 1, "the triggers are awake");
}

#[test]
fn contents_are_byte_exact_on_both_sides() {
    let big: Vec<u8> = (0..50_000_000_u32).map(|n| (n % 251) as u8).collect();
    let contents: [&[u8]; 6] =
        [b"", b"\0", b"{\"a\":\"\0\"}", b"\xff\xfe{}", "ä\r\n\u{1F600}".as_bytes(), &big];
    for phase in 1..=3 {
        let project = Project::in_phase(phase);
        let id = record_run(&project.db, &run("R")).unwrap();
        for (n, content) in contents.iter().enumerate() {
            let agent = format!("a{n}");
            let output = OutputRecord { response: Some(content.to_vec()), ..answer(id, &agent, content) };
            record_output(&project.db, &output).unwrap();
            for reading in [phase, 3] {
                project.set_phase(reading);
                let stored = runs::output(&project.db, id, &agent, None, None).unwrap().unwrap();
                assert!(stored.content == *content && stored.response.as_deref() == Some(*content), "{n}");
                assert!(!stored.valid_json, "{n}");
            }
            project.set_phase(phase);
        }
        let types = "SELECT count(*) FROM consensus_artifacts l JOIN agent_outputs o ON o.legacy_id = l.id
          WHERE typeof(l.content_json) = 'text' AND typeof(l.response_text) = 'text'
            AND CAST(l.content_json AS BLOB) = CAST(o.content AS BLOB)";
        assert_eq!(project.number(types), 6);
        assert_equal(&project);
    }
}

/// A caller that repeats a write gets the row that is there.
#[test]
fn a_write_key_makes_twice_the_same_as_once() {
    for phase in 1..=5 {
        let project = Project::in_phase(phase);
        let db = &project.db;
        let id = record_run(db, &run("R")).unwrap();
        let output = OutputRecord { write_key: Some("w-1".into()), ..answer(id, "a", b"{}") };
        let first = record_output(db, &output).unwrap();
        record_output(db, &answer(id, "a", b"{}")).unwrap();
        assert_eq!(record_output(db, &output).unwrap(), first);
        let later = OutputRecord { at: Some(9_000), ..output.clone() };
        assert_eq!(record_output(db, &later).unwrap(), first, "the time may be another");
        for other in [
            OutputRecord { content: b"[]".to_vec(), ..output.clone() },
            OutputRecord { agent: "b".into(), ..output.clone() },
            OutputRecord { attempt: 2, ..output.clone() },
        ] {
            assert_eq!(record_output(db, &other).unwrap_err().kind(), ConsensusErrorKind::Invalid);
        }
        let claim = SynthesisRecord { write_key: Some("w-1".into()), ..synthesis() };
        let first = record_synthesis(db, id, &claim).unwrap();
        assert_eq!(record_synthesis(db, id, &claim).unwrap(), first);
        let other = SynthesisRecord { status: "conflict".into(), ..claim };
        assert_eq!(record_synthesis(db, id, &other).unwrap_err().kind(), ConsensusErrorKind::Invalid);
        assert_eq!(project.number("SELECT count(*) FROM agent_outputs"), 2);
        assert_eq!(project.number("SELECT count(*) FROM run_syntheses"), 1);
        if phase < 4 {
            assert_eq!(project.number("SELECT count(*) FROM consensus_artifacts"), 2);
            assert_equal(&project);
        }
        // Another step of the phase does not make it another write.
        project.set_phase(if phase < 4 { phase + 1 } else { phase });
        record_output(db, &output).unwrap();
        assert_eq!(project.number("SELECT count(*) FROM agent_outputs"), 2);
    }
}

/// What the legacy schema has a column for is there in the original's spelling, the rest on the new side.
#[test]
fn legacy_rows_are_spelled_as_the_original_does() {
    for phase in 1..=3 {
        let project = Project::in_phase(phase);
        let db = &project.db;
        for (stage, written) in
            [("spec-plan", "spec-plan"), ("review", "spec-audit"), ("odd", "odd"), ("tasks", "spec-tasks")]
        {
            let id = record_run(db, &RunRecord { stage: stage.into(), ..run("@R") }).unwrap();
            for at in [0, 1_762_828_400_123, -1, 253_402_300_799_999, -62_167_219_200_000] {
                record_output(db, &OutputRecord { at: Some(at), attempt: 2, ..answer(id, "a", b"{}") })
                    .unwrap();
            }
            let rows = format!(
                "SELECT stage, run_id, created_at FROM consensus_artifacts WHERE stage = '{written}' ORDER BY id"
            );
            let text = |text: &str| Value::Text(text.into());
            let wanted = [
                "1970-01-01 00:00:00",
                "2025-11-11 02:33:20.123",
                "1969-12-31 23:59:59.999",
                "9999-12-31 23:59:59.999",
                "0000-01-01 00:00:00",
            ]
            .map(|time| vec![text(written), text("@R"), text(time)]);
            assert_eq!(project.rows(&rows), wanted, "phase {phase}");
            let beyond = OutputRecord { at: Some(i64::MAX), ..answer(id, "a", b"{}") };
            assert_eq!(record_output(db, &beyond).unwrap_err().kind(), ConsensusErrorKind::Invalid);
            let agent = format!("x-{stage}");
            record_spawn(db, &spawn(id, &agent)).unwrap();
            record_completion(db, &completion(&agent)).unwrap();
            let shown = runs::show(db, id).unwrap().unwrap();
            assert_eq!(shown.outputs.iter().map(|one| (one.attempt, one.sequence)).max(), Some((2, 5)));
            let attempt = &shown.attempts[0];
            assert_eq!((attempt.attempt, attempt.exit_code, attempt.completed_at), (3, Some(7), Some(3_001)));
        }
        assert_equal(&project);
        assert_eq!(
            project.number(
                "SELECT count(*) FROM agent_executions WHERE completed_at = '1970-01-01 00:00:03.001'"
            ),
            4
        );
    }
}

/// Runs of rows without run id are known by their time, which further rows must have too.
#[test]
fn answers_to_a_run_without_id_stay_with_it() {
    for phase in 1..=3 {
        let project = Project::in_phase(phase);
        project.old_program(
            "INSERT INTO consensus_artifacts(spec_id, stage, agent_name, content_json, run_id, created_at) VALUES
               ('S', 'spec-plan', 'a', '{}', NULL, '2025-11-03 02:54:13'), ('S', 'plan', 'a', '{}', '', 1762828295),
               ('S', 'odd', 'a', '{}', NULL, 1762828295.5), ('S', 'odd', 'a', '{}', NULL, NULL),
               ('S', 'odd', 'a', '{}', NULL, x'00FF'), ('S', 'odd', 'a', '{}', NULL, CAST(x'FF00' AS TEXT)),
               ('S', 'odd', 'a', '{}', '@id', 'garbage')",
        );
        let listed = runs::list(&project.db, &RunFilter::default(), None, None).unwrap();
        assert_eq!(listed.len(), 7);
        for run in &listed {
            record_output(&project.db, &answer(run.id, "b", b"{}")).unwrap();
            record_synthesis(&project.db, run.id, &synthesis()).unwrap();
            record_spawn(&project.db, &spawn(run.id, &format!("x-{}", run.id))).unwrap();
            record_completion(&project.db, &completion(&format!("x-{}", run.id))).unwrap();
        }
        let after = runs::list(&project.db, &RunFilter::default(), None, None).unwrap();
        assert_eq!(after.iter().map(|run| run.output_count).collect::<Vec<_>>(), [2; 7], "phase {phase}");
        assert_eq!(project.number("SELECT count(*) FROM run_syntheses"), 7);
        assert_equal(&project);
    }
}

/// Where somebody has dropped a trigger, our own writes do not rely on it.
#[test]
fn a_missing_trigger_does_not_leave_a_side_out() {
    let project = Project::in_phase(1);
    for table in ["consensus_artifacts", "consensus_synthesis", "agent_executions"] {
        for event in ["insert", "update"] {
            project.old_program(&format!("DROP TRIGGER capture_{table}_{event}"));
        }
    }
    let id = record_run(&project.db, &run("R")).unwrap();
    record_output(&project.db, &answer(id, "a", b"{}")).unwrap();
    record_synthesis(&project.db, id, &synthesis()).unwrap();
    record_spawn(&project.db, &spawn(id, "x-1")).unwrap();
    record_completion(&project.db, &completion("x-1")).unwrap();
    assert_eq!(project.number("SELECT count(*) FROM agent_outputs WHERE legacy_id = 1"), 1);
    assert_equal(&project);
}

/// An agent that an older program started may be ended here, also before its row is copied.
#[test]
fn an_execution_that_only_the_legacy_table_knows_is_known() {
    for phase in 1..=3 {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state.db");
        let sql = format!(
            "{} INSERT INTO agent_executions(agent_id, spec_id, stage, phase_type, agent_name, run_id, spawned_at)
               VALUES('x-1', 'S', 'spec-plan', 'regular_stage', 'a', 'R', '2025-11-11 02:33:00'),
                     ('x-2', 'S', 'spec-plan', 'regular_stage', 'a', 'R', '2025-11-11 02:33:00');
             UPDATE agent_executions SET completed_at = '2025-11-11 02:34:00', response_text = 'first' WHERE agent_id = 'x-2'",
            crate::project::LEGACY_DDL
        );
        conclave_db::foreign::create(&path, &sql).unwrap();
        let project = Project::over(dir, &path);
        project.set_phase(phase);
        let at = Some(1_762_828_500_000);
        assert!(record_completion(&project.db, &CompletionRecord { at, ..completion("x-1") }).unwrap());
        assert!(!record_completion(&project.db, &completion("x-2")).unwrap(), "the first completion stands");
        let id = record_run(&project.db, &run("R")).unwrap();
        record_spawn(&project.db, &spawn(id, "x-2")).unwrap();
        let attempts = runs::show(&project.db, id).unwrap().unwrap().attempts;
        assert_eq!(attempts.len(), 2);
        assert_eq!((attempts[0].exit_code, attempts[0].completed_at), (Some(7), at));
        assert_eq!(attempts[1].response_text.as_deref(), Some("first"));
        assert_equal(&project);
        let unknown = record_completion(&project.db, &completion("x-3")).unwrap_err();
        assert_eq!(unknown.kind(), ConsensusErrorKind::NotFound);
    }
}

/// An agent that is started again in phase 4 stays as both sides know it.
#[test]
fn a_spawn_again_in_phase_4_is_no_difference() {
    let project = Project::in_phase(3);
    let id = record_run(&project.db, &run("R")).unwrap();
    record_spawn(&project.db, &spawn(id, "a9")).unwrap();
    project.set_phase(4);
    for attempt in [3, 4] {
        let again = SpawnRecord { at: Some(9_000), phase_type: "other".into(), attempt, ..spawn(id, "a9") };
        record_spawn(&project.db, &again).unwrap();
        assert_equal(&project);
        let stored = "SELECT count(*) FROM run_attempts WHERE spawned_at = 2000 AND attempt = ";
        assert_eq!(project.number(&format!("{stored}{attempt}")), 1);
    }
}
