use proptest::prelude::*;

use super::*;

#[test]
fn names_are_those_of_the_original() {
    let hour = Hour::of_ms(1_757_442_600_000);
    for (name, text) in [
        (SegmentName::new(hour, 0), "20250909-18.ndjson.gz"),
        (SegmentName::new(hour, 1), "20250909-18-001.ndjson.gz"),
        (SegmentName::new(hour, 1_234), "20250909-18-1234.ndjson.gz"),
        (SegmentName::new(hour, 0).recovered(0), "20250909-18_recovered.ndjson.gz"),
        (SegmentName::new(hour, 7).recovered(2), "20250909-18-007_recovered-2.ndjson.gz"),
    ] {
        assert_eq!(name.file_name(), text);
        assert_eq!(name.part_name(), format!("{text}.part"));
        assert_eq!(SegmentName::parse(text), Some(name));
    }
}

#[test]
fn a_name_that_the_original_made_unique_is_read() {
    let found = SegmentName::parse("20250909-18-1.ndjson.gz").unwrap();
    assert_eq!((found.sequence(), found.hour()), (1, Hour::of_ms(1_757_442_600_000)));
}

#[test]
fn what_is_no_name_is_none() {
    for text in [
        "",
        ".ndjson.gz",
        "20250909-18.ndjson",
        "20250909-18.ndjson.gz.part",
        "20250909-24.ndjson.gz",
        "20251309-18.ndjson.gz",
        "20250231-18.ndjson.gz",
        "00000101-00.ndjson.gz",
        "99991231-23.ndjson.gz",
        "2025090a-18.ndjson.gz",
        "20250909-18-.ndjson.gz",
        "20250909-18-+1.ndjson.gz",
        "20250909-18-1234567890.ndjson.gz",
        "20250909-18_recovered-.ndjson.gz",
        "20250909-18_recovered_recovered.ndjson.gz",
        "20250909-18x.ndjson.gz",
        "2025090é-18.ndjson.gz",
        "+2250909-18.ndjson.gz",
    ] {
        assert_eq!(SegmentName::parse(text), None, "{text}");
    }
}

#[test]
fn order_is_that_of_the_events_not_of_the_letters() {
    let mut names = [
        "20250909-18-002.ndjson.gz",
        "20250909-19.ndjson.gz",
        "20250909-18-1000.ndjson.gz",
        "20250909-18_recovered-10.ndjson.gz",
        "20250909-18_recovered-9.ndjson.gz",
        "20250909-18_recovered.ndjson.gz",
        "20250909-18.ndjson.gz",
        "20250909-18-001.ndjson.gz",
    ]
    .map(|text| SegmentName::parse(text).unwrap());
    names.sort();
    assert_eq!(
        names.map(|name| name.file_name()),
        [
            "20250909-18.ndjson.gz",
            "20250909-18_recovered.ndjson.gz",
            "20250909-18_recovered-9.ndjson.gz",
            "20250909-18_recovered-10.ndjson.gz",
            "20250909-18-001.ndjson.gz",
            "20250909-18-002.ndjson.gz",
            "20250909-18-1000.ndjson.gz",
            "20250909-19.ndjson.gz",
        ]
    );
}

#[test]
fn a_clock_gone_mad_still_has_a_name() {
    for hour in [Hour(i64::MIN), Hour(i64::MAX), Hour::of_ms(i64::MIN), Hour::of_ms(i64::MAX)] {
        assert_eq!(hour.to_string().len(), 11, "{hour}");
        assert!(SegmentName::parse(&SegmentName::new(hour, 0).file_name()).is_some(), "{hour}");
    }
}

proptest! {
    #[test]
    fn what_is_made_is_read(
        hour in FIRST_HOUR..=LAST_HOUR,
        sequence in 0..1_000_000u32,
        recovered in proptest::option::of(0..1_000u32),
    ) {
        let name = SegmentName { hour: Hour(hour), sequence, recovered };
        prop_assert_eq!(SegmentName::parse(&name.file_name()), Some(name));
    }

    #[test]
    fn hours_rise_as_their_texts_do(one in FIRST_HOUR..=LAST_HOUR, other in FIRST_HOUR..=LAST_HOUR) {
        prop_assert_eq!(Hour(one).cmp(&Hour(other)), Hour(one).to_string().cmp(&Hour(other).to_string()));
    }

    #[test]
    fn any_text_is_read_or_refused(text in ".{0,40}") {
        let _ = SegmentName::parse(&text);
    }
}
