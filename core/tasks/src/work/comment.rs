//! Comments.

use conclave_db::Db;

use crate::error::Result;
use crate::read::TaskRow;

/// Adds a comment to a task. An empty text is refused.
pub fn comment(db: &Db, who: &str, id: &str, text: &str) -> Result<TaskRow> {
    let _ = (db, who, id, text);
    todo!("B2")
}
