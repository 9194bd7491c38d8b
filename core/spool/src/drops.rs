//! Events that were not stored, counted by monitor and reason where every process sees it.
//!
//! They are counted in the state; while that cannot be written, in `<monitor>/.drops.json`, which is folded in once.

use std::collections::BTreeMap;

use crate::error::Result;
use crate::monitor::MonitorName;
use crate::spool::{Shared, Spool};

/// Why events were dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// The quota was used up, and so was the memory, or the process ended.
    Quota,
    /// The disk had to keep free what is left of it.
    KeepFree,
    /// The disk was full, or the limit on file sizes reached.
    DiskFull,
    /// The line was longer than a line may be.
    TooLong,
    /// A file that was pending is gone, and nobody here took it.
    Missing,
}

impl Reason {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Quota, Self::KeepFree, Self::DiskFull, Self::TooLong, Self::Missing];

    /// The key in `ledger.dropped`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Quota => "quota",
            Self::KeepFree => "keep_free",
            Self::DiskFull => "disk_full",
            Self::TooLong => "too_long",
            Self::Missing => "missing",
        }
    }
}

/// Events by reason.
pub type Drops = BTreeMap<String, u64>;

/// Counts `events` of a monitor as dropped: in the state, or where that is not to be had within 250 ms in the monitor's
/// `.drops.json` (by the monitor's writer alone, which holds its lock). Durable when this returns.
pub(crate) fn count(shared: &Shared, monitor: &MonitorName, reason: Reason, events: u64) -> Result<()> {
    let _ = (shared, monitor, reason, events);
    todo!("s2")
}

/// Folds the `.drops.json` of monitors that nobody writes to into the state, each once whatever happens in between.
pub fn fold(spool: &Spool, state: &conclave_db::Db) -> Result<()> {
    let _ = (spool, state);
    todo!("s2")
}

/// What stands in the `.drops.json` of a monitor, and its id; `None` where there is none.
pub(crate) fn unfolded(shared: &Shared, monitor: &MonitorName) -> Result<Option<(String, Drops)>> {
    let _ = (shared, monitor);
    todo!("s2")
}
