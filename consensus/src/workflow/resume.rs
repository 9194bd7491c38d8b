//! Runs that were begun and not closed.

use conclave_db::Db;
use serde::Serialize;

use super::Owner;
use crate::error::Result;
use crate::runs::RunId;
use crate::store::workflow as store;

/// A run that was begun and not closed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unfinished {
    /// The run.
    pub run: RunId,
    /// Its key.
    pub run_key: String,
    /// The spec.
    pub spec: String,
    /// The stage in canonical form.
    pub stage: String,
    /// `regular_stage` or `quality_gate`.
    pub phase_type: String,
    /// Whether the agents are asked one after the other.
    pub sequential: bool,
    /// Who drives it, as far as can be told from here.
    pub owner: Owner,
    /// When it was begun or taken up again, ms.
    #[serde(serialize_with = "crate::time::serialize_known")]
    pub driven_at: i64,
    /// How many agents are expected to answer.
    pub expected: u64,
    /// How many have.
    pub answered: u64,
    /// Whether somebody asked for its end.
    pub cancelled: bool,
    /// Who asked.
    pub actor: String,
}

/// The runs that were begun and not closed, oldest first, whoever drives them.
pub fn unfinished(db: &Db) -> Result<Vec<Unfinished>> {
    db.read(store::unfinished)
}
