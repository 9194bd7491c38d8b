//! The audit log and the attempts.

use conclave_db::WriteTx;

use crate::error::Result;
use crate::record::Record;

/// Writes what became of a task: the keys whose values differ, with both. `replaces` keeps the old record as a whole.
pub(crate) fn write(
    tx: &WriteTx<'_>,
    who: &str,
    operation: &'static str,
    before: Option<&Record>,
    after: Option<&Record>,
    replaces: bool,
) -> Result<()> {
    let _ = (tx, who, operation, before, after, replaces);
    todo!("B2")
}

/// Writes a row with changes that are JSON already, such as a conflict of a merge.
pub(crate) fn note(
    tx: &WriteTx<'_>,
    who: &str,
    operation: &'static str,
    id: &str,
    changes: &str,
) -> Result<()> {
    let _ = (tx, who, operation, id, changes);
    todo!("B2")
}
