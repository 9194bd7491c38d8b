//! Legacy tables in the state's place that no trigger could mirror: refused, with the file as it was.

use conclave_consensus::migrate;
use conclave_db::{Db, DbOptions, ErrorKind};

use crate::project::{LEGACY_DDL, Project, schema};

const COLUMNS: &str =
    "agent_id TEXT PRIMARY KEY, spec_id TEXT NOT NULL, stage TEXT NOT NULL, phase_type TEXT NOT NULL,
  agent_name TEXT NOT NULL, run_id TEXT, spawned_at TEXT NOT NULL, completed_at TEXT, response_text TEXT,
  extraction_error TEXT";
const WRITE: &str =
    "INSERT INTO agent_executions(agent_id, spec_id, stage, phase_type, agent_name, spawned_at)
     VALUES('x', 'S', 'plan', 'p', 'a', '2025-11-11 02:33:00');";

/// Of what shows only in its columns the journal mode is changed, with the counter of changes.
const JOURNAL_MARKS: usize = 100;

#[test]
fn a_file_whose_tables_cannot_be_mirrored_is_refused_untouched() {
    for (tables, why) in [
        (format!("CREATE TABLE agent_executions({COLUMNS}) WITHOUT ROWID; {WRITE}"), "agent_executions is WITHOUT ROWID"),
        (
            "CREATE TABLE consensus_artifacts AS SELECT 1 AS id, 'S' AS spec_id, 'plan' AS stage, 'a' AS agent_name,
             '{}' AS content_json".to_owned(),
            "the id of its table consensus_artifacts is no INTEGER PRIMARY KEY",
        ),
        ("CREATE TABLE consensus_synthesis(id INTEGER PRIMARY KEY, spec_id)".to_owned(), "no column stage"),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state.db");
        conclave_db::foreign::create(&path, &tables).unwrap();
        let before = std::fs::read(&path).unwrap();
        let error = Db::open(DbOptions::new(&path, schema())).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Foreign, "{error}");
        assert!(error.to_string().contains(why) && error.to_string().contains("state.db"), "{error}");
        let after = std::fs::read(&path).unwrap();
        let marks = if why.contains("ROWID") { 0 } else { JOURNAL_MARKS };
        assert!(after[marks..] == before[marks..], "{why}");
        // An older program goes on.
        if tables.contains(WRITE) {
            conclave_db::foreign::run(&path, &WRITE.replace("'x'", "'y'")).unwrap();
        }
    }
}

/// An older program that makes such a table later keeps its writes, and is named.
#[test]
fn a_table_that_is_made_so_later_gets_no_triggers() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state.db");
    conclave_db::foreign::create(&path, LEGACY_DDL).unwrap();
    let project = Project::over(dir, &path);
    project.old_program(&format!(
        "DROP TABLE agent_executions; CREATE TABLE agent_executions({COLUMNS}) WITHOUT ROWID;"
    ));
    let error = migrate::mend(&project.db, "ana").unwrap_err();
    assert!(error.to_string().contains("agent_executions is WITHOUT ROWID"), "{error}");
    project.old_program(WRITE);
}
