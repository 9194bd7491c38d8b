use std::pin::pin;
use std::sync::Mutex;
use std::sync::mpsc;
use std::task::{Context, Waker};
use std::time::Duration;

use super::{AsyncSleeper, Clock, SLICE, Sleeper, SystemClock, SystemSleeper};
use crate::cancel::CancelToken;

/// Cancels `token` in its `cancel_at`-th sleep.
#[derive(Debug)]
struct Recording {
    slept: Mutex<Vec<Duration>>,
    token: CancelToken,
    cancel_at: usize,
}

impl Recording {
    fn new(cancel_at: usize) -> Self {
        Self { slept: Mutex::default(), token: CancelToken::new(), cancel_at }
    }
}

impl Sleeper for Recording {
    fn sleep(&self, duration: Duration) {
        let mut slept = self.slept.lock().unwrap();
        slept.push(duration);
        if slept.len() == self.cancel_at {
            self.token.cancel();
        }
    }
}

#[test]
fn the_provided_cancellable_sleep_is_cut_into_slices() {
    let sleeper = Recording::new(0);
    assert!(sleeper.sleep_unless(Duration::from_millis(50), &sleeper.token));
    let expected = [SLICE, SLICE, Duration::from_millis(10)];
    assert_eq!(*sleeper.slept.lock().unwrap(), expected);
}

#[test]
fn the_provided_cancellable_sleep_ends_with_the_slice_of_the_cancellation() {
    let sleeper = Recording::new(2);
    assert!(!sleeper.sleep_unless(Duration::from_mins(1), &sleeper.token));
    assert_eq!(*sleeper.slept.lock().unwrap(), [SLICE, SLICE]);
}

#[test]
fn a_cancellation_in_the_last_slice_is_not_missed() {
    let sleeper = Recording::new(1);
    assert!(!sleeper.sleep_unless(SLICE, &sleeper.token));
}

#[test]
fn a_real_sleep_is_woken_by_a_cancellation() {
    let token = CancelToken::new();
    let (done, result) = mpsc::channel();
    std::thread::spawn({
        let token = token.clone();
        move || done.send(SystemSleeper.sleep_unless(Duration::from_hours(1), &token))
    });
    token.cancel();
    assert!(!result.recv_timeout(Duration::from_secs(30)).unwrap());
}

#[test]
fn a_real_sleep_that_nobody_cancels_ends() {
    assert!(SystemSleeper.sleep_unless(Duration::ZERO, &CancelToken::new()));
}

#[test]
fn monotonic_time_does_not_go_back_and_wall_time_is_after_2020() {
    let first = SystemClock.monotonic();
    assert!(SystemClock.monotonic() >= first);
    assert!(SystemClock.wall_ms() > 1_577_836_800_000);
}

#[test]
fn closures_are_async_sleepers() {
    let asked = Mutex::new(Vec::new());
    let sleeper = |duration| {
        asked.lock().unwrap().push(duration);
        std::future::ready(())
    };
    let mut sleep = pin!(sleeper.sleep_async(Duration::from_secs(5)));
    assert!(sleep.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready());
    assert_eq!(*asked.lock().unwrap(), [Duration::from_secs(5)]);
}
