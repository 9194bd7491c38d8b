//! Scenario 46: many writers, injected faults, and counters that agree with what was injected.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use conclave_retry::{
    Classify, Counters, ErrorClass, ManualClock, Random, Retry, RetryBudget, RetryPolicy, SeededRandom,
    sqlite_code,
};

const WRITERS: usize = 1_000;
const THREADS: usize = 8;
const SQLITE_BUSY: i32 = 5;

#[derive(Debug)]
struct Busy;

impl fmt::Display for Busy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("database is locked")
    }
}

impl Classify for Busy {
    fn classify(&self) -> ErrorClass {
        sqlite_code(SQLITE_BUSY)
    }
}

/// A table with an idempotency key, which fails one write in `one_in`: before it is made, or after, so that the
/// writer does not know.
struct Table {
    rows: Mutex<BTreeMap<usize, Row>>,
    random: SeededRandom,
    one_in: u64,
    injected: AtomicU64,
}

#[derive(Default)]
struct Row {
    calls: u64,
    acknowledged: u64,
}

impl Table {
    fn insert_once(&self, key: usize) -> Result<(), Busy> {
        let draw = self.random.next_u64();
        let fails = draw.is_multiple_of(self.one_in);
        let mut rows = self.rows.lock().unwrap();
        if fails && draw & (1 << 40) == 0 {
            self.injected.fetch_add(1, Ordering::Relaxed);
            return Err(Busy);
        }
        let row = rows.entry(key).or_default();
        row.calls += 1;
        if fails {
            self.injected.fetch_add(1, Ordering::Relaxed);
            return Err(Busy);
        }
        row.acknowledged += 1;
        Ok(())
    }
}

/// Lets all writers write, and returns how many gave up.
fn check(one_in: u64) -> u64 {
    let random = SeededRandom::new(46);
    let table = Arc::new(Table { rows: Mutex::default(), random, one_in, injected: AtomicU64::new(0) });
    let counters = Arc::new(Counters::new());
    // Small enough that it would run dry if successes did not fill it.
    let budget = Arc::new(RetryBudget::new(100));
    let retry = Retry::new("insert", RetryPolicy::DATABASE)
        .time(ManualClock::new())
        .random(Arc::new(SeededRandom::new(1)))
        .budget(budget)
        .observer(counters.clone());
    let threads: Vec<_> = (0..THREADS)
        .map(|thread| {
            let (table, retry) = (Arc::clone(&table), retry.clone());
            std::thread::spawn(move || {
                let keys = (thread..WRITERS).step_by(THREADS);
                keys.filter(|key| retry.run(|_| table.insert_once(*key)).is_ok()).count()
            })
        })
        .collect();
    let succeeded: usize = threads.into_iter().map(|thread| thread.join().unwrap()).sum();

    let injected = table.injected.load(Ordering::Relaxed);
    let counts = counters.snapshot();
    let gave_up = counts.exhausted + counts.budget;
    assert!(injected > 0, "a run without faults shows nothing");
    assert_eq!(counts.by_reason, BTreeMap::from([("database_locked".to_owned(), injected)]));
    assert_eq!(counts.retries, injected - gave_up, "each fault was retried or ended its operation");
    assert_eq!(counts.operations(), WRITERS as u64);
    assert_eq!(counts.first_try + counts.after_retries, succeeded as u64);
    assert_eq!(WRITERS as u64 - gave_up, succeeded as u64);

    let rows = table.rows.lock().unwrap();
    let acknowledged: u64 = rows.values().map(|row| row.acknowledged).sum();
    assert_eq!(acknowledged, succeeded as u64);
    assert!(rows.values().all(|row| row.acknowledged <= 1), "no call after a success");
    if injected > 100 {
        assert!(rows.values().any(|row| row.calls > 1), "some writes were made twice, and stored once");
    }
    gave_up
}

#[test]
fn a_thousand_writers_with_two_percent_of_faults_all_succeed() {
    assert_eq!(check(50), 0);
}

#[test]
fn with_half_of_the_calls_failing_the_counts_still_agree() {
    check(2);
}
