//! The course of an import: what the project knows of the file, then each kind of row, then the end.

use std::path::Path;

use conclave_db::{BulkWriter, Db, WriteTx};

use super::pace::Pace;
use super::pass::{Ended, LISTED, Passes};
use super::source_file::{self, SourceFile};
use super::{ImportOptions, ImportReport, ListedRow, Progress};
use crate::error::{ConsensusError, Result};
use crate::migrate::{self, BackfillOptions};
use crate::store::control;
use crate::store::copy::{self, Copier, Listing, Scope, Tally, kinds};
use crate::store::counting;
use crate::store::shape;
use crate::store::sources::{self, Description, LaterRuns};

/// A live source may change between two looks; who writes it all the time cannot be waited for.
const MOST_ROUNDS: u32 = 5;
/// Runs of the later schema in one statement.
const RUNS_AT_ONCE: u32 = 500;

pub(super) fn import(
    db: &Db,
    path: &Path,
    options: &ImportOptions,
    progress: &mut dyn FnMut(Progress),
) -> Result<ImportReport> {
    let file = SourceFile::inspect(db, path)?;
    if !options.dry_run {
        backfill_first(db, options, progress)?;
    }
    let bulk = BulkWriter::open(db, Some(&file.path))
        .map_err(|error| source_file::whose(error.into(), db, &file.path))?;
    let live = bulk.source_is_live();
    let mut import = Import {
        passes: Passes {
            bulk,
            pace: Pace::of_import(options.chunk_time),
            throttle: None,
            dry_run: options.dry_run,
            chunk_rows: options.chunk_rows,
            left: u64::MAX,
            differing: 0,
            done_rows: 0,
            total_rows: file.contents.rows(),
            progress,
        },
        description: Description {
            path: file.name(),
            sha256: file.sha256.clone(),
            bytes: file.bytes(),
            actor: options.actor.clone(),
        },
        report: ImportReport::default(),
        new: 0,
        updated: 0,
    };
    let mut rounds = 0;
    loop {
        rounds += 1;
        import.reset(options.dry_run);
        let ended = import.round(&file).map_err(|error| source_file::whose(error, db, &file.path))?;
        if ended == Ended::Done && import.passes.differing == 0 {
            break;
        }
        if rounds == MOST_ROUNDS || (ended == Ended::Done && !live) {
            let (rows, what) = (import.passes.differing, file.name());
            return Err(ConsensusError::Differs { rows, what });
        }
    }
    let Import { passes, mut report, .. } = import;
    report.locks = passes.pace.into_locks();
    drop(passes.bulk);
    if !live {
        file.check_unchanged()?;
    }
    Ok(report)
}

/// Legacy rows of the state file itself come first: a copy of one must be known as such.
fn backfill_first(db: &Db, options: &ImportOptions, progress: &mut dyn FnMut(Progress)) -> Result<()> {
    let remaining = db.read(|conn| {
        let counts = counting::counts(conn)?;
        Ok::<_, ConsensusError>(counting::backfill_status(conn, &counts)?.remaining)
    })?;
    if remaining > 0 {
        let options = BackfillOptions {
            chunk_time: options.chunk_time,
            chunk_rows: options.chunk_rows,
            actor: options.actor.clone(),
            ..BackfillOptions::default()
        };
        migrate::backfill(db, &options, progress)?;
    }
    Ok(())
}

struct Import<'run> {
    passes: Passes<'run>,
    description: Description,
    report: ImportReport,
    new: u64,
    updated: u64,
}

