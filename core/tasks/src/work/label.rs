//! Labels.

use conclave_db::Db;

use crate::error::Result;
use crate::read::TaskRow;

/// Adds labels to a task and takes labels away; those that are there, or not there, stay so.
pub fn label(db: &Db, who: &str, id: &str, add: &[String], remove: &[String]) -> Result<TaskRow> {
    let _ = (db, who, id, add, remove);
    todo!("B2")
}
