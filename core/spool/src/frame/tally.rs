//! How many lines a segment has.

use std::fs::File;

use crate::error::Result;

/// What a segment holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Lines that are not blank, in whole members.
    pub(crate) lines: u64,
    /// Where the last whole member ends.
    pub(crate) whole_bytes: u64,
    /// Something comes after that.
    pub(crate) has_rest: bool,
}

/// Counts the lines: by hopping over members of ours, by inflating all others. With `inflate` nothing is believed.
pub(crate) fn tally(file: &File, inflate: bool) -> Result<Tally> {
    let _ = (file, inflate);
    todo!("s1")
}