impl Import<'_> {
    fn reset(&mut self, dry_run: bool) {
        self.passes.differing = 0;
        self.passes.done_rows = 0;
        self.report = ImportReport {
            source: self.description.path.clone(),
            sha256: self.description.sha256.clone(),
            dry_run,
            ..ImportReport::default()
        };
    }

    /// Every row of the file once.
    fn round(&mut self, file: &SourceFile) -> Result<Ended> {
        let path = self.description.path.clone();
        let (known, phase) = self.passes.look(|tx| {
            copy::begin(tx)?;
            Ok((sources::find(tx, &path)?, control::phase(tx)?))
        })?;
        let (id, finished) = match known {
            Some(known) => (known.id, known.finished),
            // No import has this number, so nothing is known of its rows.
            None if self.passes.dry_run => (-1, true),
            None => {
                let (description, contents) = (self.description.clone(), file.contents);
                (self.passes.bulk.write(|tx| sources::begin(tx, &description, &contents))?.0, false)
            }
        };
        let phase = if known.is_none() { self.passes.look(|tx| control::phase(tx))? } else { phase };
        let to_legacy = phase.has_legacy_side();
        let before = (self.new, self.updated);
        let scope = Scope { source: Some(id), to_legacy, later: false, overwrite: true };
        if file.contents.legacy {
            self.passes.look(|tx| shape::legacy_views(tx, "source"))?;
            for kind in self.passes.look(|tx| kinds::into_state(tx))? {
                if self.kind(&Copier::new(kind, scope), "copy rows")? == Ended::PhaseMoved {
                    return Ok(Ended::PhaseMoved);
                }
            }
        }
        if file.contents.later {
            self.passes.look(|tx| shape::later_views(tx, "source"))?;
            let scope = Scope { later: true, ..scope };
            for kind in [kinds::artifacts(), kinds::syntheses()] {
                if self.kind(&Copier::new(kind, scope), "copy rows of the later schema")? == Ended::PhaseMoved
                {
                    return Ok(Ended::PhaseMoved);
                }
            }
            self.later_runs(id)?;
        }
        self.report.runs = self.passes.look(|tx| copy::runs_touched(tx))?;
        if !self.passes.bulk.source_is_live() {
            // Nobody writes the file: a row that was counted and not read was dropped on the way.
            self.passes.differing += file.contents.rows_to_copy().abs_diff(self.report.rows);
        }
        let wrote = (self.new, self.updated) != before;
        if self.passes.differing == 0 && !self.passes.dry_run && (wrote || !finished) {
            let (description, new, updated) = (self.description.clone(), self.new, self.updated);
            self.passes.bulk.write(|tx| sources::finish(tx, id, &description, new, updated))?;
        }
        Ok(Ended::Done)
    }

    fn kind(&mut self, copier: &Copier, phase: &'static str) -> Result<Ended> {
        let (report, new, updated) = (&mut self.report, &mut self.new, &mut self.updated);
        self.passes.run(copier, i64::MIN, phase, &mut |copier, tx, tally| {
            *new += tally.new;
            *updated += tally.changed;
            count(report, copier, tx, tally)
        })
    }

    /// The runs of the later schema: those without outputs too, and what they say of themselves.
    fn later_runs(&mut self, id: i64) -> Result<()> {
        let runs = LaterRuns::new(id);
        let dry_run = self.passes.dry_run;
        let mut low = i64::MIN;
        loop {
            let next = self.passes.look(|tx| {
                let Some(high) = LaterRuns::end(tx, low, RUNS_AT_ONCE)? else { return Ok(None) };
                Ok(Some((high, runs.differ(tx, low, high)?)))
            })?;
            let Some((high, differ)) = next else { return Ok(()) };
            if dry_run {
                self.passes.look(|tx| runs.plan(tx, low, high))?;
            } else {
                if differ {
                    let ((), held) = self.passes.bulk.write(|tx| runs.write(tx, low, high))?;
                    self.passes.pace.took(u64::from(RUNS_AT_ONCE) * 1024, held);
                }
                self.passes.look(|tx| runs.touch(tx, low, high))?;
            }
            let Some(next) = high.checked_add(1) else { return Ok(()) };
            low = next;
        }
    }
}

/// Adds a chunk to the report.
fn count(report: &mut ImportReport, copier: &Copier, tx: &WriteTx<'_>, tally: &Tally) -> Result<()> {
    let held = tally.rows - tally.refused;
    report.rows += tally.rows;
    report.already_present += tally.equal;
    report.updated += tally.changed;
    report.refused += tally.refused;
    report.unknown_times += tally.unknown_times;
    let table = copier.kind.legacy;
    let name = |rows: &mut Vec<ListedRow>, listing: Listing, count: u64| {
        if count > 0 && rows.len() < LISTED {
            let found = Copier::list(tx, listing, LISTED)?;
            rows.extend(found.into_iter().map(|(id, run)| ListedRow { table, id, run }));
            rows.truncate(LISTED);
        }
        Ok::<_, ConsensusError>(())
    };
    name(&mut report.unknown_time_rows, Listing::UnknownTime, tally.unknown_times)?;
    name(&mut report.refused_rows, Listing::Refused, tally.refused)?;
    match copier.kind.name {
        "artifact" => {
            report.outputs += held;
            report.invalid_json += tally.invalid_json;
            report.duplicates += tally.repeated;
            report.null_run_ids += tally.null_run_ids;
            report.empty_run_ids += tally.empty_run_ids;
            report.rows_without_run_id += tally.null_run_ids + tally.empty_run_ids;
            report.bytes += tally.bytes;
            name(&mut report.invalid_json_rows, Listing::InvalidJson, tally.invalid_json)?;
            name(&mut report.duplicate_rows, Listing::Repeated, tally.repeated)?;
        }
        "synthesis" => {
            report.syntheses += held;
            name(
                &mut report.lone_syntheses,
                Listing::LoneSynthesis,
                tally.null_run_ids + tally.empty_run_ids,
            )?;
        }
        _ => report.executions += held,
    }
    Ok(())
}
