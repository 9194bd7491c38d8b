//! The way back from phase 4: rows that only the new tables have get their legacy row, in chunks.
//!
//! Rows go in the order in which they came, and each chunk keeps how far it came in its own transaction; a row
//! that has its legacy row is known by that, so a way back that was killed goes on exactly. Then both sides are
//! compared, rows that have changed since phase 4 began are made equal, and the last transaction takes what came
//! meanwhile and changes the phase.

use std::time::Duration;

use conclave_db::{BulkWriter, Db, Held, WriteTx};
use conclave_retry::CancelToken;
use serde::Serialize;

use super::mending::{Done, Mender};
use super::throttle::Throttle;
use super::verify;
use crate::error::{ConsensusError, Result};
use crate::import::pace::Pace;
use crate::import::{LockTimes, Progress};
use crate::store::changed::{self, Comparison};
use crate::store::control::{self, Phase, pause};
use crate::store::verify::Pair;
use crate::store::{back, capture, mend};

/// Rows that may be left for the last transaction: new ones of each kind, and changed ones.
const LAST: u64 = 64;
const MOST_ROUNDS: u32 = 200;
const MOST_STARTS: u32 = 5;

/// How the way back goes about it.
#[derive(Debug, Clone)]
pub struct ReverseOptions {
    /// Who does it, for the record of events.
    pub actor: String,
    /// The time that one chunk may hold the write lock.
    pub chunk_time: Duration,
    /// The most rows of one chunk; at least 1.
    pub chunk_rows: u64,
}

impl Default for ReverseOptions {
    fn default() -> Self {
        Self { actor: "unknown".into(), chunk_time: Duration::from_millis(10), chunk_rows: u64::MAX }
    }
}

/// What the way back did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ReverseReport {
    /// Rows that got their legacy row.
    pub copied: u64,
    /// Legacy rows that were made equal to their new row, and legacy-only rows that were taken over.
    pub updated: u64,
    /// How long the write lock was held.
    #[serde(skip)]
    pub locks: LockTimes,
}

/// What the way back would do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ReversePlan {
    /// Rows to copy in all.
    pub rows: u64,
    /// Of them outputs, to `consensus_artifacts`.
    pub artifacts: u64,
    /// Of them attempts, to `agent_executions`.
    pub executions: u64,
    /// Of them syntheses, to `consensus_synthesis`.
    pub syntheses: u64,
    /// What the legacy tables cannot hold, in words: it stays in the new tables, and is there when the
    /// migration goes forward again.
    pub stays: Vec<String>,
}

pub(super) fn plan(db: &Db) -> Result<ReversePlan> {
    db.read(|conn| {
        let mut plan = ReversePlan::default();
        for returner in back::all(conn)? {
            let (all, fit) = returner.counts(conn)?;
            let (count, what) = match returner.kind.name {
                "artifact" => (&mut plan.artifacts, "outputs whose run has no run id and another time"),
                "execution" => {
                    (&mut plan.executions, "attempts that were lost, failed without a reason or have no time")
                }
                _ => (&mut plan.syntheses, "syntheses without text or status, or whose run has another time"),
            };
            *count = fit;
            plan.rows += fit;
            if all > fit {
                plan.stays.push(format!("{} {what}", all - fit));
            }
        }
        plan.stays.extend(back::stays(conn)?.into_iter().map(|(count, what)| format!("{count} {what}")));
        Ok(plan)
    })
}

