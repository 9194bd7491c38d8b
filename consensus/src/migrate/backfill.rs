//! Legacy rows of the state file itself, into the new tables.

use conclave_db::{BulkWriter, Db};

use super::throttle::Throttle;
use super::{BackfillOptions, BackfillReport, estimate, returned};
use crate::error::{ConsensusError, Result};
use crate::import::pace::Pace;
use crate::import::pass::{LISTED, Passes};
use crate::import::{ListedRow, Progress};
use crate::store::capture::{self, Capture};
use crate::store::control::{self, Phase};
use crate::store::copy::{self, Copier, Listing, Scope, kinds};
use crate::store::counting;
use crate::store::shape;

pub(super) fn run(
    db: &Db,
    options: &BackfillOptions,
    progress: &mut dyn FnMut(Progress),
) -> Result<BackfillReport> {
    // First, since what was written unwatched may turn out to have no counterpart.
    if !options.dry_run {
        returned::watch(db, &options.actor)?;
    }
    let (phase, before, refused, forget) = db.read(|conn| {
        let counts = counting::counts(conn)?;
        let before = counting::backfill_status(conn, &counts)?;
        let noticed = control::pending(conn)? > 0;
        let forget = if noticed { control::forget_mended(conn)? } else { Vec::new() };
        Ok::<_, ConsensusError>((control::phase(conn)?, before, control::refused(conn)?, forget))
    })?;
    if !forget.is_empty() && !options.dry_run {
        db.write("forget mended rows", move |tx| tx.execute_batch(&forget.join(";")))?;
    }
    let mut report = BackfillReport {
        remaining: before.remaining,
        complete: before.complete,
        refused,
        ..BackfillReport::default()
    };
    if before.remaining <= refused || options.limit == Some(0) {
        let known = db.read(|conn| {
            Ok::<_, ConsensusError>(capture::all_mapped(conn)? || capture::state(conn)? != Capture::On)
        })?;
        if before.remaining == 0 && !known && !options.dry_run {
            db.write("keep that all is mapped", capture::keep_all_mapped)?;
        }
        let missing = db.read(control::state)?.missing_in_new;
        if before.remaining <= refused && missing > refused && !options.dry_run {
            db.write("close findings", move |tx| control::findings::close_copied(tx, refused))?;
        }
        return Ok(report);
    }
    let mut passes = Passes {
        bulk: BulkWriter::open(db, None)?,
        pace: Pace::in_background(options.chunk_time),
        throttle: Some(Throttle::new(db, &options.cancel)),
        dry_run: options.dry_run,
        chunk_rows: options.chunk_rows,
        left: options.limit.unwrap_or(u64::MAX),
        differing: 0,
        done_rows: 0,
        total_rows: before.remaining,
        progress,
    };
    // Where the new side leads, a legacy row that differs is not what it is to be made equal to.
    let overwrite = phase < Phase::ReadsFlipped;
    let scope = Scope { source: None, to_legacy: false, later: false, overwrite };
    passes.look(|tx| {
        copy::begin(tx)?;
        shape::legacy_views(tx, "main")
    })?;
    let copiers = passes.look(|tx| kinds::of_state(tx))?.map(|kind| Copier::new(kind, scope));
    let after = |passes: &mut Passes<'_>| {
        passes.look(|tx| {
            let counts = counting::counts(tx)?;
            Ok((counting::backfill_status(tx, &counts)?, control::refused(tx)?))
        })
    };
    for from_start in [false, true] {
        for copier in &copiers {
            let done = if from_start { None } else { passes.look(|tx| copier.cursor(tx))? };
            let Some(low) = done.map_or(Some(i64::MIN), |done| done.checked_add(1)) else { continue };
            passes.run(copier, low, "backfill", &mut |copier, tx, tally| {
                report.copied += tally.new;
                report.updated += tally.changed;
                report.unknown_times += tally.unknown_times;
                if copier.kind.name == "artifact" {
                    report.invalid_json += tally.invalid_json;
                    report.duplicates += tally.repeated;
                    report.rows_without_run_id += tally.null_run_ids + tally.empty_run_ids;
                }
                if tally.unknown_times > 0 && report.unknown_time_rows.len() < LISTED {
                    let table = copier.kind.legacy;
                    let found = Copier::list(tx, Listing::UnknownTime, LISTED)?;
                    let rows = found.into_iter().map(|(id, run)| ListedRow { table, id, run });
                    report.unknown_time_rows.extend(rows);
                    report.unknown_time_rows.truncate(LISTED);
                }
                Ok(())
            })?;
        }
        // Rows behind the cursor that came later, or whose counterpart is gone, take another round.
        let (left, refused) = after(&mut passes)?;
        if options.dry_run || left.remaining <= refused || passes.left == 0 {
            break;
        }
    }
    report.runs = passes.look(|tx| copy::runs_touched(tx))?;
    let (left, refused) = after(&mut passes)?;
    (report.remaining, report.complete, report.refused) = (left.remaining, left.complete, refused);
    if report.copied + report.updated > 0 && !options.dry_run {
        let detail = serde_json::json!({
            "copied": report.copied, "updated": report.updated, "remaining": report.remaining,
        });
        let actor = options.actor.clone();
        passes.bulk.write(|tx| control::record_event(tx, &actor, "backfill", &detail))?;
    }
    if options.dry_run {
        report.estimated_ms = Some(estimate::copying(report.copied));
        report.disk_bytes = Some(estimate::room(db, report.copied)?);
    }
    report.locks = passes.pace.into_locks();
    if report.remaining <= report.refused && !options.dry_run {
        // The rows that stay behind were noticed in their chunks.
        passes.bulk.write(|tx| {
            control::findings::close_copied(tx, report.refused)?;
            match capture::state(tx)? {
                Capture::On => capture::keep_all_mapped(tx),
                _ => Ok(()),
            }
        })?;
    }
    if passes.differing > 0 {
        let what = "the legacy tables".to_owned();
        return Err(ConsensusError::Differs { rows: passes.differing, what });
    }
    Ok(report)
}
