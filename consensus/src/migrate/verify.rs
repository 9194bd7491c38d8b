//! Comparing both sides: chunk by chunk by count and hash, then exactly where these differ, then once more what
//! changed meanwhile.
//!
//! A chunk is compared in one snapshot, so a writer in between cannot make both sides look different. What is
//! written behind the comparison's back, by an older program or by us, is noted (`store/changed.rs`) and compared
//! again: outside of the lock as long as there is much of it, the last few rows inside the transaction that says
//! what was found. So what it says holds at its commit. Rows that a backfill or an import brings meanwhile are
//! not noted: these compare each row themselves.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use conclave_db::{Db, ReadConn, WriteTx};

use super::{Finding, FindingKind, VerifyReport};
use crate::error::{ConsensusError, Result};
use crate::import::Progress;
use crate::store::changed::{self, Changed, Comparison};
use crate::store::control::{self, Phase};
use crate::store::verify::refused::Refusals;
use crate::store::verify::{Key, Pair};

/// Rows of one chunk on either side.
const ROWS: u32 = 1000;
/// Most differences that are kept and named one by one; all are counted.
const KEPT: usize = 1000;
/// Most differences that are remembered by their key while the comparison goes on.
const REMEMBERED: usize = 100_000;
/// Changed rows that may be left for the last transaction, which holds the write lock.
const LAST: u64 = 64;
/// Changed rows that are compared in one snapshot.
const AT_ONCE: u32 = 1000;
/// How often changed rows are compared before there are few enough of them left, and how often a comparison that
/// lost sight of them begins again.
const MOST_ROUNDS: u32 = 200;
const MOST_STARTS: u32 = 5;

pub(super) fn run(db: &Db, actor: &str, progress: &mut dyn FnMut(Progress)) -> Result<VerifyReport> {
    if db.is_read_only() {
        let pairs = db.read(Pair::all)?;
        let (found, checked) = look(db, &pairs, progress)?;
        return Ok(found.report(checked));
    }
    let actor = actor.to_owned();
    let keep = move |tx: &WriteTx<'_>, report: &VerifyReport| {
        control::findings::keep(tx, report)?;
        let detail = serde_json::json!({
            "checked": report.checked,
            "differences": report.differences,
            "missing_in_new": report.missing_in_new,
        });
        control::record_event(tx, &actor, "verify", &detail)
    };
    Ok(prove(db, progress, keep)?.0)
}

/// Compares everything and hands the report to `settle`, in a transaction in which the report still holds: no row
/// has changed since it was compared. `settle` may run more than once, as every closure of a write; what it does
/// is durable when this returns, and an error of it undoes it.
pub(super) fn prove<T: Send + 'static>(
    db: &Db,
    progress: &mut dyn FnMut(Progress),
    settle: impl FnMut(&WriteTx<'_>, &VerifyReport) -> Result<T> + Send + 'static,
) -> Result<(VerifyReport, T)> {
    // Each try to settle owns it in turn.
    let settle = Arc::new(Mutex::new(settle));
    let settle = move |tx: &WriteTx<'_>, report: &VerifyReport| {
        let mut settle = settle.lock().unwrap_or_else(PoisonError::into_inner);
        (*settle)(tx, report)
    };
    for _ in 0..MOST_STARTS {
        let comparison = db.write("begin comparing", changed::begin)?;
        match attempt(db, comparison, progress, &settle) {
            Ok(Some(done)) => return Ok(done),
            Ok(None) => {}
            Err(error) => {
                // Nothing is lost where this fails too: the next comparison takes the mark over.
                let _ = db.write("end comparing", move |tx| comparison.end(tx));
                return Err(error);
            }
        }
    }
    Err(ConsensusError::Unsettled)
}

/// One comparison; nothing where rows changed of which it does not know.
fn attempt<T: Send + 'static>(
    db: &Db,
    mut comparison: Comparison,
    progress: &mut dyn FnMut(Progress),
    settle: &(impl FnMut(&WriteTx<'_>, &VerifyReport) -> Result<T> + Clone + Send + 'static),
) -> Result<Option<(VerifyReport, T)>> {
    let pairs = Arc::new(db.read(Pair::all)?);
    let mut found = Found { refusals: db.read(Refusals::of)?, ..Found::default() };
    let checked = compare(db, &pairs, &mut found, progress)?;
    found.look_again(db, &pairs)?;
    for _ in 0..MOST_ROUNDS {
        let left = db.read(|conn| {
            let left = comparison.left(conn)?;
            if left > LAST {
                let (rows, end) = comparison.next(conn, AT_ONCE)?;
                found.recheck(conn, &pairs, &rows)?;
                comparison.seen = end;
            }
            Ok::<_, ConsensusError>(comparison.is_whole(conn)?.then_some(left))
        })?;
        let Some(left) = left else { return Ok(None) };
        if left > LAST {
            continue;
        }
        let (found, pairs, mut settle) = (found.clone(), Arc::clone(&pairs), settle.clone());
        let done = db.write("settle a comparison", move |tx| {
            // Some more may have come since; with many it goes on outside of the lock.
            if !comparison.is_whole(tx)? || comparison.left(tx)? > LAST * 2 {
                return Ok(None);
            }
            let mut found = found.clone();
            let (rows, _) = comparison.next(tx, AT_ONCE)?;
            found.recheck(tx, &pairs, &rows)?;
            found.nameless = nameless(tx, &pairs)?;
            let report = found.report(checked);
            let settled = settle(tx, &report)?;
            comparison.end(tx)?;
            Ok::<_, ConsensusError>(Some((report, settled)))
        })?;
        if done.is_some() {
            return Ok(done);
        }
    }
    Ok(None)
}

