//! Whole files, three ways: what git calls for a path with our merge driver.

use super::sides::{Sided, combine};
use super::{Conflict, MergeOptions, refuse_longer};
use crate::error::Result;
use crate::exchange::{Lines, Order, arrange, join};

/// A merged file.
#[derive(Debug, Clone, PartialEq)]
pub struct Merged {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Records.
    pub records: u64,
    /// Ids that stood several times on one side: of each the latest instant was taken, of equals the later line.
    pub duplicates: Vec<String>,
    /// What both sides had changed differently.
    pub conflicts: Vec<Conflict>,
}

/// Merges three files whose lines are all good; an error is the first that is not. Other lines are merged as a set.
/// Refused where a record would become longer than a line may be.
pub fn merge_files(
    base: &Lines,
    left: &Lines,
    right: &Lines,
    order: Order,
    options: &MergeOptions,
) -> Result<Merged> {
    for lines in [base, left, right] {
        lines.refuse_bad()?;
    }
    let [base, left, right] = [base, left, right].map(Sided::of_lines);
    let mut duplicates = left.duplicates.clone();
    duplicates.extend(right.duplicates.iter().filter(|id| !left.duplicates.contains(id)).cloned());
    let mut combined = combine(&base, &left, &right, options);
    refuse_longer(&combined.entries, &left, &right, options)?;
    arrange(&mut combined.entries, order);
    Ok(Merged {
        bytes: join(combined.entries.iter().map(super::Entry::bytes)),
        records: combined.entries.len() as u64,
        duplicates,
        conflicts: combined.conflicts,
    })
}

#[cfg(test)]
mod tests;
