use std::sync::Arc;
use std::time::Duration;

use conclave_retry::ManualClock;

use super::StageTime;

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// (stage, passed, agent's own time) → (timeout, grace), all ms.
#[test]
fn an_attempt_ends_before_its_stage() {
    for (stage, passed, own, timeout, grace) in [
        (60_000, 0, 10_000, 10_000, 2_000),
        (60_000, 0, 600_000, 58_000, 2_000),
        (60_000, 57_000, 10_000, 1_000, 2_000),
        (60_000, 47_500, 10_000, 10_000, 2_000),
        (5_000, 0, 60_000, 4_500, 500),
        (5_000, 4_400, 60_000, 100, 500),
        (5_000, 4_600, 60_000, 0, 400),
        (5_000, 9_000, 60_000, 0, 0),
        (60_000, 0, 58_500, 58_000, 2_000),
    ] {
        let clock = ManualClock::new();
        let time = StageTime::begin(Arc::new(clock.clone()), ms(stage));
        clock.advance(ms(passed));
        let limits = time.limits(ms(own));
        assert_eq!((limits.timeout, limits.grace), (ms(timeout), ms(grace)), "{stage} {passed} {own}");
        assert!(limits.timeout + limits.grace <= time.left(), "{stage} {passed} {own}");
    }
}
