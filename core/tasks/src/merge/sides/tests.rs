//! Whole sides.

use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::exchange::{Limits, read_lines};

fn side(lines: &[&str]) -> Sided {
    let file = lines.join("\n");
    let lines = read_lines(&mut file.as_bytes(), Path::new("f"), Limits::default()).unwrap();
    assert!(lines.bad.is_empty(), "{:?}", lines.bad);
    Sided::of_lines(&lines)
}

fn merged(base: &[&str], left: &[&str], right: &[&str]) -> (Vec<String>, Vec<String>) {
    let combined = combine(&side(base), &side(left), &side(right), &MergeOptions::new(0));
    let lines = combined.entries.iter().map(|entry| String::from_utf8(entry.bytes().to_vec()).unwrap());
    (lines.collect(), combined.conflicts.into_iter().map(|conflict| conflict.decided).collect())
}

#[test]
fn of_repeated_ids_the_latest_stays_where_the_first_stood() {
    let early = r#"{"id":"a","updated_at":"2026-01-01T00:00:00Z"}"#;
    // Later as an instant, earlier as a text.
    let late = r#"{"id":"a","updated_at":"2026-01-01T00:00:00-08:00"}"#;
    let same = r#"{"id":"a","updated_at":"2026-01-01T08:00:00Z"}"#;
    let (b, none) = (r#"{"id":"b"}"#, r#"{"id":"a"}"#);
    for (file, wanted) in [
        ([early, b, late], late),
        ([late, b, early], late),
        ([late, b, same], same),
        ([same, b, late], late),
        ([early, b, none], early),
    ] {
        let side = side(&file);
        let lines: Vec<&[u8]> = side.entries.iter().map(Entry::bytes).collect();
        assert_eq!(lines, [wanted.as_bytes(), b.as_bytes()]);
        assert_eq!(side.duplicates, ["a"]);
        assert_eq!(side.get("a").unwrap().bytes(), wanted.as_bytes());
    }
    let memory = r#"{"_type":"memory","key":"k"}"#;
    assert_eq!(side(&[memory, b, memory]).entries.len(), 2, "the same line without an id is one");
}

#[test]
fn other_lines_are_a_set() {
    let (one, two, three) =
        (r#"{"_type":"memory","key":"1"}"#, r#"{"_type":"memory","key":"2"}"#, r#"{"_schema":"x"}"#);
    assert_eq!(merged(&[], &[one], &[two]).0, [one, two]);
    assert_eq!(merged(&[one], &[one], &[one, three]).0, [one, three]);
    assert_eq!(merged(&[one, two], &[one], &[two]).0, Vec::<String>::new());
    assert_eq!(merged(&[one], &[], &[one, two]).0, [two]);
}

#[test]
fn other_lines_with_an_id_are_merged_as_wholes() {
    let line = |k: u8, day: u8| {
        format!(r#"{{"_type":"note","id":"n","k":{k},"updated_at":"2026-01-0{day}T00:00:00Z"}}"#)
    };
    let (base, left, right) = (line(1, 1), line(2, 2), line(3, 3));
    let (base, left, right) = (&*base, &*left, &*right);
    assert_eq!(merged(&[base], &[left], &[base]), (vec![left.to_owned()], vec![]));
    assert_eq!(merged(&[base], &[base], &[right]), (vec![right.to_owned()], vec![]));
    assert_eq!(
        merged(&[base], &[left], &[right]),
        (vec![right.to_owned()], vec!["right: updated later".to_owned()])
    );
    assert_eq!(
        merged(&[base], &[right], &[left]),
        (vec![right.to_owned()], vec!["left: updated later".to_owned()])
    );
    assert_eq!(merged(&[base], &[], &[base]).0, Vec::<String>::new());
    let (lines, conflicts) = merged(&[base], &[left], &[]);
    assert_eq!((lines, conflicts.len()), (vec![left.to_owned()], 1));
    // A line that has become a task, or the other way round.
    let task = r#"{"id":"n","updated_at":"2026-01-02T12:00:00Z"}"#;
    assert_eq!(merged(&[base], &[base], &[task]), (vec![task.to_owned()], vec![]));
    assert_eq!(merged(&[task], &[base], &[task]), (vec![base.to_owned()], vec![]));
    assert_eq!(merged(&[base], &[left], &[task]).0, [task]);
    assert_eq!(merged(&[], &[task], &[right]).0, [right]);
}

#[test]
fn the_order_is_the_left_ones_and_new_ones_come_last() {
    let [a, b, c, d] = ["a", "b", "c", "d"].map(|id| format!(r#"{{"id":"{id}"}}"#));
    assert_eq!(merged(&[&b], &[&c, &b, &a], &[&d, &b]).0, [&*c, &*b, &*a, &*d]);
}

const LINES: [&str; 8] = [
    r#"{"id":"a","k":1}"#,
    r#"{"id":"a","k":2}"#,
    r#"{"id":"b"}"#,
    r#"{"id":"c","status":"tombstone"}"#,
    r#"{"id":"c","k":3}"#,
    r#"{"_type":"x","id":"a"}"#,
    r#"{"_type":"x"}"#,
    r#"{"_schema":"y"}"#,
];

fn any_lines() -> impl Strategy<Value = Vec<&'static str>> {
    prop::collection::vec(prop::sample::select(LINES.to_vec()), 0..7)
}

proptest! {
    #[test]
    fn one_changed_side_is_the_outcome_and_new_lines_stay(
        base in any_lines(), left in any_lines(), right in any_lines()
    ) {
        let sorted = |mut lines: Vec<String>| { lines.sort(); lines };
        let told = |lines: &[&str]| {
            sorted(side(lines).entries.iter().map(|entry| String::from_utf8(entry.bytes().to_vec()).unwrap()).collect())
        };
        prop_assert_eq!(sorted(merged(&base, &left, &base).0), told(&left));
        prop_assert_eq!(sorted(merged(&base, &base, &right).0), told(&right));
        prop_assert_eq!(sorted(merged(&base, &right, &right).0), told(&right));
        let (lines, _) = merged(&base, &left, &right);
        let after = side(&lines.iter().map(String::as_str).collect::<Vec<_>>());
        let was = side(&base);
        for one in [side(&left), side(&right)] {
            for entry in &one.entries {
                prop_assert!(after.has(entry) || was.has(entry), "lost {:?}", entry.id());
            }
        }
    }
}

#[test]
fn there_is_one_header_of_each_schema() {
    let header = |n: u8| format!(r#"{{"_schema":"x","records":{n}}}"#);
    let made = [header(1), header(2), header(3)];
    let [one, two, three] = made.each_ref().map(String::as_str);
    let spelled = r#"{"_schema":"\u0078"}"#;
    let other = r#"{"_schema":"y"}"#;
    assert_eq!(side(&[one, other, two, spelled]).entries.len(), 2);
    for (base, left, right, wanted) in [
        // The first meeting of a store and a file: what the file says of itself.
        (&[][..], &[one][..], &[two][..], &[two][..]),
        (&[one], &[two], &[one], &[two]),
        (&[one], &[one], &[two], &[two]),
        (&[one], &[two], &[three], &[three]),
        (&[one], &[one], &[], &[]),
        (&[one], &[one, other], &[two], &[two, other]),
    ] {
        let (lines, conflicts) = merged(base, left, right);
        assert_eq!((lines, conflicts.len()), (wanted.iter().map(|line| (*line).to_owned()).collect(), 0));
    }
    // Of two that say when they were made the later one.
    let made = |day: u8| format!(r#"{{"_schema":"x","updated_at":"2026-01-0{day}T00:00:00Z"}}"#);
    assert_eq!(merged(&[], &[&made(2)], &[&made(1)]).0, [made(2)]);
}
