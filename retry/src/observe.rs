//! What an executor tells about each attempt, and who listens.

use std::fmt::{Debug, Display};
use std::time::Duration;

use crate::classify::ErrorClass;

/// One attempt, seen when its result is known.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Report<'a> {
    /// The name of the operation.
    pub operation: &'a str,
    /// The number of the call, from 1; 0 if it was cancelled before there was one.
    pub attempt: u32,
    /// Calls that the policy allows.
    pub limit: u32,
    /// The class of this attempt's failure. `None` after a success, and when a cancellation came instead of a result.
    pub class: Option<ErrorClass>,
    /// The error of this attempt, if it ended with one.
    pub error: Option<&'a dyn Display>,
    /// Time since the operation began, with its work and its waits.
    pub elapsed: Duration,
    /// What happens now.
    pub outcome: Outcome,
}

/// What follows from an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// It is done.
    Succeeded,
    /// It is done as far as it could be: the result is degraded and accepted.
    Accepted,
    /// It is tried again after `sleep`.
    Retrying {
        /// The wait before the next call.
        sleep: Duration,
    },
    /// It has failed.
    GaveUp(Stop),
}

/// Why an operation ended without success.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stop {
    /// Trying again cannot help.
    Permanent,
    /// Nobody knows whether it happened, so it is not repeated.
    Ambiguous,
    /// A part succeeded, twice at most it was tried, and the error holds what there is.
    Degraded {
        /// Parts that succeeded.
        succeeded: u32,
        /// Parts in all.
        total: u32,
    },
    /// All calls of the policy are used up.
    Attempts,
    /// The deadline is reached, or lies before the end of the wait that the other side asked for.
    Deadline,
    /// The other side asked for a longer wait than the policy allows.
    AskedWait(Duration),
    /// The shared budget for retries is empty.
    Budget,
    /// Somebody cancelled it.
    Cancelled,
}

impl Outcome {
    /// One word for logs.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Accepted => "accepted",
            Self::Retrying { .. } => "retrying",
            Self::GaveUp(stop) => stop.as_str(),
        }
    }
}

impl Stop {
    /// One word for logs.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Permanent => "permanent",
            Self::Ambiguous => "ambiguous",
            Self::Degraded { .. } => "degraded",
            Self::Attempts => "exhausted",
            Self::Deadline => "deadline",
            Self::AskedWait(_) => "asked_wait",
            Self::Budget => "budget",
            Self::Cancelled => "cancelled",
        }
    }
}

/// Sees every attempt of the operations it is given to.
///
/// It is called on the thread or task that runs the operation, between its calls: it should be quick, and must not
/// call the same operation.
pub trait Observer: Debug + Send + Sync + 'static {
    /// Called once for each attempt, before the wait that may follow it, and once more when that wait is cancelled.
    fn observe(&self, report: &Report<'_>);
}

/// Writes every attempt as a `tracing` event: a success at first try at level `TRACE`, retries and successes after
/// retries at `DEBUG`, what is given up or accepted as degraded at `WARN`.
#[derive(Debug, Clone, Copy, Default)]
pub struct TracingObserver;

impl Observer for TracingObserver {
    fn observe(&self, report: &Report<'_>) {
        // The level is part of a callsite's static data, so each level needs its own.
        macro_rules! event {
            ($level:ident, $message:literal) => {
                tracing::$level!(
                    operation = report.operation,
                    attempt = report.attempt,
                    max_attempts = report.limit,
                    class = report.class.map(|class| class.as_str()),
                    reason = report.class.map(|class| class.reason()),
                    is_retryable = report.class.map(|class| class.is_retryable()),
                    sleep_ms = report.sleep().map(milliseconds),
                    elapsed_ms = milliseconds(report.elapsed),
                    outcome = report.outcome.as_str(),
                    error = report.error.map(tracing::field::display),
                    $message
                )
            };
        }
        match report.outcome {
            Outcome::Succeeded if report.attempt == 1 => event!(trace, "succeeded"),
            Outcome::Succeeded => event!(debug, "succeeded after retries"),
            Outcome::Retrying { .. } => event!(debug, "failed, will try again"),
            Outcome::Accepted => event!(warn, "accepted as degraded"),
            Outcome::GaveUp(_) => event!(warn, "gave up"),
        }
    }
}

impl Report<'_> {
    /// The wait before the next call, if there will be one.
    pub const fn sleep(&self) -> Option<Duration> {
        match self.outcome {
            Outcome::Retrying { sleep } => Some(sleep),
            _ => None,
        }
    }
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}

#[cfg(test)]
mod tests;
