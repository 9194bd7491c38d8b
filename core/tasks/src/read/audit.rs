//! What has happened to a task.

use conclave_db::Db;

use crate::error::{Result, TaskError};
use crate::store::{history, reading};

/// One change.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditRow {
    /// Grows with every change of any task.
    pub number: i64,
    /// The task.
    pub task_id: String,
    /// When, milliseconds since 1970.
    pub at: i64,
    /// Who.
    pub who: String,
    /// What: "created", "claimed", …
    pub operation: String,
    /// The status before, where there was one.
    pub old_status: Option<String>,
    /// The status after.
    pub new_status: Option<String>,
    /// `{"KEY": {"old": …, "new": …}}` as JSON.
    pub changes: Option<String>,
}

/// One attempt.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct AttemptRow {
    /// Which, from 1.
    pub attempt: u64,
    /// When, milliseconds since 1970.
    pub at: i64,
    /// Who.
    pub who: String,
    /// The status after it.
    pub status: Option<String>,
    /// What came of it, whole.
    pub result: Option<String>,
    /// What went wrong, whole.
    pub error: Option<String>,
}

/// The changes of a task, also of one that is gone, the newest first. `NotFound` where there are none.
pub fn audit(db: &Db, id: &str, limit: Option<u64>) -> Result<Vec<AuditRow>> {
    let rows = db.read(|conn| history::audit(conn, id, limit))?;
    if rows.is_empty() { Err(TaskError::not_found(id)) } else { Ok(rows) }
}

/// What merges of both sides' changes had to decide, of one task (its full id) or of all, the newest first: rows whose
/// operation is "conflict" and whose changes are `{"KEY": {"base": …, "left": …, "right": …, "decided": TEXT}}`, ours
/// on the left; the key is empty for a record as a whole.
pub fn conflicts(db: &Db, id: Option<&str>, limit: Option<u64>) -> Result<Vec<AuditRow>> {
    db.read(|conn| history::conflicts(conn, id, limit))
}

/// The attempts of a task, the newest first. `NotFound` where there are none and no such task.
pub fn attempts(db: &Db, id: &str) -> Result<Vec<AttemptRow>> {
    db.read(|conn| {
        let rows = history::attempts(conn, id)?;
        if rows.is_empty() && reading::number(conn, id)?.is_none() {
            return Err(TaskError::not_found(id));
        }
        Ok(rows)
    })
}

#[cfg(test)]
mod tests;
