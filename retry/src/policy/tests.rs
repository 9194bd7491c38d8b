use std::num::NonZeroU32;
use std::time::Duration;

use backon::BlockingRetryable;
use proptest::prelude::*;

use super::{Jitter, PolicyError, RetryPolicy, RetrySettings};
use crate::random::{SeededRandom, SystemRandom};

const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn delays(policy: RetryPolicy) -> Vec<Duration> {
    policy.delays(&SystemRandom).collect()
}

#[test]
fn delays_grow_by_the_factor_up_to_the_cap() {
    let cases = [
        (RetryPolicy::DATABASE, vec![100, 200, 400, 800, 1_600]),
        (RetryPolicy::MODEL, vec![100, 200]),
        (RetryPolicy::ONCE, vec![]),
        (
            RetryPolicy::DATABASE.with_max_attempts(NonZeroU32::new(10).unwrap()),
            vec![100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000],
        ),
        (
            RetryPolicy::new(RetrySettings { factor: 1.5, ..RetrySettings::default() }).unwrap(),
            vec![100, 150, 225],
        ),
    ];
    for (policy, expected) in cases {
        let exact = delays(policy.with_jitter(Jitter::None));
        let expected: Vec<_> = expected.into_iter().map(millis).collect();
        assert_eq!(exact[..expected.len()], expected, "{policy}");
        assert_eq!(exact.len() + 1, policy.settings().max_attempts as usize, "{policy}");
    }
}

#[test]
fn one_seed_gives_one_set_of_delays() {
    let draw = |seed| RetryPolicy::DATABASE.delays(&SeededRandom::new(seed)).collect::<Vec<_>>();
    assert_eq!(draw(3), draw(3));
    assert_ne!(draw(3), draw(4));
}

#[test]
fn what_makes_no_sense_is_refused() {
    let ok = RetrySettings::default();
    let below = PolicyError::CapBelowBase { cap: millis(99), base: millis(100) };
    let cases = [
        (RetrySettings { max_attempts: 0, ..ok }, PolicyError::NoAttempts),
        (RetrySettings { base: Duration::ZERO, ..ok }, PolicyError::NoBase),
        (RetrySettings { cap: millis(99), ..ok }, below),
        (RetrySettings { factor: 0.99, ..ok }, PolicyError::Factor(0.99)),
        (RetrySettings { factor: -2.0, ..ok }, PolicyError::Factor(-2.0)),
        (RetrySettings { factor: f32::INFINITY, ..ok }, PolicyError::Factor(f32::INFINITY)),
    ];
    for (settings, expected) in cases {
        assert_eq!(RetryPolicy::new(settings), Err(expected));
    }
    let nan = RetryPolicy::new(RetrySettings { factor: f32::NAN, ..ok }).unwrap_err();
    assert_eq!(nan.to_string(), "the factor must be a finite number of at least 1, not NaN");
    assert!(RetryPolicy::new(RetrySettings { cap: millis(100), factor: 1.0, ..ok }).is_ok());
}

#[test]
fn every_preset_passes_its_own_check() {
    for policy in [RetryPolicy::ONCE, RetryPolicy::DATABASE, RetryPolicy::MODEL] {
        assert_eq!(RetryPolicy::new(policy.settings()), Ok(policy));
    }
}

#[test]
fn policies_are_stored_in_milliseconds() {
    let policy = RetryPolicy::MODEL.with_deadline(millis(1_500));
    let json = serde_json::to_value(policy).unwrap();
    let expected = serde_json::json!({
        "max_attempts": 3, "base_ms": 100.0, "factor": 2.0, "cap_ms": 5000.0, "jitter": "full",
        "deadline_ms": 1500.0, "longest_asked_ms": 60000.0
    });
    assert_eq!(json, expected);
    assert_eq!(serde_json::from_value::<RetryPolicy>(json).unwrap(), policy);
}

#[test]
fn stored_policies_are_checked_and_completed() {
    let read = |json: &str| serde_json::from_str::<RetryPolicy>(json).map_err(|error| error.to_string());
    assert_eq!(read("{}"), Ok(RetryPolicy::DATABASE));
    assert_eq!(read(r#"{"max_attempts": 3, "cap_ms": 5000}"#), Ok(RetryPolicy::MODEL));
    assert_eq!(read(r#"{"deadline_ms": null}"#), Ok(RetryPolicy::DATABASE));
    let refused = [
        (r#"{"max_attempts": 0}"#, "at least 1"),
        (r#"{"base_ms": -1}"#, "negative"),
        (r#"{"cap_ms": 1e300}"#, "too"),
        (r#"{"max_retries": 3}"#, "unknown field"),
    ];
    for (json, expected) in refused {
        let message = read(json).unwrap_err();
        assert!(message.contains(expected), "{json}: {message}");
    }
}

#[test]
fn shown_as_a_sentence() {
    let expected = "up to 1 call, 100ms ×2 up to 10s, no jitter, waits asked for up to 60s, no deadline";
    assert_eq!(RetryPolicy::ONCE.with_jitter(Jitter::None).to_string(), expected);
}

#[test]
fn the_delays_serve_backon_as_well() {
    let random = SeededRandom::new(1);
    let mut calls = 0;
    let operation = || {
        calls += 1;
        Err::<(), _>("no")
    };
    let result = operation.retry(RetryPolicy::DATABASE.delays(&random)).sleep(|_: Duration| ()).call();
    assert_eq!((result, calls), (Err("no"), 6));
}

fn settings() -> impl Strategy<Value = RetrySettings> {
    let duration = || (1..u64::MAX / 2).prop_map(Duration::from_nanos);
    (1..40_u32, duration(), 1.0..1e30_f32, duration(), any::<bool>(), proptest::option::of(duration()))
        .prop_map(|(max_attempts, base, factor, above, full, deadline)| RetrySettings {
            max_attempts,
            base,
            factor,
            cap: base + above,
            jitter: if full { Jitter::Full } else { Jitter::None },
            deadline,
            longest_asked: above,
        })
}

proptest! {
    #[test]
    fn delays_never_exceed_the_cap_and_without_jitter_never_shrink(settings in settings(), seed: u64) {
        let policy = RetryPolicy::new(settings).unwrap();
        let plain: Vec<_> = policy.with_jitter(Jitter::None).delays(&SystemRandom).collect();
        let drawn: Vec<_> = policy.with_jitter(Jitter::Full).delays(&SeededRandom::new(seed)).collect();
        prop_assert_eq!(plain.len() + 1, settings.max_attempts as usize);
        prop_assert_eq!(plain.len(), drawn.len());
        prop_assert!(plain.is_sorted());
        for (plain, drawn) in plain.iter().zip(&drawn) {
            prop_assert!(*plain <= settings.cap && drawn <= plain);
        }
    }

    #[test]
    fn a_stored_policy_is_the_same_policy(settings in settings()) {
        // A double holds every nanosecond of 100 days; the last digits are for the reader of JSON, which is not
        // exact to the last bit.
        let exact = Duration::from_hours(24 * 10);
        let settings = RetrySettings {
            base: settings.base.min(exact),
            cap: settings.cap.min(exact),
            longest_asked: settings.longest_asked.min(exact),
            deadline: settings.deadline.map(|deadline| deadline.min(exact)),
            ..settings
        };
        let policy = RetryPolicy::new(settings).unwrap();
        let json = serde_json::to_string(&policy).unwrap();
        prop_assert_eq!(serde_json::from_str::<RetryPolicy>(&json).unwrap(), policy);
    }
}
