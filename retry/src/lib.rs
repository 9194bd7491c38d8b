//! Classify errors, back off, budgets, circuit breakers. Knows neither SQLite nor tokio.

mod classify;
mod clock;

pub use classify::{Classify, ErrorClass, PermanentReason, RetryReason};
pub use clock::{Clock, Sleeper, SystemClock, SystemSleeper};
