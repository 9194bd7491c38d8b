//! The audit log, as it is read.

use conclave_db::ReadConn;
use conclave_db::sql::{Error, Row};

use crate::error::Result;
use crate::read::AuditRow;

/// The changes of a task, the newest first.
pub(crate) fn audit(conn: &ReadConn<'_>, id: &str, limit: Option<u64>) -> Result<Vec<AuditRow>> {
    let limit = limit.map_or(-1, |limit| i64::try_from(limit).unwrap_or(i64::MAX));
    Ok(conn.query_all(
        "SELECT number, task_id, at, who, operation, old_status, new_status, changes FROM task_audit
         WHERE task_id = ?1 ORDER BY number DESC LIMIT ?2",
        (id, limit),
        row,
    )?)
}

/// What merges had to decide, of one task or of all, the newest first.
pub(crate) fn conflicts(conn: &ReadConn<'_>, id: Option<&str>, limit: Option<u64>) -> Result<Vec<AuditRow>> {
    let limit = limit.map_or(-1, |limit| i64::try_from(limit).unwrap_or(i64::MAX));
    let of_one = if id.is_some() { "task_id = ?1" } else { "?1 IS NULL" };
    let sql = format!(
        "SELECT number, task_id, at, who, operation, old_status, new_status, changes FROM task_audit
         WHERE operation = 'conflict' AND {of_one} ORDER BY number DESC LIMIT ?2"
    );
    Ok(conn.query_all(&sql, (id, limit), row)?)
}

fn row(row: &Row<'_>) -> Result<AuditRow, Error> {
    Ok(AuditRow {
        number: row.get(0)?,
        task_id: row.get(1)?,
        at: row.get(2)?,
        who: row.get(3)?,
        operation: row.get(4)?,
        old_status: row.get(5)?,
        new_status: row.get(6)?,
        changes: row.get(7)?,
    })
}
