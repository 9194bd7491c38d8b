//! One task with everything around it.

use conclave_db::Db;

use super::audit::AttemptRow;
use super::list::TaskRow;
use super::ready::Blocker;
use crate::error::{Result, TaskError};
use crate::store::predicates::FINISHED;
use crate::store::{attempts, graph, holding, reading};

/// One task.
#[derive(Debug, Clone, PartialEq)]
pub struct Detail {
    /// The task.
    pub row: TaskRow,
    /// What it depends on, in the order of its record; targets that do not exist too.
    pub dependencies: Vec<Neighbour>,
    /// What depends on it, in the order of ids.
    pub dependents: Vec<Neighbour>,
    /// What holds it up; nothing does where it is closed or deleted.
    pub blockers: Vec<Blocker>,
    /// Whether it is in the ready list (0.49).
    pub ready: bool,
    /// What was tried, the newest first.
    pub attempts: Vec<AttemptRow>,
}

/// The other end of an edge.
#[derive(Debug, Clone, PartialEq)]
pub struct Neighbour {
    /// Its id.
    pub id: String,
    /// The type of the edge.
    pub kind: String,
    /// The task, where it exists.
    pub row: Option<TaskRow>,
}

/// One task, by its exact id.
pub fn show(db: &Db, id: &str) -> Result<Detail> {
    let now = reading::now_ns(db);
    db.read(|conn| {
        let missing = || TaskError::not_found(id);
        let number = reading::number(conn, id)?.ok_or_else(missing)?;
        let row = reading::numbered(conn, number, now)?.ok_or_else(missing)?;
        let mut dependencies = Vec::new();
        for edge in &row.record.projection().dependencies {
            let (id, kind) = (edge.target.clone(), edge.kind.clone());
            let row = reading::row(conn, &id, now)?;
            dependencies.push(Neighbour { id, kind, row });
        }
        let mut dependents = Vec::new();
        for (id, kind) in graph::dependents(conn, id)? {
            let row = reading::row(conn, &id, now)?;
            dependents.push(Neighbour { id, kind, row });
        }
        let is_finished = row.status.as_deref().is_some_and(|status| FINISHED.contains(&status));
        let blockers = if is_finished { Vec::new() } else { holding::blockers(conn, number, now)? };
        let ready = reading::is_ready(conn, number, now)?;
        let attempts = attempts::of_task(conn, id)?;
        Ok(Detail { row, dependencies, dependents, blockers, ready, attempts })
    })
}

#[cfg(test)]
mod tests;
