use std::collections::VecDeque;
use std::fmt;
use std::ops::ControlFlow;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use super::{Attempt, Done, Grade, Retry, RetryError};
use crate::budget::RetryBudget;
use crate::cancel::CancelToken;
use crate::classify::{Classify, ErrorClass, PermanentReason, RetryReason};
use crate::clock::Clock;
use crate::manual::ManualClock;
use crate::observe::{Observer, Outcome, Report, Stop};
use crate::policy::{Jitter, RetryPolicy};

mod cancelled;
mod limits;
mod partial;

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// An error that is its class, with a name to tell it from others.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Failure(&'static str, ErrorClass);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Failure {}

impl Classify for Failure {
    fn classify(&self) -> ErrorClass {
        self.1
    }
}

const BUSY: Failure = Failure("busy", ErrorClass::retryable(RetryReason::DatabaseLocked));
const BROKEN: Failure = Failure("broken", ErrorClass::permanent(PermanentReason::Corrupt));
const UNSURE: Failure = Failure("unsure", ErrorClass::Ambiguous);

fn asked(after: Duration) -> Failure {
    Failure("asked", ErrorClass::Retryable { reason: RetryReason::RateLimited, after: Some(after) })
}

fn part(name: &'static str, succeeded: u32, total: u32) -> Failure {
    Failure(name, ErrorClass::Degraded { succeeded, total })
}

/// What an observer saw of an attempt.
type Seen = (u32, &'static str, String, Outcome);

#[derive(Debug, Default)]
struct Recorder(Mutex<Vec<Seen>>);

impl Observer for Recorder {
    fn observe(&self, report: &Report<'_>) {
        assert_eq!(report.operation, "test");
        let reason = report.class.map_or("-", |class| class.reason());
        let error = report.error.map(ToString::to_string).unwrap_or_default();
        self.0.lock().unwrap().push((report.attempt, reason, error, report.outcome));
    }
}

/// A retry under test with everything around it that a test looks at.
struct Bench {
    retry: Retry,
    clock: ManualClock,
    recorder: Arc<Recorder>,
}

impl Bench {
    /// Six calls, 100 ms × 2, no jitter.
    fn new() -> Self {
        Self::with(RetryPolicy::DATABASE.with_jitter(Jitter::None))
    }

    fn with(policy: RetryPolicy) -> Self {
        let (clock, recorder) = (ManualClock::new(), Arc::new(Recorder::default()));
        let observer = Arc::clone(&recorder) as Arc<dyn Observer>;
        let retry = Retry::new("test", policy).time(clock.clone()).observer(observer);
        Self { retry, clock, recorder }
    }

    fn map(mut self, change: impl FnOnce(Retry) -> Retry) -> Self {
        self.retry = change(self.retry);
        self
    }

    /// Runs a script of results, once per bench, blocking and as a task on a second bench: both must tell the same.
    fn script(&self, script: &[Result<u32, Failure>]) -> Result<Done<u32>, RetryError<Failure>> {
        let start = self.clock.monotonic();
        let tokens = self.retry.budget.as_ref().map(|budget| budget.tokens());
        let mut left: VecDeque<_> = script.iter().cloned().collect();
        let blocking = self.retry.run_graded(|_| left.pop_front().unwrap(), grade);
        assert_eq!(left.len(), script.len() - calls(&blocking), "all other results are left over");

        let (clock, recorder) = (ManualClock::new(), Arc::new(Recorder::default()));
        clock.advance(start);
        let mut other = self.retry.clone().time(clock.clone());
        other.observers = vec![recorder.clone()];
        if let (Some(tokens), Some(budget)) = (tokens, &other.budget) {
            other.budget = Some(Arc::new(RetryBudget::with_tokens(budget.capacity(), tokens)));
        }
        let mut left: VecDeque<_> = script.iter().cloned().collect();
        let task = block_on(other.run_graded_async(
            &clock,
            |_| {
                let result = left.pop_front().unwrap();
                async move { result }
            },
            grade,
        ));
        assert_eq!(task, blocking);
        assert_eq!(*recorder.0.lock().unwrap(), *self.recorder.0.lock().unwrap());
        assert_eq!(clock.sleeps(), self.clock.sleeps());
        blocking
    }

    fn seen(&self) -> Vec<Seen> {
        self.recorder.0.lock().unwrap().clone()
    }

    fn outcomes(&self) -> Vec<Outcome> {
        self.seen().into_iter().map(|(.., outcome)| outcome).collect()
    }
}

/// Values below 100 are shares of three parts, others are whole.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "results are judged by reference, of whatever size")]
fn grade(value: &u32) -> Grade {
    if *value < 100 { Grade::Part { succeeded: *value, total: 3 } } else { Grade::Whole }
}

fn calls(end: &Result<Done<u32>, RetryError<Failure>>) -> usize {
    let attempts = match end {
        Ok(done) => done.attempts,
        Err(error) => error.attempts(),
    };
    attempts as usize
}

fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    // All futures of these tests make progress with every poll.
    for _ in 0..10_000 {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
    }
    panic!("stuck");
}

