//! One run of an operation: all decisions, no waiting. The blocking and the async loop both ask it.

use std::fmt::Display;
use std::ops::ControlFlow::{self, Break, Continue};
use std::time::Duration;

use super::{Attempt, Done, Grade, Retry, RetryError};
use crate::cancel::CancelToken;
use crate::classify::{Classify, ErrorClass};
use crate::observe::{Outcome, Report, Stop};
use crate::policy::Delays;

type End<T, E> = Result<Done<T>, RetryError<E>>;

pub(super) struct Session<'a, T, E> {
    retry: &'a Retry,
    started: Duration,
    attempts: u32,
    /// Made for the first failure: most operations need none.
    delays: Option<Delays<'a>>,
    /// A partial result that is tried once more.
    kept: Option<Partial<T, E>>,
    /// The error that is being retried.
    last: Option<E>,
}

/// A result that is there in part: a value, or an error that holds the part.
struct Partial<T, E> {
    result: Result<T, E>,
    succeeded: u32,
    total: u32,
}

impl<T, E> Partial<T, E> {
    const fn class(&self) -> ErrorClass {
        ErrorClass::Degraded { succeeded: self.succeeded, total: self.total }
    }

    /// Whether a larger share of this one succeeded; products of 64 bits, so that nothing is rounded.
    fn beats(&self, other: &Self) -> bool {
        let own = u64::from(self.succeeded) * u64::from(other.total);
        own > u64::from(other.succeeded) * u64::from(self.total)
    }
}

impl<'a, T, E: Classify + Display> Session<'a, T, E> {
    pub(super) fn new(retry: &'a Retry) -> Self {
        let started = retry.clock.monotonic();
        Self { retry, started, attempts: 0, delays: None, kept: None, last: None }
    }

    /// The next call, or `None` if it is not to be made because of a cancellation.
    pub(super) fn begin(&mut self) -> Option<Attempt> {
        if self.is_cancelled() {
            return None;
        }
        self.attempts += 1;
        Some(Attempt {
            number: self.attempts,
            limit: self.limit(),
            remaining: self.remaining(),
            cancel: self.retry.cancel.clone(),
        })
    }

    /// What follows from the result of a call: the end, or a wait before the next call.
    pub(super) fn settle(
        &mut self,
        result: Result<T, E>,
        grade: impl Fn(&T) -> Grade,
    ) -> ControlFlow<End<T, E>, Duration> {
        let error = match result {
            Ok(value) => match grade(&value) {
                Grade::Whole => return Break(Ok(self.succeed(value))),
                Grade::Part { succeeded, total } => {
                    return self.settle_partial(Partial { result: Ok(value), succeeded, total });
                }
            },
            Err(error) => error,
        };
        let class = error.classify();
        match class {
            // Not even a partial result in hand makes it certain what happened in the meantime.
            ErrorClass::Ambiguous => return Break(Err(self.give_up(Stop::Ambiguous, error))),
            ErrorClass::Degraded { succeeded, total } => {
                return self.settle_partial(Partial { result: Err(error), succeeded, total });
            }
            ErrorClass::Permanent { .. } | ErrorClass::Retryable { .. } => {}
        }
        if let Some(kept) = self.kept.take() {
            return Break(self.accept(kept, Some(&error)));
        }
        match self.plan_wait(class) {
            Ok(sleep) => {
                self.report(Some((class, Some(&error))), Outcome::Retrying { sleep });
                self.last = Some(error);
                Continue(sleep)
            }
            Err(stop) => Break(Err(self.give_up(stop, error))),
        }
    }

    /// The end after a cancellation that came instead of a result, or during a wait.
    pub(super) fn cancelled(mut self) -> End<T, E> {
        let last = match self.kept.take() {
            Some(Partial { result: Ok(value), succeeded, total }) => {
                self.report(None, Outcome::Accepted);
                return Ok(self.done(value, Grade::Part { succeeded, total }));
            }
            Some(Partial { result: Err(error), .. }) => Some(error),
            None => self.last.take(),
        };
        self.report(None, Outcome::GaveUp(Stop::Cancelled));
        Err(self.failure(Stop::Cancelled, last))
    }

