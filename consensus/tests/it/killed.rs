//! An import or a backfill that is killed goes on when it is run again, and ends as if it had never been.

use std::path::{Path, PathBuf};
use std::time::Duration;

use conclave_consensus::import::{ImportOptions, import_file};
use conclave_consensus::migrate::{BackfillOptions, attention, backfill};
use conclave_db::sql::Value;
use conclave_db::{Db, DbOptions};
use conclave_testkit::{KillDriver, Parent, Rerun};

use crate::project::{Project, rows, schema};

fn variable(name: &str) -> PathBuf {
    std::env::var_os(name).unwrap().into()
}

/// Imports row by row and says each.
fn import_in_child(parent: &mut Parent) {
    parent.wait_for_release();
    let db = Db::open(DbOptions::new(variable("STATE"), schema())).unwrap();
    let options = ImportOptions { chunk_rows: 1, ..ImportOptions::default() };
    import_file(&db, &variable("SOURCE"), &options, &mut |progress| {
        parent.say(&progress.done_rows.to_string());
        if std::env::var("PAUSE_AT").is_ok_and(|at| at == progress.done_rows.to_string()) {
            parent.hear();
        }
    })
    .unwrap();
}

/// The golden rows with syntheses and executions beside them.
fn source(project: &Project) -> PathBuf {
    let path = project.golden();
    conclave_db::foreign::run(
        &path,
        "INSERT INTO consensus_synthesis(spec_id, stage, output_markdown, status, artifacts_count, degraded, run_id, created_at)
           VALUES('S1', 'spec-plan', '# A', 'ok', 4, 0, 'run_A', '2025-11-11 02:33:25'),
                 ('S1', 'spec-plan', '# none', 'degraded', 2, 1, NULL, '2025-11-03 02:54:13');
         INSERT INTO agent_executions(agent_id, spec_id, stage, phase_type, agent_name, run_id, spawned_at)
           VALUES('x-1', 'S1', 'spec-plan', 'regular_stage', 'gemini', 'run_A', '2025-11-11 02:33:00'),
                 ('x-2', 'S9', 'spec-plan', 'regular_stage', 'gemini', 'run_Z', '2025-11-11 02:33:00');",
    )
    .unwrap();
    path
}

fn undisturbed(source: &Path) -> Vec<Vec<Value>> {
    let project = Project::new();
    project.import(source);
    project.state()
}

#[test]
fn import_killed_after_seven_rows_goes_on() {
    if let Some(mut parent) = Parent::of_this_process() {
        return import_in_child(&mut parent);
    }
    let project = Project::new();
    let source = source(&project);
    let mut child = Rerun::of("killed::import_killed_after_seven_rows_goes_on")
        .variable("STATE", project.db.path().display().to_string())
        .variable("SOURCE", source.display().to_string())
        .variable("PAUSE_AT", "7")
        .start();
    child.release();
    while child.line().unwrap() != "7" {}
    child.kill();
    assert_eq!(project.number("SELECT count(*) FROM agent_outputs"), 7);
    assert_eq!(project.number("SELECT count(*) FROM import_sources WHERE finished_at IS NULL"), 1);
    let waiting = attention(&project.db).unwrap();
    let kinds: Vec<_> = waiting.iter().map(|one| (one.kind, one.since.is_some())).collect();
    assert_eq!(kinds, [("import", true)], "{waiting:?}");
    let report = project.import(&source);
    assert_eq!(attention(&project.db).unwrap(), []);
    assert_eq!((report.already_present, report.rows), (7, 18));
    assert_eq!((report.runs, report.outputs, report.syntheses, report.executions), (11, 14, 2, 2));
    assert_eq!(project.state(), undisturbed(&source));
    project.assert_sound();
}

#[test]
fn import_killed_anywhere_goes_on() {
    if let Some(mut parent) = Parent::of_this_process() {
        return import_in_child(&mut parent);
    }
    let keep = Project::new();
    let source = source(&keep);
    let wanted = undisturbed(&source);
    let mut driver = KillDriver::new(15);
    for _ in 0..12 {
        let project = Project::new();
        let child = Rerun::of("killed::import_killed_anywhere_goes_on")
            .variable("STATE", project.db.path().display().to_string())
            .variable("SOURCE", source.display().to_string())
            .start();
        let killed = driver.run_and_kill(child, 18, Duration::from_millis(3));
        let acknowledged = killed.lines.last().map_or(0, |line| line.parse::<i64>().unwrap());
        let stored = "SELECT (SELECT count(*) FROM agent_outputs) + (SELECT count(*) FROM run_syntheses)
          + (SELECT count(*) FROM run_attempts)";
        assert!(project.number(stored) >= acknowledged, "what was said is there");
        project.import(&source);
        assert_eq!(project.state(), wanted);
        project.assert_sound();
    }
}

