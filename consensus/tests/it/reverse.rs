//! The way back from phase 4: what only the new tables have gets its legacy row.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use conclave_consensus::migrate::{self, RollbackOptions, rollback};
use conclave_consensus::record::{CompletionRecord, record_completion, record_output};
use conclave_consensus::runs::RunId;
use conclave_db::sql::Value;
use conclave_db::{Db, DbOptions};
use conclave_testkit::{KillDriver, Parent, Rerun};

use crate::dual::answer;
use crate::phases::Timed;
use crate::project::{Project, rows, schema};

/// What a project writes in phase 4: runs of every kind of key, times with and without milliseconds, attempts
/// that ended in every way, an attempt of before that has ended since, and what a legacy row cannot say.
const NEW_ROWS: &str = "
INSERT INTO consensus_runs(id, run_key, spec_id, stage, run_timestamp, status) VALUES
  (100, 'run_N', 'S', 'plan', 1, 'ok'), (101, '@id:@odd', 'S', 'my stage', 1, 'unknown'),
  (102, '@text:2025-11-03 02:54:13', 'N', 'audit', 1, 'unknown'), (103, 'roster', 'S', 'plan', 1, 'running'),
  (104, '@integer:1762828295', 'N', 'plan', 1, 'unknown'), (105, '@null:', 'N', 'plan', NULL, 'unknown');
INSERT INTO agent_outputs(run_id, agent_name, content, response_text, output_timestamp, sequence, valid_json) VALUES
  (100, 'a', '{}', 'raw', 1762828400000, 1, 1), (100, 'a', CAST(x'00ff' AS TEXT), NULL, 1762828400123, 2, 0),
  (101, 'a', '', NULL, -1, 1, 0), (102, 'a', 'x', NULL, 1762138453000, 1, 0),
  (102, 'b', 'other time', NULL, 5, 1, 0), (104, 'a', 'y', NULL, 1762828295000, 1, 0),
  (105, 'a', 'z', NULL, NULL, 1, 0), (100, 'b', 'timeless', NULL, NULL, 1, 0),
  (100, 'c', 'far away', NULL, 999999999999999, 1, 0), (100, 'd', 'long ago', NULL, -62167219200000, 1, 0);
INSERT INTO run_syntheses(run_id, output_markdown, status, artifacts_count, degraded, created_at) VALUES
  (100, '# N', 'ok', 2, 0, 1762828400999), (101, '', 'degraded', NULL, 1, 0);
INSERT INTO run_attempts(agent_id, run_id, agent_name, phase_type, spawned_at, completed_at, state, exit_code,
    extraction_error, response_text) VALUES
  ('n-1', 100, 'a', 'regular_stage', 1762828400000, 1762828400123, 'completed', 0, NULL, 'raw'),
  ('n-2', 100, 'b', 'regular_stage', 1762828400000, NULL, 'spawned', NULL, NULL, NULL),
  ('n-3', 100, 'c', 'regular_stage', 1762828400000, 1762828400001, 'failed', 1, 'no answer', 'text'),
  ('n-4', 103, 'c', 'regular_stage', 1762828400000, 1762828400001, 'lost', NULL, NULL, NULL),
  ('n-5', 100, 'c', NULL, 1762828400000, NULL, 'spawned', NULL, NULL, NULL);
UPDATE run_attempts SET completed_at = 1762828500000, response_text = 'ended', state = 'completed', exit_code = 0
  WHERE agent_id = 'x-1';";

fn in_phase_4() -> Timed {
    let timed = Timed::in_phase(2);
    conclave_db::foreign::run(
        timed.project.db.path(),
        "INSERT INTO agent_executions(agent_id, spec_id, stage, phase_type, agent_name, run_id, spawned_at)
           VALUES('x-1', 'S1', 'spec-plan', 'regular_stage', 'gemini', 'run_A', '2025-11-11 02:33:00');
         INSERT INTO consensus_artifacts(id, spec_id, stage, agent_name, content_json) VALUES(500, 'S', 'plan', 'a', '');
         DELETE FROM consensus_artifacts WHERE id = 500",
    )
    .unwrap();
    timed.force(3);
    timed.force(4);
    timed.project.write(NEW_ROWS);
    timed
}

