//! What a dead writer left behind becomes a segment.

use crate::error::Result;
use crate::monitor::MonitorName;
use crate::spool::Spool;

/// What was recovered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct Recovered {
    /// `.part` files that were found and are not written any more.
    pub found: u64,
    /// Of these, those that became segments; the others had no whole line, and went to quarantine (or were empty).
    pub segments: u64,
    /// Lines in them.
    pub lines: u64,
    /// Segments that are being written, and were left alone.
    pub live: u64,
}

/// Recovers the `.part` files of one monitor or of all, but of those with a writer. Byte-exact: every whole line up to
/// where inflating fails first. Each step is one rename, so that at any moment one file has the lines.
pub fn recover(spool: &Spool, only: Option<&MonitorName>) -> Result<Recovered> {
    let _ = (spool, only);
    todo!("s3")
}

/// The same for a monitor whose lock the caller holds.
pub(crate) fn recover_held(spool: &Spool, monitor: &MonitorName) -> Result<Recovered> {
    let _ = (spool, monitor);
    todo!("s3")
}
