//! The tables themselves: what is there, what they refuse, and that making them is all or nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicI32, Ordering};

use conclave_consensus::{LEGACY_TABLES, MIGRATIONS};
use conclave_db::sql::Value;
use conclave_db::{Db, DbOptions, ErrorKind};
use conclave_testkit::{Parent, Rerun};

use crate::project::{LEGACY_DDL, Project, rows, schema};

const NAMES: &str = "SELECT name FROM sqlite_schema ORDER BY name";

#[test]
fn fresh_database_has_the_tables_and_a_second_open_changes_nothing() {
    let project = Project::new();
    let names: BTreeSet<String> = project
        .rows(NAMES)
        .into_iter()
        .map(|row| match &row[0] {
            Value::Text(name) => name.clone(),
            other => panic!("{other:?}"),
        })
        .collect();
    for wanted in [
        "consensus_runs",
        "agent_outputs",
        "run_attempts",
        "run_syntheses",
        "migration_state",
        "idx_consensus_spec_stage",
        "idx_consensus_timestamp",
        "idx_agent_outputs_run",
        "idx_agent_outputs_agent",
    ] {
        assert!(names.contains(wanted), "{wanted}");
    }
    assert!(LEGACY_TABLES.iter().all(|table| !names.contains(*table)), "a new project has no legacy tables");
    assert_eq!(project.number("SELECT phase FROM migration_state"), 5);
    let dump = "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY name";
    let (before, version) = (project.rows(dump), project.number("PRAGMA user_version"));
    let path = project.db.path().to_path_buf();
    let Project { dir, db } = project;
    drop(db);
    let again = Db::open(DbOptions::new(&path, schema())).unwrap();
    assert!(again.migrated().applied.is_empty());
    assert_eq!(rows(&again, dump), before);
    assert_eq!(rows(&again, "PRAGMA user_version"), [[Value::Integer(version)]]);
    drop(dir);
}

/// Columns of the original, so that a query written for it works.
#[test]
fn a_query_written_for_the_original_works() {
    let project = Project::new();
    project.import(&project.golden());
    let joined = project.rows(
        "SELECT r.id, r.run_timestamp, r.consensus_ok, r.degraded, r.synthesis_json, o.agent_name, o.model_version,
           o.content, o.output_timestamp
         FROM consensus_runs r JOIN agent_outputs o ON o.run_id = r.id
         WHERE r.spec_id = 'S1' AND r.stage = 'plan' ORDER BY r.run_timestamp DESC",
    );
    assert_eq!(joined.len(), 8);
}

#[test]
fn constraints_refuse_what_makes_no_sense() {
    let project = Project::new();
    project.write(
        "INSERT INTO consensus_runs(id, run_key, spec_id, stage) VALUES(1, 'k', 's', 'plan');
         INSERT INTO agent_outputs(run_id, agent_name, content, sequence) VALUES(1, 'a', 'x', 1);",
    );
    for refused in [
        "INSERT INTO consensus_runs(run_key, spec_id, stage, degraded) VALUES('a', 's', 't', 2)",
        "INSERT INTO consensus_runs(run_key, spec_id, stage, consensus_ok) VALUES('a', 's', 't', 2)",
        "INSERT INTO consensus_runs(run_key, spec_id, stage, consensus_ok) VALUES('a', 's', 't', 'yes')",
        "INSERT INTO consensus_runs(run_key, spec_id, stage, synthesis_json) VALUES('a', 's', 't', 'not json')",
        "INSERT INTO consensus_runs(run_key, spec_id, stage, status) VALUES('a', 's', 't', 'fine')",
        "INSERT INTO consensus_runs(run_key, spec_id, stage) VALUES('k', 's', 'plan')",
        "INSERT INTO agent_outputs(run_id, agent_name, content, sequence) VALUES(999, 'a', 'x', 1)",
        "INSERT INTO agent_outputs(run_id, agent_name, content, sequence) VALUES(1, 'a', 'x', 1)",
        "INSERT INTO agent_outputs(run_id, agent_name, content, sequence) VALUES(1, 'a', 'x', 0)",
        "INSERT INTO agent_outputs(run_id, agent_name, content, sequence, attempt) VALUES(1, 'a', 'x', 1, 0)",
        "INSERT INTO agent_outputs(run_id, agent_name, content, sequence, valid_json) VALUES(1, 'b', 'x', 1, 2)",
        "INSERT INTO agent_outputs(run_id, agent_name, content, sequence, legacy_id)
         VALUES(1, 'b', 'x', 1, 7), (1, 'c', 'x', 1, 7)",
        "INSERT INTO run_syntheses(run_id, legacy_id) VALUES(1, 7), (1, 7)",
        "INSERT INTO run_attempts(agent_id, run_id, agent_name) VALUES('e', 1, 'a'), ('e', 1, 'b')",
        "INSERT INTO run_attempts(agent_id, run_id, agent_name) VALUES('e', 999, 'a')",
        "UPDATE migration_state SET phase = 6",
    ] {
        assert_eq!(project.refuse(refused).kind(), ErrorKind::Constraint, "{refused}");
    }
    // Unknown is a value of its own.
    project
        .write("INSERT INTO consensus_runs(run_key, spec_id, stage, degraded) VALUES('u', 's', 't', NULL)");
    project.write("DELETE FROM consensus_runs WHERE id = 1");
    assert_eq!(project.number("SELECT count(*) FROM agent_outputs"), 0);
    project.assert_sound();
}

