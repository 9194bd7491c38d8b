//! The log stays short, and who keeps it from that is named.

use std::sync::{Arc, mpsc};
use std::time::Duration;

use conclave_db::checkpoint::{CheckpointMode, CheckpointReport, checkpoint};
use conclave_db::{Db, DbError, Holding, holders, stats};
use conclave_testkit::{ManualClock, Parent, Rerun, notices_of, skipped};
use tracing::Level;

use crate::fixture::{Scratch, insert};

/// One commit of about this many pages.
fn write_pages(db: &Db, pages: i64) {
    db.write("pages", move |tx| {
        tx.execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
             INSERT INTO item(text) SELECT hex(randomblob(1900)) FROM n",
            [pages],
        )
    })
    .unwrap();
}

/// Runs `during` while another thread holds a snapshot.
fn beside_a_reader<T>(db: &Db, during: impl FnOnce() -> T) -> T {
    let (release, released) = mpsc::channel::<()>();
    let (ready, is_ready) = mpsc::channel();
    let reader = db.clone();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            reader.read(|conn| {
                conn.query_row("SELECT count(*) FROM item", [], |row| row.get::<_, i64>(0))?;
                ready.send(()).unwrap();
                let _ = released.recv();
                Ok::<_, DbError>(())
            })
        });
        is_ready.recv().unwrap();
        let done = during();
        drop(release);
        done
    })
}

#[test]
fn the_log_is_copied_while_writing_goes_on() {
    let scratch = Scratch::new();
    let db = scratch.open();
    for _ in 0..60 {
        write_pages(&db, 50);
    }
    let found = stats(&db).unwrap();
    assert!(found.file_bytes > 8 << 20, "{found:?}");
    // The threshold of 1000 pages, and one commit above.
    assert!(found.wal_bytes < 5 << 20, "{found:?}");
    let metrics = db.metrics();
    assert!(metrics.checkpoints >= 3, "{metrics:?}");
    assert_eq!(metrics.checkpoints_held_up, 0);
}

#[test]
fn a_held_up_log_is_not_tried_at_each_commit_and_is_told() {
    let scratch = Scratch::new();
    // No checkpoint takes any time, or a slow disk would get more of them.
    let db = Db::open(scratch.options().clock(Arc::new(ManualClock::new()))).unwrap();
    insert(&db, "first").unwrap();
    let ((), told) = notices_of(Level::WARN, || {
        beside_a_reader(&db, || {
            for _ in 0..60 {
                write_pages(&db, 50);
            }
        });
    });
    let metrics = db.metrics();
    assert!(metrics.checkpoints_held_up >= 5, "{metrics:?}");
    assert!(metrics.wal_pages > 8000 && metrics.wal_pages < 16_000, "{metrics:?}");
    assert!(metrics.checkpoints <= metrics.wal_pages / 1000, "60 commits: {metrics:?}");
    assert_eq!(told.len(), 1, "once is enough until it has doubled: {told:?}");
    assert!(told[0].contains("the write-ahead log grows"), "{told:?}");
    assert!(told[0].contains("this process") && told[0].contains("tests/it/checkpoint.rs:"), "{told:?}");
    // The reader has gone: the next commits bring the log down.
    write_pages(&db, 1000);
    assert_eq!(stats(&db).unwrap().wal_bytes, 0, "cut, for it had become large");
}

#[test]
fn a_checkpoint_on_request_tells_what_it_did() {
    let scratch = Scratch::new();
    let db = scratch.open();
    write_pages(&db, 10);
    let passive = checkpoint(&db, CheckpointMode::Passive).unwrap();
    assert!(passive.log_pages > 10 && !passive.busy, "{passive:?}");
    assert_eq!(passive.copied_pages, passive.log_pages);
    assert!(stats(&db).unwrap().wal_bytes > 0);
    let truncate = checkpoint(&db, CheckpointMode::Truncate).unwrap();
    assert_eq!(truncate, CheckpointReport::default());
    assert_eq!(stats(&db).unwrap().wal_bytes, 0);
    // A reader that has everything keeps nothing from being copied, only the log from being cut.
    write_pages(&db, 10);
    let (passive, truncate) = beside_a_reader(&db, || {
        let passive = checkpoint(&db, CheckpointMode::Passive).unwrap();
        (passive, checkpoint(&db, CheckpointMode::Truncate).unwrap())
    });
    assert!(!passive.busy && passive.held_up_by.is_none(), "{passive:?}");
    assert!(truncate.busy && truncate.held_up_by.is_some(), "{truncate:?}");
}

