//! What opens it, what it refuses, what closes it again.

use super::*;

#[test]
fn failures_in_a_row_open_it_and_a_success_in_between_starts_again() {
    let bench = Bench::new(BreakerPolicy::CONSECUTIVE);
    for _ in 0..5 {
        bench.fail(2);
        bench.succeed(1);
    }
    bench.fail(2);
    bench.is(BreakerState::Closed);
    bench.fail(1);
    bench.is(BreakerState::Open);
}

#[test]
fn failures_are_forgotten_when_it_was_quiet() {
    for (quiet, state) in [(secs(299), BreakerState::Open), (secs(301), BreakerState::Closed)] {
        let bench = Bench::new(BreakerPolicy::CONSECUTIVE);
        bench.fail(2);
        bench.clock.advance(quiet);
        bench.fail(1);
        bench.is(state);
    }
}

#[test]
fn each_failure_starts_the_quiet_time_again() {
    let bench = Bench::new(BreakerPolicy::CONSECUTIVE);
    for _ in 0..3 {
        bench.is(BreakerState::Closed);
        bench.clock.advance(secs(200));
        bench.fail(1);
    }
    bench.is(BreakerState::Open);
}

#[test]
fn a_share_of_the_window_opens_it_once_there_are_calls_enough() {
    let bench = Bench::new(BreakerPolicy::SHARE);
    bench.fail(9);
    bench.is(BreakerState::Closed);
    bench.fail(1);
    bench.is(BreakerState::Open);

    let bench = Bench::new(BreakerPolicy::SHARE);
    bench.succeed(9);
    bench.fail(8);
    bench.is(BreakerState::Closed);
    bench.fail(1);
    bench.is(BreakerState::Open);
}

#[test]
fn calls_that_leave_the_window_count_no_longer() {
    let bench = Bench::new(BreakerPolicy::SHARE);
    bench.succeed(10);
    bench.fail(9); // 9 of 19
    bench.succeed(81); // 9 of 100
    bench.fail(49); // of the last 100: 49 here, and all older failures are gone when the 9 have left
    bench.is(BreakerState::Closed);
    bench.fail(1);
    bench.is(BreakerState::Open);
}

#[test]
fn a_window_that_was_quiet_is_forgotten() {
    let bench = Bench::new(BreakerPolicy::SHARE);
    bench.fail(9);
    bench.clock.advance(secs(301));
    bench.fail(9);
    bench.is(BreakerState::Closed);
    bench.fail(1);
    bench.is(BreakerState::Open);
}

fn slow_calls_open_it() -> Bench {
    Bench::with(|settings| {
        let slow = Some(SlowSettings { over: secs(5), percent: 80 });
        settings.window = Some(WindowSettings { size: 10, minimum: 5, failure_percent: 100, slow });
        settings.consecutive = None;
    })
}

#[test]
fn slow_calls_open_it_though_they_succeed() {
    let bench = slow_calls_open_it();
    bench.succeed(1);
    for expected in [BreakerState::Closed; 3] {
        slow_success(&bench, secs(6));
        bench.is(expected);
    }
    slow_success(&bench, secs(6));
    bench.is(BreakerState::Open);
}

#[test]
fn the_limit_itself_is_not_slow() {
    let bench = slow_calls_open_it();
    for _ in 0..20 {
        slow_success(&bench, secs(5));
    }
    bench.is(BreakerState::Closed);
}

#[test]
fn a_slow_probe_opens_it_again() {
    let bench = slow_calls_open_it();
    for _ in 0..5 {
        slow_success(&bench, secs(6));
    }
    bench.clock.advance(secs(30));
    slow_success(&bench, secs(6));
    bench.is(BreakerState::Open);
    bench.clock.advance(secs(66));
    slow_success(&bench, secs(5));
    bench.is(BreakerState::Closed);
}

fn slow_success(bench: &Bench, took: Duration) {
    let permit = bench.permit();
    bench.clock.advance(took);
    permit.success();
}

#[test]
fn while_open_calls_are_refused_with_the_time_that_is_left() {
    let bench = Bench::open();
    assert_eq!(bench.refusal(), Refused { state: BreakerState::Open, retry_in: Some(secs(30)) });
    bench.clock.advance(Duration::from_millis(29_999));
    assert_eq!(bench.refusal().retry_in, Some(Duration::from_millis(1)));
    bench.clock.advance(Duration::from_millis(1));
    bench.is(BreakerState::Open); // time alone changes nothing, nor does looking
    let probe = bench.permit();
    bench.is(BreakerState::HalfOpen);
    assert_eq!(bench.refusal(), Refused { state: BreakerState::HalfOpen, retry_in: None });
    probe.success();
    bench.is(BreakerState::Closed);
}

