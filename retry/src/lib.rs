//! Classify errors, back off, budgets, circuit breakers. Knows neither `SQLite` nor tokio.

mod breaker;
mod budget;
mod cancel;
mod classify;
mod clock;
mod counters;
mod executor;
mod manual;
mod millis;
mod observe;
mod policy;
mod random;
mod retry_after;
mod table;

pub use breaker::{
    BreakerPolicy, BreakerPolicyError, BreakerSettings, BreakerSnapshot, BreakerState, CallError,
    CircuitBreaker, Permit, Refused, SlowSettings, SnapshotError, Verdict, WindowSettings,
};
pub use budget::RetryBudget;
pub use cancel::{CancelToken, Cancelled};
pub use classify::{Classify, ErrorClass, PermanentReason, RetryReason};
pub use clock::{AsyncSleeper, Clock, Sleeper, SystemClock, SystemSleeper};
pub use counters::{CounterSnapshot, Counters};
pub use executor::{Attempt, Done, Grade, Retry, RetryError};
pub use manual::ManualClock;
pub use observe::{Observer, Outcome, Report, Stop, TracingObserver};
pub use policy::{Delays, Jitter, PolicyError, RetryPolicy, RetrySettings};
pub use random::{Random, SeededRandom, SystemRandom};
pub use retry_after::{RETRY_AFTER_LIMIT, retry_after};
pub use table::{error_text, http_response, http_status, io_kind, sqlite_code};
