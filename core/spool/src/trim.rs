//! Imported files go, the oldest first, until there is room.

use crate::error::Result;
use crate::spool::Spool;

/// What was trimmed, or would be.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize)]
pub struct Trimmed {
    /// Files, as `monitor/filename`.
    pub files: Vec<String>,
    /// Bytes that they had.
    pub bytes: u64,
    /// Used bytes afterwards.
    pub used: u64,
    /// It is still not below `resume_pct`, and nothing is left that may go.
    pub untrimmable: bool,
}

/// When to trim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// When the state in force is not normal: what `flush` does.
    UnderPressure,
    /// When `resume_pct` or more is used: what `spool trim` does.
    Asked,
}

/// Removes files of `_done`, by the hour in their names (then by time of change), until less than `resume_pct` is used.
/// Never one of the current hour, a `.part`, a pending or a quarantined one. With `dry_run` says what would go.
pub fn trim(spool: &Spool, when: When, dry_run: bool) -> Result<Trimmed> {
    let _ = (spool, when, dry_run);
    todo!("s2")
}