#[test]
fn as_many_probes_as_the_policy_allows_are_out_at_once() {
    let bench = Bench::with(|settings| settings.probes = 3);
    bench.fail(3);
    bench.clock.advance(secs(30));
    let mut probes: Vec<_> = (0..3).map(|_| bench.permit()).collect();
    assert_eq!(bench.refusal().state, BreakerState::HalfOpen);
    probes.pop().unwrap().ignore();
    probes.push(bench.permit());
    assert_eq!(bench.refusal().state, BreakerState::HalfOpen);
    probes.pop().unwrap().success();
    bench.is(BreakerState::Closed);
    for late in probes {
        late.failure();
    }
    assert_eq!(bench.breaker.snapshot().failures, 0, "the verdicts of late probes do not count");
}

#[test]
fn each_opening_in_a_row_is_longer_up_to_the_limit() {
    let bench = Bench::open();
    let mut doubled = 30;
    assert_eq!(bench.breaker.snapshot().open_for, secs(30), "the first is exact");
    for _ in 0..40 {
        bench.clock.advance(bench.breaker.snapshot().open_remaining);
        bench.fail(1);
        bench.is(BreakerState::Open);
        doubled = (doubled * 2).min(300);
        let period = bench.breaker.snapshot().open_for;
        let limit = (secs(doubled) + secs(doubled) / 10).min(secs(300));
        assert!(secs(doubled) <= period && period <= limit, "{period:?}");
    }
    bench.clock.advance(secs(300));
    bench.succeed(1);
    bench.fail(3);
    assert_eq!(bench.breaker.snapshot().open_for, secs(30), "after a success it begins again");
}

#[test]
fn chance_lengthens_later_openings() {
    let bench = Bench::open();
    bench.clock.advance(secs(30));
    bench.fail(1);
    assert_ne!(bench.breaker.snapshot().open_for, secs(60));
}

#[test]
fn a_result_from_before_a_change_does_not_count() {
    let bench = Bench::new(BreakerPolicy::CONSECUTIVE);
    let late = bench.permit();
    let later = bench.permit();
    bench.fail(3);
    later.success();
    bench.is(BreakerState::Open);
    bench.clock.advance(secs(30));
    bench.succeed(1);
    late.failure();
    let snapshot = bench.breaker.snapshot();
    assert_eq!((snapshot.state, snapshot.failures), (BreakerState::Closed, 0));
}

#[test]
fn a_dropped_probe_leaves_its_place_to_the_next() {
    let bench = Bench::open();
    bench.clock.advance(secs(30));
    drop(bench.permit());
    bench.is(BreakerState::HalfOpen);
    bench.succeed(1);
    bench.is(BreakerState::Closed);
}

#[test]
fn a_dropped_call_counts_for_nothing() {
    let bench = Bench::new(BreakerPolicy::CONSECUTIVE);
    bench.fail(2);
    drop(bench.permit());
    assert_eq!(bench.breaker.snapshot().failures, 2);
}

#[test]
fn a_panic_is_a_failure() {
    let bench = Bench::open();
    bench.clock.advance(secs(30));
    let breaker = bench.breaker.clone();
    let call = move || breaker.call(|| -> Result<(), Failure> { panic!("on purpose") });
    assert!(std::thread::spawn(call).join().is_err());
    bench.is(BreakerState::Open);
    bench.clock.advance(secs(66));
    bench.succeed(1);
    bench.is(BreakerState::Closed);
}

#[test]
fn a_call_made_while_a_panic_unwinds_is_not_blamed_for_it() {
    struct CallsOnDrop(CircuitBreaker);
    impl Drop for CallsOnDrop {
        fn drop(&mut self) {
            drop(self.0.try_acquire());
        }
    }
    let bench = Bench::new(BreakerPolicy::CONSECUTIVE);
    let guard = CallsOnDrop(bench.breaker.clone());
    let unwinds = move || {
        let _guard = guard;
        panic!("on purpose");
    };
    assert!(std::thread::spawn(unwinds).join().is_err());
    assert_eq!(bench.breaker.snapshot().failures, 0);
}

