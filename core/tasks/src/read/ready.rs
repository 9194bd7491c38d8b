//! What can be worked on now, and what holds up the rest.

use conclave_db::Db;

use super::list::TaskRow;
use crate::error::Result;
use crate::store::{holding, reading};

/// Whose rules hold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Semantics {
    /// bd 0.49: the maintained column.
    #[default]
    Classic,
    /// bd 1.x, computed on request: everything blocks that is neither closed nor pinned (tombstones do not), and
    /// children of a deferred parent are not ready; the newest come first within a priority.
    One,
}

/// The order of a ready list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Sort {
    /// Priority, creation (1.x: the newest first), id.
    #[default]
    Priority,
    /// Creation, id.
    Oldest,
    /// Those of the last 48 hours by priority, then the older ones by age.
    Hybrid,
}

/// Which ready tasks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReadyQuery {
    /// Whose rules.
    pub semantics: Semantics,
    /// The order.
    pub sort: Sort,
    /// Of this assignee.
    pub assignee: Option<String>,
    /// With all of these labels.
    pub labels: Vec<String>,
    /// With none of these labels.
    pub without_labels: Vec<String>,
    /// Of this type.
    pub issue_type: Option<String>,
    /// Of none of these types.
    pub without_types: Vec<String>,
    /// At most so many.
    pub limit: Option<u64>,
}

/// The tasks that are ready, by the rules of facts 2.6.
pub fn ready(db: &Db, query: &ReadyQuery) -> Result<Vec<TaskRow>> {
    let now = reading::now_ns(db);
    db.read(|conn| {
        let numbers = reading::ready_numbers(conn, query, now)?;
        let mut rows = reading::rows(conn, &numbers, now)?;
        // What is ready is held up by nobody, by the rules that were asked for; the column knows those of 0.49.
        for row in &mut rows {
            row.blocked = false;
        }
        Ok(rows)
    })
}

/// Why a task is blocked.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Blocker {
    /// What holds it up: the target of the edge, or the parent that is blocked itself.
    pub id: String,
    /// Its title.
    pub title: Option<String>,
    /// Its effective status.
    pub status: Option<String>,
    /// The type of the edge; `parent-child` where the parent's being blocked is inherited.
    pub kind: String,
    /// In words: "waits for bd-1 (open): Fix the import".
    pub why: String,
}

/// A blocked task.
#[derive(Debug, Clone, PartialEq)]
pub struct BlockedRow {
    /// The task.
    pub row: TaskRow,
    /// What holds it up, at least one.
    pub by: Vec<Blocker>,
}

/// Tasks that are not finished and that others hold up, in the order of a list, with why.
pub fn blocked(db: &Db, limit: Option<u64>) -> Result<Vec<BlockedRow>> {
    let now = reading::now_ns(db);
    db.read(|conn| {
        let mut blocked = Vec::new();
        for number in reading::blocked_numbers(conn, limit, now)? {
            if let Some(row) = reading::numbered(conn, number, now)? {
                blocked.push(BlockedRow { row, by: holding::blockers(conn, number, now)? });
            }
        }
        Ok(blocked)
    })
}

#[cfg(test)]
mod tests;