#[test]
fn every_process_with_the_file_is_listed_with_what_it_does() {
    if let Some(mut parent) = Parent::of_this_process() {
        let path = std::env::var("FILE").unwrap();
        let db = Db::open(conclave_db::DbOptions::new(path, crate::fixture::schema())).unwrap();
        match parent.role().to_owned().as_str() {
            "reads" => db.read(|conn| {
                conn.query_row("SELECT count(*) FROM item", [], |row| row.get::<_, i64>(0))?;
                parent.wait_for_release();
                Ok::<_, DbError>(())
            }),
            "writes" => {
                let parent = std::sync::Mutex::new(parent);
                db.write("held", move |_| {
                    parent.lock().unwrap().wait_for_release();
                    Ok::<_, DbError>(())
                })
            }
            _ => {
                parent.wait_for_release();
                Ok(())
            }
        }
        .unwrap();
        return;
    }
    if !std::path::Path::new("/proc/locks").exists() {
        skipped("no /proc/locks here");
        return;
    }
    let scratch = Scratch::new();
    let db = scratch.open();
    insert(&db, "first").unwrap();
    let start = |role: &str| {
        Rerun::of("checkpoint::every_process_with_the_file_is_listed_with_what_it_does")
            .role(role)
            .variable("FILE", scratch.path().to_str().unwrap())
            .start()
    };
    let children = [("opens", Holding::Open), ("reads", Holding::Reads), ("writes", Holding::Writes)]
        .map(|(role, holding)| (start(role), holding));
    let found = holders(&db);
    for (child, holding) in &children {
        let holder = found.iter().find(|holder| holder.pid == child.pid()).expect("the child is listed");
        assert_eq!(holder.holding, *holding, "{found:?}");
        assert!(holder.command.is_some(), "{holder:?}");
    }
    assert!(found.iter().any(|holder| holder.pid == std::process::id()), "{found:?}");
    assert_eq!(found.len(), 4, "{found:?}");
    for (mut child, _) in children {
        child.release();
        child.finish();
    }
}

#[test]
fn another_process_that_holds_the_write_lock_costs_a_checkpoint_only_its_patience() {
    if let Some(mut parent) = Parent::of_this_process() {
        let path = std::env::var("FILE").unwrap();
        let db = Db::open(conclave_db::DbOptions::new(path, crate::fixture::schema())).unwrap();
        parent.wait_for_release();
        let parent = std::sync::Mutex::new(parent);
        db.write("held", move |_| {
            let mut parent = parent.lock().unwrap();
            parent.say("inside");
            parent.hear();
            Ok::<_, DbError>(())
        })
        .unwrap();
        return;
    }
    let scratch = Scratch::new();
    let db = Db::open(scratch.options().busy_timeout(Duration::from_hours(1))).unwrap();
    write_pages(&db, 10);
    let mut child = Rerun::of(
        "checkpoint::another_process_that_holds_the_write_lock_costs_a_checkpoint_only_its_patience",
    )
    .variable("FILE", scratch.path().to_str().unwrap())
    .start();
    child.release();
    assert_eq!(child.line().as_deref(), Some("inside"));
    // It would wait for an hour otherwise: the other process goes on only after this.
    let report = checkpoint(&db, CheckpointMode::Truncate).unwrap();
    assert!(report.busy, "{report:?}");
    if std::path::Path::new("/proc/locks").exists() {
        let named = report.held_up_by.expect("the writer is named");
        assert!(named.contains(&child.pid().to_string()) && named.contains("writes"), "{named}");
    }
    child.send("go on");
    assert_eq!(child.line_within(Duration::from_mins(1)), None, "it ends");
    child.finish();
    assert!(!checkpoint(&db, CheckpointMode::Truncate).unwrap().busy);
}
