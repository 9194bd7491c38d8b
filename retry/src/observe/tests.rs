use std::collections::BTreeMap;
use std::fmt::{Debug, Display};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

use super::{Observer, Outcome, Report, Stop, TracingObserver};
use crate::classify::{ErrorClass, RetryReason};

type Fields = BTreeMap<&'static str, String>;

/// Keeps the events it is sent.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<(Level, Fields)>>>);

struct Collect(Fields);

impl Visit for Collect {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name(), format!("{value:?}"));
    }
}

impl Subscriber for Log {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
    fn event(&self, event: &Event<'_>) {
        let mut fields = Collect(Fields::new());
        event.record(&mut fields);
        self.0.lock().unwrap().push((*event.metadata().level(), fields.0));
    }
}

/// The one event that a report becomes.
fn event(
    attempt: u32,
    class: Option<ErrorClass>,
    error: Option<&dyn Display>,
    outcome: Outcome,
) -> (Level, Fields) {
    let log = Log::default();
    let elapsed = Duration::from_millis(250);
    let report = Report { operation: "claim", attempt, limit: 6, class, error, elapsed, outcome };
    tracing::subscriber::with_default(log.clone(), || TracingObserver.observe(&report));
    let mut events = log.0.lock().unwrap();
    assert_eq!(events.len(), 1);
    events.remove(0)
}

#[test]
fn a_retry_is_logged_with_all_its_fields() {
    let class = ErrorClass::retryable(RetryReason::DatabaseLocked);
    let outcome = Outcome::Retrying { sleep: Duration::from_millis(100) };
    let (level, fields) = event(2, Some(class), Some(&"database is locked"), outcome);
    assert_eq!(level, Level::DEBUG);
    let expected = [
        ("attempt", "2"),
        ("class", "\"retryable\""),
        ("elapsed_ms", "250.0"),
        ("error", "database is locked"),
        ("is_retryable", "true"),
        ("max_attempts", "6"),
        ("message", "failed, will try again"),
        ("operation", "\"claim\""),
        ("outcome", "\"retrying\""),
        ("reason", "\"database_locked\""),
        ("sleep_ms", "100.0"),
    ];
    assert_eq!(fields, expected.into_iter().map(|(name, value)| (name, value.to_owned())).collect());
}

#[test]
fn what_does_not_apply_is_not_logged() {
    let (_, fields) = event(1, None, None, Outcome::Succeeded);
    let names: Vec<_> = fields.keys().copied().collect();
    assert_eq!(names, ["attempt", "elapsed_ms", "max_attempts", "message", "operation", "outcome"]);
}

#[test]
fn levels_and_names_follow_the_outcome() {
    let cases = [
        (1, Outcome::Succeeded, Level::TRACE, "succeeded"),
        (2, Outcome::Succeeded, Level::DEBUG, "succeeded"),
        (2, Outcome::Accepted, Level::WARN, "accepted"),
        (1, Outcome::GaveUp(Stop::Permanent), Level::WARN, "permanent"),
        (1, Outcome::GaveUp(Stop::Ambiguous), Level::WARN, "ambiguous"),
        (2, Outcome::GaveUp(Stop::Degraded { succeeded: 2, total: 3 }), Level::WARN, "degraded"),
        (6, Outcome::GaveUp(Stop::Attempts), Level::WARN, "exhausted"),
        (6, Outcome::GaveUp(Stop::Deadline), Level::WARN, "deadline"),
        (6, Outcome::GaveUp(Stop::AskedWait(Duration::MAX)), Level::WARN, "asked_wait"),
        (6, Outcome::GaveUp(Stop::Budget), Level::WARN, "budget"),
        (6, Outcome::GaveUp(Stop::Cancelled), Level::WARN, "cancelled"),
    ];
    for (attempt, outcome, expected, name) in cases {
        let (level, fields) = event(attempt, None, None, outcome);
        assert_eq!((level, fields["outcome"].as_str()), (expected, format!("{name:?}").as_str()));
    }
}
