use std::time::Duration;

use conclave_testkit::ManualClock;

use super::*;

#[test]
fn ids_are_ulids_and_rise_whatever_the_clock_does() {
    let mut ids = Ids::default();
    let mut last = String::new();
    for ms in [1_469_918_176_385, 1_469_918_176_385, 5, -7, i64::MAX, 1_469_918_176_386] {
        let id = ids.next(ms);
        assert_eq!(id.len(), 26);
        assert!(id.bytes().all(|byte| DIGITS.contains(&byte)), "{id}");
        assert!(id > last, "{id} after {last}");
        last = id;
    }
    // The example of the specification: 01ARYZ6S41… is this time.
    assert!(Ids::default().next(1_469_918_176_385).starts_with("01ARYZ6S41"));
}

#[test]
fn a_sample_is_an_event_with_the_keys_that_it_must_have() {
    let clock = ManualClock::at_wall_ms(1_757_442_600_000);
    for monitor in crate::Monitors::default().iter() {
        let mut sample = Sample::of(monitor, &clock);
        let first: serde_json::Value = serde_json::from_str(&sample.line(&clock)).unwrap();
        clock.advance(Duration::from_millis(1));
        let second: serde_json::Value = serde_json::from_str(&sample.line(&clock)).unwrap();
        assert_eq!(first["monitor"], monitor.as_str());
        assert_eq!(first["session_id"], second["session_id"]);
        assert_ne!(first["id"], second["id"]);
        assert_eq!(second["ts_utc"].as_i64().unwrap() - first["ts_utc"].as_i64().unwrap(), 1);
        serde_json::from_str::<serde_json::Value>(first["attrs_json"].as_str().unwrap()).unwrap();
        for key in ["action", "subject_type"] {
            assert!(first[key].is_string(), "{key}");
        }
    }
}
