//! Dropping the legacy tables, and older programs that make them again.

use std::time::Duration;

use conclave_consensus::migrate::{self, AdvanceOptions, advance};
use conclave_db::backup::{self, BackupOptions};
use conclave_db::sql::Value;
use conclave_db::{DbOptions, Source, doctor};
use conclave_retry::Clock;

use crate::phases::{OLDER_WRITE, Timed};
use crate::project::{LEGACY_DDL, rows, schema};

const LEGACY: &str = "SELECT count(*) FROM sqlite_schema WHERE tbl_name IN
  ('consensus_artifacts', 'consensus_synthesis', 'agent_executions')";

#[test]
fn the_legacy_tables_go_after_a_verified_backup_and_a_word() {
    let timed = Timed::in_phase(4);
    let options = AdvanceOptions { skip_soak: true, ..timed.options() };
    let error = advance(&timed.project.db, &options, &mut |_| {}).unwrap_err();
    assert!(error.to_string().contains("`--confirm`"), "{error}");
    assert!(timed.status().backup.is_none(), "nothing is begun without the word");
    let legacy = timed.project.rows("SELECT * FROM consensus_artifacts ORDER BY id");
    let new = timed.project.rows("SELECT * FROM agent_outputs ORDER BY id");
    let report = timed.force(5);
    assert_eq!(timed.project.number(LEGACY), 0, "tables, indexes and triggers");
    let left = "SELECT count(*) FROM sqlite_schema WHERE type = 'trigger' AND name LIKE 'capture%'";
    assert_eq!(timed.project.number(left), 0, "also those between the triggers' own tables");
    assert_eq!(timed.project.rows("SELECT * FROM agent_outputs ORDER BY id"), new);
    let kept = "SELECT seq FROM sqlite_sequence WHERE name = 'consensus_artifacts'";
    assert_eq!(timed.project.number(kept), 14, "ids never come twice");
    let backup = report.backup.unwrap();
    assert_eq!(timed.status().backup.unwrap().path, backup);
    // The drill: what was dropped is in the backup.
    let copy = timed.project.path("drill.db");
    std::fs::copy(&backup, &copy).unwrap();
    let restored = conclave_db::Db::open(DbOptions::new(&copy, schema())).unwrap();
    assert_eq!(rows(&restored, "SELECT * FROM consensus_artifacts ORDER BY id"), legacy);
    timed.project.assert_sound();
}

/// The rows of dropped tables go after the step, in chunks: a step that was killed then is ended by `doctor --fix`.
#[test]
fn what_a_killed_cleanup_left_is_told_and_goes() {
    let timed = Timed::in_phase(5);
    let db = &timed.project.db;
    let left = "SELECT count(*) FROM sqlite_schema WHERE name GLOB 'dropped_*' OR name GLOB 'idx_*spec_stage'
      AND tbl_name <> 'consensus_runs'";
    assert_eq!(timed.project.number(left), 0, "nothing is left of a step that was not killed");
    timed.project.write(
        "CREATE TABLE dropped_consensus_artifacts(id INTEGER PRIMARY KEY, content_json TEXT, response_text TEXT);
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
         INSERT INTO dropped_consensus_artifacts SELECT i, hex(zeroblob(300)), NULL FROM n",
    );
    let told = || migrate::checks(db).into_iter().any(|check| check.name == "dropped-tables");
    assert!(told());
    let done = migrate::mend(db, "ana").unwrap();
    assert_eq!(done, ["deleted the rows of the dropped legacy tables"]);
    assert!(!told());
    assert_eq!(timed.project.number(left), 0);
    assert_eq!(migrate::mend(db, "ana").unwrap(), [""; 0]);
    timed.project.assert_sound();
}

/// Somebody's view would follow a new name: then the tables are dropped as they are.
#[test]
fn a_view_on_a_legacy_table_outlives_it() {
    let timed = Timed::in_phase(4);
    let view = "CREATE VIEW mine AS SELECT content_json FROM consensus_artifacts";
    timed.project.write(view);
    timed.force(5);
    assert_eq!(timed.project.number(LEGACY), 0);
    let kept = format!("SELECT count(*) FROM sqlite_schema WHERE sql = '{view}'");
    assert_eq!(timed.project.number(&kept), 1);
}

