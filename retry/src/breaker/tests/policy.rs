use super::*;

#[test]
fn every_preset_passes_its_own_check() {
    for policy in [BreakerPolicy::CONSECUTIVE, BreakerPolicy::SHARE, BreakerPolicy::HOST] {
        assert_eq!(BreakerPolicy::new(policy.settings()), Ok(policy));
    }
}

#[test]
fn what_makes_no_sense_is_refused() {
    use BreakerPolicyError::{NeverOpens, Percent, Time, Window, Zero};
    let slow = |percent| Some(SlowSettings { over: secs(1), percent });
    let window = |size, minimum, failure_percent, slow| {
        move |settings: &mut BreakerSettings| {
            settings.window = Some(WindowSettings { size, minimum, failure_percent, slow });
        }
    };
    type Change = Box<dyn Fn(&mut BreakerSettings)>;
    let cases: [(Change, _); 15] = [
        (Box::new(|s| s.consecutive = None), NeverOpens),
        (Box::new(|s| s.consecutive = Some(0)), Zero),
        (Box::new(|s| s.probes = 0), Zero),
        (Box::new(|s| s.open_for = Duration::ZERO), Time),
        (Box::new(|s| s.idle = Duration::ZERO), Time),
        (Box::new(|s| s.open_limit = secs(29)), Time),
        (Box::new(|s| s.open_jitter_percent = 101), Percent),
        (Box::new(window(0, 0, 50, None)), Window),
        (Box::new(window(10, 0, 50, None)), Window),
        (Box::new(window(10, 11, 50, None)), Window),
        (Box::new(window(10, 10, 0, None)), Percent),
        (Box::new(window(10, 10, 101, None)), Percent),
        (Box::new(window(10, 10, 50, slow(0))), Percent),
        (Box::new(window(10, 10, 50, slow(101))), Percent),
        (Box::new(|s| (s.consecutive, s.open_for) = (Some(0), secs(0))), Zero),
    ];
    for (at, (change, expected)) in cases.into_iter().enumerate() {
        let mut settings = BreakerSettings::default();
        change(&mut settings);
        assert_eq!(BreakerPolicy::new(settings), Err(expected), "case {at}");
    }
}

#[test]
fn policies_are_stored_in_milliseconds_and_checked() {
    let json = serde_json::to_value(BreakerPolicy::SHARE).unwrap();
    let expected = serde_json::json!({
        "consecutive": null,
        "window": { "size": 100, "minimum": 10, "failure_percent": 50 },
        "open_for_ms": 30_000.0, "open_limit_ms": 300_000.0, "open_jitter_percent": 10,
        "probes": 1, "idle_ms": 300_000.0
    });
    assert_eq!(json, expected);
    assert_eq!(serde_json::from_value::<BreakerPolicy>(json).unwrap(), BreakerPolicy::SHARE);

    let read = |json: &str| serde_json::from_str::<BreakerPolicy>(json).map_err(|error| error.to_string());
    assert_eq!(read("{}"), Ok(BreakerPolicy::CONSECUTIVE));
    assert_eq!(read(r#"{"open_for_ms": 300000, "open_limit_ms": 3600000}"#), Ok(BreakerPolicy::HOST));
    assert!(read(r#"{"probes": 0}"#).unwrap_err().contains("at least 1"));
    assert!(read(r#"{"probe": 1}"#).unwrap_err().contains("unknown field"));
}
