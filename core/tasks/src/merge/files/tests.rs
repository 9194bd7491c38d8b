//! Whole files.

use std::path::Path;

use super::*;
use crate::exchange::{Limits, read_lines};

fn lines(file: &str) -> Lines {
    read_lines(&mut file.as_bytes(), Path::new("f.jsonl"), Limits::default()).unwrap()
}

#[test]
fn a_file_comes_out_in_its_order() {
    let base = lines("{\"id\":\"b\",\"k\":1}\r\n");
    let left = lines("{\"id\":\"b\",\"k\":2}\n{\"id\":\"a\"}\n");
    let right = lines("\u{feff}{\"_schema\":\"x\"}\n{\"id\":\"b\",\"k\":1}\n\n{\"id\":\"c\"}");
    let merge = |order| merge_files(&base, &left, &right, order, &MergeOptions::new(0)).unwrap();
    let merged = merge(Order::Id);
    assert_eq!(
        String::from_utf8(merged.bytes).unwrap(),
        "{\"_schema\":\"x\"}\n{\"id\":\"a\"}\n{\"id\":\"b\",\"k\":2}\n{\"id\":\"c\"}\n"
    );
    assert_eq!((merged.records, merged.conflicts.len()), (4, 0));
    assert_eq!(
        String::from_utf8(merge(Order::File).bytes).unwrap(),
        "{\"id\":\"b\",\"k\":2}\n{\"id\":\"a\"}\n{\"_schema\":\"x\"}\n{\"id\":\"c\"}\n"
    );
}

#[test]
fn a_bad_line_on_any_side_is_an_error() {
    let (good, bad) = (lines("{\"id\":\"a\"}"), lines("\n<<<<<<< HEAD"));
    for [base, left, right] in [[&bad, &good, &good], [&good, &bad, &good], [&good, &good, &bad]] {
        let error = merge_files(base, left, right, Order::Id, &MergeOptions::new(0)).unwrap_err();
        assert!(error.to_string().starts_with("f.jsonl: line 2: "), "{error}");
    }
}

#[test]
fn repeated_ids_of_either_side_are_told() {
    let file = |text: &str| read_lines(&mut text.as_bytes(), Path::new("f"), Limits::default()).unwrap();
    let (one, both) = (
        file("{\"id\":\"a\"}\n{\"id\":\"a\",\"k\":1}"),
        file("{\"id\":\"b\"}\n{\"id\":\"a\"}\n{\"id\":\"b\"}\n{\"id\":\"a\"}"),
    );
    let merged = merge_files(&file(""), &one, &both, Order::Id, &MergeOptions::new(0)).unwrap();
    assert_eq!((merged.duplicates, merged.records), (vec!["a".to_owned(), "b".to_owned()], 2));
}

#[test]
fn a_record_that_only_the_merge_makes_too_long_is_refused() {
    let (base, left, right) =
        (lines(r#"{"id":"a"}"#), lines(r#"{"id":"a","k":1}"#), lines(r#"{"id":"a","l":1}"#));
    let merge = |left: &Lines, line_bytes| {
        merge_files(&base, left, &right, Order::Id, &MergeOptions { line_bytes, ..MergeOptions::new(0) })
    };
    assert_eq!(merge(&left, 22).unwrap().bytes.len(), 23);
    let error = merge(&left, 21).unwrap_err();
    assert_eq!(error.to_string(), "a: merged it would have 22 bytes; a line has at most 21");
    // One that was so on a side goes on.
    merge(&lines(r#"{"id":"a","k":123456789}"#), 21).unwrap();
}
