//! Making the following side equal to the leading one, row by row: legacy leads in phases 1 and 2, the new side
//! from phase 3 on.

use conclave_db::{Db, WriteTx};
use serde::Serialize;

use super::cause::Cause;
use super::mending::{Done, Mender};
use super::{Finding, VerifyReport, remade, verify};
use crate::error::{ConsensusError, Result};
use crate::import::Progress;
use crate::store::control::{self, pause, soak};
use crate::store::remade as gone;
use crate::store::verify::Pair;

/// Most rows that a report names; all are counted.
const NAMED: usize = 1000;

/// How a repair goes about it.
#[derive(Debug, Clone, Default)]
pub struct RepairOptions {
    /// Say what would be done, and write nothing.
    pub dry_run: bool,
    /// Who does it, for the entries.
    pub actor: String,
}

/// A row that was made equal, or would be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RepairedRow {
    /// How the sides differed.
    #[serde(flatten)]
    pub finding: Finding,
    /// What was done, in words.
    pub done: &'static str,
}

/// What a repair did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct RepairReport {
    /// Whether nothing was written.
    pub dry_run: bool,
    /// Differences that it began with.
    pub found: u64,
    /// Rows that were made equal, or would be.
    pub repaired: u64,
    /// Differences that are left: rows that the following side cannot hold.
    pub left: u64,
    /// Of those, legacy rows that the new tables cannot hold: mend or delete them with the older program.
    pub refused: u64,
    /// The first of the rows.
    pub rows: Vec<RepairedRow>,
}

pub(super) fn run(
    db: &Db,
    options: &RepairOptions,
    progress: &mut dyn FnMut(Progress),
) -> Result<RepairReport> {
    if !options.dry_run {
        db.read(pause::refuse_while_paused)?;
        remade::make(db, &options.actor)?;
    }
    let pairs = db.read(Pair::all)?;
    let (found, checked) = verify::look(db, &pairs, progress)?;
    let before = found.report(checked);
    let mut report =
        RepairReport { dry_run: options.dry_run, found: before.differences, ..RepairReport::default() };
    let phase = db.read(control::phase)?;
    let unfilled = db.read(|conn| {
        let (missing, unfilled) = (gone::missing(conn)?, gone::unfilled(conn)?);
        Ok::<_, ConsensusError>([missing, unfilled].concat())
    })?;
    if options.dry_run {
        for finding in found.rows.values().filter(|finding| finding.reason.is_none()) {
            report.repaired += 1;
            report.name(finding, Mender::action(finding, phase, &unfilled));
        }
        report.left = report.found - report.repaired.min(report.found);
        report.refused = before.refused;
        return Ok(report);
    }
    if !found.rows.is_empty() {
        let (mender, mut bulk) = Mender::open(db)?;
        let total_rows = found.rows.len() as u64;
        for (done_rows, ((table, key), finding)) in (1..).zip(&found.rows) {
            let Some(pair) = pairs.iter().find(|pair| pair.table == *table) else { continue };
            let ((done, phase), _) = bulk.write(|tx| {
                pause::refuse_while_paused(tx)?;
                let done = mender.mend(tx, pair, key, &options.actor)?;
                if done == Done::Mended {
                    soak::restart(tx)?;
                }
                Ok::<_, ConsensusError>((done, control::phase(tx)?))
            })?;
            if done == Done::Mended {
                report.repaired += 1;
                report.name(finding, Mender::action(finding, phase, &unfilled));
            }
            progress(Progress { done_rows, total_rows, phase: "repair" });
        }
        let forget = db.read(control::forget_mended)?;
        db.write("forget mended rows", move |tx| tx.execute_batch(&forget.join(";")))?;
    }
    let keep = |tx: &WriteTx<'_>, report: &VerifyReport| control::findings::keep(tx, report);
    let after = verify::prove(db, progress, keep)?.0;
    (report.left, report.refused) = (after.differences, after.refused);
    Ok(report)
}

impl RepairReport {
    /// What helps against what is left; nothing where nothing is, or nothing is known to help.
    pub fn advice(&self) -> Option<&'static str> {
        (self.refused > 0).then(|| Cause::Refused(self.refused).advice())
    }

    fn name(&mut self, finding: &Finding, done: &'static str) {
        if self.rows.len() < NAMED {
            self.rows.push(RepairedRow { finding: finding.clone(), done });
        }
    }
}