/// What an older program does while the last comparison is under way, after the backup, is not in that.
#[test]
fn nothing_is_dropped_that_came_after_the_backup() {
    for (meanwhile, why) in [
        (OLDER_WRITE, "a backup after the last write of an older program"),
        ("ALTER TABLE consensus_artifacts ADD COLUMN later", "legacy tables that nobody alters meanwhile"),
        ("DROP TRIGGER capture_consensus_artifacts_insert", "legacy tables that nobody alters meanwhile"),
    ] {
        let timed = Timed::in_phase(4);
        timed.clock.advance(Duration::from_mins(1));
        let options = AdvanceOptions { skip_soak: true, confirm: true, ..timed.options() };
        let mut done = false;
        let error = advance(&timed.project.db, &options, &mut |_| {
            if !std::mem::replace(&mut done, true) {
                conclave_db::foreign::run(timed.project.db.path(), meanwhile).unwrap();
            }
        })
        .unwrap_err();
        assert!(error.to_string().contains(why), "{meanwhile}: {error}");
        assert_eq!((timed.phase(), timed.project.number(LEGACY) > 0), (4, true));
        // Whoever is refused there leaves how the soak stands too.
        let looked = "SELECT soak_seen_at FROM migration_state";
        assert_eq!(timed.project.number(looked), timed.clock.wall_ms());
        assert_eq!(timed.force(5).phase, 5);
    }
}

/// A row that only the legacy side has is not dropped, whatever anybody says.
#[test]
fn nothing_is_dropped_unmigrated() {
    for (loss, wanted) in [
        ("DELETE FROM agent_outputs WHERE legacy_id = 3", "1 open difference"),
        (
            "INSERT INTO agent_executions(agent_id, spec_id, stage, phase_type, agent_name, spawned_at)
             VALUES(NULL, 'S', 'spec-plan', 'p', 'a', 'soon')",
            "1 legacy row that the new tables cannot hold",
        ),
    ] {
        let timed = Timed::in_phase(4);
        timed.project.tamper(loss);
        let options = AdvanceOptions { skip_soak: true, confirm: true, ..timed.options() };
        let error = advance(&timed.project.db, &options, &mut |_| {}).unwrap_err();
        assert!(error.to_string().contains(wanted), "{error}");
        assert_eq!((timed.phase(), timed.project.number(LEGACY) > 0), (4, true));
    }
}

/// The backup holds what came between a refused attempt and the one that drops, also by our own hand.
#[test]
fn each_attempt_has_a_backup_of_its_own() {
    let timed = Timed::in_phase(4);
    let backups = || {
        let folder = backup::default_folder(timed.project.db.path());
        backup::list(&folder, timed.project.db.path()).unwrap()
    };
    let refused = || {
        let options = AdvanceOptions { skip_soak: true, confirm: true, ..timed.options() };
        timed.project.tamper("UPDATE agent_outputs SET content = 'other' WHERE id = 3");
        advance(&timed.project.db, &options, &mut |_| {}).unwrap_err();
        timed.project.tamper("UPDATE agent_outputs SET content = '' WHERE id = 3");
        backups().len()
    };
    assert_eq!(refused(), 1);
    timed.project.import(&timed.project.legacy("more.db", OLDER_WRITE));
    assert_eq!(refused(), 2);
    let outputs = timed.project.rows("SELECT * FROM agent_outputs ORDER BY id");
    let report = timed.force(5);
    let source = Source::open(report.backup.as_deref().unwrap()).unwrap();
    let held = source
        .read(|conn| {
            let query = "SELECT * FROM agent_outputs ORDER BY id";
            Ok::<_, conclave_db::DbError>(crate::project::values(conn, query))
        })
        .unwrap();
    assert_eq!(held, outputs);
    assert_eq!(report.backup, timed.status().backup.map(|backup| backup.path));
}

