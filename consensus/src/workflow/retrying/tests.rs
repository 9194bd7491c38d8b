use std::time::Duration;

use conclave_retry::{ErrorClass, Jitter, PermanentReason, RetryReason, SeededRandom};

use super::{Failures, Retrying};
use crate::workflow::agent_retry;

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn a_failure_is_repeated_by_its_class() {
    let busy = ErrorClass::retryable(RetryReason::Unavailable);
    let asked = |wait| ErrorClass::Retryable { reason: RetryReason::RateLimited, after: Some(seconds(wait)) };
    let empty = ErrorClass::Degraded { succeeded: 0, total: 1 };
    let denied = ErrorClass::permanent(PermanentReason::Denied);
    // (failures, empty ones of them, class, time left) → wait
    for (all, degraded, class, left, wait) in [
        (0, 0, busy, 100, Some(1)),
        (1, 0, busy, 100, Some(2)),
        (2, 0, busy, 100, None),
        (0, 0, busy, 1, None),
        (0, 0, asked(40), 100, Some(40)),
        (0, 0, asked(40), 40, None),
        (1, 0, asked(0), 100, Some(2)),
        (0, 0, asked(3_601), 100_000, None),
        (0, 0, empty, 100, Some(1)),
        (1, 1, empty, 100, None),
        (1, 0, empty, 100, Some(2)),
        (1, 1, busy, 100, Some(2)),
        (0, 0, denied, 100, None),
        (0, 0, ErrorClass::Ambiguous, 100, None),
    ] {
        let random = SeededRandom::new(1);
        let policy = agent_retry().with_jitter(Jitter::None);
        let retrying = Retrying { retries: 2, policy, random: &random };
        let found = retrying.delay(Failures { all, degraded }, class, seconds(left));
        assert_eq!(found, wait.map(seconds), "{all} {degraded} {class} {left}");
    }
}

#[test]
fn no_retries_is_none() {
    let random = SeededRandom::new(1);
    let retrying = Retrying { retries: 0, policy: agent_retry(), random: &random };
    let class = ErrorClass::retryable(RetryReason::Timeout);
    assert_eq!(retrying.delay(Failures::default(), class, seconds(100)), None);
}
