//! Legacy tables that an older program has made again after they were dropped.

use conclave_db::{BulkWriter, Db};
use serde_json::json;

use super::{BackfillOptions, BackfillReport, backfill, cleanup, remade};
use crate::error::{ConsensusError, Result};
use crate::store::capture::{self, Capture};
use crate::store::control::{self, Phase};

/// The event that says that tables are back.
const EVENT: &str = "legacy tables are back";

/// Looks, when the state is opened to be written, whether legacy tables are back that were dropped. Records it
/// once; gives whether they are. Nothing is done to them: they may be in use.
pub fn notice(db: &Db, actor: &str) -> Result<bool> {
    let (back, known) = db.read(|conn| {
        let back = control::phase(conn)? == Phase::CleanedUp && !control::legacy_tables(conn)?.is_empty();
        let known = back && control::cleanup::newest_in_phase(conn, EVENT)?.is_some();
        Ok::<_, ConsensusError>((back, known))
    })?;
    if back && !known {
        tracing::warn!("an older program has made the legacy tables again");
        let actor = actor.to_owned();
        db.write("note returned tables", move |tx| {
            let tables = control::legacy_tables(tx)?;
            control::record_event(tx, &actor, EVENT, &json!({ "tables": tables }))
        })?;
    }
    Ok(back)
}

/// Watches what is not watched: triggers that are missing or other than they should be are put on, also on
/// tables that came back, or that have a column more. Gives whether any was. What was written meanwhile is for
/// whoever copies or compares afterwards.
pub(super) fn watch(db: &Db, actor: &str) -> Result<bool> {
    if remade::make(db, actor)? {
        return Ok(true);
    }
    if db.read(capture::state)? != Capture::Broken {
        return Ok(false);
    }
    let (made, _) = BulkWriter::open(db, None)?.write(|tx| {
        let made = capture::install_on_existing(tx)?;
        if made {
            control::record_event(tx, actor, "capture", &json!({"triggers": "put on again"}))?;
        }
        Ok::<_, ConsensusError>(made)
    })?;
    Ok(made)
}

/// Mends of the migration what needs no decision: puts triggers on again, and takes over the rows of legacy
/// tables that are back. Gives what was done, in words.
pub fn mend(db: &Db, actor: &str) -> Result<Vec<String>> {
    let mut done = Vec::new();
    if cleanup::forget_dropped(db)? {
        done.push("deleted the rows of the dropped legacy tables".to_owned());
    }
    if !db.read(control::rows::missing)?.is_empty() {
        let actor = actor.to_owned();
        done.extend(db.write("make control rows again", move |tx| control::rows::make(tx, &actor))?);
    }
    if watch(db, actor)? {
        done.push("put the capture triggers on again".to_owned());
    }
    let back = db.read(|conn| {
        let back = control::phase(conn)? == Phase::CleanedUp && !control::legacy_tables(conn)?.is_empty();
        Ok::<_, ConsensusError>(back)
    })?;
    if back {
        let options = BackfillOptions { actor: actor.to_owned(), ..BackfillOptions::default() };
        let BackfillReport { copied, updated, .. } = backfill(db, &options, &mut |_| {})?;
        if copied + updated > 0 {
            let rows = if copied + updated == 1 { "row" } else { "rows" };
            done.push(format!("took over {} {rows} of legacy tables that are back", copied + updated));
        }
    }
    Ok(done)
}
