//! What a merge writes can be read again.

use super::sides::Sided;
use super::{Entry, MergeOptions};
use crate::error::{Result, TaskError};

const HINT: &str = "make its texts shorter on one side, or let longer lines in: `max_line` in `[tasks]` of the configuration";

/// Refuses a record that the merge has made longer than a line may be, while it was not on either side. What only one
/// side has is not made longer.
pub(crate) fn refuse_longer(
    merged: &[Entry],
    left: &Sided,
    right: &Sided,
    options: &MergeOptions,
) -> Result<()> {
    let most = options.line_bytes;
    let size = |entry: &Entry| entry.bytes().len() as u64;
    for entry in merged.iter().filter(|entry| size(entry) > most) {
        let sides = [left, right].map(|side| side.find(entry.identity()));
        if sides.iter().all(|side| side.is_some_and(|side| size(side) <= most)) {
            let id = entry.id().unwrap_or("a line without an id");
            let why = format!("{id}: merged it would have {} bytes; a line has at most {most}", size(entry));
            return Err(TaskError::refused(why, Some(HINT)));
        }
    }
    Ok(())
}
