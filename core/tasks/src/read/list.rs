//! Lists of tasks.

use conclave_db::Db;

use crate::error::Result;
use crate::record::Record;
use crate::store::{listing, reading};

/// A task in a list.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskRow {
    /// The record: everything that it says.
    pub record: Record,
    /// The effective status: `open` where a claim has expired; `None` where the record's cannot be read.
    pub status: Option<String>,
    /// Who has it; `None` where a claim has expired.
    pub assignee: Option<String>,
    /// Whose claim has expired.
    pub expired_claim_of: Option<String>,
    /// Whether others hold it up (rules of 0.49; in a ready list those that it was asked for).
    pub blocked: bool,
    /// Tasks that it depends on and that exist.
    pub dependency_count: u64,
    /// Tasks that depend on it.
    pub dependent_count: u64,
    /// Comments.
    pub comment_count: u64,
    /// The first parent that exists.
    pub parent: Option<String>,
}

impl TaskRow {
    /// The task's name.
    pub fn id(&self) -> &str {
        self.record.id()
    }

    /// The title, empty where it has none.
    pub fn title(&self) -> &str {
        self.record.projection().title.as_deref().unwrap_or_default()
    }
}

/// Which tasks to list. Filters hold together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListQuery {
    /// Closed ones and tombstones too. Without it and without `statuses` they are left out.
    pub all: bool,
    /// One of these effective statuses.
    pub statuses: Vec<String>,
    /// This priority.
    pub priority: Option<u8>,
    /// One of these types.
    pub types: Vec<String>,
    /// This assignee.
    pub assignee: Option<String>,
    /// All of these labels.
    pub labels: Vec<String>,
    /// Children of this task.
    pub parent: Option<String>,
    /// Whether they are blocked by others.
    pub blocked: Option<bool>,
    /// Those whose title or id contains this, in any case (ASCII).
    pub containing: Option<String>,
    /// After this one in the order (keyset).
    pub after: Option<String>,
    /// At most so many.
    pub limit: Option<u64>,
}

/// Tasks in the order of priority, creation, id; closed ones, where only they are asked for, newest first.
pub fn list(db: &Db, query: &ListQuery) -> Result<Vec<TaskRow>> {
    let now = reading::now_ns(db);
    db.read(|conn| {
        let numbers = listing::numbers(conn, query, now)?;
        reading::rows(conn, &numbers, now)
    })
}

#[cfg(test)]
mod tests;
