//! Scenario 41: the delays of database work, exact without jitter and within the cap with it.

use std::sync::Arc;

use conclave_retry::{Jitter, ManualClock, Retry, RetryPolicy, SeededRandom};

use crate::{BUSY, ms};

#[test]
fn six_calls_and_five_doubling_waits() {
    let clock = ManualClock::new();
    let retry = Retry::new("write", RetryPolicy::DATABASE.with_jitter(Jitter::None)).time(clock.clone());
    let mut calls = 0;
    let result = retry.run(|_| {
        calls += 1;
        Err::<(), _>(BUSY)
    });
    assert!(result.is_err());
    assert_eq!(calls, 6);
    assert_eq!(clock.sleeps(), [100, 200, 400, 800, 1_600].map(ms));
}

#[test]
fn full_jitter_stays_within_each_delay_and_one_seed_gives_one_run() {
    let run = |seed| {
        let clock = ManualClock::new();
        let random = Arc::new(SeededRandom::new(seed));
        let retry = Retry::new("write", RetryPolicy::DATABASE).time(clock.clone()).random(random);
        assert!(retry.run(|_| Err::<(), _>(BUSY)).is_err());
        clock.sleeps()
    };
    let mut longest = [ms(0); 5];
    for seed in 0..200 {
        let sleeps = run(seed);
        assert_eq!(sleeps, run(seed));
        for ((slept, longest), limit) in sleeps.iter().zip(&mut longest).zip([100, 200, 400, 800, 1_600]) {
            assert!(*slept <= ms(limit), "seed {seed}: {slept:?} above {limit} ms");
            *longest = (*longest).max(*slept);
        }
    }
    // The whole range is used: of 200 draws the longest is close to its limit.
    for (longest, limit) in longest.into_iter().zip([100, 200, 400, 800, 1_600].map(ms)) {
        assert!(longest > limit * 9 / 10, "{longest:?} of {limit:?}");
    }
}
