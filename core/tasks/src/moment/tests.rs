use proptest::prelude::*;

use super::*;

fn moment(text: &str) -> Moment {
    Moment::parse(text).unwrap_or_else(|| panic!("{text}"))
}

#[test]
fn spellings_of_one_instant_are_equal() {
    for text in [
        "2026-01-02T03:04:05.006Z",
        "2026-01-02t03:04:05.006z",
        "2026-01-02 03:04:05.006Z",
        "2026-01-02T03:04:05.006+00:00",
        "2026-01-02T03:04:05.006-00:00",
        "2026-01-02T03:04:05.006000000Z",
        "2026-01-02T03:04:05.006000000999Z",
        "2026-01-01T20:04:05.006-07:00",
        "2026-01-02T12:49:05.006+09:45",
    ] {
        assert_eq!(moment(text), moment("2026-01-02T03:04:05.006Z"), "{text}");
        assert_eq!(moment(text).text(), "2026-01-02T03:04:05.006Z");
    }
}

#[test]
fn instants_compare_and_not_their_texts() {
    let sorted = [
        "0000-01-01T00:00:00+23:59",
        "1969-12-31T23:59:59.999999999Z",
        "1970-01-01T00:00:00Z",
        "2026-01-01T02:00:00Z",
        "2026-01-01T01:00:00-08:00",
        "2026-01-01T09:00:00.000000001Z",
        "2026-01-01T09:00:00.1Z",
        "9999-12-30T22:00:00Z",
        "9999-12-31T23:59:59.999999999Z",
        "9999-12-31T23:59:59-23:59",
    ];
    assert!(sorted.is_sorted_by(|a, b| moment(a) < moment(b)));
}

#[test]
fn what_is_no_moment_is_none() {
    for text in [
        "",
        "2026-01-02",
        "2026-01-02T03:04:05",
        "2026-01-02T03:04Z",
        "2026-01-02T03:04:05.Z",
        "2026-01-02T03:04:05,5Z",
        "2026-01-02T03:04:05 Z",
        "2026-01-02T03:04:05Z ",
        " 2026-01-02T03:04:05Z",
        "2026-01-02T03:04:05+0700",
        "2026-01-02T03:04:05+07",
        "2026-01-02T03:04:05+24:00",
        "2026-01-02T03:04:05+07:60",
        "2026-01-02T03:04:05UTC",
        "2026-01-02_03:04:05Z",
        "2026/01/02T03:04:05Z",
        "2026-00-02T03:04:05Z",
        "2026-13-02T03:04:05Z",
        "2026-01-00T03:04:05Z",
        "2026-01-32T03:04:05Z",
        "2026-04-31T03:04:05Z",
        "2026-02-29T03:04:05Z",
        "1900-02-29T03:04:05Z",
        "2026-01-02T24:00:00Z",
        "2026-01-02T03:60:05Z",
        "2026-01-02T03:04:61Z",
        "26-01-02T03:04:05Z",
        "-2026-01-02T03:04:05Z",
        "+02026-01-02T03:04:05Z",
        "2026-01-02T03:04:0éZ",
        "２026-01-02T03:04:05Z",
        "yesterday",
    ] {
        assert_eq!(Moment::parse(text), None, "{text}");
    }
}

#[test]
fn leap_days_are_days_and_a_leap_second_is_the_one_before() {
    assert_eq!(moment("2024-02-29T00:00:00Z").ms() - moment("2024-02-28T00:00:00Z").ms(), 86_400_000);
    assert!(Moment::parse("2000-02-29T00:00:00Z").is_some());
    assert_eq!(moment("2016-12-31T23:59:60Z"), moment("2016-12-31T23:59:59Z"));
}

#[test]
fn what_does_not_fit_a_column_is_clamped() {
    for (text, nanoseconds) in [
        ("1970-01-01T00:00:00.000000001Z", 1),
        ("1969-12-31T23:59:59.999999999Z", -1),
        ("2262-04-11T23:47:16.854775807Z", i64::MAX),
        ("2262-04-11T23:47:16.854775808Z", i64::MAX),
        ("9999-12-31T23:59:59Z", i64::MAX),
        ("1677-09-21T00:12:43.145224192Z", i64::MIN),
        ("0001-01-01T00:00:00Z", i64::MIN),
    ] {
        assert_eq!(moment(text).nanoseconds(), nanoseconds, "{text}");
    }
}

#[test]
fn moments_of_a_clock_have_their_text() {
    for (ms, text) in [
        (0, "1970-01-01T00:00:00.000Z"),
        (-1, "1969-12-31T23:59:59.999Z"),
        (1_767_323_045_006, "2026-01-02T03:04:05.006Z"),
        (i64::MAX, "9999-12-31T23:59:59.999Z"),
        (i64::MIN, "0000-01-01T00:00:00.000Z"),
    ] {
        assert_eq!(Moment::from_ms(ms).text(), text);
    }
    assert_eq!(moment("9999-12-31T23:59:59-23:59").text(), "9999-12-31T23:59:59.999Z");
    assert_eq!(moment("0000-01-01T00:00:00+23:59").text(), "0000-01-01T00:00:00.000Z");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Every millisecond of the years that RFC 3339 has.
    #[test]
    fn a_text_is_read_back(ms in YEARS.0 * 1000..YEARS.1 * 1000 + 1000) {
        prop_assert_eq!(moment(&Moment::from_ms(ms).text()), Moment::from_ms(ms));
        prop_assert_eq!(Moment::from_ms(ms).ms(), ms);
    }

    /// The calendar of jiff is the same one, as far as it goes.
    #[test]
    fn jiff_reads_the_same(
        year in 1..9999, month in 0..14, day in 0..33, hour in 0..25, minute in 0..61, second in 0..61,
        fraction in "(\\.[0-9]{1,9})?", zone in "Z|[+-][012][0-9]:[0-6][0-9]",
    ) {
        let text = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}{zone}");
        let theirs = text.parse::<jiff::Timestamp>().ok();
        // Offsets of 24 and 25 hours, which jiff takes and RFC 3339 has not, are no difference that matters.
        prop_assume!(!(zone.len() > 1 && &zone[1..3] > "23"));
        prop_assert_eq!(
            Moment::parse(&text).map(|moment| i128::from(moment.seconds) * 1_000_000_000 + i128::from(moment.nanoseconds)),
            theirs.map(jiff::Timestamp::as_nanosecond),
        );
    }

    #[test]
    fn no_text_is_too_strange(text in "[0-9T:.Zz+ -]{0,40}|.{0,40}") {
        let _ = Moment::parse(&text);
    }
}
