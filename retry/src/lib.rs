//! Try again, or stop trying: classes of errors, retries, budgets, circuit breakers.
//!
//! An error is retried because of what it is, not because there is hope. So everything begins with [`Classify`]:
//! an error is *retryable* (with a reason, and perhaps the wait that the other side asked for), *permanent*,
//! *degraded* (a part succeeded) or *ambiguous* (nobody knows whether it happened). What has a code is classified
//! by [`sqlite_code`], [`http_status`] and [`io_kind`], what is nothing but words by [`error_text`].
//!
//! [`Retry`] runs an operation under a [`RetryPolicy`], in a thread or as a task; [`CircuitBreaker`] keeps calls
//! from a dependency that fails. They know nothing of each other: a retry around [`CircuitBreaker::call`] is both.
//!
//! # What it promises
//!
//! - `max_attempts` is the number of calls, the first one included, everywhere.
//! - A wait is never longer than the policy's cap, with jitter too, unless the other side asked for it; then it is
//!   never shorter than asked, and never longer than the policy allows.
//! - No wait begins after the deadline, which counts work and waits by the clock, and none is made to end after it.
//! - An ambiguous error is never retried, whatever came before it.
//! - A permanent error is reported as permanent, after the deadline too.
//! - A result that is there is never thrown away, neither for a cancellation nor, if it is a part, for a later error
//!   (but for an ambiguous one, which must be told).
//! - A cancellation ends a wait at once, in threads as in tasks.
//! - The error at the end says why it ended, after how many calls and how long, and holds the last error.
//! - A breaker lets through as many probes as its policy says, whatever the number of callers; a lost caller cannot
//!   hold one; a result counts only in the state in which its call began; looking at it never changes it.
//! - The same seed and the same clock give the same waits: time, sleep and chance are handed in ([`Clock`],
//!   [`Sleeper`], [`AsyncSleeper`], [`Random`]), and [`ManualClock`] makes tests take no time.
//!
//! # What it does not promise
//!
//! - It does not stop a call that takes too long. The deadline is looked at between calls; a call is told how much
//!   is left ([`Attempt::remaining`]) and must limit itself. A blocking call must look at its [`CancelToken`].
//! - It does not make an operation repeatable. Who retries a write gives it an idempotency key, or a class that says
//!   that it did not happen.
//! - It stores nothing. Budgets, counters and breakers live in memory; their states can be read, serialised and
//!   taken over, and sharing them between processes is the business of who owns a database.
//! - It knows no runtime and no database: tasks wait with the timer that they bring along.
//!
//! # How it fails
//!
//! Settings that make no sense are an error when the policy is made, not a panic later. Nothing here panics on
//! input, and no clock, however wrong, makes a wait longer than its limits. A retry that gives up returns
//! [`RetryError`], which has no class on purpose: nested retries would multiply.
//!
//! ```
//! use conclave_retry::{CancelToken, ManualClock, Retry, RetryPolicy, Stop};
//! use std::io;
//! use std::time::Duration;
//!
//! let clock = ManualClock::new(); // in production: leave it out
//! let stop = CancelToken::new(); // for Ctrl-C
//! let policy = RetryPolicy::DATABASE.with_deadline(Duration::from_secs(2));
//! let retry = Retry::new("claim the task", policy).time(clock.clone()).cancel(stop);
//!
//! // The disk is full: no retry can help.
//! let full = retry.run(|_| Err::<(), _>(io::Error::from(io::ErrorKind::StorageFull)));
//! assert!(full.is_err_and(|error| error.stop() == Stop::Permanent && error.attempts() == 1));
//!
//! // The server does not answer: six calls, or as many as two seconds allow.
//! let late = retry.run(|_| Err::<(), _>(io::Error::from(io::ErrorKind::TimedOut)));
//! assert!(late.is_err_and(|error| error.attempts() > 1 && error.elapsed() <= Duration::from_secs(2)));
//! ```

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