#[test]
fn by_hand_it_stays_as_it_is_put() {
    let bench = Bench::new(BreakerPolicy::CONSECUTIVE);
    bench.breaker.force_open();
    bench.clock.advance(secs(1_000_000));
    assert_eq!(bench.refusal(), Refused { state: BreakerState::ForcedOpen, retry_in: None });

    bench.breaker.disable();
    bench.fail(100);
    bench.is(BreakerState::Disabled);

    bench.breaker.close();
    bench.fail(2);
    bench.is(BreakerState::Closed);
    bench.fail(1);
    bench.is(BreakerState::Open);
    bench.breaker.close();
    bench.fail(3);
    assert_eq!(bench.breaker.snapshot().open_for, secs(30), "openings were counted from zero too");
}

#[test]
fn what_classes_say_about_the_dependency() {
    let asked = ErrorClass::Retryable { reason: RetryReason::Unavailable, after: Some(secs(1)) };
    let cases = [
        (ErrorClass::retryable(RetryReason::Timeout), Verdict::Failure),
        (ErrorClass::retryable(RetryReason::Connection), Verdict::Failure),
        (asked, Verdict::Failure),
        (ErrorClass::Ambiguous, Verdict::Failure),
        (ErrorClass::retryable(RetryReason::RateLimited), Verdict::Ignored),
        (ErrorClass::retryable(RetryReason::Interrupted), Verdict::Ignored),
        (ErrorClass::permanent(PermanentReason::InvalidInput), Verdict::Ignored),
        (ErrorClass::permanent(PermanentReason::Unknown), Verdict::Ignored),
        (ErrorClass::Degraded { succeeded: 2, total: 3 }, Verdict::Ignored),
    ];
    for (class, verdict) in cases {
        assert_eq!(Verdict::of(&class), verdict, "{class}");
    }
}

#[test]
fn a_call_passes_on_what_it_gets_and_counts_it() {
    let bench = Bench::new(BreakerPolicy::CONSECUTIVE);
    assert_eq!(bench.breaker.call(|| Ok::<_, Failure>(7)), Ok(7));
    for _ in 0..10 {
        let call = bench.breaker.call(|| Err::<(), _>(BAD_REQUEST));
        assert_eq!(call, Err(CallError::Failed(BAD_REQUEST)));
    }
    bench.is(BreakerState::Closed);
    for _ in 0..3 {
        let call = bench.breaker.call(|| Err::<(), _>(DOWN)).unwrap_err();
        assert_eq!(call.classify(), DOWN.0);
    }
    let refused = bench.breaker.call(|| -> Result<(), Failure> { panic!("not to be called") }).unwrap_err();
    let expected = ErrorClass::Retryable { reason: RetryReason::Unavailable, after: Some(secs(30)) };
    assert_eq!(refused.classify(), expected);
    bench.breaker.force_open();
    let denied = ErrorClass::permanent(PermanentReason::Denied);
    assert_eq!(bench.refusal().classify(), denied);
    assert_eq!(bench.breaker.name(), "test");
}

#[test]
fn an_async_call_counts_unless_it_is_dropped() {
    let bench = Bench::new(BreakerPolicy::CONSECUTIVE);
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..3 {
        {
            let mut call = pin!(bench.breaker.call_async(std::future::pending::<Result<(), Failure>>()));
            assert!(call.as_mut().poll(&mut context).is_pending());
        }
        bench.is(BreakerState::Closed);
        let mut call = pin!(bench.breaker.call_async(async { Err::<(), _>(DOWN) }));
        assert_eq!(call.as_mut().poll(&mut context), Poll::Ready(Err(CallError::Failed(DOWN))));
    }
    bench.is(BreakerState::Open);
    let refused = async { panic!("not to be polled") };
    let mut call = pin!(bench.breaker.call_async::<(), Failure>(refused));
    assert!(matches!(call.as_mut().poll(&mut context), Poll::Ready(Err(CallError::Refused(_)))));
}

#[test]
fn refusals_say_why_and_how_long() {
    let refused = |state, retry_in| Refused { state, retry_in }.to_string();
    let left = Some(Duration::from_millis(29_500));
    assert_eq!(refused(BreakerState::Open, left), "not called: circuit breaker open for another 29.5s");
    let probing = "not called: circuit breaker is waiting for the result of another call";
    assert_eq!(refused(BreakerState::HalfOpen, None), probing);
    assert_eq!(refused(BreakerState::ForcedOpen, None), "not called: circuit breaker opened by hand");
}
