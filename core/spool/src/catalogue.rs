//! Which segments the state knows of: a finalised segment enters `written` once, when it is catalogued, by its own writer
//! or by whoever sees it first.

use conclave_db::Db;

use crate::error::Result;
use crate::layout::Found;
use crate::monitor::MonitorName;

/// A segment that is to be catalogued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) monitor: MonitorName,
    pub(crate) file: String,
    /// Compressed.
    pub(crate) bytes: u64,
    /// Lines as its writer counted them, or as they were counted when it was first seen.
    pub(crate) lines: u64,
}

/// Catalogues a segment that its writer has just finalised, where the state can be written within 250 ms; otherwise the
/// next import does. Once per segment, however often it is called.
pub(crate) fn note(state: &Db, entry: &Entry) -> Result<()> {
    let _ = (state, entry);
    todo!("s3")
}

/// Catalogues those of `found` that are not yet, counting their lines.
pub(crate) fn note_all(state: &Db, monitor: &MonitorName, found: &[Found]) -> Result<()> {
    let _ = (state, monitor, found);
    todo!("s3")
}
