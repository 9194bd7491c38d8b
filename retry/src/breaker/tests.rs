use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use super::{
    BreakerPolicy, BreakerPolicyError, BreakerSettings, BreakerSnapshot, BreakerState, CallError,
    CircuitBreaker, Permit, Refused, SlowSettings, SnapshotError, Verdict, WindowSettings,
};
use crate::classify::{Classify, ErrorClass, PermanentReason, RetryReason};
use crate::manual::ManualClock;
use crate::random::SeededRandom;

mod model;
mod policy;
mod states;
mod stored;

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Failure(ErrorClass);

impl Classify for Failure {
    fn classify(&self) -> ErrorClass {
        self.0
    }
}

const DOWN: Failure = Failure(ErrorClass::retryable(RetryReason::Unavailable));
const BAD_REQUEST: Failure = Failure(ErrorClass::permanent(PermanentReason::InvalidInput));

struct Bench {
    breaker: CircuitBreaker,
    clock: ManualClock,
}

impl Bench {
    fn new(policy: BreakerPolicy) -> Self {
        let clock = ManualClock::new();
        let random = Arc::new(SeededRandom::new(1));
        let breaker = CircuitBreaker::with_sources("test", policy, Arc::new(clock.clone()), random);
        Self { breaker, clock }
    }

    fn with(change: impl FnOnce(&mut BreakerSettings)) -> Self {
        let mut settings = BreakerSettings::default();
        change(&mut settings);
        Self::new(BreakerPolicy::new(settings).unwrap())
    }

    /// A bench whose breaker has just opened for the first time, for 30 s.
    fn open() -> Self {
        let bench = Self::new(BreakerPolicy::CONSECUTIVE);
        bench.fail(3);
        assert_eq!(bench.breaker.state(), BreakerState::Open);
        bench
    }

    fn permit(&self) -> Permit {
        self.breaker.try_acquire().unwrap()
    }

    fn fail(&self, times: usize) {
        for _ in 0..times {
            self.permit().failure();
        }
    }

    fn succeed(&self, times: usize) {
        for _ in 0..times {
            self.permit().success();
        }
    }

    fn refusal(&self) -> Refused {
        self.breaker.try_acquire().map(|_| "a permit").unwrap_err()
    }

    #[track_caller]
    fn is(&self, state: BreakerState) {
        assert_eq!(self.breaker.state(), state);
    }
}
