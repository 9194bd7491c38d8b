//! Attempts whose dispatcher is gone.

use conclave_db::Db;

use super::take::of_lost;
use super::{AttemptId, Hold, hold};
use crate::error::Result;
use crate::store::attempts::{self, Ended};
use crate::store::audit::Operation;
use crate::words;
use crate::work::change::{Work, set_status};
use crate::work::checks;

/// Stores that an attempt is lost, and gives its task back where it is still claimed by it; `who` sees to it. Gives
/// whether the task is open again by that. Only to be called where the dispatcher is known to be dead, after what it left
/// was ended: the task may be taken as soon as this is done. An attempt that has ended stays as it is.
pub fn lose(db: &Db, who: &str, attempt: AttemptId) -> Result<bool> {
    checks::actor(who)?;
    let who = who.to_owned();
    db.write("task attempt lost", move |tx| {
        let mut work = Work::new(tx, &who);
        let (made, before) = match hold(&work, attempt)? {
            None | Some(Hold::Ended(_)) => return Ok(false),
            Some(Hold::Lost(_, why)) => {
                attempts::end(tx, attempt, Ended { error: Some(&why), ..of_lost(None) })?;
                return Ok(false);
            }
            Some(Hold::Held(made, before)) => (made, before),
        };
        let now = work.after(&before.record);
        let mut edit = before.record.edit();
        set_status(&mut edit, before.record.projection(), words::OPEN, now);
        if !made.keeps_assignee {
            edit.remove("assignee");
        }
        work.put(&before, edit, now, Operation::Updated)?;
        let error = Some("its dispatcher is gone");
        attempts::end(tx, attempt, Ended { error, ..of_lost(Some(words::OPEN)) })?;
        work.settle()?;
        Ok(true)
    })
}