/// Compares both sides without regard to what changes meanwhile; gives also how many rows there were.
pub(super) fn look(db: &Db, pairs: &[Pair], progress: &mut dyn FnMut(Progress)) -> Result<(Found, u64)> {
    let mut found = Found { refusals: db.read(Refusals::of)?, ..Found::default() };
    let checked = compare(db, pairs, &mut found, progress)?;
    found.nameless = db.read(|conn| nameless(conn, pairs))?;
    Ok((found, checked))
}

/// Compares both sides chunk by chunk; gives how many rows there were.
fn compare(db: &Db, pairs: &[Pair], found: &mut Found, progress: &mut dyn FnMut(Progress)) -> Result<u64> {
    let mut checked = 0;
    let mut total_rows = 0;
    for pair in pairs {
        total_rows += db.read(|conn| pair.rows(conn))?;
    }
    for pair in pairs {
        let mut low = None;
        loop {
            // One snapshot for each chunk: a writer in between cannot make both sides look different.
            let step = db.read(|conn| {
                let Some(range) = pair.next(conn, low.as_ref(), ROWS)? else { return Ok(None) };
                let (legacy, new) = pair.digests(conn, &range)?;
                let mut differences =
                    if legacy == new { Vec::new() } else { pair.differences(conn, &range)? };
                if !differences.is_empty() {
                    let phase = control::phase(conn)?;
                    differences.retain(|(_, finding)| counts(phase, finding));
                    for (key, finding) in &mut differences {
                        found.refusals.mark(conn, key, finding)?;
                    }
                }
                Ok::<_, ConsensusError>(Some((range, legacy.rows, differences)))
            })?;
            let Some((range, rows, differences)) = step else { break };
            checked += rows;
            found.add(pair.table, differences);
            low = Some(range.high);
            progress(Progress { done_rows: checked, total_rows: total_rows.max(checked), phase: "compare" });
        }
    }
    Ok(checked)
}

/// Whether it is a difference in this phase. What was dropped is not missing: in phase 5 only tables that came
/// back are compared.
fn counts(phase: Phase, finding: &Finding) -> bool {
    phase < Phase::CleanedUp || finding.kind != FindingKind::MissingInLegacy
}

fn nameless(conn: &ReadConn<'_>, pairs: &[Pair]) -> Result<Vec<Finding>> {
    let mut found = Vec::new();
    for pair in pairs {
        found.extend(pair.nameless(conn)?);
    }
    Ok(found)
}

/// The differences by table and key, so that one can be looked at again.
#[derive(Debug, Clone, Default)]
pub(super) struct Found {
    pub(super) rows: BTreeMap<(&'static str, Key), Finding>,
    /// Rows without any key.
    nameless: Vec<Finding>,
    refusals: Refusals,
    /// Differences beyond those that are remembered, and of them legacy rows without counterpart.
    more: u64,
    more_missing: u64,
}

impl Found {
    fn add(&mut self, table: &'static str, differences: Vec<(Key, Finding)>) {
        for (key, finding) in differences {
            if self.rows.len() < REMEMBERED {
                self.rows.insert((table, key), finding);
            } else {
                self.more += 1;
                self.more_missing += u64::from(finding.kind == FindingKind::MissingInNew);
            }
        }
    }

    /// Whoever mended a row since it was compared, such as a backfill, need not have noted it.
    fn look_again(&mut self, db: &Db, pairs: &[Pair]) -> Result<()> {
        let keys = self.rows.keys();
        let rows: Vec<Changed> =
            keys.map(|(table, key)| Changed { table: (*table).to_owned(), key: key.clone() }).collect();
        for some in rows.chunks(AT_ONCE as usize) {
            db.read(|conn| self.recheck(conn, pairs, some))?;
        }
        Ok(())
    }

    fn recheck(&mut self, conn: &ReadConn<'_>, pairs: &[Pair], rows: &[Changed]) -> Result<()> {
        let phase = control::phase(conn)?;
        for row in rows {
            let Some(pair) = pairs.iter().find(|pair| pair.table == row.table) else { continue };
            let id = (pair.table, row.key.clone());
            match pair.difference(conn, &row.key)?.map(|(finding, _)| finding) {
                Some(mut finding) if counts(phase, &finding) => {
                    self.refusals.mark(conn, &row.key, &mut finding)?;
                    self.rows.insert(id, finding);
                }
                _ => {
                    self.rows.remove(&id);
                }
            }
        }
        Ok(())
    }

    pub(super) fn report(&self, checked: u64) -> VerifyReport {
        let differences = (self.rows.len() + self.nameless.len()) as u64 + self.more;
        let all = || self.nameless.iter().chain(self.rows.values());
        let missing = all().filter(|finding| finding.kind == FindingKind::MissingInNew).count();
        VerifyReport {
            equal: differences == 0,
            checked,
            differences,
            missing_in_new: missing as u64 + self.more_missing,
            refused: all().filter(|finding| finding.reason.is_some()).count() as u64,
            findings: all().take(KEPT).cloned().collect(),
        }
    }
}
