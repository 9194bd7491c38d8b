//! Sync with a file: three ways into one, with the file as it was at the last sync as their base.

use std::path::Path;

use conclave_db::Db;

use super::lines::Limits;
use crate::error::Result;
use crate::merge::{Conflict, MergeOptions};

/// How to sync.
#[derive(Debug, Clone, Default)]
pub struct SyncOptions {
    /// How to merge.
    pub merge: MergeOptions,
    /// What is let in.
    pub limits: Limits,
    /// The order of the lines that are written.
    pub order: super::Order,
    /// Say what would be done, and do nothing.
    pub dry_run: bool,
}

/// What a sync has done.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize)]
pub struct SyncReport {
    /// The file.
    pub path: String,
    /// Tasks that came from the file.
    pub created: u64,
    /// Tasks that have changed here.
    pub updated: u64,
    /// Tasks that were removed here because they were removed there.
    pub removed: u64,
    /// Lines of the file that have changed, come or gone.
    pub written: u64,
    /// Records in the file now.
    pub records: u64,
    /// What both sides had changed differently: decided by the rules, and kept in the audit log.
    pub conflicts: Vec<Conflict>,
    /// Nothing was done.
    pub dry_run: bool,
}

/// Merges a file and the store: the store first (durable), then the file (durable), then the base of the next sync. A
/// crash between any of them is made good by the next sync, without a conflict. A file that does not exist is made. A
/// file with a line that is refused: nothing is done.
pub fn sync(db: &Db, who: &str, path: &Path, options: &SyncOptions) -> Result<SyncReport> {
    let _ = (db, who, path, options);
    todo!("B4")
}
