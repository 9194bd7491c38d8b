//! One task with everything around it.

use conclave_db::Db;

use super::list::TaskRow;
use super::ready::Blocker;
use crate::error::Result;

/// One task.
#[derive(Debug, Clone, PartialEq)]
pub struct Detail {
    /// The task.
    pub row: TaskRow,
    /// What it depends on, in the order of its record; targets that do not exist too.
    pub dependencies: Vec<Neighbour>,
    /// What depends on it, in the order of ids.
    pub dependents: Vec<Neighbour>,
    /// What holds it up.
    pub blockers: Vec<Blocker>,
    /// Whether it is in the ready list (0.49).
    pub ready: bool,
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
    let _ = (db, id);
    todo!("B3")
}