const fn retrying(millis: u64) -> Outcome {
    Outcome::Retrying { sleep: ms(millis) }
}

#[test]
fn a_success_needs_one_call_and_no_sleep() {
    let bench = Bench::new();
    let done = bench.script(&[Ok(100)]).unwrap();
    assert_eq!((done.value, done.attempts, done.elapsed), (100, 1, Duration::ZERO));
    assert_eq!(bench.clock.sleeps(), []);
    assert_eq!(bench.seen(), [(1, "-", String::new(), Outcome::Succeeded)]);
}

#[test]
fn a_success_after_retries_tells_what_it_took() {
    let bench = Bench::new();
    let done = bench.script(&[Err(BUSY), Err(BUSY), Ok(100)]).unwrap();
    assert_eq!((done.attempts, done.elapsed, done.grade), (3, ms(300), Grade::Whole));
    let busy = |attempt, outcome| (attempt, "database_locked", "busy".to_owned(), outcome);
    let expected =
        [busy(1, retrying(100)), busy(2, retrying(200)), (3, "-", String::new(), Outcome::Succeeded)];
    assert_eq!(bench.seen(), expected);
}

#[test]
fn permanent_and_ambiguous_errors_are_not_retried() {
    for (error, stop) in [(BROKEN, Stop::Permanent), (UNSURE, Stop::Ambiguous)] {
        let bench = Bench::new();
        let failed = bench.script(&[Err(error.clone()), Ok(100)]).unwrap_err();
        assert_eq!((failed.stop(), failed.attempts(), failed.last()), (stop, 1, Some(&error)));
        assert_eq!(bench.outcomes(), [Outcome::GaveUp(stop)]);
    }
}

#[test]
fn later_errors_count_as_first_ones_do() {
    for (error, stop) in [(BROKEN, Stop::Permanent), (UNSURE, Stop::Ambiguous)] {
        let bench = Bench::new();
        let failed = bench.script(&[Err(BUSY), Err(error.clone()), Ok(100)]).unwrap_err();
        assert_eq!((failed.stop(), failed.attempts(), failed.last()), (stop, 2, Some(&error)));
    }
}

#[test]
fn a_call_knows_its_number_and_its_limits() {
    let bench = Bench::with(RetryPolicy::MODEL.with_jitter(Jitter::None).with_deadline(ms(1_000)));
    let mut told = Vec::new();
    let result = bench.retry.run(|attempt: &Attempt| {
        told.push((attempt.number(), attempt.limit(), attempt.remaining()));
        bench.clock.advance(ms(50));
        Err::<(), _>(BUSY)
    });
    assert!(result.is_err());
    assert_eq!(told, [(1, 3, Some(ms(1_000))), (2, 3, Some(ms(850))), (3, 3, Some(ms(600)))]);
}

#[test]
fn failures_read_as_sentences_and_name_their_cause() {
    let failure = |stop, attempts| RetryError {
        operation: "claim",
        stop,
        attempts,
        elapsed: ms(1_234),
        last: Some(BUSY),
    };
    let cases = [
        (failure(Stop::Permanent, 1), "claim failed after 1 call in 1.2s: trying again cannot help"),
        (failure(Stop::Ambiguous, 2), "claim failed after 2 calls in 1.2s: it may or may not have happened"),
        (failure(Stop::Attempts, 6), "claim failed after 6 calls in 1.2s: no calls left"),
        (failure(Stop::Deadline, 6), "claim failed after 6 calls in 1.2s: no time left"),
        (failure(Stop::Cancelled, 0), "claim failed after 0 calls in 1.2s: cancelled"),
        (
            failure(Stop::AskedWait(ms(90_000)), 1),
            "claim failed after 1 call in 1.2s: the other side asked to wait 90.0s",
        ),
        (
            failure(Stop::Budget, 1),
            "claim failed after 1 call in 1.2s: too many retries are failing, no more for now",
        ),
        (
            failure(Stop::Degraded { succeeded: 2, total: 3 }, 2),
            "claim failed after 2 calls in 1.2s: only 2 of 3 parts succeeded",
        ),
    ];
    for (error, expected) in cases {
        assert_eq!(error.to_string(), expected);
        assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "busy");
        assert_eq!(error.operation(), "claim");
        assert_eq!(error.into_last(), Some(BUSY));
    }
}

#[test]
fn tasks_can_move_between_threads() {
    fn assert_send<T: Send>(value: T) -> T {
        value
    }
    let bench = Bench::new();
    let future = assert_send(bench.retry.run_async(&bench.clock, |_| async { Ok::<_, Failure>(1) }));
    assert_eq!(block_on(future), Ok(1));
    assert_send(Arc::new(bench.retry.clone()));
}

#[test]
fn a_session_without_observers_works_the_same() {
    let clock = ManualClock::new();
    let retry = Retry::new("quiet", RetryPolicy::MODEL).time(clock.clone());
    let mut session = super::Session::<u32, Failure>::new(&retry);
    session.begin();
    assert!(matches!(session.settle(Err(BUSY), grade), ControlFlow::Continue(_)));
    assert_eq!(retry.policy(), &RetryPolicy::MODEL);
}
