use std::time::Duration;

use super::{CounterSnapshot, Counters};
use crate::classify::{ErrorClass, PermanentReason, RetryReason};
use crate::observe::{Observer, Outcome, Report, Stop};

const BUSY: ErrorClass = ErrorClass::retryable(RetryReason::DatabaseLocked);
const FULL: ErrorClass = ErrorClass::permanent(PermanentReason::Full);
const PART: ErrorClass = ErrorClass::Degraded { succeeded: 2, total: 3 };

fn see(counters: &Counters, attempt: u32, class: Option<ErrorClass>, outcome: Outcome) {
    let elapsed = Duration::ZERO;
    counters.observe(&Report { operation: "test", attempt, limit: 6, class, error: None, elapsed, outcome });
}

/// One of everything, and two retries.
fn all() -> Counters {
    let counters = Counters::new();
    see(&counters, 1, None, Outcome::Succeeded);
    see(&counters, 1, Some(BUSY), Outcome::Retrying { sleep: Duration::from_millis(100) });
    see(&counters, 2, None, Outcome::Succeeded);
    see(&counters, 1, Some(BUSY), Outcome::Retrying { sleep: Duration::from_millis(50) });
    see(&counters, 2, Some(PART), Outcome::Accepted);
    see(&counters, 2, Some(PART), Outcome::GaveUp(Stop::Degraded { succeeded: 2, total: 3 }));
    see(&counters, 6, Some(BUSY), Outcome::GaveUp(Stop::Attempts));
    see(&counters, 1, Some(BUSY), Outcome::GaveUp(Stop::AskedWait(Duration::MAX)));
    see(&counters, 2, Some(BUSY), Outcome::GaveUp(Stop::Deadline));
    see(&counters, 2, Some(BUSY), Outcome::GaveUp(Stop::Budget));
    see(&counters, 1, Some(FULL), Outcome::GaveUp(Stop::Permanent));
    see(&counters, 1, Some(ErrorClass::Ambiguous), Outcome::GaveUp(Stop::Ambiguous));
    see(&counters, 1, None, Outcome::GaveUp(Stop::Cancelled));
    counters
}

fn expected() -> CounterSnapshot {
    let by_reason = [("ambiguous", 1), ("database_locked", 6), ("degraded", 2), ("full", 1)];
    CounterSnapshot {
        first_try: 1,
        after_retries: 1,
        degraded: 2,
        exhausted: 2,
        deadline: 1,
        budget: 1,
        permanent: 1,
        ambiguous: 1,
        cancelled: 1,
        retries: 2,
        waits: Duration::from_millis(150),
        by_reason: by_reason.into_iter().map(|(reason, count)| (reason.to_owned(), count)).collect(),
    }
}

#[test]
fn each_outcome_has_its_count() {
    let snapshot = all().snapshot();
    assert_eq!(snapshot, expected());
    assert_eq!(snapshot.operations(), 11);
}

#[test]
fn taking_the_counts_leaves_none() {
    let counters = all();
    assert_eq!(counters.take(), expected());
    assert_eq!(counters.snapshot(), CounterSnapshot::default());
}

#[test]
fn counts_of_two_processes_add_up() {
    let mut sum = CounterSnapshot::default();
    sum.add(&expected());
    assert_eq!(sum, expected(), "nothing is lost");
    sum.add(&expected());
    assert_eq!(sum.operations(), 22);
    assert_eq!((sum.retries, sum.waits), (4, Duration::from_millis(300)));
    assert_eq!(sum.by_reason["database_locked"], 12);
}

#[test]
fn counts_are_stored_and_old_ones_read() {
    let json = serde_json::to_value(expected()).unwrap();
    assert_eq!(json["waits_ms"], 150.0);
    assert_eq!(serde_json::from_value::<CounterSnapshot>(json).unwrap(), expected());
    let old: CounterSnapshot = serde_json::from_str(r#"{"first_try": 3}"#).unwrap();
    assert_eq!(old, CounterSnapshot { first_try: 3, ..CounterSnapshot::default() });
}
