//! The base of a sync: what the file was when it was last equal to the store.
//!
//! A sync that was ended may have written the file, or not: only the file can tell. It is
//!
//! - what was to be written: then that is the base.
//! - what was taken in: then nothing was written, and that is the base.
//! - something else: others have changed it since. A line that is as only what was to be written has it was written by
//!   that sync. Then the base is what was to be written, but for lines that are as they were taken in: whoever brought
//!   those back, such as a merge of git, had not seen what the store has made of them, and it stays. Without such a
//!   line the base is what was taken in: what the sync has changed and others have changed again is a change of both.

use conclave_db::ReadConn;

use super::Seen;
use crate::error::Result;
use crate::exchange::lines::{Limits, Lines};
use crate::merge::{Entry, Sided};
use crate::store::bases;

/// The base for this file; nothing where it was never synced.
pub(super) fn of(conn: &ReadConn<'_>, file: &Seen) -> Result<Sided> {
    // A file that somebody has emptied or taken away says nothing about what is to be removed.
    if file.side.entries.is_empty() {
        return Ok(Sided::default());
    }
    let Some(found) = bases::find(conn, &file.key)? else { return Ok(Sided::default()) };
    // What this version refuses is in no base: nothing is removed because of it.
    let side = |bytes: &[u8]| {
        let lines = Lines::of_bytes(bytes, &file.path, Limits { line_bytes: u64::MAX })?;
        Ok::<_, crate::TaskError>(Sided::of_lines(&lines))
    };
    match found.next {
        Some(next) if next == file.bytes() => side(&next),
        Some(next) if found.taken != file.bytes() => {
            Ok(by_evidence(&file.side, side(&found.taken)?, &side(&next)?))
        }
        _ => side(&found.taken),
    }
}

/// The base of a file that is neither what was taken in nor what was to be written.
fn by_evidence(file: &Sided, taken: Sided, next: &Sided) -> Sided {
    let is_in = |side: &Sided, entry: &Entry| {
        side.find(entry.identity()).is_some_and(|there| there.bytes() == entry.bytes())
    };
    let is_written = file.entries.iter().any(|entry| is_in(next, entry) && !is_in(&taken, entry));
    if !is_written {
        return taken;
    }
    let is_as_taken = |entry: &Entry| is_in(&taken, entry) && !is_in(next, entry);
    let brought_back = file.entries.iter().filter(|entry| is_as_taken(entry)).cloned();
    let others = next.entries.iter().filter(|entry| !file.find(entry.identity()).is_some_and(is_as_taken));
    Sided::of(others.cloned().chain(brought_back))
}
