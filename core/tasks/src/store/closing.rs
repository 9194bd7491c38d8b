//! What speaks against closing a task: others that are not finished.

use std::sync::LazyLock;

use conclave_db::ReadConn;

use super::holding::HOLDS;
use super::predicates::{FINISHED, quoted};
use crate::error::Result;
use crate::words::{CLOSED, CONDITIONAL_BLOCKS, WAITS_FOR};

/// A task that is not finished.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unfinished {
    /// This one.
    Task {
        id: String,
        /// `None` where its record's cannot be read.
        status: Option<String>,
        title: Option<String>,
    },
    /// A child of this task that there is not yet.
    FirstChild(String),
}

impl Unfinished {
    /// For a list of those that are waited for.
    pub(crate) fn words(&self) -> String {
        match self {
            Self::Task { id, status, title } => {
                let status = status.as_deref().unwrap_or("unknown status");
                format!("{id} ({status}): {}", title.as_deref().unwrap_or_default())
            }
            Self::FirstChild(of) => format!("the first child of {of}"),
        }
    }
}

/// What a task waits for itself, not what its parents wait for: the edges that make it blocked (one rule for both), in
/// the order of their targets, and for `waits-for` the children. But a condition that did not come true leaves nothing
/// to wait for: what was for the failure of a task that has ended well may be closed.
pub(crate) fn blockers(conn: &ReadConn<'_>, number: i64) -> Result<Vec<Unfinished>> {
    static SQL: LazyLock<String> = LazyLock::new(|| {
        format!(
            "SELECT edge.kind = '{WAITS_FOR}', ifnull(edge.spawner, edge.target),
               target.id, target.status, target.title
             FROM task_edges AS edge JOIN tasks AS target ON target.id = edge.target
             WHERE edge.task = ?1 AND ({}) AND NOT (edge.kind = '{CONDITIONAL_BLOCKS}' AND target.status = '{CLOSED}')
             ORDER BY edge.target, edge.kind",
            *HOLDS
        )
    });
    let held: Vec<(bool, String, Unfinished)> = conn.query_all(&SQL, [number], |row| {
        let target = Unfinished::Task { id: row.get(2)?, status: row.get(3)?, title: row.get(4)? };
        Ok((row.get(0)?, row.get(1)?, target))
    })?;
    let mut blockers = Vec::new();
    for (waits_for, spawner, target) in held {
        let found = if waits_for { open_children(conn, &spawner)? } else { vec![target] };
        if found.is_empty() {
            blockers.push(Unfinished::FirstChild(spawner));
        }
        blockers.extend(found);
    }
    blockers.sort_by_key(Unfinished::words);
    blockers.dedup();
    Ok(blockers)
}

/// Children that are not finished, in the order of ids.
pub(crate) fn open_children(conn: &ReadConn<'_>, parent: &str) -> Result<Vec<Unfinished>> {
    static SQL: LazyLock<String> = LazyLock::new(|| {
        format!(
            "SELECT child.id, child.status, child.title
             FROM task_edges AS below JOIN tasks AS child ON child.number = below.task
             WHERE below.target = ?1 AND below.kind = 'parent-child' AND child.status NOT IN ({})
             ORDER BY 1",
            quoted(&FINISHED)
        )
    });
    Ok(conn.query_all(&SQL, [parent], |row| {
        Ok(Unfinished::Task { id: row.get(0)?, status: row.get(1)?, title: row.get(2)? })
    })?)
}
