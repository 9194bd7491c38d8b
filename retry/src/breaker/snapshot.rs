//! The state of a breaker as a value that can be stored.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::BreakerState;
use crate::millis;

/// All that a breaker knows, at one moment.
///
/// Times are relative to that moment, because a monotonic clock means nothing in another process: who stores a
/// snapshot stores beside it when it was made, by a clock that both processes share, and gives its age to
/// [`CircuitBreaker::restore`](super::CircuitBreaker::restore).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BreakerSnapshot {
    /// The version of this format, [`BreakerSnapshot::VERSION`] when written by this crate.
    pub version: u32,
    /// The state. One that is open stays so when its time is up, until a call asks.
    pub state: BreakerState,
    /// Counts the changes of state. The result of a call counts only in the generation in which the call began.
    pub generation: u64,
    /// Failures in a row.
    pub failures: u32,
    /// Openings since the last success of a probe.
    pub openings: u32,
    /// How long it is or was open this time; zero while closed. Serialised in milliseconds.
    #[serde(rename = "open_for_ms", with = "millis")]
    pub open_for: Duration,
    /// How much of that is left. Serialised in milliseconds.
    #[serde(rename = "open_remaining_ms", with = "millis")]
    pub open_remaining: Duration,
    /// The latest calls, one letter each, the oldest first: `o` success, `x` failure, `O` and `X` the same but slow.
    pub window: String,
    /// In what time `failures` is forgotten if there is no other. Serialised in milliseconds.
    #[serde(rename = "failures_expire_in_ms", with = "millis")]
    pub failures_expire_in: Duration,
    /// In what time `window` is forgotten if there is no call. Serialised in milliseconds.
    #[serde(rename = "window_expires_in_ms", with = "millis")]
    pub window_expires_in: Duration,
}

impl BreakerSnapshot {
    /// The version that this crate writes, and the newest that it reads.
    pub const VERSION: u32 = 1;
}

/// Why a snapshot was not taken over. The breaker is as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SnapshotError {
    /// It was written by a newer release.
    #[error("the breaker's state has version {0}, and this release reads up to {own}", own = BreakerSnapshot::VERSION)]
    Newer(u32),
    /// The window has a letter that stands for nothing.
    #[error("the breaker's window contains {0:?}")]
    Window(char),
}