fn text(value: &str) -> Value {
    Value::Text(value.into())
}

/// Facts 9.26, and what the legacy tables cannot say.
#[test]
fn scenario_26_what_only_the_new_tables_have_appears_in_the_legacy_ones() {
    let timed = in_phase_4();
    let project = &timed.project;
    assert!(project.verify().equal, "what legacy has not heard of is no difference in phase 4");
    let outputs = "SELECT * FROM agent_outputs WHERE legacy_id <= 14 ORDER BY id";
    let before = project.rows(outputs);

    let options = RollbackOptions { to: Some(2), dry_run: true, ..Default::default() };
    let plan = rollback(&project.db, &options, &mut |_| {}).unwrap().back.unwrap();
    assert_eq!((plan.rows, plan.artifacts, plan.executions, plan.syntheses), (14, 9, 3, 2));
    let said = plan.stays.join("\n");
    for part in ["1 outputs", "2 attempts", "exit codes", "1 verdicts"] {
        assert!(said.contains(part), "{said}");
    }
    assert_eq!(project.number("SELECT count(*) FROM consensus_artifacts"), 14, "a dry run writes nothing");

    let report = timed.back(Some(2)).unwrap();
    assert_eq!((report.phase, report.rows), (2, 14));
    let verified = project.verify();
    assert!(verified.equal, "{:?}", verified.findings);
    assert_eq!(project.rows(outputs), before);
    // Ids behind every one that was ever used.
    let row = |id, stage: &str, run_id: Value, at: Value| vec![Value::Integer(id), text(stage), run_id, at];
    let run_n = || text("run_N");
    assert_eq!(
        project
            .rows("SELECT id, stage, run_id, created_at FROM consensus_artifacts WHERE id > 14 ORDER BY id"),
        [
            row(501, "spec-plan", run_n(), text("2025-11-11 02:33:20")),
            row(502, "spec-plan", run_n(), text("2025-11-11 02:33:20.123")),
            row(503, "my stage", text("@odd"), text("1969-12-31 23:59:59.999")),
            row(504, "spec-audit", Value::Null, text("2025-11-03 02:54:13")),
            row(505, "spec-plan", Value::Null, Value::Integer(1_762_828_295)),
            row(506, "spec-plan", Value::Null, Value::Null),
            row(507, "spec-plan", run_n(), Value::Null),
            row(508, "spec-plan", run_n(), Value::Integer(999_999_999_999_999)),
            row(509, "spec-plan", run_n(), text("0000-01-01 00:00:00")),
        ]
    );
    assert_eq!(
        project.rows(
            "SELECT agent_id, spawned_at, completed_at, response_text, extraction_error
             FROM agent_executions ORDER BY agent_id"
        ),
        [
            [
                text("n-1"),
                text("2025-11-11 02:33:20"),
                text("2025-11-11 02:33:20.123"),
                text("raw"),
                Value::Null
            ],
            [text("n-2"), text("2025-11-11 02:33:20"), Value::Null, Value::Null, Value::Null],
            [
                text("n-3"),
                text("2025-11-11 02:33:20"),
                text("2025-11-11 02:33:20.001"),
                text("text"),
                text("no answer")
            ],
            [
                text("x-1"),
                text("2025-11-11 02:33:00"),
                text("2025-11-11 02:35:00"),
                text("ended"),
                Value::Null
            ],
        ]
    );
    // And the new rows know how theirs are spelled.
    for other in [
        "agent_outputs o JOIN consensus_artifacts l ON l.id = o.legacy_id
         WHERE (o.legacy_stage, o.legacy_run_id, o.legacy_created_at) IS NOT (l.stage, l.run_id, l.created_at)",
        "run_syntheses o JOIN consensus_synthesis l ON l.id = o.legacy_id
         WHERE (o.legacy_stage, o.legacy_run_id, o.legacy_created_at) IS NOT (l.stage, l.run_id, l.created_at)",
        "run_attempts o JOIN agent_executions l USING (agent_id)
         WHERE (o.mirrored, o.legacy_stage, o.legacy_run_id, o.legacy_spawned_at, o.legacy_completed_at)
           IS NOT (1, l.stage, l.run_id, l.spawned_at, l.completed_at)",
    ] {
        assert_eq!(project.number(&format!("SELECT count(*) FROM {other}")), 0, "{other}");
    }
    let cursors = "SELECT artifact_back, execution_back, synthesis_back FROM migration_state";
    assert_eq!(
        project.rows(cursors),
        [[Value::Null, Value::Null, Value::Null]],
        "the next way back begins anew"
    );
    let recorded =
        "SELECT json_extract(detail, '$.copied'), json_extract(detail, '$.updated') FROM migration_events
      WHERE (kind, actor) = ('copy-back', 'ana')";
    assert_eq!(project.rows(recorded), [[Value::Integer(14), Value::Integer(1)]]);
    // The legacy side is read in phase 2, and what stayed is there when it goes forward again.
    assert_eq!(project.number("SELECT count(*) FROM agent_outputs WHERE legacy_id IS NULL"), 1);
    assert_eq!(project.number("SELECT count(*) FROM run_attempts WHERE mirrored = 0"), 2);
    assert_eq!(project.number("SELECT exit_code FROM run_attempts WHERE agent_id = 'x-1'"), 0);
    timed.force(3);
    timed.force(4);
    assert_eq!(timed.back(Some(3)).unwrap().rows, 0);
    project.assert_sound();
}

