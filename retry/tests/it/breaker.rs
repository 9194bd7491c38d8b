//! Scenario 45: a window of 100 calls, at least 10, half of them failed, open for 30 s.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Barrier};
use std::time::Duration;

use conclave_retry::{
    BreakerPolicy, BreakerState, CallError, CircuitBreaker, ManualClock, Permit, SeededRandom,
};

use crate::{BROKEN, BUSY, Failure, ms};

fn breaker() -> (CircuitBreaker, ManualClock) {
    let clock = ManualClock::new();
    let random = Arc::new(SeededRandom::new(1));
    let sources = (Arc::new(clock.clone()), random);
    (CircuitBreaker::with_sources("host", BreakerPolicy::SHARE, sources.0, sources.1), clock)
}

fn call(breaker: &CircuitBreaker, times: usize, result: Result<(), Failure>) {
    for _ in 0..times {
        let _counted = breaker.call(|| result);
    }
}

#[test]
fn opens_at_the_tenth_failure_and_not_before() {
    let (breaker, _clock) = breaker();
    call(&breaker, 9, Err(BUSY));
    assert_eq!(breaker.state(), BreakerState::Closed);
    call(&breaker, 1, Err(BUSY));
    assert_eq!(breaker.state(), BreakerState::Open);
    let rejected = breaker.call(|| -> Result<(), Failure> { panic!("must not run") });
    assert!(matches!(rejected, Err(CallError::Refused(_))));
}

#[test]
fn one_of_twenty_concurrent_callers_probes() {
    for (result, expected) in [(Ok(()), BreakerState::Closed), (Err(BUSY), BreakerState::Open)] {
        let (breaker, clock) = breaker();
        call(&breaker, 10, Err(BUSY));
        clock.advance(ms(29_900));
        assert!(breaker.try_acquire().is_err());
        assert_eq!(breaker.state(), BreakerState::Open);
        clock.advance(ms(100));

        let barrier = Arc::new(Barrier::new(20));
        let callers: Vec<_> = (0..20)
            .map(|_| {
                let (breaker, barrier) = (breaker.clone(), Arc::clone(&barrier));
                std::thread::spawn(move || {
                    barrier.wait();
                    breaker.try_acquire().ok()
                })
            })
            .collect();
        // Permits are kept until all have asked: a probe that is over would let the next one through.
        let mut permits: Vec<Permit> =
            callers.into_iter().filter_map(|caller| caller.join().unwrap()).collect();
        assert_eq!(permits.len(), 1);
        assert_eq!(breaker.state(), BreakerState::HalfOpen);
        permits.remove(0).record(&result);
        assert_eq!(breaker.state(), expected);
    }
}

#[test]
fn a_failed_probe_opens_it_for_longer() {
    let (breaker, clock) = breaker();
    call(&breaker, 10, Err(BUSY));
    clock.advance(Duration::from_secs(30));
    call(&breaker, 1, Err(BUSY));
    let left = breaker.try_acquire().map(|_| ()).unwrap_err().retry_in.unwrap();
    assert!((Duration::from_mins(1)..=Duration::from_secs(66)).contains(&left), "{left:?}");
}

#[test]
fn two_fifths_of_failures_leave_it_closed() {
    let (breaker, _clock) = breaker();
    call(&breaker, 9, Ok(()));
    call(&breaker, 6, Err(BUSY));
    assert_eq!(breaker.state(), BreakerState::Closed);
}

#[test]
fn permanent_errors_do_not_count() {
    let (breaker, _clock) = breaker();
    let calls = AtomicU32::new(0);
    for _ in 0..1_000 {
        let result = breaker.call(|| {
            calls.fetch_add(1, Ordering::Relaxed);
            Err::<(), _>(BROKEN)
        });
        assert_eq!(result, Err(CallError::Failed(BROKEN)));
    }
    assert_eq!((breaker.state(), calls.into_inner()), (BreakerState::Closed, 1_000));
}
