//! The backup without which the legacy tables are not dropped, and the room that they leave.

use std::path::PathBuf;
use std::time::Duration;

use conclave_db::BulkWriter;
use conclave_db::Db;
use conclave_db::backup::{self, BackupOptions};
use conclave_retry::CancelToken;
use serde_json::json;

use super::throttle::Throttle;
use crate::error::{ConsensusError, Result};
use crate::import::pace::Pace;
use crate::store::control;
use crate::store::control::cleanup as dropped;

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

/// The time that a chunk of rows that go may hold the write lock.
const CHUNK_TIME: Duration = Duration::from_millis(10);

/// Deletes what dropped legacy tables have left, in chunks, beside whoever writes. Killed anywhere, the next one
/// goes on. Gives whether there was anything.
pub(super) fn forget_dropped(db: &Db) -> Result<bool> {
    if !db.read(dropped::has_leftovers)? {
        return Ok(false);
    }
    let mut bulk = BulkWriter::open(db, None)?;
    let mut pace = Pace::in_background(CHUNK_TIME);
    let mut throttle = Throttle::new(db, &CancelToken::new());
    loop {
        let budget = pace.budget();
        let (version, next) = bulk.prepare(|tx| {
            let version = tx.pragma::<i64>("data_version")?;
            Ok::<_, ConsensusError>((version, dropped::next_rows(tx, budget)?))
        })?;
        pace.saw(version);
        let Some(rows) = next else { return Ok(true) };
        let ((), held) = bulk.write(|tx| dropped::forget(tx, &rows))?;
        pace.took(rows.weight, held);
        throttle.rest(held, pace.is_beside_others())?;
    }
}
