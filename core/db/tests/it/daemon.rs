//! The task that vacuums while a program runs for long.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use conclave_db::vacuum::{self, VacuumSchedule};
use conclave_db::{Db, ErrorKind, stats};
use conclave_retry::Clock;

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

/// Time moves with each look at it, and stops in the middle of the work until it is told to go on.
#[derive(Debug)]
struct Stops {
    looks: AtomicU64,
    told: mpsc::Sender<()>,
    goes_on: Mutex<mpsc::Receiver<()>>,
}

impl Clock for Stops {
    fn monotonic(&self) -> Duration {
        let look = self.looks.fetch_add(1, Ordering::SeqCst);
        if look == AT_WORK {
            self.told.send(()).unwrap();
            // An error when the test has failed meanwhile.
            let _ = self.goes_on.lock().unwrap().recv();
        }
        Duration::from_millis(look)
    }

    fn wall_ms(&self) -> i64 {
        0
    }
}

/// The look at the clock that stands still: set anew before the daemon begins.
const AT_WORK: u64 = 1_000_000;

#[tokio::test]
async fn the_daemon_ends_after_the_slice_that_it_is_in() {
    let scratch = Scratch::new();
    let ((told, has_stopped), (go_on, goes_on)) = (mpsc::channel(), mpsc::channel());
    let clock = Arc::new(Stops { looks: AtomicU64::new(0), told, goes_on: Mutex::new(goes_on) });
    let as_clock: Arc<dyn Clock> = Arc::<Stops>::clone(&clock);
    let db = Db::open(scratch.options().clock(as_clock)).unwrap();
    mostly_free(&db, 2 * MB);
    let free = stats(&db).unwrap().freelist_count;
    // A hundred looks later some pages are free, and hundreds are not.
    clock.looks.store(AT_WORK - 100, Ordering::SeqCst);
    let look = Duration::from_millis(1);
    let daemon =
        vacuum::spawn_daemon(db.clone(), VacuumSchedule { look, ..VacuumSchedule::default() }).unwrap();
    let told = daemon.subscribe();
    tokio::task::spawn_blocking(move || has_stopped.recv().unwrap()).await.unwrap();
    let ended = tokio::spawn(daemon.shutdown());
    // On this one thread, so it has been asked to end before it may go on.
    tokio::task::yield_now().await;
    go_on.send(()).unwrap();
    ended.await.unwrap();
    let left = stats(&db).unwrap().freelist_count;
    assert!(0 < left && left < free, "{left} of {free}");
    assert!(told.borrow().as_ref().is_some_and(|done| done.pages_left == left), "{told:?}");
}
