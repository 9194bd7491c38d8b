//! Rows for lists and details, and the one predicate of what is ready.

use conclave_db::ReadConn;

use crate::error::Result;
use crate::read::TaskRow;

/// The task with this id as a row of a list. `now_ns`: claims that expired before are open.
pub(crate) fn row(conn: &ReadConn<'_>, id: &str, now_ns: i64) -> Result<Option<TaskRow>> {
    let _ = (conn, id, now_ns);
    todo!("B3")
}

/// The number of the task with this id.
pub(crate) fn number(conn: &ReadConn<'_>, id: &str) -> Result<Option<i64>> {
    Ok(conn.query_optional("SELECT number FROM tasks WHERE id = ?1", [id], |row| row.get(0))?)
}

/// The ids of a ready list, in its order, without open tasks that are assigned to somebody else than `who`.
pub(crate) fn claimable_ids(
    conn: &ReadConn<'_>,
    query: &crate::read::ReadyQuery,
    who: &str,
    now_ns: i64,
) -> Result<Vec<String>> {
    let _ = (conn, query, who, now_ns);
    todo!("B3")
}

/// Whether a task is in the ready list (0.49).
pub(crate) fn is_ready(conn: &ReadConn<'_>, number: i64, now_ns: i64) -> Result<bool> {
    let _ = (conn, number, now_ns);
    todo!("B3")
}
