//! Reopening.

use conclave_db::Db;

use super::change::{Work, distinct, set_status};
use super::{checks, comment};
use crate::error::Result;
use crate::read::TaskRow;
use crate::store::audit::Operation;
use crate::words;

/// Opens closed tasks again: `closed_at` and `close_reason` go. An open one stays as it is, but loses a `closed_at`; a tombstone is refused.
/// A reason is kept as a comment.
pub fn reopen(db: &Db, who: &str, ids: &[String], reason: Option<&str>) -> Result<Vec<TaskRow>> {
    checks::actor(who)?;
    let (who, ids) = (who.to_owned(), distinct(ids));
    let reason = reason.filter(|reason| !reason.trim().is_empty()).map(str::to_owned);
    db.write("task reopen", move |tx| {
        let mut work = Work::new(tx, &who);
        for id in &ids {
            let before = work.living(id)?;
            let was = before.record.projection();
            let now = work.after(&before.record);
            if was.status.as_deref() != Some(words::CLOSED) {
                work.mend(&before, now)?;
                continue;
            }
            let mut edit = before.record.edit();
            set_status(&mut edit, was, words::OPEN, now);
            if let Some(reason) = &reason {
                comment::add(&work, &mut edit, &before.record, reason, now)?;
            }
            work.put(&before, edit, now, Operation::Reopened)?;
        }
        work.rows(&ids)
    })
}
