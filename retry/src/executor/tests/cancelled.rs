//! Cancellation before, during and after calls and waits, blocking and as tasks.

use super::*;
use crate::clock::AsyncSleeper;

fn bench() -> (Bench, CancelToken) {
    let token = CancelToken::new();
    let bench = Bench::new().map(|retry| retry.cancel(token.clone()));
    (bench, token)
}

/// Cancels `token` when the clock gets to `at`.
fn cancel_at(bench: &Bench, token: &CancelToken, at: Duration) {
    let token = token.clone();
    bench.clock.plan(at, move || token.cancel());
}

const GAVE_UP: Outcome = Outcome::GaveUp(Stop::Cancelled);

#[test]
fn what_is_cancelled_before_is_not_begun() {
    let (bench, token) = bench();
    token.cancel();
    let failed = bench.script(&[Ok(100)]).unwrap_err();
    assert_eq!((failed.stop(), failed.attempts(), failed.last()), (Stop::Cancelled, 0, None));
    assert!(failed.is_cancelled());
}

#[test]
fn a_wait_ends_at_the_moment_of_the_cancellation() {
    let (bench, token) = bench();
    cancel_at(&bench, &token, ms(150));
    let failed = bench.retry.run(|_| Err::<(), _>(BUSY)).unwrap_err();
    assert_eq!((failed.stop(), failed.attempts()), (Stop::Cancelled, 2));
    assert_eq!((failed.elapsed(), failed.last()), (ms(150), Some(&BUSY)));
    assert_eq!(bench.outcomes(), [retrying(100), retrying(200), GAVE_UP]);
    assert_eq!(bench.seen()[2].1, "-", "the error was reported before the wait");
}

#[test]
fn a_task_stops_waiting_at_the_moment_of_the_cancellation() {
    let (bench, token) = bench();
    cancel_at(&bench, &token, ms(150));
    let run = bench.retry.run_async(&bench.clock, |_| async { Err::<(), _>(BUSY) });
    let failed = block_on(run).unwrap_err();
    assert_eq!((failed.stop(), failed.attempts()), (Stop::Cancelled, 2));
    assert_eq!((failed.elapsed(), failed.last()), (ms(150), Some(&BUSY)));
    assert_eq!(bench.outcomes(), [retrying(100), retrying(200), GAVE_UP]);
}

#[test]
fn a_running_task_is_dropped() {
    struct Dropped(Arc<Mutex<bool>>);
    impl Drop for Dropped {
        fn drop(&mut self) {
            *self.0.lock().unwrap() = true;
        }
    }
    let (bench, token) = bench();
    let dropped = Arc::new(Mutex::new(false));
    cancel_at(&bench, &token, ms(120));
    let run = bench.retry.run_async(&bench.clock, |attempt| {
        let guard = (attempt.number() == 2).then(|| Dropped(Arc::clone(&dropped)));
        let clock = bench.clock.clone();
        async move {
            if guard.is_none() {
                return Err::<(), _>(BUSY);
            }
            clock.sleep_async(ms(10_000)).await;
            unreachable!("cancelled before")
        }
    });
    let failed = block_on(run).unwrap_err();
    assert_eq!((failed.stop(), failed.attempts(), failed.elapsed()), (Stop::Cancelled, 2, ms(120)));
    assert_eq!(failed.last(), Some(&BUSY), "the error before");
    assert!(*dropped.lock().unwrap());
    assert_eq!(bench.outcomes(), [retrying(100), GAVE_UP]);
}

#[test]
fn a_call_that_ends_because_of_the_cancellation_was_cancelled_whatever_its_error() {
    for (error, stop) in [
        (BUSY, Stop::Cancelled),
        (BROKEN, Stop::Cancelled),
        (part("part", 2, 3), Stop::Cancelled),
        (UNSURE, Stop::Ambiguous),
    ] {
        let (bench, token) = bench();
        let failed = bench.retry.run(|attempt| {
            assert!(!attempt.cancel().unwrap().is_cancelled());
            token.cancel();
            Err::<(), _>(error.clone())
        });
        let failed = failed.unwrap_err();
        assert_eq!((failed.stop(), failed.attempts(), failed.last()), (stop, 1, Some(&error)));
        assert_eq!(bench.clock.sleeps(), []);
    }
}

#[test]
fn a_result_that_is_there_is_not_thrown_away() {
    for value in [100, 2] {
        let (bench, token) = bench();
        let done = bench.retry.run_graded(
            |_| {
                token.cancel();
                Ok::<_, Failure>(value)
            },
            grade,
        );
        assert_eq!(done.map(|done| (done.value, done.grade)), Ok((value, grade(&value))));
    }
    let (bench, token) = bench();
    let run = bench.retry.run_async(&bench.clock, |_| {
        token.cancel();
        async { Ok::<_, Failure>(1) }
    });
    assert_eq!(block_on(run), Ok(1));
}

#[test]
fn a_partial_value_survives_a_cancelled_wait() {
    let (bench, token) = bench();
    cancel_at(&bench, &token, ms(10));
    let done = bench.retry.run_graded(|_| Ok::<_, Failure>(2), grade).unwrap();
    assert_eq!((done.value, done.attempts, done.elapsed), (2, 1, ms(10)));
    assert_eq!(bench.outcomes(), [retrying(100), Outcome::Accepted]);
}

#[test]
fn a_partial_error_comes_back_from_a_cancelled_wait() {
    let (bench, token) = bench();
    cancel_at(&bench, &token, ms(10));
    let failed = bench.retry.run(|_| Err::<(), _>(part("part", 2, 3))).unwrap_err();
    assert_eq!((failed.stop(), failed.last().unwrap().0), (Stop::Cancelled, "part"));
}
