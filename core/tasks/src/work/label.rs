//! Labels.

use conclave_db::Db;

use super::change::Work;
use super::checks;
use crate::error::Result;
use crate::read::TaskRow;
use crate::store::audit::Operation;

/// Adds labels to a task and takes labels away; those that are there, or not there, stay so.
pub fn label(db: &Db, who: &str, id: &str, add: &[String], remove: &[String]) -> Result<TaskRow> {
    checks::actor(who)?;
    checks::labels(add)?;
    checks::labels(remove)?;
    let (who, id, add, remove) = (who.to_owned(), id.to_owned(), add.to_vec(), remove.to_vec());
    db.write("task label", move |tx| {
        let mut work = Work::new(tx, &who);
        let before = work.living(&id)?;
        let now = work.after(&before.record);
        let mut edit = before.record.edit();
        edit.change_labels(&add, &remove);
        work.put(&before, edit, now, Operation::Updated)?;
        work.settle()?;
        work.row(&id)
    })
}
