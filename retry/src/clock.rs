//! The one place that asks the system for the time, and the seams that tests replace.

use std::fmt::Debug;
use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::cancel::CancelToken;

/// How long a sleeper without a cancellable sleep of its own sleeps before it looks at the token again.
const SLICE: Duration = Duration::from_millis(20);

/// A source of time. `monotonic` orders and measures; `wall_ms` is what people read and may jump.
pub trait Clock: Debug + Send + Sync + 'static {
    /// Time since an arbitrary fixed origin of this process; never goes back.
    fn monotonic(&self) -> Duration;
    /// Milliseconds since 1970-01-01T00:00:00Z by the wall clock.
    fn wall_ms(&self) -> i64;
}

/// Puts the current thread to sleep.
pub trait Sleeper: Debug + Send + Sync + 'static {
    /// Returns after about `duration`.
    fn sleep(&self, duration: Duration);

    /// Returns `true` after about `duration`, or `false` soon after `cancel` is cancelled.
    ///
    /// The provided version sleeps in slices of 20 ms; a sleeper that can be woken does better.
    fn sleep_unless(&self, duration: Duration, cancel: &CancelToken) -> bool {
        let mut left = duration;
        while !cancel.is_cancelled() {
            if left.is_zero() {
                return true;
            }
            let slice = left.min(SLICE);
            self.sleep(slice);
            left -= slice;
        }
        false
    }
}

/// Lets a task wait. The crate knows no runtime: its user hands in the timer of the one that runs.
///
/// Closures are sleepers too: `|duration| tokio::time::sleep(duration)`.
pub trait AsyncSleeper: Send + Sync {
    /// Completes after about `duration`. Dropping the future ends the wait.
    fn sleep_async(&self, duration: Duration) -> impl Future<Output = ()> + Send;
}

impl<F, Fut> AsyncSleeper for F
where
    F: Fn(Duration) -> Fut + Send + Sync,
    Fut: Future<Output = ()> + Send,
{
    fn sleep_async(&self, duration: Duration) -> impl Future<Output = ()> + Send {
        self(duration)
    }
}

/// The operating system's clocks.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "clock.rs is where the system is asked")]
    fn monotonic(&self) -> Duration {
        static ORIGIN: OnceLock<Instant> = OnceLock::new();
        ORIGIN.get_or_init(Instant::now).elapsed()
    }

    #[expect(clippy::disallowed_methods, reason = "clock.rs is where the system is asked")]
    fn wall_ms(&self) -> i64 {
        match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_millis()).unwrap_or(i64::MAX),
            Err(before) => i64::try_from(before.duration().as_millis()).map_or(i64::MIN, |ms| -ms),
        }
    }
}

/// Sleeps for real.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemSleeper;

impl Sleeper for SystemSleeper {
    #[expect(clippy::disallowed_methods, reason = "clock.rs is where the system is asked")]
    fn sleep(&self, duration: Duration) {
        std::thread::sleep(duration);
    }

    fn sleep_unless(&self, duration: Duration, cancel: &CancelToken) -> bool {
        !cancel.wait(duration)
    }
}

#[cfg(test)]
mod tests;