#[test]
fn tables_that_an_older_program_makes_again_are_noticed_and_taken_over() {
    let timed = Timed::in_phase(5);
    let db = &timed.project.db;
    assert!(!migrate::notice(db, "ana").unwrap());
    timed.project.write(LEGACY_DDL);
    timed.project.write(OLDER_WRITE);
    assert!(migrate::notice(db, "ana").unwrap());
    assert!(migrate::notice(db, "ana").unwrap());
    let noted = "SELECT count(*) FROM migration_events WHERE kind = 'legacy tables are back'";
    assert_eq!(timed.project.number(noted), 1, "once");
    let status = timed.status();
    assert_eq!((status.legacy_tables_returned, status.backfill.remaining), (true, 1));
    let named = || {
        let checks = migrate::checks(db);
        let check = checks.into_iter().find(|check| check.name == "legacy-tables").unwrap();
        (check.state, check.detail)
    };
    assert_eq!(named().0, doctor::CheckState::Warn);
    let ids = "SELECT id FROM consensus_artifacts";
    assert_eq!(timed.project.number(ids), 15, "behind the ids that were");
    let done = migrate::mend(db, "ana").unwrap();
    assert_eq!(done.len(), 2, "{done:?}");
    assert_eq!(named().0, doctor::CheckState::Ok);
    // The triggers are on them: what it writes from now on comes by itself.
    timed.project.write(OLDER_WRITE);
    let status = timed.status();
    assert_eq!((status.backfill.remaining, status.mismatches), (0, 0));
    assert!(status.older_program.writing && status.capture_triggers);
    let of_old = "SELECT count(*) FROM agent_outputs o JOIN consensus_runs r ON r.id = o.run_id WHERE r.spec_id = 'OLD'";
    assert_eq!(timed.project.number(of_old), 2);
    let verified = timed.project.verify();
    assert!(verified.equal, "{:?}", verified.findings);
    assert_eq!(migrate::mend(db, "ana").unwrap(), Vec::<String>::new());
}

/// A backfill does the same as `doctor --fix`.
#[test]
fn a_backfill_takes_over_tables_that_are_back() {
    let timed = Timed::in_phase(5);
    timed.project.write(LEGACY_DDL);
    timed.project.write(OLDER_WRITE);
    let report = timed.project.backfill();
    assert_eq!((report.copied, report.complete), (1, true));
    assert!(timed.status().capture_triggers);
    let events = "SELECT kind FROM migration_events WHERE kind IN ('capture', 'backfill') ORDER BY id";
    assert_eq!(timed.project.rows(events), ["capture", "backfill"].map(|kind| [Value::Text(kind.into())]));
}

/// Scenario 27: a backup taken while somebody writes and the log is not empty; restored, it has the same rows.
#[test]
fn scenario_27_a_backup_of_a_migration_with_a_full_log_restores_the_same_rows() {
    const TABLES: [&str; 4] = [
        "SELECT * FROM consensus_artifacts ORDER BY id",
        "SELECT * FROM agent_outputs ORDER BY id",
        "SELECT * FROM consensus_runs ORDER BY id",
        "SELECT phase, soak_since FROM migration_state",
    ];
    let timed = Timed::in_phase(3);
    let db = timed.project.db.clone();
    let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let writer = {
        let (db, stop) = (db.clone(), std::sync::Arc::clone(&stop));
        std::thread::spawn(move || {
            let mut writes = 0_u64;
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                db.write("older", |tx| tx.execute_batch(OLDER_WRITE)).unwrap();
                writes += 1;
            }
            writes
        })
    };
    let folder = timed.project.path("copies/");
    while timed.project.number("SELECT writes FROM capture_seen") < 5 {
        std::thread::yield_now();
    }
    assert!(conclave_db::stats(&db).unwrap().wal_bytes > 0, "the log is not empty");
    let made = backup::backup(&db, &folder, &BackupOptions::default()).unwrap();
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    assert!(writer.join().unwrap() >= 5);
    let of_backup = |query: &str| {
        let source = Source::open(&made.path).unwrap();
        source.read(|conn| Ok::<_, conclave_db::DbError>(crate::project::values(conn, query))).unwrap()
    };
    let wanted = TABLES.map(of_backup);
    assert_eq!(wanted[0].len(), wanted[1].len(), "both sides are of one moment");
    assert_eq!(wanted[3][0][0], Value::Integer(3));
    let path = timed.project.db.path().to_path_buf();
    let Timed { project, .. } = timed;
    let dir = project.dir;
    drop((project.db, db));
    backup::restore(&DbOptions::new(&path, schema()), &made.path, &mut backup::Nothing).unwrap();
    let restored = crate::project::Project::over(dir, &path);
    assert_eq!(TABLES.map(|query| restored.rows(query)), wanted);
    assert!(restored.verify().equal);
}