/// Rows that were imported in phase 4 go back as they were written, with their types.
#[test]
fn imported_rows_go_back_byte_for_byte() {
    let timed = Timed::in_phase(4);
    let project = &timed.project;
    let golden = project.path("other.db");
    conclave_consensus::golden::write_legacy_fixture(&golden).unwrap();
    conclave_db::foreign::run(
        &golden,
        "UPDATE consensus_artifacts SET spec_id = 'other';
         UPDATE consensus_artifacts SET stage = CAST('review' AS BLOB), run_id = x'00ff' WHERE id = 1;
         INSERT INTO consensus_synthesis(spec_id, stage, output_markdown, status, degraded, created_at)
           VALUES('S1', 'spec-plan', '# none', 'degraded', 'maybe', '2025-11-03 02:54:13');
         INSERT INTO agent_executions(agent_id, spec_id, stage, phase_type, agent_name, spawned_at, completed_at)
           VALUES('y', 'S1', 'plan', 'p', 'g', 'never', 'garbage')",
    )
    .unwrap();
    project.import(&golden);
    assert_eq!(project.number("SELECT count(*) FROM consensus_artifacts"), 14);
    timed.back(Some(3)).unwrap();
    let verified = project.verify();
    assert!(verified.equal, "{:?}", verified.findings);
    let columns =
        "spec_id, stage, typeof(stage), agent_name, content_json, response_text, run_id, created_at,
      typeof(created_at)";
    let query = format!("SELECT {columns} FROM consensus_artifacts ORDER BY id");
    let copy = Project::new();
    let source = copy.db.path().with_file_name("copy.db");
    std::fs::copy(&golden, &source).unwrap();
    let other = Project::over(tempfile::tempdir().unwrap(), &source);
    assert_eq!(project.rows(&query)[14..], other.rows(&query)[..]);
    let query =
        "SELECT spec_id, stage, output_markdown, degraded, run_id, created_at FROM consensus_synthesis";
    assert_eq!(project.rows(query), other.rows(query));
    let query = "SELECT spec_id, stage, spawned_at, completed_at FROM agent_executions";
    assert_eq!(project.rows(query), other.rows(query));
}

