use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Waker};
use std::time::Duration;

use super::ManualClock;
use crate::cancel::CancelToken;
use crate::clock::{AsyncSleeper, Clock, Sleeper};

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn both_clocks_move_together_and_the_wall_clock_can_be_set() {
    let clock = ManualClock::at_wall_ms(1_000);
    clock.advance(secs(2));
    assert_eq!((clock.monotonic(), clock.wall_ms()), (secs(2), 3_000));
    clock.set_wall_ms(-5);
    clock.clone().advance(secs(1));
    assert_eq!((clock.monotonic(), clock.wall_ms()), (secs(3), 995));
}

#[test]
fn the_end_of_time_is_no_overflow() {
    let clock = ManualClock::at_wall_ms(i64::MAX);
    clock.advance(Duration::MAX);
    clock.advance(secs(1));
    assert_eq!((clock.monotonic(), clock.wall_ms()), (Duration::MAX, i64::MAX));
}

#[test]
fn planned_actions_run_at_their_time_in_order() {
    let clock = ManualClock::new();
    let log = Arc::new(Mutex::new(Vec::new()));
    for (at, name) in [(3, "c"), (1, "a"), (3, "d"), (2, "b"), (9, "never")] {
        let (log, clock_inside) = (Arc::clone(&log), clock.clone());
        clock.plan(secs(at), move || log.lock().unwrap().push((name, clock_inside.monotonic())));
    }
    clock.sleep(secs(4));
    let expected = [("a", secs(1)), ("b", secs(2)), ("c", secs(3)), ("d", secs(3))];
    assert_eq!(*log.lock().unwrap(), expected);
    assert_eq!(clock.monotonic(), secs(4));
}

#[test]
fn a_cancelled_sleep_ends_at_the_time_of_the_cancellation() {
    let (clock, token) = (ManualClock::new(), CancelToken::new());
    clock.plan(secs(1), || ());
    clock.plan(secs(2), {
        let token = token.clone();
        move || token.cancel()
    });
    assert!(!clock.sleep_unless(secs(10), &token));
    assert_eq!(clock.monotonic(), secs(2));
    assert!(!clock.sleep_unless(secs(10), &token));
    assert_eq!(clock.monotonic(), secs(2));
    assert_eq!(clock.sleeps(), [secs(10), secs(10)]);
}

#[test]
fn an_async_sleep_shows_each_planned_action() {
    let clock = ManualClock::new();
    clock.plan(secs(1), || ());
    let mut sleep = pin!(clock.sleep_async(secs(2)));
    let mut context = Context::from_waker(Waker::noop());
    assert!(sleep.as_mut().poll(&mut context).is_pending());
    assert_eq!(clock.monotonic(), secs(1));
    assert!(sleep.as_mut().poll(&mut context).is_ready());
    assert_eq!((clock.monotonic(), clock.sleeps()), (secs(2), vec![secs(2)]));
}
