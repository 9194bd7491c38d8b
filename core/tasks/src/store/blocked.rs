//! Who is blocked: maintained, and as the recursive query says it.

use conclave_db::{ReadConn, WriteTx};

use super::tasks::Touched;
use crate::error::Result;

/// Sets `blocked` for all that may have changed: the touched tasks, what depends on them, what waits for children of
/// their parents, and all children below those. Gives the ids that are blocked no more, in their order.
pub(crate) fn refresh(tx: &WriteTx<'_>, touched: &Touched) -> Result<Vec<String>> {
    let _ = (tx, touched);
    todo!("B3")
}

/// Sets `blocked` for all tasks, by the recursive query. Gives how many were wrong.
pub(crate) fn rebuild(tx: &WriteTx<'_>) -> Result<u64> {
    let _ = tx;
    todo!("B3")
}

/// Ids that the recursive query calls blocked and the column does not, or the other way round, at most `limit`.
pub(crate) fn wrong(conn: &ReadConn<'_>, limit: u64) -> Result<Vec<String>> {
    let _ = (conn, limit);
    todo!("B3")
}
