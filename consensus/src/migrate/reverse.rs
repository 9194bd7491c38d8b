//! STAND-IN, replaced at the merge with i4-repair.

use conclave_db::{Db, WriteTx};
use serde::Serialize;

use crate::error::{ConsensusError, Result};
use crate::import::Progress;

/// Stand-in.
#[derive(Debug, Clone, Default)]
pub struct ReverseOptions {
    /// Stand-in.
    pub actor: String,
}

/// Stand-in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ReverseReport {
    /// Stand-in.
    pub copied: u64,
}

/// Stand-in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ReversePlan {
    /// Stand-in.
    pub rows: u64,
    /// Stand-in.
    pub stays: Vec<String>,
}

pub(super) fn plan(db: &Db) -> Result<ReversePlan> {
    db.read(|conn| {
        let query = "SELECT count(*) FROM agent_outputs WHERE legacy_id IS NULL";
        let rows = conn.query_row(query, [], |row| row.get(0)).map_err(ConsensusError::from)?;
        Ok(ReversePlan { rows, stays: Vec::new() })
    })
}

pub(super) fn run<T: Send + 'static>(
    db: &Db,
    _options: &ReverseOptions,
    _progress: &mut dyn FnMut(Progress),
    settle: impl FnMut(&WriteTx<'_>) -> Result<T> + Send + 'static,
) -> Result<(ReverseReport, T)> {
    if plan(db)?.rows > 0 {
        return Err(ConsensusError::Invalid("the stand-in copies nothing".into()));
    }
    Ok((ReverseReport::default(), db.write("way back", settle)?))
}
