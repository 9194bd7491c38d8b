//! Classify errors, back off, budgets, circuit breakers. Knows neither `SQLite` nor tokio.

mod cancel;
mod classify;
mod clock;
mod manual;
mod random;

pub use cancel::{CancelToken, Cancelled};
pub use classify::{Classify, ErrorClass, PermanentReason, RetryReason};
pub use clock::{AsyncSleeper, Clock, Sleeper, SystemClock, SystemSleeper};
pub use manual::ManualClock;
pub use random::{Random, SeededRandom, SystemRandom};
