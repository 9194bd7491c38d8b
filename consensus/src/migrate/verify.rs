//! Comparing both sides: chunk by chunk by count and hash, then exactly where these differ.

use conclave_db::Db;

use super::VerifyReport;
use crate::error::{ConsensusError, Result};
use crate::import::Progress;
use crate::store::control;
use crate::store::verify::Pair;

/// Rows of one chunk on either side.
const ROWS: u32 = 1000;
/// Most differences that are kept one by one; all are counted.
const KEPT: usize = 1000;

pub(super) fn run(db: &Db, progress: &mut dyn FnMut(Progress)) -> Result<VerifyReport> {
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
                let differences = if legacy == new { Vec::new() } else { pair.differences(conn, &range)? };
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
    if !db.is_read_only() {
        let (findings, differences) = (report.findings.clone(), report.differences);
        db.write("keep findings", move |tx| control::keep_findings(tx, &findings, differences))?;
    }
    Ok(report)
}

impl VerifyReport {
    fn add(&mut self, found: Vec<super::Finding>) {
        self.equal &= found.is_empty();
        self.differences += found.len() as u64;
        let room = KEPT.saturating_sub(self.findings.len());
        self.findings.extend(found.into_iter().take(room));
    }
}
