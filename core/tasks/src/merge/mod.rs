//! Three ways into one: base, left (ours), right (theirs), by the rules of facts 2.7. A function of its input: no
//! store, no clock but the one given.

mod collisions;
mod elements;
mod files;
mod git;
mod limit;
mod record;
mod same;
mod sides;
mod text;

pub use files::{Merged, merge_files};
pub use git::{Installed, install};
pub(crate) use limit::refuse_longer;
pub use record::{Outcome, merge_records};
pub(crate) use sides::{Combined, Entry, Sided, combine};

use crate::exchange::Limits;

/// How to merge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MergeOptions {
    /// The moment of the merge, milliseconds since 1970: a tombstone wins while it is younger than its time to live.
    pub now_ms: i64,
    /// Days that a tombstone wins over an edit; at least 7; an hour of skew is added.
    pub tombstone_days: u32,
    /// Texts that both have changed: put one after the other instead of taking the later one.
    pub concat: bool,
    /// Bytes of one line, at most: no record may become longer by being merged.
    pub line_bytes: u64,
}

/// Days that a tombstone wins over an edit where nobody says otherwise.
pub const TOMBSTONE_DAYS: u32 = 30;

impl MergeOptions {
    /// The usual rules at this moment, milliseconds since 1970. There are none without one: at the beginning of time
    /// every tombstone is young.
    pub const fn new(now_ms: i64) -> Self {
        Self { now_ms, tombstone_days: TOMBSTONE_DAYS, concat: false, line_bytes: Limits::USUAL.line_bytes }
    }
}

/// Something that both sides have changed differently.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Conflict {
    /// The task.
    pub id: String,
    /// The key; empty for the record as a whole.
    pub key: String,
    /// The values as JSON, `None` where absent.
    pub base: Option<String>,
    /// Ours.
    pub left: Option<String>,
    /// Theirs.
    pub right: Option<String>,
    /// What was decided, in words: "left: updated later".
    pub decided: String,
}

impl Conflict {
    /// `values`: base, left and right as JSON.
    pub(crate) fn new(id: &str, key: &str, values: [Option<&[u8]>; 3], decided: String) -> Self {
        // Records are UTF-8: nothing else is let in.
        let [base, left, right] =
            values.map(|value| value.map(|json| String::from_utf8_lossy(json).into_owned()));
        Self { id: id.to_owned(), key: key.to_owned(), base, left, right, decided }
    }
}
