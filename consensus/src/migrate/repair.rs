//! STAND-IN, replaced at the merge with i4-repair.

use conclave_db::Db;
use serde::Serialize;

use crate::error::Result;
use crate::import::Progress;

/// Stand-in.
#[derive(Debug, Clone, Default)]
pub struct RepairOptions {
    /// Stand-in.
    pub dry_run: bool,
    /// Stand-in.
    pub actor: String,
}

/// Stand-in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct RepairReport {
    /// Stand-in.
    pub repaired: u64,
}

pub(super) fn run(
    _db: &Db,
    _options: &RepairOptions,
    _progress: &mut dyn FnMut(Progress),
) -> Result<RepairReport> {
    Ok(RepairReport::default())
}
