//! The graph: trees of one task, and cycles. Both linear in edges, whatever the graph.

use conclave_db::Db;

use super::list::TaskRow;
use crate::error::Result;

/// Where a tree grows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Direction {
    /// To what a task depends on.
    #[default]
    Down,
    /// To what depends on it.
    Up,
}

/// A tree, in the order in which it is drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct Tree {
    /// How deep, from 0.
    pub depth: u32,
    /// Its id.
    pub id: String,
    /// The type of the edge to its parent in the tree; `None` for the root.
    pub kind: Option<String>,
    /// The task, where it exists.
    pub row: Option<TaskRow>,
    /// It was drawn before: what is below it is not repeated.
    pub repeated: bool,
}

/// A cycle: ids, each depending on the next, the last on the first; begins with the least id.
pub type Cycle = Vec<String>;

/// The tree of a task.
pub fn tree(db: &Db, id: &str, direction: Direction) -> Result<Vec<Tree>> {
    let _ = (db, id, direction);
    todo!("B3")
}

/// Cycles over the types that block or inherit: one for each strongly connected part, in the order of ids.
pub fn cycles(db: &Db) -> Result<Vec<Cycle>> {
    let _ = db;
    todo!("B3")
}
