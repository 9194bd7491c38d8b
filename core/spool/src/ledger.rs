//! What became of every line: written = pending + imported + quarantined + dropped.
//!
//! `written` is counted by who writes, the rest by who takes in, drops, or looks; so they differ where something was lost.

use std::collections::BTreeMap;

use conclave_db::Db;

use crate::drops::Drops;
use crate::error::Result;
use crate::spool::Spool;

/// The counts of a monitor, or of all.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize)]
pub struct Entry {
    /// Lines that were written or dropped.
    pub written: u64,
    /// Lines that wait to be imported, in finalised segments and in whole members of `.part` files.
    pub pending: u64,
    /// Lines that are imported, duplicates included.
    pub imported: u64,
    /// Lines that are no events, or could not be read.
    pub quarantined: u64,
    /// Lines that were dropped, by reason.
    pub dropped: Drops,
}

impl Entry {
    /// Whether it balances.
    pub fn balances(&self) -> bool {
        let dropped: u64 = self.dropped.values().sum();
        self.written == self.pending + self.imported + self.quarantined + dropped
    }
}

/// The ledger.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ledger {
    /// All monitors together.
    pub total: Entry,
    /// Each.
    pub monitors: BTreeMap<String, Entry>,
}

/// Reads the ledger, at any moment, beside writers and importers: state, folders, state again until both are of one
/// moment. Writes nothing. Without a state only the files are counted.
pub fn ledger(spool: &Spool, state: Option<&Db>) -> Result<Ledger> {
    let _ = (spool, state);
    todo!("s3")
}
