//! Medians, ratios of pairs, targets, numbers.

use super::{Measured, Target, median, number};

#[test]
fn medians() {
    let cases: [(&[f64], f64); 4] =
        [(&[], 0.0), (&[3.0], 3.0), (&[9.0, 1.0, 5.0], 5.0), (&[4.0, 1.0, 3.0, 2.0], 2.5)];
    for (values, wanted) in cases {
        assert!((median(values) - wanted).abs() < 1e-9, "{values:?}");
    }
}

#[test]
fn numbers_have_the_digits_that_mean_something() {
    let cases = [
        (0.0, "0"),
        (0.02, "0.02"),
        (0.1234, "0.123"),
        (1.0, "1"),
        (1.234, "1.23"),
        (12.34, "12.3"),
        (100_000.4, "100,000"),
        (-1234.0, "-1,234"),
    ];
    for (value, wanted) in cases {
        assert_eq!(number(value), wanted);
    }
}

#[test]
fn a_ratio_is_of_pairs_and_judged_by_its_target() {
    let line = ("row", "condition", "writes/s");
    // The machine was ten times slower in the second repeat, for both; the medians alone would say 3.
    let measured = Measured::beside(
        line,
        &[400.0, 40.0, 90.0],
        ("peer", &[100.0, 10.0, 30.0]),
        Target::RatioAtLeast(4.0),
    );
    assert_eq!(measured.row.ratio, Some(4.0));
    assert_eq!(measured.row.met, Some(true));
    assert_eq!(measured.spread, (3.0, 4.0));
    let missed = Measured::beside(line, &[1.0], ("peer", &[2.0]), Target::RatioAtMost(0.4));
    assert_eq!(missed.row.met, Some(false));
    let without = Measured::beside(line, &[1.0], ("peer", &[0.0]), Target::OursAtLeast(1.0));
    assert_eq!((without.row.ratio, without.row.met), (None, Some(true)));
    let alone = Measured::alone(line, &[2.0, 4.0], Target::None);
    assert_eq!((alone.row.ours, alone.row.met, alone.spread), (3.0, None, (2.0, 4.0)));
}

#[test]
fn a_row_has_exactly_the_keys_of_the_contract() {
    let line = ("row", "condition", "ms");
    let json = serde_json::to_value(Measured::alone(line, &[1.0], Target::OursAtMost(2.0))).unwrap();
    let mut keys: Vec<&str> = json.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    assert_eq!(keys, ["condition", "met", "ours", "peer", "peer_name", "ratio", "row", "target", "unit"]);
    assert_eq!(json["target"], "≤ 2");
}
