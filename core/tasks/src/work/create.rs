//! New tasks.

use conclave_db::Db;

use crate::error::Result;
use crate::read::TaskRow;

/// A task that is to be made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewTask {
    /// 1 to 500 bytes.
    pub title: String,
    /// Empty texts are left out of the record.
    pub description: String,
    /// `design`
    pub design: String,
    /// `acceptance_criteria`
    pub acceptance_criteria: String,
    /// `notes`
    pub notes: String,
    /// 0 to 4; 2 without one.
    pub priority: Option<u8>,
    /// `task` without one.
    pub issue_type: Option<String>,
    /// Who is to do it.
    pub assignee: Option<String>,
    /// Labels.
    pub labels: Vec<String>,
    /// What it depends on, each with a type.
    pub dependencies: Vec<(String, String)>,
    /// The parent: its id is extended by a number, and the edge is made.
    pub parent: Option<String>,
    /// An id of one's own, which must not ever have been given.
    pub id: Option<String>,
    /// The prefix of the id; without one the commonest of the stored ids, else `folder_prefix`.
    pub prefix: Option<String>,
    /// Where no id is stored yet.
    pub folder_prefix: String,
    /// `due_at`, `defer_until` as RFC 3339.
    pub due_at: Option<String>,
    /// Not ready before.
    pub defer_until: Option<String>,
    /// `external_ref`
    pub external_ref: Option<String>,
    /// `estimated_minutes`
    pub estimated_minutes: Option<u64>,
}

/// Makes a task. Targets of its dependencies and its parent must exist, and no cycle may come of them.
pub fn create(db: &Db, who: &str, new: NewTask) -> Result<TaskRow> {
    let _ = (db, who, new);
    todo!("B2")
}
