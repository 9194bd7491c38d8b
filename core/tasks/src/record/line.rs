//! What a line of a file is.

use super::Record;
use crate::json::Flaw;

/// A line that is not blank.
#[derive(Debug, Clone, PartialEq)]
pub enum Line {
    /// A task: an object with a filled text `id`, and no `_type`, or the `_type` "issue". A deletion marker
    /// (`_deleted: true`) is a task whose status reads as `tombstone`.
    Task(Record),
    /// Another object: a header, a memory, a kind that is not known, or one without a usable `id`.
    Other(Other),
}

/// A line that is kept as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Other {
    /// What it is.
    pub kind: OtherKind,
    /// Its `id`, if it has a filled one.
    pub id: Option<String>,
    /// Its `updated_at`, if it has a readable one.
    pub updated_at: Option<crate::moment::Moment>,
    /// The bytes, without surrounding blanks.
    pub bytes: Vec<u8>,
}

/// What another line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OtherKind {
    /// It has `_schema`: it describes the file, and stands first on export.
    Header,
    /// Anything else.
    Record,
}

/// Reads one line without its end. An error is what is wrong with it: conflict markers of git are named as such.
pub fn parse(line: &[u8]) -> Result<Line, Flaw> {
    let _ = line;
    todo!("B1")
}
