//! The right to make one call, and what became of it.

use std::thread::panicking;
use std::time::Duration;

use super::CircuitBreaker;
use super::machine::Admission;
use crate::classify::{Classify, ErrorClass, RetryReason};

/// What a call says about the dependency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It works.
    Success,
    /// It does not.
    Failure,
    /// Nothing: the caller was at fault, or gave up.
    Ignored,
}

impl Verdict {
    /// What an error of this class says about the dependency.
    ///
    /// Permanent errors are of the caller's making (400, 422, a constraint) and say nothing; so does a part of a
    /// result, an interruption, and the request to slow down, which only a working server makes. All other
    /// retryable errors are failures, and so is an ambiguous one: an answer was due and did not come.
    pub const fn of(class: &ErrorClass) -> Self {
        match class {
            ErrorClass::Permanent { .. }
            | ErrorClass::Degraded { .. }
            | ErrorClass::Retryable { reason: RetryReason::RateLimited | RetryReason::Interrupted, .. } => {
                Self::Ignored
            }
            ErrorClass::Retryable { .. } | ErrorClass::Ambiguous => Self::Failure,
        }
    }
}

/// The right to make one call. Say how it ended; else it counts for nothing, unless the thread panicked meanwhile:
/// then it is a failure.
///
/// A permit that is dropped gives the place of its probe back, so a caller that vanishes cannot leave a breaker
/// half-open for ever.
#[derive(Debug)]
#[must_use = "without a verdict the call does not count"]
pub struct Permit {
    breaker: CircuitBreaker,
    admission: Admission,
    started: Duration,
    /// Whether the thread panicked already when the call began: then a panic says nothing about the call.
    panicking: bool,
    concluded: bool,
}

impl Permit {
    pub(super) fn new(breaker: CircuitBreaker, admission: Admission, started: Duration) -> Self {
        Self { breaker, admission, started, panicking: panicking(), concluded: false }
    }

    /// The call succeeded.
    pub fn success(self) {
        self.conclude(Verdict::Success);
    }

    /// The call failed by the fault of the dependency.
    pub fn failure(self) {
        self.conclude(Verdict::Failure);
    }

    /// The call says nothing about the dependency.
    pub fn ignore(self) {
        self.conclude(Verdict::Ignored);
    }

    /// The call ended like this: an `Ok` is a success, an error is judged by its class ([`Verdict::of`]).
    pub fn record<T, E: Classify>(self, result: &Result<T, E>) {
        self.conclude(match result {
            Ok(_) => Verdict::Success,
            Err(error) => Verdict::of(&error.classify()),
        });
    }

    /// The call ended with this verdict.
    pub fn conclude(mut self, verdict: Verdict) {
        self.concluded = true;
        self.breaker.conclude(self.admission, verdict, self.started);
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if !self.concluded {
            let verdict = if panicking() && !self.panicking { Verdict::Failure } else { Verdict::Ignored };
            self.breaker.conclude(self.admission, verdict, self.started);
        }
    }
}
