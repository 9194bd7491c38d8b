//! How an operation failed for good.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use crate::observe::Stop;

/// An operation that ended without success: why, after how many calls and how long, and with which last error.
///
/// It has no class of its own: an operation that has been retried is not to be retried again by who called it, or
/// the calls of nested retries would multiply. Who knows better looks at [`last`](Self::last).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryError<E> {
    pub(super) operation: &'static str,
    pub(super) stop: Stop,
    pub(super) attempts: u32,
    pub(super) elapsed: Duration,
    pub(super) last: Option<E>,
}

impl<E> RetryError<E> {
    /// The name of the operation.
    pub const fn operation(&self) -> &'static str {
        self.operation
    }

    /// Why it ended.
    pub const fn stop(&self) -> Stop {
        self.stop
    }

    /// Calls made. One that was cancelled while it ran is among them.
    pub const fn attempts(&self) -> u32 {
        self.attempts
    }

    /// Time from the start of the first call to the end, with all waits.
    pub const fn elapsed(&self) -> Duration {
        self.elapsed
    }

    /// The last error of the operation itself. Missing only if it was cancelled before it had one.
    pub const fn last(&self) -> Option<&E> {
        self.last.as_ref()
    }

    /// The last error of the operation itself, by value.
    pub fn into_last(self) -> Option<E> {
        self.last
    }

    /// Whether somebody cancelled it.
    pub const fn is_cancelled(&self) -> bool {
        matches!(self.stop, Stop::Cancelled)
    }
}

impl<E> fmt::Display for RetryError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { operation, stop, attempts, elapsed, .. } = self;
        let calls = if *attempts == 1 { "call" } else { "calls" };
        write!(f, "{operation} failed after {attempts} {calls} in {elapsed:.1?}: ")?;
        match stop {
            Stop::Permanent => f.write_str("trying again cannot help"),
            Stop::Ambiguous => f.write_str("it may or may not have happened"),
            Stop::Degraded { succeeded, total } => write!(f, "only {succeeded} of {total} parts succeeded"),
            Stop::Attempts => f.write_str("no calls left"),
            Stop::Deadline => f.write_str("no time left"),
            Stop::AskedWait(wait) => write!(f, "the other side asked to wait {wait:.1?}"),
            Stop::Budget => f.write_str("too many retries are failing, no more for now"),
            Stop::Cancelled => f.write_str("cancelled"),
        }
    }
}

impl<E: Error + 'static> Error for RetryError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.last.as_ref().map(|error| error as &(dyn Error + 'static))
    }
}
