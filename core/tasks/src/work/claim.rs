//! Claims: compare and set. Of any number of claimants one gets the task.

use std::time::Duration;

use conclave_db::Db;

use crate::error::Result;
use crate::read::{ReadyQuery, TaskRow};

/// A claim that was won.
#[derive(Debug, Clone, PartialEq)]
pub struct Claimed {
    /// The task as it is now.
    pub row: TaskRow,
    /// How it was won.
    pub how: How,
}

/// How a claim was won.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum How {
    /// It was free.
    Taken,
    /// The claimant had it already; a time to live is extended.
    Held,
    /// The claim of this one had expired.
    TakenOver {
        /// Who had it.
        from: String,
    },
}

/// Claims one task: it is `in_progress` and `who` is its assignee. Fails with `NotClaimable` where somebody else has it
/// (or an open task is assigned to somebody else), and where it is neither open nor held by `who`. With `ttl` the claim
/// expires then unless it is repeated; a repeated claim without one keeps what it has.
pub fn claim(db: &Db, who: &str, id: &str, ttl: Option<Duration>) -> Result<Claimed> {
    let _ = (db, who, id, ttl);
    todo!("B2")
}

/// Claims the first tasks of a ready list, at most `query.limit` (one without it), in one transaction. Empty where
/// nothing is ready. Never gives what is claimed already, also not to the same one, nor an open task that is assigned to
/// somebody else.
pub fn claim_ready(db: &Db, who: &str, query: &ReadyQuery, ttl: Option<Duration>) -> Result<Vec<TaskRow>> {
    let _ = (db, who, query, ttl);
    todo!("B2")
}
