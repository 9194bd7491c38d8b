//! Rows for lists and details, and the one predicate of what is ready.

use conclave_db::ReadConn;

use crate::error::Result;
use crate::read::TaskRow;

/// The task with this id as a row of a list. `now_ns`: claims that expired before are open.
pub(crate) fn row(conn: &ReadConn<'_>, id: &str, now_ns: i64) -> Result<Option<TaskRow>> {
    let _ = (conn, id, now_ns);
    todo!("B3")
}
