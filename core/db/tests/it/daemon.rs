//! The task that vacuums while a program runs for long.

use std::time::Duration;

use conclave_db::vacuum::{self, VacuumSchedule};
use conclave_db::{Db, ErrorKind, stats};

use crate::fixture::{Scratch, insert};
use crate::vacuum::{MB, fill, mostly_free};

/// The daemon's own time is tokio's, which stands still here until nobody has anything to do.
#[tokio::test(start_paused = true)]
async fn the_daemon_works_when_it_is_due_and_not_before() {
    let scratch = Scratch::new();
    let db = scratch.open();
    mostly_free(&db, 2 * MB);
    let look = Duration::from_mins(1);
    let daemon =
        vacuum::spawn_daemon(db.clone(), VacuumSchedule { look, ..VacuumSchedule::default() }).unwrap();
    let mut told = daemon.subscribe();
    tokio::time::sleep(Duration::from_secs(59)).await;
    assert_eq!(daemon.last(), None, "the first look is one interval away");
    assert!(vacuum::due(&db).unwrap());
    let told_in_time = tokio::time::timeout(look, told.changed()).await;
    told_in_time.expect("at the first look, not a day later").unwrap();
    let done = daemon.last().expect("a cycle");
    assert_eq!(done.pages_left, 0);
    assert!(!vacuum::due(&db).unwrap());
    daemon.shutdown().await;
    assert!(told.changed().await.is_err(), "it is gone");
}

#[tokio::test(start_paused = true)]
async fn the_daemon_frees_what_is_not_due_once_a_day() {
    let scratch = Scratch::new();
    let db = scratch.open();
    fill(&db, 2 * MB);
    db.write("delete", |tx| tx.execute("DELETE FROM item WHERE id <= 20", [])).unwrap();
    let free = stats(&db).unwrap().freelist_count;
    assert!(free > 0 && !vacuum::due(&db).unwrap());
    let schedule = VacuumSchedule { look: Duration::from_hours(1), ..VacuumSchedule::default() };
    let daemon = vacuum::spawn_daemon(db.clone(), schedule).unwrap();
    tokio::time::sleep(Duration::from_mins(23 * 60 + 30)).await;
    assert_eq!(stats(&db).unwrap().freelist_count, free);
    daemon.subscribe().changed().await.unwrap();
    assert_eq!(stats(&db).unwrap().freelist_count, 0);
    drop(daemon);
}

#[tokio::test(start_paused = true)]
async fn the_daemon_copies_the_log_once_nobody_writes() {
    let scratch = Scratch::new();
    let db = scratch.open();
    insert(&db, "one").unwrap();
    assert!(stats(&db).unwrap().wal_bytes > 0);
    let before = std::fs::metadata(scratch.path()).unwrap().len();
    let look = Duration::from_mins(1);
    let daemon =
        vacuum::spawn_daemon(db.clone(), VacuumSchedule { look, ..VacuumSchedule::default() }).unwrap();
    tokio::time::sleep(Duration::from_secs(61)).await;
    insert(&db, &"x".repeat(20_000)).unwrap();
    tokio::time::sleep(look).await;
    assert_eq!(std::fs::metadata(scratch.path()).unwrap().len(), before, "somebody wrote in between");
    tokio::time::sleep(look).await;
    assert!(std::fs::metadata(scratch.path()).unwrap().len() > before, "the file has the pages of the log");
    daemon.shutdown().await;
}

#[tokio::test]
async fn the_daemon_refuses_what_it_can_never_do() {
    let scratch = Scratch::new();
    drop(scratch.open());
    let db = Db::open_read_only(scratch.options()).unwrap();
    let refused = vacuum::spawn_daemon(db, VacuumSchedule::default()).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ReadOnly);
}
