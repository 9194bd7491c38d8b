//! One record, three ways.

use super::{Conflict, MergeOptions};
use crate::record::Record;

/// What came of a record.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// The record; `None` where it is removed.
    pub record: Option<Record>,
    /// What both sides had changed differently.
    pub conflicts: Vec<Conflict>,
}

/// Merges one record. Where the result says the same as one side, it has that side's bytes; else it is the left one's
/// with the right one's changes spliced in.
pub fn merge_records(
    base: Option<&Record>,
    left: Option<&Record>,
    right: Option<&Record>,
    options: &MergeOptions,
) -> Outcome {
    let _ = (base, left, right, options);
    todo!("B4")
}