/// Where the observer ends the process: version × 1000 + statement.
static END_AT: AtomicI32 = AtomicI32::new(-1);
/// How many statements each version has.
static STATEMENTS: Mutex<BTreeMap<i32, usize>> = Mutex::new(BTreeMap::new());

fn observe(version: i32, statement: usize) {
    *STATEMENTS.lock().unwrap().entry(version).or_default() += 1;
    if END_AT.load(Ordering::SeqCst) == version * 1000 + i32::try_from(statement).unwrap() {
        std::process::abort();
    }
}

const LEGACY_ROWS: &str =
    "SELECT id, spec_id, stage, agent_name, hex(content_json), hex(response_text), run_id,
  created_at FROM consensus_artifacts ORDER BY id";

/// A migration that is cut at any of its statements leaves the old version or the new one.
#[test]
fn migration_cut_at_any_statement_leaves_old_or_new() {
    if let Some(mut parent) = Parent::of_this_process() {
        let at: i32 = std::env::var("END_AT").unwrap().parse().unwrap();
        END_AT.store(at, Ordering::SeqCst);
        parent.wait_for_release();
        let path = std::env::var("STATE").unwrap();
        Db::open(DbOptions::new(path, schema()).migration_observer(observe)).unwrap();
        parent.say("migrated");
        return;
    }
    let counting = tempfile::tempdir().unwrap();
    Db::open(DbOptions::new(counting.path().join("state.db"), schema()).migration_observer(observe)).unwrap();
    let statements = STATEMENTS.lock().unwrap().clone();
    assert_eq!(statements.len(), MIGRATIONS.len());
    // A table that each version brings.
    for ((version, count), brings) in statements.into_iter().zip(["consensus_runs", "run_settings"]) {
        assert!(count >= 10, "{count} statements");
        for statement in 0..i32::try_from(count).unwrap() {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("state.db");
            let golden = include_str!("../../src/store/golden.sql");
            conclave_db::foreign::create(&path, golden).unwrap();
            let rerun = Rerun::of("schema::migration_cut_at_any_statement_leaves_old_or_new")
                .variable("END_AT", (version * 1000 + statement).to_string())
                .variable("STATE", path.display().to_string());
            let mut child = rerun.start();
            child.release();
            assert_eq!(child.lines(), Vec::<String>::new(), "it was cut at {statement}");
            child.wait();
            let source = conclave_db::Source::open(&path).unwrap();
            let (found, tables) = source
                .read(|conn| {
                    let tables = "SELECT count(*) FROM sqlite_schema WHERE name = ?1";
                    Ok::<_, conclave_db::DbError>((
                        conn.pragma::<i32>("user_version")?,
                        conn.query_row(tables, [brings], |row| row.get::<_, i64>(0))?,
                    ))
                })
                .unwrap();
            assert_eq!((found, tables), (version - 1 - 99 * i32::from(version == 100), 0), "old, not mixed");
            drop(source);
            let db = Db::open(DbOptions::new(&path, schema())).unwrap();
            assert_eq!(rows(&db, LEGACY_ROWS), rows(&fresh_golden(dir.path()), LEGACY_ROWS));
        }
    }
}

fn fresh_golden(dir: &std::path::Path) -> Db {
    let path = dir.join("fresh.db");
    conclave_consensus::golden::write_legacy_fixture(&path).unwrap();
    Db::open(DbOptions::new(path, schema())).unwrap()
}

/// Two processes at one legacy file: one migrates it, the other sees it done; both backfill, nothing is double.
#[test]
fn two_processes_migrate_and_backfill_one_file() {
    const NAME: &str = "schema::two_processes_migrate_and_backfill_one_file";
    if let Some(mut parent) = Parent::of_this_process() {
        parent.wait_for_release();
        let db = Db::open(DbOptions::new(std::env::var("STATE").unwrap(), schema())).unwrap();
        parent.say(&db.migrated().applied.len().to_string());
        let options = conclave_consensus::migrate::BackfillOptions { chunk_rows: 3, ..Default::default() };
        conclave_consensus::migrate::backfill(&db, &options, &mut |_| {}).unwrap();
        return;
    }
    for _ in 0..5 {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state.db");
        conclave_consensus::golden::write_legacy_fixture(&path).unwrap();
        let mut fleet = Rerun::of(NAME).variable("STATE", path.display().to_string()).start_fleet(2);
        fleet.release();
        let mut applied: Vec<String> = fleet.finish().into_iter().flatten().collect();
        applied.sort();
        assert_eq!(applied, ["0".to_owned(), MIGRATIONS.len().to_string()]);
        let db = Db::open(DbOptions::new(&path, schema())).unwrap();
        let counts = "SELECT (SELECT count(*) FROM consensus_runs), (SELECT count(*) FROM agent_outputs),
          (SELECT phase FROM migration_state)";
        assert_eq!(rows(&db, counts), [[Value::Integer(10), Value::Integer(14), Value::Integer(1)]]);
    }
}

/// What a plain client makes is what the import makes in a project.
#[test]
fn legacy_tables_read_as_the_originals() {
    let project = Project::new();
    project.import(&project.golden());
    let plain = project.path("plain.db");
    conclave_db::foreign::create(&plain, LEGACY_DDL).unwrap();
    let db = Db::open(DbOptions::new(&plain, schema())).unwrap();
    let dump = "SELECT type, name, tbl_name, sql FROM sqlite_schema
      WHERE tbl_name IN ('consensus_artifacts', 'consensus_synthesis', 'agent_executions') ORDER BY name";
    assert_eq!(project.rows(dump), rows(&db, dump));
    assert!(project.rows(dump).len() >= 7);
}
