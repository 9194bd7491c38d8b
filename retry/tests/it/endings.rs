//! Scenarios 42 and 43: limits, permanent and degraded errors, cancellation.

use std::num::NonZeroU32;
use std::pin::pin;
use std::sync::mpsc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use conclave_retry::{
    AsyncSleeper, CancelToken, Clock, Jitter, ManualClock, Retry, RetryError, RetryPolicy, Stop,
};

use crate::{BROKEN, BUSY, Failure, TWO_OF_THREE, ms};

fn retry(clock: &ManualClock, calls: u32, deadline: Duration) -> Retry {
    let policy = RetryPolicy::DATABASE.with_jitter(Jitter::None).with_deadline(deadline);
    Retry::new("write", policy.with_max_attempts(NonZeroU32::new(calls).unwrap())).time(clock.clone())
}

#[test]
fn always_busy_ends_by_calls_or_by_time_whichever_comes_first() {
    let cases = [(3, ms(1_000), Stop::Attempts, 3, ms(300)), (20, ms(1_000), Stop::Deadline, 5, ms(1_000))];
    for (calls, deadline, stop, attempts, elapsed) in cases {
        let clock = ManualClock::new();
        let error = retry(&clock, calls, deadline).run(|_| Err::<(), _>(BUSY)).unwrap_err();
        assert_eq!((error.stop(), error.attempts(), error.elapsed()), (stop, attempts, elapsed));
        assert_eq!((clock.monotonic(), error.last()), (elapsed, Some(&BUSY)));
    }
}

#[test]
fn permanent_is_permanent_at_first_and_after_the_deadline() {
    for work in [ms(0), ms(5_000)] {
        let clock = ManualClock::new();
        let mut calls = 0;
        let result = retry(&clock, 6, ms(1_000)).run(|_| {
            calls += 1;
            clock.advance(work);
            Err::<(), _>(BROKEN)
        });
        let error = result.unwrap_err();
        assert_eq!((error.stop(), error.attempts(), calls), (Stop::Permanent, 1, 1));
    }
}

#[test]
fn two_of_three_is_tried_once_more_and_then_returned() {
    let clock = ManualClock::new();
    let error = retry(&clock, 6, ms(10_000)).run(|_| Err::<(), _>(TWO_OF_THREE)).unwrap_err();
    assert_eq!((error.stop(), error.attempts()), (Stop::Degraded { succeeded: 2, total: 3 }, 2));
}

/// Runs a future whose every poll makes progress.
fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return output;
        }
    }
}

const AT: Duration = ms(150);
const SOON: Duration = ms(50);

fn assert_cancelled(clock: &ManualClock, result: Result<(), RetryError<Failure>>) {
    let error = result.unwrap_err();
    assert!(error.is_cancelled(), "{error}");
    let after = clock.monotonic().checked_sub(AT).unwrap();
    assert!(after <= SOON, "{after:?} after");
}

fn cancelled_at(clock: &ManualClock) -> (Retry, CancelToken) {
    let token = CancelToken::new();
    clock.plan(AT, {
        let token = token.clone();
        move || token.cancel()
    });
    (retry(clock, 6, Duration::MAX).cancel(token.clone()), token)
}

#[test]
fn cancelled_during_a_sleep() {
    let clock = ManualClock::new();
    let (retry, _token) = cancelled_at(&clock);
    assert_cancelled(&clock, retry.run(|_| Err(BUSY)));

    let clock = ManualClock::new();
    let (retry, _token) = cancelled_at(&clock);
    assert_cancelled(&clock, block_on(retry.run_async(&clock, |_| async { Err(BUSY) })));
}

#[test]
fn cancelled_during_the_operation() {
    let clock = ManualClock::new();
    let (retry, _token) = cancelled_at(&clock);
    let result = retry.run(|attempt| {
        // An operation that takes an hour and looks at its token now and then.
        for _ in 0..360_000 {
            if attempt.cancel().unwrap().is_cancelled() {
                return Err(BROKEN);
            }
            clock.advance(ms(10));
        }
        Ok(())
    });
    assert_cancelled(&clock, result);

    let clock = ManualClock::new();
    let (retry, _token) = cancelled_at(&clock);
    let hour = |_| async {
        clock.sleep_async(Duration::from_hours(1)).await;
        Ok(())
    };
    assert_cancelled(&clock, block_on(retry.run_async(&clock, hour)));
}

#[test]
fn a_real_blocking_sleep_can_be_cancelled() {
    let token = CancelToken::new();
    let (done, result) = mpsc::channel();
    let hour = Failure(conclave_retry::http_response(503, Some("50"), 0));
    std::thread::spawn({
        let token = token.clone();
        move || {
            let retry = Retry::new("ask", RetryPolicy::MODEL).cancel(token);
            done.send(retry.run(|_| Err::<(), _>(hour)))
        }
    });
    token.cancel();
    let error = result.recv_timeout(Duration::from_secs(30)).unwrap().unwrap_err();
    assert!(error.is_cancelled());
}
