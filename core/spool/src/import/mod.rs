//! Segments into the table `events`.
//!
//! A file leaves pending only after all its rows are durable; how far it is stands in its row of the catalogue, in the
//! transaction of the rows themselves, so that whoever goes on after a crash goes on there. The last transaction of a file
//! moves its lines from pending to imported and quarantined; then the file is moved.

use conclave_db::Db;

use crate::error::Result;
use crate::monitor::MonitorName;
use crate::recover::Recovered;
use crate::spool::Spool;
use crate::trim::Trimmed;

/// What an import did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Flushed {
    /// Files that left pending.
    pub files: u64,
    /// Events that are new.
    pub imported: u64,
    /// Events that were there.
    pub duplicates: u64,
    /// Lines that are no events or could not be read.
    pub quarantined: u64,
    /// Files that stay pending because the database could not be written.
    pub deferred: u64,
    /// The same by monitor, of those that had files.
    pub monitors: Vec<Monitor>,
    /// What was recovered before.
    pub recovered: Recovered,
    /// What was trimmed after.
    pub trimmed: Trimmed,
    /// Files that could not be read and stay where they are, as `monitor/filename: why`.
    pub errors: Vec<String>,
}

/// One monitor's part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Monitor {
    /// Which.
    pub monitor: MonitorName,
    /// Files that left pending.
    pub files: u64,
    /// Events that are new.
    pub imported: u64,
}

/// Recovers, imports and trims: one monitor, or all that are known. One process at a time (flock(2) on `.import.lock`); who
/// comes second waits up to 30 s.
pub fn flush(spool: &Spool, state: &Db, only: Option<&MonitorName>) -> Result<Flushed> {
    let _ = (spool, state, only);
    todo!("s3")
}