/// Copies everything back and runs `settle`, which changes the phase, in the transaction of the last rows: then
/// both sides hold the same. Killed anywhere, the next one goes on. Durable when this returns.
pub(super) fn run<T: Send + 'static>(
    db: &Db,
    options: &ReverseOptions,
    progress: &mut dyn FnMut(Progress),
    mut settle: impl FnMut(&WriteTx<'_>) -> Result<T> + Send + 'static,
) -> Result<(ReverseReport, T)> {
    let (mender, bulk) = Mender::open(db)?;
    let total_rows = plan(db)?.rows;
    let mut low = Vec::new();
    for returner in &mender.returners {
        // An attempt changes after it was passed by, so all of them are looked at again.
        let known = db.read(|conn| returner.cursor(conn))?;
        low.push(if returner.kind.name == "execution" { 0 } else { known });
    }
    let mut way = WayBack {
        bulk,
        mender,
        low,
        pace: Pace::in_background(options.chunk_time),
        throttle: Throttle::new(db, &CancelToken::new()),
        options,
        report: ReverseReport::default(),
        total_rows,
    };
    for _ in 0..MOST_STARTS {
        let comparison = db.write("begin comparing", changed::begin)?;
        match way.attempt(db, comparison, progress, &mut settle) {
            Ok(Some(settled)) => {
                way.report.locks = way.pace.into_locks();
                return Ok((way.report, settled));
            }
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

struct WayBack<'run> {
    bulk: BulkWriter,
    mender: Mender,
    /// How far each kind has come.
    low: Vec<i64>,
    pace: Pace,
    throttle: Throttle,
    options: &'run ReverseOptions,
    report: ReverseReport,
    total_rows: u64,
}

impl WayBack<'_> {
    fn attempt<T>(
        &mut self,
        db: &Db,
        mut comparison: Comparison,
        progress: &mut dyn FnMut(Progress),
        settle: &mut impl FnMut(&WriteTx<'_>) -> Result<T>,
    ) -> Result<Option<T>> {
        self.copy(progress)?;
        let pairs = db.read(Pair::strict)?;
        let (found, _) = verify::look(db, &pairs, progress)?;
        for (table, key) in found.rows.keys() {
            let Some(pair) = pairs.iter().find(|pair| pair.table == *table) else { continue };
            let actor = &self.options.actor;
            let mender = &self.mender;
            let (done, held) = self.bulk.write(|tx| {
                allowed(tx)?;
                mender.mend(tx, pair, key, actor)
            })?;
            self.report.updated += u64::from(done == Done::Mended);
            self.throttle.rest(held, self.pace.is_beside_others())?;
        }
        for _ in 0..MOST_ROUNDS {
            self.copy(progress)?;
            let left = db.read(|conn| {
                Ok::<_, ConsensusError>(comparison.is_whole(conn)?.then_some(comparison.left(conn)?))
            })?;
            let Some(left) = left else { return Ok(None) };
            if left > LAST {
                let (updated, held) = self.changed(&pairs, &mut comparison)?;
                self.report.updated += updated;
                self.throttle.rest(held, self.pace.is_beside_others())?;
                continue;
            }
            if let Some(settled) = self.last(&pairs, comparison, settle)? {
                return Ok(Some(settled));
            }
        }
        Ok(None)
    }

    /// Everything that has no legacy row now.
    fn copy(&mut self, progress: &mut dyn FnMut(Progress)) -> Result<()> {
        for index in 0..self.mender.returners.len() {
            loop {
                let (low, budget, most) = (self.low[index], self.pace.budget(), self.options.chunk_rows);
                let returner = &self.mender.returners[index];
                let (version, chunk) = self.bulk.prepare(|tx| {
                    let version = tx.pragma::<i64>("data_version")?;
                    Ok::<_, ConsensusError>((version, returner.measure(tx, low, budget, most)?))
                })?;
                self.pace.saw(version);
                let Some(chunk) = chunk else { break };
                let (copied, held) = self.bulk.write(|tx| {
                    allowed(tx)?;
                    capture::suspend(tx)?;
                    let copied = returner.copy(tx, &chunk)?;
                    capture::resume(tx)?;
                    Ok::<_, ConsensusError>(copied)
                })?;
                self.low[index] = chunk.high;
                self.report.copied += copied;
                self.pace.took(chunk.weight, held);
                let total_rows = self.total_rows.max(self.report.copied);
                progress(Progress { done_rows: self.report.copied, total_rows, phase: "copy back" });
                self.throttle.rest(held, self.pace.is_beside_others())?;
            }
        }
        Ok(())
    }

    /// Some of the rows that changed meanwhile.
    fn changed(&mut self, pairs: &[Pair], comparison: &mut Comparison) -> Result<(u64, Held)> {
        let (mender, actor, from) = (&self.mender, &self.options.actor, *comparison);
        let ((updated, end), held) = self.bulk.write(|tx| {
            allowed(tx)?;
            follow(tx, mender, pairs, &from, actor)
        })?;
        comparison.seen = end;
        Ok((updated, held))
    }

    /// The last rows and the end; nothing where too many have come for one transaction.
    fn last<T>(
        &mut self,
        pairs: &[Pair],
        comparison: Comparison,
        settle: &mut impl FnMut(&WriteTx<'_>) -> Result<T>,
    ) -> Result<Option<T>> {
        let (mender, actor, low) = (&self.mender, &self.options.actor, &self.low);
        let so_far = &self.report;
        let (done, held) = self.bulk.write(|tx| {
            allowed(tx)?;
            if !comparison.is_whole(tx)? || comparison.left(tx)? > LAST {
                return Ok(None);
            }
            capture::suspend(tx)?;
            let mut copied = 0;
            for (returner, low) in mender.returners.iter().zip(low) {
                let Some(chunk) = returner.measure(tx, *low, u64::MAX, LAST + 1)? else { continue };
                if chunk.rows > LAST {
                    capture::resume(tx)?;
                    return Ok(None);
                }
                copied += returner.copy(tx, &chunk)?;
            }
            capture::resume(tx)?;
            let (updated, _) = follow(tx, mender, pairs, &comparison, actor)?;
            let detail = serde_json::json!({
                "copied": so_far.copied + copied, "updated": so_far.updated + updated,
            });
            control::record_event(tx, actor, "copy-back", &detail)?;
            let settled = settle(tx)?;
            comparison.end(tx)?;
            Ok::<_, ConsensusError>(Some((copied, updated, settled)))
        })?;
        let Some((copied, updated, settled)) = done else { return Ok(None) };
        self.report.copied += copied;
        self.report.updated += updated;
        self.pace.took(0, held);
        Ok(Some(settled))
    }
}

/// The way back goes on only from phase 4, and only while nobody has paused it.
fn allowed(tx: &WriteTx<'_>) -> Result<()> {
    pause::refuse_while_paused(tx)?;
    let phase = control::phase(tx)?;
    if phase == Phase::NewOnly {
        return Ok(());
    }
    Err(ConsensusError::refused(
        format!("the way back begins in phase 4, and this is phase {}", phase.number()),
        Some("`conclave migrate status` shows the phase"),
    ))
}

/// Makes the next of the noted rows equal; gives how many it changed, and where the notes ended.
fn follow(
    tx: &WriteTx<'_>,
    mender: &Mender,
    pairs: &[Pair],
    comparison: &Comparison,
    actor: &str,
) -> Result<(u64, i64)> {
    let (rows, end) = comparison.next(tx, u32::try_from(LAST).unwrap_or(u32::MAX))?;
    let mut updated = 0;
    for row in rows {
        let Some(pair) = pairs.iter().find(|pair| pair.table == row.table) else { continue };
        updated += u64::from(mender.mend(tx, pair, &row.key, actor)? == Done::Mended);
        // An attempt that could not be said when it was passed by may have ended since.
        let own = if pair.table == "agent_executions" { mend::attempt(tx, &row.key)? } else { None };
        if let Some((id, false)) = own {
            capture::suspend(tx)?;
            for returner in mender.returners.iter().filter(|returner| returner.kind.name == "execution") {
                updated += u64::from(returner.put(tx, id)?);
            }
            capture::resume(tx)?;
        }
    }
    Ok((updated, end))
}