#[test]
fn backfill_killed_after_seven_rows_goes_on() {
    let options = BackfillOptions { chunk_rows: 1, ..BackfillOptions::default() };
    if let Some(mut parent) = Parent::of_this_process() {
        parent.wait_for_release();
        let db = Db::open(DbOptions::new(variable("STATE"), schema())).unwrap();
        backfill(&db, &options, &mut |progress| {
            parent.say(&progress.done_rows.to_string());
            if progress.done_rows == 7 {
                parent.hear();
            }
        })
        .unwrap();
        return;
    }
    const STATE: [&str; 3] = [
        "SELECT * FROM consensus_runs ORDER BY id",
        "SELECT * FROM agent_outputs ORDER BY id",
        "SELECT phase FROM migration_state",
    ];
    let dir = tempfile::tempdir().unwrap();
    let whole = |name: &str| {
        let path = dir.path().join(name);
        conclave_consensus::golden::write_legacy_fixture(&path).unwrap();
        path
    };
    let once = Db::open(DbOptions::new(whole("once.db"), schema())).unwrap();
    let report = backfill(&once, &BackfillOptions::default(), &mut |_| {}).unwrap();
    assert_eq!((report.copied, report.complete, report.runs), (14, true, 10));
    let path = whole("killed.db");
    let mut child = Rerun::of("killed::backfill_killed_after_seven_rows_goes_on")
        .variable("STATE", path.display().to_string())
        .start();
    child.release();
    while child.line().unwrap() != "7" {}
    child.kill();
    let db = Db::open(DbOptions::new(&path, schema())).unwrap();
    assert_eq!(rows(&db, "SELECT count(*) FROM agent_outputs"), [[Value::Integer(7)]]);
    // The cursor came in the transaction of the chunk.
    let cursor = "SELECT artifact_cursor, execution_cursor FROM migration_state";
    assert_eq!(rows(&db, cursor), [[Value::Integer(7), Value::Null]]);
    let report = backfill(&db, &options, &mut |_| {}).unwrap();
    assert_eq!((report.copied, report.remaining, report.complete), (7, 0, true));
    for query in STATE {
        assert_eq!(rows(&db, query), rows(&once, query));
    }
    // Nothing is left to copy, and it writes nothing.
    let version = rows(&db, "PRAGMA data_version");
    let report = backfill(&db, &options, &mut |_| {}).unwrap();
    assert_eq!((report.copied, report.updated, report.complete), (0, 0, true));
    assert_eq!(rows(&db, "PRAGMA data_version"), version);
}

/// A second import of a file that has grown is unfinished from its first new row to its last.
#[test]
fn a_file_that_has_grown_is_unfinished_until_all_is_here() {
    let project = Project::new();
    let rows = |ids: std::ops::Range<i32>| {
        let row = |id| format!("({id}, 'S', 'plan', 'a', '{{}}', 'r', '2025-11-11 02:33:20')");
        format!(
            "INSERT INTO consensus_artifacts(id, spec_id, stage, agent_name, content_json, run_id, created_at)
             VALUES {};",
            ids.map(row).collect::<Vec<_>>().join(", ")
        )
    };
    let source = project.legacy("grows.db", &rows(1..3));
    project.import(&source);
    let finished = "SELECT finished_at IS NOT NULL FROM import_sources";
    assert_eq!(project.number(finished), 1);
    conclave_db::foreign::run(&source, &rows(3..6)).unwrap();
    let options = ImportOptions { chunk_rows: 1, ..Default::default() };
    let mut seen = Vec::new();
    import_file(&project.db, &source, &options, &mut |_| seen.push(project.number(finished))).unwrap();
    assert_eq!(seen, [1, 1, 0, 0, 0], "the first two rows were here before");
    assert_eq!(project.number(finished), 1);
}