/// What is written while the way back is under way is on both sides at its end.
#[test]
fn rows_that_come_meanwhile_go_back_too() {
    let timed = in_phase_4();
    let project = &timed.project;
    project.write(
        "INSERT INTO run_attempts(agent_id, run_id, agent_name, phase_type, spawned_at, state)
           VALUES('n-6', 100, 'd', 'regular_stage', 1762828400000, 'lost')",
    );
    let (mut calls, mut compared, mut ended) = (0, 0, false);
    let options = RollbackOptions { to: Some(3), ..Default::default() };
    rollback(&project.db, &options, &mut |progress| {
        calls += 1;
        compared += u32::from(progress.phase == "compare");
        if compared == 3 && !ended {
            // After its row went back and was compared: executions are the last.
            let completion = CompletionRecord { agent_id: "n-2".into(), at: Some(2), ..Default::default() };
            ended = record_completion(&project.db, &completion).unwrap();
            // One that could not be said when it was passed by.
            let late = CompletionRecord { agent_id: "n-6".into(), at: Some(3), ..Default::default() };
            assert!(record_completion(&project.db, &late).unwrap());
        }
        if calls > 3 {
            return;
        }
        let sql = format!(
            "INSERT INTO agent_outputs(run_id, agent_name, content, output_timestamp, sequence)
               VALUES(100, 'late{calls}', '{}', 1, 1)",
            progress.phase
        );
        project.db.write("late", move |tx| tx.execute_batch(&sql)).unwrap();
        conclave_db::foreign::run(
            project.db.path(),
            "UPDATE consensus_artifacts SET content_json = content_json || '+' WHERE id = 3",
        )
        .unwrap();
    })
    .unwrap();
    assert!(calls > 4, "{calls}");
    let verified = project.verify();
    assert!(verified.equal, "{:?}", verified.findings);
    assert_eq!(project.number("SELECT count(*) FROM agent_outputs WHERE legacy_id IS NULL"), 1);
    assert_eq!(
        project.rows("SELECT completed_at FROM agent_executions WHERE agent_id = 'n-2'"),
        [[text("1970-01-01 00:00:00.002")]]
    );
    assert_eq!(
        project.rows("SELECT completed_at FROM agent_executions WHERE agent_id = 'n-6'"),
        [[text("1970-01-01 00:00:00.003")]]
    );
}

#[test]
fn a_pause_stops_the_way_back_and_it_goes_on() {
    let timed = in_phase_4();
    timed.project.write("UPDATE migration_state SET paused_at = 1, paused_by = 'ben'");
    assert!(timed.back(Some(3)).unwrap_err().contains("ben"));
    assert_eq!(timed.phase(), 4);
    timed.project.write("UPDATE migration_state SET paused_at = NULL");
    // Stopped when all is copied that could be. An attempt that it passed by can be said when it goes on.
    let options = RollbackOptions { to: Some(3), ..Default::default() };
    rollback(&timed.project.db, &options, &mut |progress| {
        if progress.phase == "compare" {
            timed.project.write("UPDATE migration_state SET paused_at = 1, paused_by = 'ben'");
        }
    })
    .unwrap_err();
    let passed = "SELECT artifact_back = (SELECT max(id) FROM agent_outputs WHERE run_id >= 100),
      execution_back = (SELECT id FROM run_attempts WHERE agent_id = 'n-5') FROM migration_state";
    assert_eq!(timed.project.rows(passed), [[Value::Integer(1), Value::Integer(1)]]);
    timed.project.write(
        "UPDATE run_attempts SET phase_type = 'p' WHERE agent_id = 'n-5';
         UPDATE migration_state SET paused_at = NULL",
    );
    assert_eq!(timed.back(Some(3)).unwrap().phase, 3);
    assert!(timed.project.verify().equal);
    assert_eq!(timed.project.number("SELECT count(*) FROM agent_executions WHERE agent_id = 'n-5'"), 1);
}

/// Nobody waits: whoever writes all the time finds every row on both sides, also those of the last moment.
#[test]
fn a_writer_beside_the_way_back_loses_nothing() {
    let timed = in_phase_4();
    let project = &timed.project;
    let run = RunId(100);
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let mut written = 0;
            while !stop.load(Ordering::Relaxed) {
                record_output(&project.db, &answer(run, "busy", b"{}")).unwrap();
                written += 1;
            }
            written
        });
        let mut left = Vec::new();
        for _ in 0..5 {
            let back = timed.back(Some(3));
            let only_new =
                "SELECT count(*) FROM agent_outputs WHERE agent_name = 'busy' AND legacy_id IS NULL";
            left.push((back.map(|report| report.phase), project.number(only_new)));
            if timed.phase() == 3 {
                timed.force(4);
            }
        }
        stop.store(true, Ordering::Relaxed);
        assert!(writer.join().unwrap() > 0);
        assert_eq!(left, vec![(Ok(3), 0); 5]);
    });
    timed.back(Some(3)).unwrap();
    assert!(project.verify().equal);
}

