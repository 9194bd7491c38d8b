//! Times in each form.

use std::time::Duration;

use super::{absolute, ago, clock, rfc3339, took};

#[test]
fn times_have_one_form_each() {
    assert_eq!(rfc3339(1_762_828_400_123).as_deref(), Some("2025-11-11T02:33:20.123Z"));
    assert_eq!(rfc3339(0).as_deref(), Some("1970-01-01T00:00:00.000Z"));
    assert_eq!(rfc3339(i64::MAX), None);
    assert_eq!(absolute(1_762_828_400_123), "2025-11-11 02:33:20 UTC");
    assert_eq!(absolute(i64::MIN), "?");
}

#[test]
fn how_long_ago_in_one_unit() {
    for (seconds, wanted) in [(-5, "0s"), (0, "0s"), (59, "59s"), (60, "1m"), (3599, "59m"), (3600, "1h")] {
        assert_eq!(ago(seconds * 1000, 0), wanted, "{seconds}");
    }
    assert_eq!(ago(i64::MAX, i64::MIN).chars().last(), Some('d'));
}

#[test]
fn durations() {
    assert_eq!(clock(12_999), "0:12");
    assert_eq!(clock(3_723_000), "1:02:03");
    assert_eq!(clock(-1), "0:00");
    assert_eq!(took(Duration::from_micros(300)), "0.3 ms");
    assert_eq!(took(Duration::from_millis(4100)), "4.1 s");
}
