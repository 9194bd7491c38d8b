//! What is taken, and what is said of the rest.

use std::time::Duration;

use super::{
    LabelList, Minutes, Moment, dependency, issue_type, labels, minutes_or_nothing, moment, priority, title,
};

#[test]
fn priorities_are_digits_with_or_without_their_letter() {
    for (text, wanted) in [("0", 0), ("4", 4), ("P0", 0), ("p3", 3)] {
        assert_eq!(priority(text), Ok(wanted), "{text}");
    }
    for text in ["", "P", "5", "P5", "-1", "+1", "00", "1.0", "high", "٣", "PP1"] {
        assert!(priority(text).unwrap_err().contains("P0 to P4"), "{text}");
    }
}

#[test]
fn titles_are_counted_in_bytes() {
    assert!(title(&"x".repeat(500)).is_ok());
    assert_eq!(title(&"é".repeat(300)).unwrap_err(), "is 600 bytes long, at most 500 are allowed");
    assert_eq!(title(" \t").unwrap_err(), "is empty");
}

#[test]
fn a_dependency_is_a_type_and_an_id() {
    let pair = |id: &str, kind: &str| Ok((id.to_owned(), kind.to_owned()));
    assert_eq!(dependency("bd-1"), pair("bd-1", "blocks"));
    assert_eq!(dependency("discovered-from:bd-1"), pair("bd-1", "discovered-from"));
    assert_eq!(dependency("related:a:b"), pair("a:b", "related"));
    for text in ["", ":", "blocks:", ":bd-1", &format!("{}:bd-1", "x".repeat(51))] {
        assert!(dependency(text).is_err(), "{text}");
    }
}

#[test]
fn labels_are_set_as_a_list_and_cleared_by_nothing() {
    assert_eq!(labels("a,b c"), Ok(LabelList(vec!["a".to_owned(), "b c".to_owned()])));
    assert_eq!(labels(""), Ok(LabelList(Vec::new())));
    assert!(labels("a,,b").is_err());
    assert_eq!(minutes_or_nothing(""), Ok(Minutes(None)));
    assert_eq!(minutes_or_nothing("90"), Ok(Minutes(Some(90))));
    assert!(minutes_or_nothing("-1").is_err());
}

#[test]
fn moments_are_times_days_or_distances() {
    let at = |text: &str| Ok(Moment::At(text.to_owned()));
    assert_eq!(moment("2026-12-24T18:00:00.5+01:00"), at("2026-12-24T18:00:00.5+01:00"));
    assert_eq!(moment("2026-12-24"), at("2026-12-24T00:00:00Z"));
    assert_eq!(moment("7d"), Ok(Moment::FromNow(Duration::from_hours(7 * 24))));
    assert_eq!(moment("in 2h"), Ok(Moment::FromNow(Duration::from_hours(2))));
    assert_eq!(moment("2h ago"), Ok(Moment::Ago(Duration::from_hours(2))));
    assert_eq!(moment(""), Ok(Moment::Nothing));
    for text in ["2026", "tomorrow", "2026-13-01", "2026-02-30", "ago", "1e3s", "2026-12-24T18:00", "-7d"] {
        assert!(moment(text).is_err(), "{text}");
    }
}

#[test]
fn types_are_known_configured_or_named_in_the_error() {
    for (given, wanted) in [
        ("feat", "feature"),
        ("enhancement", "feature"),
        ("adr", "decision"),
        ("dec", "decision"),
        ("bug", "bug"),
    ] {
        assert_eq!(issue_type(given, &[]).as_deref(), Ok(wanted));
    }
    let own = ["spec".to_owned(), "feat".to_owned()];
    assert_eq!(issue_type("spec", &own).as_deref(), Ok("spec"));
    assert_eq!(issue_type("feat", &own).as_deref(), Ok("feat"), "one's own name wins");
    let refused = issue_type("bugg", &own).unwrap_err();
    assert!(
        refused.contains("\"bugg\"") && refused.contains("bug, feature") && refused.contains("spec"),
        "{refused}"
    );
}
