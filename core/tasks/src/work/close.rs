//! Closing.

use conclave_db::Db;

use super::update::Attempt;
use crate::error::Result;
use crate::read::TaskRow;

/// How tasks are closed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Closing {
    /// `close_reason`
    pub reason: Option<String>,
    /// What came of it.
    pub result: Option<String>,
    /// What went wrong.
    pub error: Option<String>,
    /// The number of attempts.
    pub attempt: Option<Attempt>,
    /// Also with open blockers, or as an epic with open children.
    pub force: bool,
}

/// Closes tasks, all in one transaction. A closed one stays as it is. Refused where others that are unfinished block
/// one, or where it is an epic with open children, unless forced. Gives the tasks, and the ids that are ready now and
/// were blocked before.
pub fn close(db: &Db, who: &str, ids: &[String], how: &Closing) -> Result<(Vec<TaskRow>, Vec<String>)> {
    let _ = (db, who, ids, how);
    todo!("B2")
}
