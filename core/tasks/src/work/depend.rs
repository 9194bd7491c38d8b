//! Dependencies between tasks.

use conclave_db::Db;

use crate::error::Result;
use crate::read::TaskRow;

/// A dependency that was added or taken away.
#[derive(Debug, Clone, PartialEq)]
pub struct Depended {
    /// The task that depends.
    pub issue: TaskRow,
    /// What it depends on; `None` where that does not exist.
    pub target: Option<TaskRow>,
    /// Its id.
    pub depends_on: String,
    /// The types.
    pub kinds: Vec<String>,
    /// Whether anything has changed.
    pub changed: bool,
}

/// `issue` depends on `on`: for `blocks` it waits for it, for `parent-child` `on` is its parent. Refused: a task on
/// itself, a target that does not exist, a cycle over the types that block or inherit. An edge that is there stays.
pub fn depend(db: &Db, who: &str, issue: &str, on: &str, kind: &str) -> Result<Depended> {
    let _ = (db, who, issue, on, kind);
    todo!("B2")
}

/// Takes dependencies of `issue` on `on` away: of this type, or all. `NotFound` where there is none. The target need
/// not exist.
pub fn undepend(db: &Db, who: &str, issue: &str, on: &str, kind: Option<&str>) -> Result<Depended> {
    let _ = (db, who, issue, on, kind);
    todo!("B2")
}
