use std::time::Duration;

use proptest::prelude::*;

use super::{RETRY_AFTER_LIMIT, retry_after};

/// 2026-10-21T07:27:00Z, one minute before the date in the cases.
const NOW_MS: i64 = 1_792_567_620_000;

#[test]
fn fields_and_their_waits() {
    let minute = Some(Duration::from_mins(1));
    let none = Some(Duration::ZERO);
    let limit = Some(RETRY_AFTER_LIMIT);
    let cases = [
        ("5", Some(Duration::from_secs(5))),
        (" 60\t", minute),
        ("0", none),
        ("0.25", Some(Duration::from_millis(250))),
        ("-1", none),
        ("-0.5", none),
        ("3601", limit),
        ("99999999999", limit),
        ("99999999999999999999999999999999999999", limit),
        ("-99999999999999999999999999999999999999", none),
        ("Wed, 21 Oct 2026 07:28:00 GMT", minute),
        ("Wednesday, 21-Oct-26 07:28:00 GMT", minute),
        ("Wed Oct 21 07:28:00 2026", minute),
        ("Wed, 21 Oct 2026 07:26:00 GMT", none),
        ("Fri, 31 Dec 9999 23:59:59 GMT", limit),
        ("", None),
        ("-", None),
        (".", None),
        ("5s", None),
        ("+5", None),
        ("1e3", None),
        ("inf", None),
        ("NaN", None),
        ("1.2.3", None),
        ("soon", None),
        ("Wed, 99 Oct 2026 07:28:00 GMT", None),
        ("५", None),
    ];
    for (field, expected) in cases {
        assert_eq!(retry_after(field, NOW_MS), expected, "{field:?}");
    }
}

#[test]
fn a_wall_clock_out_of_its_mind_gives_at_most_the_limit() {
    let date = "Wed, 21 Oct 2026 07:28:00 GMT";
    assert_eq!(retry_after(date, i64::MIN), Some(RETRY_AFTER_LIMIT));
    assert_eq!(retry_after(date, 0), Some(RETRY_AFTER_LIMIT));
    assert_eq!(retry_after(date, i64::MAX), Some(Duration::ZERO));
}

proptest! {
    #[test]
    fn any_text_is_read_without_panic_and_bounded(field in ".*", now_ms: i64) {
        if let Some(wait) = retry_after(&field, now_ms) {
            prop_assert!(wait <= RETRY_AFTER_LIMIT);
        }
    }
}
