//! What should never happen, and is noticed all the same: copies that came out different, a phase that moves
//! under an import, an index that says less than its table, a row that changes between a look and the write.

use conclave_consensus::import::{ImportOptions, import_file};
use conclave_consensus::migrate::{BackfillOptions, backfill};
use conclave_consensus::{ConsensusError, ConsensusErrorKind};
use conclave_db::sql::Value;
use conclave_db::{Db, DbOptions, Schema};

use crate::project::{LEGACY_DDL, Project};

/// A trigger that spoils what is written of row 3 stands for any defect of the copying.
const SPOIL_NEW: &str = "CREATE TRIGGER spoil AFTER INSERT ON agent_outputs WHEN NEW.legacy_id = 3
  BEGIN UPDATE agent_outputs SET content = content || ' ' WHERE id = NEW.id; END";
const SPOIL_LEGACY: &str = "CREATE TRIGGER spoil AFTER INSERT ON consensus_artifacts WHEN NEW.id = 3
  BEGIN UPDATE consensus_artifacts SET content_json = content_json || ' ' WHERE id = NEW.id; END";

#[test]
fn an_import_whose_copy_came_out_different_is_an_error_and_not_complete() {
    for spoil in [SPOIL_NEW, SPOIL_LEGACY] {
        let project = Project::new();
        // So that there are legacy tables to hang a trigger on.
        let first = project.legacy(
            "first.db",
            "INSERT INTO consensus_artifacts(id, spec_id, stage, agent_name, content_json)
             VALUES(99, 'S', 'plan', 'a', '{}')",
        );
        project.import(&first);
        project.write(spoil);
        let golden = project.golden();
        let error = project.try_import(&golden).unwrap_err();
        assert!(matches!(&error, ConsensusError::Differs { rows: 1, .. }), "{spoil}: {error}");
        let unfinished = "SELECT count(*) FROM import_sources WHERE finished_at IS NULL";
        assert_eq!(project.number(unfinished), 1, "{spoil}");
        assert!(!project.verify().equal, "{spoil}");
    }
}

#[test]
fn a_backfill_whose_copy_came_out_different_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state.db");
    conclave_consensus::golden::write_legacy_fixture(&path).unwrap();
    let project = Project::over(dir, &path);
    project.write(SPOIL_NEW);
    let error = backfill(&project.db, &BackfillOptions::default(), &mut |_| {}).unwrap_err();
    assert!(matches!(&error, ConsensusError::Differs { rows: 1, .. }), "{error}");
    assert_eq!(error.kind(), ConsensusErrorKind::Differs);
}

/// The phase is read under the lock of each write: what comes after it moved goes where it says.
#[test]
fn a_phase_that_moves_during_an_import_governs_the_rows_after_it() {
    let project = Project::new();
    let golden = project.golden();
    let options = ImportOptions { chunk_rows: 1, ..ImportOptions::default() };
    let mut moved = false;
    let report = import_file(&project.db, &golden, &options, &mut |progress| {
        if progress.done_rows == 5 && !moved {
            moved = true;
            project.write("UPDATE migration_state SET phase = 4");
        }
    })
    .unwrap();
    assert_eq!((report.outputs, report.already_present, report.runs), (14, 5, 10));
    assert_eq!(project.number("SELECT count(*) FROM agent_outputs"), 14);
    assert_eq!(project.number("SELECT count(*) FROM consensus_artifacts"), 5, "new only from then on");
    assert_eq!(project.number("SELECT count(*) FROM agent_outputs WHERE legacy_id IS NOT NULL"), 5);
    assert_eq!(project.number("SELECT phase FROM migration_state"), 4);
}

/// Where the new side leads, a legacy row that differs is a difference, and nothing to be made equal to.
#[test]
fn a_backfill_does_not_overwrite_the_leading_side() {
    for (phase, content, updated) in [
        ("UPDATE migration_state SET phase = 2", "legacy", 1),
        ("UPDATE migration_state SET phase = 3", "{}", 0),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state.db");
        conclave_consensus::golden::write_legacy_fixture(&path).unwrap();
        let project = Project::over(dir, &path);
        project.backfill();
        project.write(phase);
        project.tamper(
            "UPDATE consensus_artifacts SET content_json = 'legacy' WHERE id = 2;
             DELETE FROM agent_outputs WHERE legacy_id = 5;",
        );
        let report = project.backfill();
        assert_eq!((report.copied, report.updated), (1, updated), "{phase}");
        let found = project.rows("SELECT content FROM agent_outputs WHERE legacy_id = 2");
        assert_eq!(found, [[Value::Text(content.into())]], "{phase}");
        assert_eq!(project.verify().differences, 1 - updated, "{phase}");
    }
}

/// A damaged index of the source: its count is not that of the rows.
#[test]
fn rows_that_were_counted_and_not_read_are_a_difference() {
    let project = Project::new();
    let golden = project.golden();
    conclave_db::foreign::run(
        &golden,
        "DROP INDEX IF EXISTS idx_spec_stage;
         CREATE TABLE other(spec_id); CREATE INDEX short ON other(spec_id);
         INSERT INTO other WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 15) SELECT i FROM n;
         CREATE INDEX spec ON consensus_artifacts(spec_id);
         PRAGMA writable_schema = ON;
         UPDATE sqlite_schema SET rootpage = (SELECT rootpage FROM sqlite_schema WHERE name = 'short') WHERE name = 'spec';",
    )
    .unwrap();
    let error = project.try_import(&golden).unwrap_err();
    assert!(matches!(&error, ConsensusError::Differs { rows: 1, .. }), "{error}");
}

/// What was worked out of a row without the lock is of another moment than what is copied under it.
#[test]
fn a_row_of_a_live_source_that_changes_its_run_meanwhile_goes_to_the_new_one() {
    let project = Project::new();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("live.db");
    let other = Db::open(DbOptions::new(&path, Schema::assemble(&[], &[]).unwrap())).unwrap();
    other.write("tables", |tx| tx.execute_batch(LEGACY_DDL)).unwrap();
    let write = |sql: &'static str| other.write("row", move |tx| tx.execute_batch(sql)).unwrap();
    write(
        "INSERT INTO consensus_artifacts(spec_id, stage, agent_name, content_json, run_id)
         VALUES('S', 'plan', 'a', '1', 'first'), ('S', 'plan', 'b', '2', 'first'), ('S', 'plan', 'c', '3', 'first')",
    );
    let options = ImportOptions { chunk_rows: 1, ..ImportOptions::default() };
    import_file(&project.db, &path, &options, &mut |progress| {
        // The second row is worked out by now, and not written yet.
        if progress.done_rows == 1 {
            write("UPDATE consensus_artifacts SET run_id = 'second' WHERE id = 2");
        }
    })
    .unwrap();
    let found =
        "SELECT r.run_key FROM agent_outputs o JOIN consensus_runs r ON r.id = o.run_id ORDER BY o.legacy_id";
    let keys = ["first", "second", "first"].map(|key| vec![Value::Text(key.into())]);
    assert_eq!(project.rows(found), keys);
    assert!(project.verify().equal);
}
