//! What a fuzzer may reach, and what must hold of any bytes. Built for tests and by cargo-fuzz (`--cfg fuzzing`) alone.
#![expect(clippy::missing_panics_doc, reason = "a panic is a finding")]

use crate::merge::{MergeOptions, merge_records};
use crate::record::{Line, Record, parse};

/// Any bytes as a file of tasks: a line is refused with a place in it, or it is kept byte for byte.
pub fn lines(bytes: &[u8]) {
    for line in bytes.split(|byte| *byte == b'\n') {
        match parse(line) {
            Err(flaw) => assert!(flaw.at <= line.len(), "{flaw:?} in {} bytes", line.len()),
            Ok(Line::Other(other)) => drop(other),
            Ok(Line::Task(record)) => {
                assert!(!record.id().is_empty());
                assert_eq!(Record::read(record.bytes()).as_ref().map(Record::bytes), Ok(record.bytes()));
                for (key, value) in record.members() {
                    assert!(serde_json::from_slice::<serde::de::IgnoredAny>(value).is_ok(), "{key:?}");
                }
            }
        }
    }
}

/// Up to three lines as base, left and right of a merge: what comes out is a record, and a side that says the same as the
/// base loses.
pub fn merge(bytes: &[u8]) {
    let mut records = bytes.split(|byte| *byte == b'\n').map(|line| Record::read(line).ok());
    let (base, left, right) = (records.next().flatten(), records.next().flatten(), records.next().flatten());
    let options = MergeOptions::new(1_790_000_000_000);
    let merged = merge_records(base.as_ref(), left.as_ref(), right.as_ref(), &options);
    if let Some(record) = &merged.record {
        assert!(Record::read(record.bytes()).is_ok());
    }
    let same = merge_records(base.as_ref(), left.as_ref(), left.as_ref(), &options);
    assert!(same.conflicts.is_empty(), "both sides are the same: {:?}", same.conflicts);
    assert_eq!(same.record.as_ref().map(Record::bytes), left.as_ref().map(Record::bytes));
}

/// Inputs to begin with.
pub fn samples(name: &str) -> Vec<Vec<u8>> {
    let first = r#"{"id":"bd-1","title":"Ä \u00e4","status":"open","priority":1,"issue_type":"bug","labels":["a","b"],"created_at":"2026-01-02T03:04:05.678901234Z","updated_at":"2026-01-03T03:04:05Z","dependencies":[{"issue_id":"bd-1","depends_on_id":"bd-2","type":"blocks"}],"comments":[{"id":1,"author":"ana","text":"x","created_at":"2026-01-02T03:04:05Z"}],"unknown":{"a":[1,2.50]}}"#;
    let second = r#"{"id":"bd-1","title":"other","status":"closed","priority":0,"closed_at":"2026-01-04T00:00:00Z","labels":["b","c"]}"#;
    let third = r#"{"_type":"issue","id":"bd-1","title":"t","status":"in_progress","assignee":"bo"}"#;
    let header = r#"{"_schema":"beads","version":1}"#;
    let all = [first, second, third];
    if name == "merge" {
        return vec![all.join("\n").into_bytes(), [first, first, second].join("\n").into_bytes()];
    }
    vec![
        [header, first, "", second, "<<<<<<< HEAD", third].join("\n").into_bytes(),
        first.as_bytes().to_vec(),
    ]
}

#[cfg(test)]
mod tests;
