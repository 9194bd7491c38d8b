//! Reopening.

use conclave_db::Db;

use crate::error::Result;
use crate::read::TaskRow;

/// Opens closed tasks again: `closed_at` and `close_reason` go. An open one stays as it is; a tombstone is refused.
pub fn reopen(db: &Db, who: &str, ids: &[String], reason: Option<&str>) -> Result<Vec<TaskRow>> {
    let _ = (db, who, ids, reason);
    todo!("B2")
}
