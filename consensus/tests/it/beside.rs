//! A backfill beside a writer of another process.

use std::path::Path;
use std::sync::Arc;

use conclave_consensus::migrate::{BackfillOptions, backfill};
use conclave_db::{Db, DbError, DbOptions};
use conclave_testkit::{ManualClock, Parent, Rerun};

use crate::project::{LEGACY_DDL, Project, schema};

/// A state file that is a legacy one, with so many artifacts of about a KiB, not copied yet.
fn legacy(rows: u32) -> Project {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state.db");
    legacy_at(&path, rows);
    Project::over(dir, &path)
}

fn legacy_at(path: &Path, rows: u32) {
    let sql = format!(
        "{LEGACY_DDL} INSERT INTO consensus_artifacts(spec_id, stage, agent_name, content_json, run_id, created_at)
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})
         SELECT 'S' || (i % 10), 'spec-plan', 'agent' || (i % 3), '{{\"i\":\"' || printf('%.1000c', 'x') || i || '\"}}',
           'run_' || (i / 6), 1762828295 + i FROM n;"
    );
    conclave_db::foreign::create(path, &sql).unwrap();
}

/// Writes as fast as it can, as an older program would but for the turn, until it is killed.
fn write_in_child(parent: &mut Parent) {
    let db = Db::open(DbOptions::new(std::env::var_os("STATE").unwrap(), schema())).unwrap();
    parent.wait_for_release();
    for n in 0.. {
        db.write("older", move |tx| {
            tx.execute(
                "INSERT INTO consensus_artifacts(spec_id, stage, agent_name, content_json, run_id)
                 VALUES('W', 'spec-plan', 'w', ?1, 'run_W' || (?1 / 6))",
                [n],
            )?;
            if n % 3 == 0 {
                let some =
                    "UPDATE consensus_artifacts SET response_text = ?1 WHERE id = 1 + (?1 * 7919) % 1000";
                tx.execute(some, [n])?;
            }
            Ok::<_, DbError>(())
        })
        .unwrap();
        if n % 50 == 0 {
            parent.say(&n.to_string());
        }
    }
}

#[test]
fn a_backfill_and_a_writer_of_another_process_do_not_lose_a_row() {
    const TEST: &str = "beside::a_backfill_and_a_writer_of_another_process_do_not_lose_a_row";
    if let Some(mut parent) = Parent::of_this_process() {
        return write_in_child(&mut parent);
    }
    let project = legacy(3000);
    let mut child = Rerun::of(TEST).variable("STATE", project.db.path().display().to_string()).start();
    child.release();
    child.line().unwrap();
    let report = backfill(&project.db, &BackfillOptions::default(), &mut |_| {}).unwrap();
    child.kill();
    let written = project.number("SELECT count(*) FROM consensus_artifacts WHERE spec_id = 'W'");
    assert!(report.complete, "{report:?}");
    assert!(written > 0 && report.locks.chunks() > 1);
    assert!(project.verify().equal);
    project.assert_sound();
}

/// Facts 9.11: two processes open and copy one file at once, and no row is copied twice.
#[test]
fn scenario_11_two_processes_migrate_one_file_at_once() {
    const TEST: &str = "beside::scenario_11_two_processes_migrate_one_file_at_once";
    if let Some(mut parent) = Parent::of_this_process() {
        parent.wait_for_release();
        let db = Db::open(DbOptions::new(std::env::var_os("STATE").unwrap(), schema())).unwrap();
        let made = db.migrated().applied.len();
        let options = BackfillOptions { chunk_rows: 50, ..BackfillOptions::default() };
        let report = backfill(&db, &options, &mut |_| {}).unwrap();
        assert!(report.complete);
        parent.say(&format!("{made} {}", report.copied));
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state.db");
    conclave_db::foreign::create(
        &path,
        &format!(
            "{LEGACY_DDL} INSERT INTO consensus_artifacts(spec_id, stage, agent_name, content_json, run_id)
             WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
             SELECT 'S', 'plan', 'a', i, i / 6 FROM n;"
        ),
    )
    .unwrap();
    let mut fleet = Rerun::of(TEST).variable("STATE", path.display().to_string()).start_fleet(2);
    fleet.release();
    let said: Vec<Vec<u64>> = fleet
        .finish()
        .iter()
        .map(|lines| lines[0].split(' ').map(|number| number.parse().unwrap()).collect())
        .collect();
    assert_eq!(said.iter().map(|said| said[0]).filter(|made| *made > 0).count(), 1, "{said:?}");
    assert_eq!(said.iter().map(|said| said[1]).sum::<u64>(), 2000, "{said:?}");
    let project = Project::over(dir, &path);
    assert_eq!(project.number("SELECT count(*) FROM agent_outputs"), 2000);
    assert!(project.verify().equal);
    project.assert_sound();
}

/// It gives the others their share of the time: after each chunk it rests for as long as it held the lock, and
/// one that is cancelled goes on when it is run again.
#[test]
fn a_backfill_rests_while_others_write_and_can_be_cancelled() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state.db");
    legacy_at(&path, 200);
    let clock = ManualClock::new();
    // Chunks are sized by their time: on a busy machine that of another clock would make them smaller.
    let options =
        DbOptions::new(&path, schema()).clock(Arc::new(clock.clone())).sleeper(Arc::new(clock.clone()));
    let project = Project { dir, db: Db::open(options).unwrap() };
    let options = BackfillOptions { chunk_rows: 10, ..BackfillOptions::default() };
    let cancel = options.cancel.clone();
    let mut chunks = 0;
    let report = backfill(&project.db, &options, &mut |_| {
        chunks += 1;
        if chunks == 5 {
            assert_eq!(clock.sleeps(), [], "nobody else writes");
            conclave_db::foreign::run(
                &path,
                "UPDATE consensus_artifacts SET response_text = 'x' WHERE id = 1",
            )
            .unwrap();
        }
        if chunks == 10 {
            cancel.cancel();
        }
    })
    .unwrap();
    assert!((2..=5).contains(&clock.sleeps().len()), "{:?}", clock.sleeps());
    assert_eq!((report.copied, report.complete, report.remaining), (100, false, 100));
    let report = project.backfill();
    assert_eq!((report.copied, report.complete), (100, true));
    assert!(project.verify().equal);
}