#[test]
fn ids_that_have_run_out_are_said() {
    let timed = in_phase_4();
    timed
        .project
        .tamper("UPDATE sqlite_sequence SET seq = 9223372036854775807 WHERE name = 'consensus_artifacts'");
    let said = timed.back(Some(3)).unwrap_err();
    assert!(said.contains("consensus_artifacts of the state has no free id left"), "{said}");
    assert_eq!(timed.phase(), 4);
}

const BOTH_SIDES: [&str; 7] = [
    "SELECT * FROM consensus_artifacts ORDER BY id",
    "SELECT * FROM consensus_synthesis ORDER BY id",
    "SELECT * FROM agent_executions ORDER BY agent_id",
    "SELECT * FROM agent_outputs ORDER BY id",
    "SELECT * FROM run_syntheses ORDER BY id",
    "SELECT * FROM run_attempts ORDER BY id",
    "SELECT phase, artifact_back, execution_back, synthesis_back, comparing FROM migration_state",
];

fn sides(db: &Db) -> Vec<Vec<Vec<Value>>> {
    BOTH_SIDES.iter().map(|query| rows(db, query)).collect()
}

/// A way back that is killed anywhere goes on, and ends as one that was not disturbed.
#[test]
fn a_way_back_that_is_killed_goes_on() {
    if let Some(mut parent) = Parent::of_this_process() {
        parent.wait_for_release();
        let path = std::env::var_os("STATE").unwrap();
        let db = Db::open(DbOptions::new(path, schema())).unwrap();
        let options = RollbackOptions { to: Some(3), ..Default::default() };
        if migrate::status(&db).unwrap().phase == 4 {
            rollback(&db, &options, &mut |progress| parent.say(&progress.done_rows.to_string())).unwrap();
        }
        return;
    }
    let timed = in_phase_4();
    timed.project.write(
        "INSERT INTO agent_outputs(run_id, agent_name, content, output_timestamp, sequence)
           WITH RECURSIVE n(i) AS (SELECT 10 UNION ALL SELECT i + 1 FROM n WHERE i < 1500)
           SELECT 100, 'many', printf('%.2000c', 'x'), 1762828400000 + i, i FROM n;
         INSERT INTO run_attempts(agent_id, run_id, agent_name, attempt, phase_type, spawned_at)
           WITH RECURSIVE n(i) AS (SELECT 10 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
           SELECT 'many-' || i, 100, 'many', i, 'p', 1762828400000 + i FROM n",
    );
    let path = timed.project.db.path().to_path_buf();
    let Timed { project: Project { dir, db }, .. } = timed;
    drop(db);
    let copy = |name: &str| {
        let copy = dir.path().join(name);
        std::fs::copy(&path, &copy).unwrap();
        copy
    };
    let open = |path: &std::path::Path| Db::open(DbOptions::new(path, schema())).unwrap();
    let options = RollbackOptions { to: Some(3), ..Default::default() };
    let once = open(&copy("once.db"));
    rollback(&once, &options, &mut |_| {}).unwrap();
    assert!(migrate::verify(&once, "ana", &mut |_| {}).unwrap().equal);
    let wanted = sides(&once);
    let mut driver = KillDriver::new(26);
    for round in 0..8 {
        let path = copy(&format!("killed{round}.db"));
        for _ in 0..2 {
            let child = Rerun::of("reverse::a_way_back_that_is_killed_goes_on")
                .variable("STATE", path.display().to_string())
                .start();
            driver.run_and_kill(child, 30, Duration::from_millis(3));
        }
        let db = open(&path);
        if rows(&db, "SELECT phase FROM migration_state") == [[Value::Integer(4)]] {
            rollback(&db, &options, &mut |_| {}).unwrap();
        }
        assert_eq!(sides(&db), wanted, "round {round}");
        assert!(migrate::verify(&db, "ana", &mut |_| {}).unwrap().equal);
    }
}
