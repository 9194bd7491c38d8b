//! Deleting: a tombstone stays, so that a merge knows, and the id is never given again.

use conclave_db::Db;

use super::change::{Work, distinct, set_status};
use super::checks;
use crate::error::Result;
use crate::read::TaskRow;
use crate::store::audit::Operation;
use crate::words;

/// Makes tombstones of tasks (`status`, `deleted_at`, `deleted_by`, `delete_reason`, `original_type`). One that was closed
/// keeps `closed_at` and `close_reason`, as in bd: a tombstone says all that was known. One that is a tombstone stays as
/// it is.
pub fn delete(db: &Db, who: &str, ids: &[String], reason: Option<&str>) -> Result<Vec<TaskRow>> {
    checks::actor(who)?;
    let (who, ids) = (who.to_owned(), distinct(ids));
    let reason = reason.filter(|reason| !reason.is_empty()).map(str::to_owned);
    db.write("task delete", move |tx| {
        let mut work = Work::new(tx, &who);
        for id in &ids {
            let before = work.any(id)?;
            if before.record.projection().is_tombstone() {
                continue;
            }
            let was = before.record.projection();
            let now = work.after(&before.record);
            let mut edit = before.record.edit();
            set_status(&mut edit, was, words::TOMBSTONE, now);
            edit.set_text("deleted_at", &now.text()).set_text("deleted_by", &who);
            if let Some(reason) = &reason {
                edit.set_text("delete_reason", reason);
            }
            if let Some(issue_type) = &was.issue_type {
                edit.set_text("original_type", issue_type);
            }
            work.put(&before, edit, now, Operation::Deleted)?;
        }
        work.rows(&ids)
    })
}
