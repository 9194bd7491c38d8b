//! Comparing both sides: chunk by chunk by count and hash, then exactly where these differ.

use conclave_db::{Db, WriteTx};

use super::{FindingKind, VerifyReport};
use crate::error::{ConsensusError, Result};
use crate::import::Progress;
use crate::store::control::{self, Phase};
use crate::store::verify::Pair;

/// Rows of one chunk on either side.
const ROWS: u32 = 1000;
/// Most differences that are kept one by one; all are counted.
const KEPT: usize = 1000;

fn compare(db: &Db, progress: &mut dyn FnMut(Progress)) -> Result<VerifyReport> {
    let mut report = VerifyReport { equal: true, ..VerifyReport::default() };
    let pairs = db.read(Pair::all)?;
    let mut total_rows = 0;
    for pair in &pairs {
        total_rows += db.read(|conn| pair.rows(conn))?;
    }
    for pair in &pairs {
        let mut low = None;
        report.add(db.read(|conn| pair.nameless(conn))?);
        loop {
            // One snapshot for each chunk: a writer in between cannot make both sides look different.
            let step = db.read(|conn| {
                let Some(range) = pair.next(conn, low.as_ref(), ROWS)? else { return Ok(None) };
                let (legacy, new) = pair.digests(conn, &range)?;
                let mut differences =
                    if legacy == new { Vec::new() } else { pair.differences(conn, &range)? };
                if control::phase(conn)? == Phase::CleanedUp {
                    // What was dropped is not missing: only tables that came back are compared.
                    differences.retain(|finding| finding.kind != FindingKind::MissingInLegacy);
                }
                Ok::<_, ConsensusError>(Some((range, legacy.rows, differences)))
            })?;
            let Some((range, rows, differences)) = step else { break };
            report.checked += rows;
            report.add(differences);
            low = Some(range.high);
            let total_rows = total_rows.max(report.checked);
            progress(Progress { done_rows: report.checked, total_rows, phase: "compare" });
        }
    }
    Ok(report)
}

/// STAND-IN, replaced at the merge with i4-repair: what changes meanwhile is not compared.
pub(super) fn prove<T: Send + 'static>(
    db: &Db,
    progress: &mut dyn FnMut(Progress),
    mut settle: impl FnMut(&WriteTx<'_>, &VerifyReport) -> Result<T> + Send + 'static,
) -> Result<(VerifyReport, T)> {
    let report = compare(db, progress)?;
    let found = report.clone();
    let settled = db.write("settle", move |tx| settle(tx, &found))?;
    Ok((report, settled))
}

pub(super) fn run(db: &Db, progress: &mut dyn FnMut(Progress)) -> Result<VerifyReport> {
    if db.is_read_only() {
        return compare(db, progress);
    }
    let keep = |tx: &WriteTx<'_>, report: &VerifyReport| {
        control::keep_findings(tx, &report.findings, report.differences)
    };
    Ok(prove(db, progress, keep)?.0)
}

impl VerifyReport {
    fn add(&mut self, found: Vec<super::Finding>) {
        self.equal &= found.is_empty();
        let missing = found.iter().filter(|finding| finding.kind == FindingKind::MissingInNew).count();
        self.missing_in_new += missing as u64;
        self.differences += found.len() as u64;
        let room = KEPT.saturating_sub(self.findings.len());
        self.findings.extend(found.into_iter().take(room));
    }
}