    /// The first partial result is tried once more, the second ends it.
    fn settle_partial(&mut self, fresh: Partial<T, E>) -> ControlFlow<End<T, E>, Duration> {
        if let Some(kept) = self.kept.take() {
            let best = if fresh.beats(&kept) { fresh } else { kept };
            return Break(self.accept(best, None));
        }
        match (self.plan_wait(fresh.class()), fresh) {
            (Ok(sleep), fresh) => {
                self.report(Some((fresh.class(), fresh.result.as_ref().err())), Outcome::Retrying { sleep });
                self.kept = Some(fresh);
                Continue(sleep)
            }
            (Err(Stop::Cancelled), Partial { result: Err(error), .. }) => {
                Break(Err(self.give_up(Stop::Cancelled, error)))
            }
            (Err(_), fresh) => Break(self.accept(fresh, None)),
        }
    }

    /// The wait before the next call, or why there is none.
    fn plan_wait(&mut self, class: ErrorClass) -> Result<Duration, Stop> {
        // A call that saw the cancellation ends with whatever error it likes: it was cancelled all the same.
        if self.is_cancelled() {
            return Err(Stop::Cancelled);
        }
        if matches!(class, ErrorClass::Permanent { .. }) {
            return Err(Stop::Permanent);
        }
        if self.attempts >= self.limit() {
            return Err(Stop::Attempts);
        }
        let remaining = self.remaining().unwrap_or(Duration::MAX);
        let asked = class.after().unwrap_or_default();
        if asked > self.retry.policy.settings().longest_asked {
            return Err(Stop::AskedWait(asked));
        }
        // To come back earlier than asked would be in vain, so such a wait is not trimmed.
        if remaining.is_zero() || asked > remaining {
            return Err(Stop::Deadline);
        }
        let retry = self.retry;
        let delays = self.delays.get_or_insert_with(|| retry.policy.delays(&*retry.random));
        let own = delays.next().ok_or(Stop::Attempts)?;
        if retry.budget.as_ref().is_some_and(|budget| !budget.try_spend()) {
            return Err(Stop::Budget);
        }
        Ok(own.max(asked).min(remaining))
    }

    fn succeed(&self, value: T) -> Done<T> {
        if let Some(budget) = &self.retry.budget {
            budget.refill(self.attempts > 1);
        }
        self.report(None, Outcome::Succeeded);
        self.done(value, Grade::Whole)
    }

    /// Ends with a partial result; `other` is the error of this attempt if it is not the one in `partial`.
    fn accept(&self, partial: Partial<T, E>, other: Option<&E>) -> End<T, E> {
        let Partial { succeeded, total, .. } = partial;
        let seen = match other {
            Some(error) => (error.classify(), Some(error)),
            None => (partial.class(), partial.result.as_ref().err()),
        };
        if partial.result.is_ok() {
            self.report(Some(seen), Outcome::Accepted);
        } else {
            self.report(Some(seen), Outcome::GaveUp(Stop::Degraded { succeeded, total }));
        }
        match partial.result {
            Ok(value) => Ok(self.done(value, Grade::Part { succeeded, total })),
            Err(error) => Err(self.failure(Stop::Degraded { succeeded, total }, Some(error))),
        }
    }

    fn give_up(&self, stop: Stop, error: E) -> RetryError<E> {
        self.report(Some((error.classify(), Some(&error))), Outcome::GaveUp(stop));
        self.failure(stop, Some(error))
    }

    fn done(&self, value: T, grade: Grade) -> Done<T> {
        Done { value, grade, attempts: self.attempts, elapsed: self.elapsed() }
    }

    fn failure(&self, stop: Stop, last: Option<E>) -> RetryError<E> {
        let operation = self.retry.operation;
        RetryError { operation, stop, attempts: self.attempts, elapsed: self.elapsed(), last }
    }

    fn report(&self, seen: Option<(ErrorClass, Option<&E>)>, outcome: Outcome) {
        if self.retry.observers.is_empty() {
            return;
        }
        let report = Report {
            operation: self.retry.operation,
            attempt: self.attempts,
            limit: self.limit(),
            class: seen.map(|(class, _)| class),
            error: seen.and_then(|(_, error)| error).map(|error| error as &dyn Display),
            elapsed: self.elapsed(),
            outcome,
        };
        for observer in &self.retry.observers {
            observer.observe(&report);
        }
    }

    fn limit(&self) -> u32 {
        self.retry.policy.settings().max_attempts
    }

    fn elapsed(&self) -> Duration {
        self.retry.clock.monotonic().saturating_sub(self.started)
    }

    fn remaining(&self) -> Option<Duration> {
        let deadline = self.retry.policy.settings().deadline?;
        Some(deadline.saturating_sub(self.elapsed()))
    }

    fn is_cancelled(&self) -> bool {
        self.retry.cancel.as_ref().is_some_and(CancelToken::is_cancelled)
    }
}
