//! What the doctor asks about the registry.

use std::path::Path;

use conclave_db::Db;
use conclave_db::doctor::Check;

use crate::error::Result;

/// Checks of a project: lost agents, ports outside of the block, worktrees without agents and the other way round,
/// imports that were not archived. Reads only.
pub fn checks(_state: &Db, _global: Option<&Db>, _root: &Path) -> Result<Vec<Check>> {
    todo!("W")
}
