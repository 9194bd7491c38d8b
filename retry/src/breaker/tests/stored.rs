//! Saving and loading.

use super::*;

/// A second breaker of the same policy, in another process with another clock.
fn restored(snapshot: &BreakerSnapshot, age: Duration) -> Bench {
    let other = Bench::new(BreakerPolicy::CONSECUTIVE);
    other.clock.advance(secs(7));
    other.breaker.restore(snapshot, age).unwrap();
    other
}

#[test]
fn an_open_breaker_stays_open_for_the_time_that_is_left() {
    let bench = Bench::open();
    bench.clock.advance(secs(10));
    let other = restored(&bench.breaker.snapshot(), secs(5));
    assert_eq!(other.refusal().retry_in, Some(secs(15)));
    other.clock.advance(secs(15));
    other.fail(1);
    assert!(other.breaker.snapshot().open_for >= secs(60), "it is the second opening in a row");
}

#[test]
fn a_wrong_age_or_time_locks_nobody_out_for_longer_than_a_period() {
    let mut snapshot = Bench::open().breaker.snapshot();
    assert!(restored(&snapshot, secs(1_000_000)).breaker.try_acquire().is_ok());
    snapshot.open_remaining = Duration::MAX;
    assert_eq!(restored(&snapshot, Duration::ZERO).refusal().retry_in, Some(secs(30)));
    snapshot.open_for = Duration::MAX;
    assert_eq!(restored(&snapshot, Duration::ZERO).refusal().retry_in, Some(secs(300)));
}

#[test]
fn a_half_open_breaker_comes_back_with_a_probe_to_give() {
    let bench = Bench::open();
    bench.clock.advance(secs(30));
    let _lost = bench.permit();
    let snapshot = bench.breaker.snapshot();
    assert_eq!((snapshot.state, snapshot.open_remaining), (BreakerState::HalfOpen, Duration::ZERO));
    let other = restored(&snapshot, Duration::ZERO);
    let probe = other.permit();
    assert_eq!(other.refusal().state, BreakerState::HalfOpen);
    probe.success();
    other.is(BreakerState::Closed);
}

#[test]
fn failures_are_kept_until_they_would_have_been_forgotten() {
    let bench = Bench::new(BreakerPolicy::CONSECUTIVE);
    bench.fail(2);
    bench.clock.advance(secs(100));
    let snapshot = bench.breaker.snapshot();
    for (age, state) in [(secs(199), BreakerState::Open), (secs(200), BreakerState::Closed)] {
        let other = restored(&snapshot, age);
        other.fail(1);
        other.is(state);
    }
}

#[test]
fn the_window_is_kept_letter_by_letter() {
    let bench = Bench::with(|settings| {
        let slow = Some(SlowSettings { over: secs(1), percent: 100 });
        settings.window = Some(WindowSettings { size: 4, minimum: 4, failure_percent: 75, slow });
        settings.consecutive = None;
    });
    bench.succeed(1);
    let calls = [(0, Verdict::Success), (0, Verdict::Failure), (2, Verdict::Success), (2, Verdict::Failure)];
    for (took, verdict) in calls {
        let permit = bench.permit();
        bench.clock.advance(secs(took));
        permit.conclude(verdict);
    }
    let snapshot = bench.breaker.snapshot();
    assert_eq!(snapshot.window, "oxOX");

    let other = Bench::with(|settings| *settings = bench_settings());
    other.breaker.restore(&snapshot, Duration::ZERO).unwrap();
    other.fail(1);
    other.is(BreakerState::Open);

    bench.clock.advance(secs(300));
    assert_eq!(bench.breaker.snapshot().window, "", "what is forgotten is not shown");
}

fn bench_settings() -> BreakerSettings {
    let window = Some(WindowSettings { size: 4, minimum: 4, failure_percent: 75, slow: None });
    BreakerSettings { consecutive: None, window, ..BreakerSettings::default() }
}

#[test]
fn a_longer_window_is_cut_to_its_latest_calls() {
    let mut snapshot = Bench::with(|settings| *settings = bench_settings()).breaker.snapshot();
    snapshot.window = "xxxxxxooox".to_owned();
    snapshot.window_expires_in = secs(300);
    let other = Bench::with(|settings| *settings = bench_settings());
    other.breaker.restore(&snapshot, Duration::ZERO).unwrap();
    assert_eq!(other.breaker.snapshot().window, "ooox");
    let without = restored(&snapshot, Duration::ZERO);
    assert_eq!(without.breaker.snapshot().window, "");
}

#[test]
fn commands_outlive_their_process() {
    let bench = Bench::open();
    bench.breaker.force_open();
    let other = restored(&bench.breaker.snapshot(), secs(1_000_000));
    other.is(BreakerState::ForcedOpen);
    bench.breaker.disable();
    restored(&bench.breaker.snapshot(), Duration::ZERO).is(BreakerState::Disabled);
}

#[test]
fn what_cannot_be_read_changes_nothing() {
    let bench = Bench::open();
    let before = bench.breaker.snapshot();
    let closed = Bench::new(BreakerPolicy::CONSECUTIVE).breaker.snapshot();
    let newer = BreakerSnapshot { version: 2, ..closed.clone() };
    let foreign = BreakerSnapshot { window: "oö".to_owned(), ..closed };
    let cases = [
        (newer, SnapshotError::Newer(2), "the breaker's state has version 2, and this release reads up to 1"),
        (foreign, SnapshotError::Window('ö'), "the breaker's window contains 'ö'"),
    ];
    for (snapshot, error, shown) in cases {
        assert_eq!(bench.breaker.restore(&snapshot, Duration::ZERO), Err(error));
        assert_eq!(error.to_string(), shown);
        assert_eq!(bench.breaker.snapshot(), before);
    }
}

#[test]
fn the_stored_form_stays() {
    let bench = Bench::open();
    bench.clock.advance(Duration::from_millis(500));
    let json = serde_json::to_value(bench.breaker.snapshot()).unwrap();
    let expected = serde_json::json!({
        "version": 1, "state": "open", "generation": 1, "failures": 3, "openings": 1,
        "open_for_ms": 30_000.0, "open_remaining_ms": 29_500.0,
        "window": "", "failures_expire_in_ms": 299_500.0, "window_expires_in_ms": 0.0
    });
    assert_eq!(json, expected);
    assert_eq!(serde_json::from_value::<BreakerSnapshot>(json).unwrap(), bench.breaker.snapshot());
    for state in
        [BreakerState::Closed, BreakerState::HalfOpen, BreakerState::ForcedOpen, BreakerState::Disabled]
    {
        assert_eq!(serde_json::to_value(state).unwrap(), state.to_string());
    }
}

#[test]
fn looking_changes_nothing() {
    let bench = Bench::open();
    bench.clock.advance(secs(60));
    let first = bench.breaker.snapshot();
    for _ in 0..100 {
        assert_eq!(bench.breaker.snapshot(), first);
        bench.is(BreakerState::Open);
    }
}
