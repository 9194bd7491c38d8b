//! How long a slice of a vacuum is, what it leaves behind, and when there is no next one.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use conclave_db::checkpoint::{CheckpointMode, checkpoint};
use conclave_db::vacuum::{self, VacuumBudget};
use conclave_db::{Db, ErrorKind, stats};
use conclave_retry::{Clock, SystemClock};
use conclave_testkit::ManualClock;

use crate::fixture::{Scratch, insert};
use crate::vacuum::{MB, hold_read, mostly_free};

/// A clock that moves with each look at it: everything takes time, and the same time each run.
#[derive(Debug, Default)]
struct Ticking {
    looks: AtomicU64,
}

impl Clock for Ticking {
    fn monotonic(&self) -> Duration {
        Duration::from_millis(self.looks.fetch_add(1, Ordering::Relaxed))
    }

    fn wall_ms(&self) -> i64 {
        0
    }
}

#[test]
fn a_slice_ends_when_its_time_is_over() {
    let scratch = Scratch::new();
    let db = Db::open(scratch.options().clock(Arc::new(Ticking::default()))).unwrap();
    mostly_free(&db, 2 * MB);
    let free = stats(&db).unwrap().freelist_count;
    let budget = VacuumBudget { slice: Duration::from_millis(20), ..VacuumBudget::default() };
    let done = vacuum::cycle(&db, budget).unwrap();
    assert_eq!(done.pages_freed, free);
    // The clock ticks with each page, so a slice has at most 20 of them.
    assert!(done.slices >= free / 20, "{} slices for {free} pages", done.slices);
}

#[test]
fn a_slice_goes_on_while_there_is_time() {
    let scratch = Scratch::new();
    // Time stands still, so one transaction does it all.
    let db = Db::open(scratch.options().clock(Arc::new(ManualClock::new()))).unwrap();
    mostly_free(&db, 2 * MB);
    let free = stats(&db).unwrap().freelist_count;
    let done = vacuum::cycle(&db, VacuumBudget::default()).unwrap();
    assert_eq!((done.slices, done.pages_freed), (1, free));
}

/// One truncation in the end would keep writers waiting; cutting the log each time would as well.
#[test]
fn the_file_shrinks_with_each_slice_and_the_log_stays() {
    let scratch = Scratch::new();
    let db = Db::open(scratch.options().clock(Arc::new(Ticking::default()))).unwrap();
    mostly_free(&db, 2 * MB);
    checkpoint(&db, CheckpointMode::Truncate).unwrap();
    let size = |name: &str| std::fs::metadata(scratch.dir.path().join(name)).unwrap().len();
    let mut sizes = vec![size("state.db")];
    vacuum::run_until_done(&db, &mut |_| {
        sizes.push(size("state.db"));
        assert!(size("state.db-wal") > 0, "cut after slice {}", sizes.len() - 1);
    })
    .unwrap();
    assert!(sizes.len() > 10, "{sizes:?}");
    assert!(sizes.windows(2).all(|pair| pair[1] < pair[0]), "{sizes:?}");
}

/// Freeing pages beside a reader only moves them into the log.
#[test]
fn a_log_that_a_reader_made_large_ends_the_work() {
    let scratch = Scratch::new();
    let db = Db::open(scratch.options().clock(Arc::new(Ticking::default()))).unwrap();
    insert(&db, "one").unwrap();
    let (release, reader) = hold_read(&db);
    mostly_free(&db, 68 * MB);
    assert!(stats(&db).unwrap().wal_bytes > 64 << 20);
    let budget = VacuumBudget { pages: 1000, ..VacuumBudget::default() };
    let done = vacuum::cycle(&db, budget).unwrap();
    assert_eq!(done.slices, 1, "{done:?}");
    assert!(done.pages_left > 1000 && done.held_up_by.is_some(), "{done:?}");
    release.send(()).unwrap();
    reader.join().unwrap();
    let done = vacuum::cycle(&db, budget).unwrap();
    assert_eq!((done.pages_freed, done.held_up_by), (1000, None));
}

/// Writers of this process would wait for the slice as long as it waits for another process.
#[test]
fn a_slice_leaves_the_field_to_another_process() {
    let scratch = Scratch::new();
    let clock = ManualClock::new();
    let options =
        scratch.options().busy_timeout(Duration::from_hours(1)).deadline(Duration::from_millis(200));
    let db = Db::open(options.clock(Arc::new(clock.clone())).sleeper(Arc::new(clock.clone()))).unwrap();
    mostly_free(&db, 2 * MB);
    let other = db.open_connection().unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let started = SystemClock.monotonic();
    let busy = vacuum::cycle(&db, VacuumBudget::default()).unwrap_err();
    let took = SystemClock.monotonic().saturating_sub(started);
    assert_eq!(busy.kind(), ErrorKind::Busy, "{busy}");
    // Ten attempts of 10 ms, and the pauses are of the injected clock.
    assert_eq!(clock.sleeps(), [Duration::from_millis(20); 10]);
    assert!(took < Duration::from_secs(3), "{took:?}");
    other.execute_batch("COMMIT").unwrap();
    assert!(vacuum::cycle(&db, VacuumBudget::default()).unwrap().pages_freed > 0);
}

/// A command that writes is not to end much later than it would without.
#[test]
fn a_command_does_one_slice_and_no_more() {
    let scratch = Scratch::new();
    let db = Db::open(scratch.options().clock(Arc::new(Ticking::default()))).unwrap();
    mostly_free(&db, 2 * MB);
    let done = vacuum::slice_when_due(&db).unwrap().expect("it is due");
    assert_eq!(done.slices, 1, "{done:?}");
    assert!(done.pages_freed > 0 && done.pages_left > 0, "{done:?}");
}
