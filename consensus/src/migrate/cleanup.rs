//! The backup without which the legacy tables are not dropped.

use std::path::PathBuf;

use conclave_db::Db;
use conclave_db::backup::{self, BackupOptions};
use serde_json::json;

use crate::error::{ConsensusError, Result};
use crate::store::control;

/// The event that remembers it.
const EVENT: &str = "backup";

/// A verified backup, and how many writes of older programs it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BackedUp {
    pub(super) path: PathBuf,
    pub(super) writes: u64,
}

/// A verified backup in the usual folder that holds everything that is there when this begins. An earlier
/// attempt's does not serve: what we have written, imported or repaired since, no count of older writes tells.
pub(super) fn backed_up(db: &Db, actor: &str) -> Result<BackedUp> {
    let writes = db.read(|conn| Ok::<_, ConsensusError>(control::older::writes(conn)?.all))?;
    // Without a limit: what is kept here is not for a rotation to remove.
    let folder = backup::default_folder(db.path()).join("");
    let report = backup::backup(db, &folder, &BackupOptions::default())?;
    let (path, bytes, actor) = (report.path, report.bytes, actor.to_owned());
    let detail = json!({"path": path.to_string_lossy(), "bytes": bytes, "older_writes": writes});
    db.write("remember a backup", move |tx| control::record_event(tx, &actor, EVENT, &detail))?;
    Ok(BackedUp { path, writes })
}
