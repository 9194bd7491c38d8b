//! Legacy tables that an older program has made again after they were dropped, and what `doctor` says of the
//! migration.

use conclave_db::doctor::Check;
use conclave_db::{BulkWriter, Db};
use serde_json::json;

use super::{BackfillOptions, BackfillReport, backfill, status};
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

/// What `doctor` says of the migration. Writes nothing.
pub fn checks(db: &Db) -> Vec<Check> {
    const COPY: &str = "conclave migrate backfill";
    let status = match status(db) {
        Ok(status) => status,
        Err(error) => {
            let hint = error.hint().unwrap_or("restore a backup: conclave db restore");
            return vec![Check::fail("migration", error.to_string(), hint)];
        }
    };
    let mut checks = Vec::new();
    if !db.read(control::rows::missing).unwrap_or_default().is_empty() {
        let hint = "conclave doctor --fix makes them again";
        checks.push(Check::fail("migration", "the counts of older programs' writes are missing", hint));
    }
    let phase = format!("phase {} {}", status.phase, status.phase_name);
    checks.push(match status.mismatches {
        0 => Check::ok("migration", phase),
        some => Check::warn(
            "migration",
            format!("{phase}, {some} open differences"),
            "conclave migrate verify lists them, conclave migrate repair mends them",
        ),
    });
    if status.legacy_tables_returned {
        let rows = match status.backfill.remaining {
            1 => "1 row is".to_owned(),
            rows => format!("{rows} rows are"),
        };
        let detail = format!("an older program has made its tables again; {rows} not taken over");
        checks.push(if status.backfill.complete && status.capture_triggers && status.mismatches == 0 {
            Check::ok("legacy-tables", "an older program has made its tables again; all is taken over")
        } else {
            Check::warn("legacy-tables", detail, format!("conclave doctor --fix, or {COPY}"))
        });
    } else if status.capture_broken {
        checks.push(Check::fail(
            "capture-triggers",
            "triggers on the legacy tables are missing, silenced or other than they should be",
            "conclave doctor --fix puts them on again; then conclave migrate verify",
        ));
    } else if status.capture_triggers {
        checks.push(Check::ok("capture-triggers", "on"));
    }
    let older = &status.older_program;
    if older.wal_reset_bug {
        let version = older.sqlite_version.as_deref().unwrap_or("unknown");
        checks.push(Check::warn(
            "older-program",
            format!("an older program writes with SQLite {version}, which can damage a file in WAL mode"),
            "give it SQLite 3.51.3 or later",
        ));
    } else if older.writing && status.phase >= Phase::NewOnly.number() {
        let detail = "an older program is still writing the legacy tables";
        checks.push(Check::warn("older-program", detail, "end it: its writes begin the soak anew"));
    }
    checks
}

/// Mends of the migration what needs no decision: makes missing control rows, puts triggers on again, and takes over the rows of legacy
/// tables that are back. Gives what was done, in words.
pub fn mend(db: &Db, actor: &str) -> Result<Vec<String>> {
    let mut done = Vec::new();
    if !db.read(control::rows::missing)?.is_empty() {
        let actor = actor.to_owned();
        done = db.write("make control rows again", move |tx| control::rows::make(tx, &actor))?;
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
