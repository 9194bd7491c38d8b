//! The scenarios 41 to 46 of the facts, through the public interface alone.
//!
//! The modules are marked as tests for the lints: helpers may unwrap as the tests themselves do.

#[cfg(test)]
mod breaker;
#[cfg(test)]
mod classification;
#[cfg(test)]
mod delays;
#[cfg(test)]
mod endings;
#[cfg(test)]
mod writers;

use std::fmt;
use std::time::Duration;

use conclave_retry::{Classify, ErrorClass, PermanentReason, RetryReason};

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// An error that is its class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Failure(ErrorClass);

const BUSY: Failure = Failure(ErrorClass::retryable(RetryReason::DatabaseLocked));
const BROKEN: Failure = Failure(ErrorClass::permanent(PermanentReason::Corrupt));
const TWO_OF_THREE: Failure = Failure(ErrorClass::Degraded { succeeded: 2, total: 3 });

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Failure {}

impl Classify for Failure {
    fn classify(&self) -> ErrorClass {
        self.0
    }
}
