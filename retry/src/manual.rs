//! Time that stands still until a test moves it.

use std::collections::BTreeMap;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use crate::cancel::CancelToken;
use crate::clock::{AsyncSleeper, Clock, Sleeper};

type Action = Box<dyn FnOnce() + Send>;

/// A clock and sleeper for tests. Sleeping moves the time and returns at once; clones share one time.
///
/// With several sleeping threads the sleeps add up, as if the threads took turns.
///
/// ```
/// use conclave_retry::{Clock, ManualClock, Sleeper};
/// use std::time::Duration;
///
/// let clock = ManualClock::new();
/// clock.sleep(Duration::from_hours(1)); // takes no time at all
/// assert_eq!(clock.monotonic(), Duration::from_hours(1));
/// assert_eq!(clock.sleeps(), [Duration::from_hours(1)]);
/// ```
#[derive(Clone, Default)]
pub struct ManualClock {
    timeline: Arc<Mutex<Timeline>>,
}

#[derive(Default)]
struct Timeline {
    monotonic: Duration,
    /// The wall clock when `monotonic` was zero, in milliseconds since 1970.
    wall_origin_ms: i64,
    sleeps: Vec<Duration>,
    planned: BTreeMap<(Duration, u64), Action>,
    plans: u64,
}

impl ManualClock {
    /// Both clocks at zero: the wall clock shows 1970-01-01T00:00:00Z.
    pub fn new() -> Self {
        Self::default()
    }

    /// The monotonic clock at zero, the wall clock at `wall_ms` milliseconds since 1970.
    pub fn at_wall_ms(wall_ms: i64) -> Self {
        let clock = Self::default();
        clock.timeline().wall_origin_ms = wall_ms;
        clock
    }

    /// Moves both clocks forward, and runs what was planned for the time in between, in its order.
    pub fn advance(&self, by: Duration) {
        let until = self.monotonic().saturating_add(by);
        while !self.step(until) {}
    }

    /// Sets the wall clock, as an administrator or a time server would; the monotonic clock stays.
    pub fn set_wall_ms(&self, wall_ms: i64) {
        let mut timeline = self.timeline();
        timeline.wall_origin_ms = wall_ms.saturating_sub(millis(timeline.monotonic));
    }

    /// Runs `action` when the monotonic clock gets to `at`; a time in the past means the next movement.
    ///
    /// The action runs on the thread that moves the time, and may use the clock itself.
    pub fn plan(&self, at: Duration, action: impl FnOnce() + Send + 'static) {
        let mut timeline = self.timeline();
        timeline.plans += 1;
        let key = (at, timeline.plans);
        timeline.planned.insert(key, Box::new(action));
    }

    /// The durations of all sleeps so far as they were asked for, in their order.
    pub fn sleeps(&self) -> Vec<Duration> {
        self.timeline().sleeps.clone()
    }

    fn timeline(&self) -> MutexGuard<'_, Timeline> {
        self.timeline.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin_sleep(&self, duration: Duration) -> Duration {
        let mut timeline = self.timeline();
        timeline.sleeps.push(duration);
        timeline.monotonic.saturating_add(duration)
    }

    /// Moves to the next planned action up to `until` and runs it, or else to `until`, and says whether it got there.
    fn step(&self, until: Duration) -> bool {
        let action = {
            let mut timeline = self.timeline();
            match timeline.planned.first_entry() {
                Some(entry) if entry.key().0 <= until => {
                    let ((at, _), action) = entry.remove_entry();
                    timeline.monotonic = timeline.monotonic.max(at);
                    action
                }
                _ => {
                    timeline.monotonic = timeline.monotonic.max(until);
                    return true;
                }
            }
        };
        action(); // without the lock: it may move the time itself
        false
    }
}

impl Clock for ManualClock {
    fn monotonic(&self) -> Duration {
        self.timeline().monotonic
    }

    fn wall_ms(&self) -> i64 {
        let timeline = self.timeline();
        timeline.wall_origin_ms.saturating_add(millis(timeline.monotonic))
    }
}

impl Sleeper for ManualClock {
    fn sleep(&self, duration: Duration) {
        let until = self.begin_sleep(duration);
        while !self.step(until) {}
    }

    fn sleep_unless(&self, duration: Duration, cancel: &CancelToken) -> bool {
        let until = self.begin_sleep(duration);
        while !cancel.is_cancelled() {
            if self.step(until) {
                return !cancel.is_cancelled();
            }
        }
        false
    }
}

impl AsyncSleeper for ManualClock {
    fn sleep_async(&self, duration: Duration) -> impl Future<Output = ()> + Send {
        ManualSleep { clock: self.clone(), duration, until: None }
    }
}

/// Moves the time by one planned action a poll, so that others see each of them as it happens.
struct ManualSleep {
    clock: ManualClock,
    duration: Duration,
    until: Option<Duration>,
}

impl Future for ManualSleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let until = match self.until {
            Some(until) => until,
            None => self.clock.begin_sleep(self.duration),
        };
        self.until = Some(until);
        if self.clock.step(until) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

impl fmt::Debug for ManualClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ManualClock")
            .field("monotonic", &self.monotonic())
            .field("wall_ms", &self.wall_ms())
            .finish_non_exhaustive()
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
