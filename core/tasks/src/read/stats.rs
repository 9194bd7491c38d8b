//! Numbers.

use conclave_db::Db;

use crate::error::Result;
use crate::store::{counting, reading};

/// How many there are of what; one snapshot, the same predicates as the lists.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize)]
pub struct Stats {
    /// All but tombstones.
    pub total: u64,
    /// By effective status.
    pub open: u64,
    /// By effective status.
    pub in_progress: u64,
    /// By effective status.
    pub closed: u64,
    /// Not finished, and held up by others: the length of `task blocked`.
    pub blocked: u64,
    /// By effective status.
    pub deferred: u64,
    /// The length of the ready list.
    pub ready: u64,
    /// Tombstones.
    pub tombstone: u64,
    /// By status or flag.
    pub pinned: u64,
    /// Other statuses, and none that can be read.
    pub other: u64,
    /// Open epics all of whose children, at least one, are closed.
    pub epics_eligible_for_closure: u64,
    /// From creation to closing; `None` where none is closed.
    pub average_lead_time_hours: Option<f64>,
    /// Open and not blocked, but never ready: by type, id, or flag.
    pub never_ready: u64,
    /// Open, neither blocked nor never ready, and deferred to a time to come.
    pub deferred_by_date: u64,
}

/// The numbers.
pub fn stats(db: &Db) -> Result<Stats> {
    let now = reading::now_ns(db);
    db.read(|conn| counting::stats(conn, now))
}

/// What a first screen shows, cheap however many tasks there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Counts {
    /// The length of the ready list.
    pub ready: u64,
    /// By effective status.
    pub in_progress: u64,
    /// As in [`Stats`].
    pub blocked: u64,
    /// By status.
    pub closed: u64,
}

/// The counts.
pub fn counts(db: &Db) -> Result<Counts> {
    let now = reading::now_ns(db);
    db.read(|conn| counting::counts(conn, now))
}
