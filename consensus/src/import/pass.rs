//! One kind of row from its first chunk to its last: prepare, write, compare, count.

use conclave_db::{BulkWriter, Held, WriteTx};

use super::Progress;
use super::pace::Pace;
use crate::error::Result;
use crate::migrate::throttle::Throttle;
use crate::store::control::pause;
use crate::store::copy::{Chunk, Copier, Tally, Work};
use crate::store::{capture, control};

/// What is called with each chunk's count, inside the snapshot in which it was counted.
pub(crate) type Found<'found> = dyn FnMut(&Copier, &WriteTx<'_>, &Tally) -> Result<()> + 'found;

/// How a pass ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// Every row was looked at, or as many as were allowed.
    Done,
    /// The phase changed meanwhile: rows go elsewhere now, so the pass must begin anew.
    PhaseMoved,
}

/// What all passes of one import or backfill share.
pub(crate) struct Passes<'run> {
    pub(crate) bulk: BulkWriter,
    pub(crate) pace: Pace,
    /// What keeps a backfill from being in others' way; an import is waited for by somebody.
    pub(crate) throttle: Option<Throttle>,
    pub(crate) dry_run: bool,
    /// Most rows of one chunk.
    pub(crate) chunk_rows: u64,
    /// How many rows may still be looked at.
    pub(crate) left: u64,
    /// Rows that were written and did not compare equal afterwards.
    pub(crate) differing: u64,
    pub(crate) done_rows: u64,
    pub(crate) total_rows: u64,
    pub(crate) progress: &'run mut dyn FnMut(Progress),
}

/// Most rows of one chunk that are named in a report.
pub(crate) const LISTED: usize = 100;

impl Passes<'_> {
    /// Copies what the copier's view holds from `low` on.
    pub(crate) fn run(
        &mut self,
        copier: &Copier,
        low: i64,
        phase: &'static str,
        found: &mut Found<'_>,
    ) -> Result<Ended> {
        let live = self.bulk.source_is_live();
        // The state's own legacy rows are changed by older programs at any time, which their triggers count.
        let is_own = copier.scope.source.is_none();
        let written = |tx: &WriteTx<'_>| {
            Ok::<_, crate::ConsensusError>(if is_own { control::older::writes(tx)?.all } else { 0 })
        };
        let (mut seen, mut next) = self.bulk.prepare(|tx| {
            let (budget, most) = (self.pace.budget(), self.left.min(self.chunk_rows));
            Ok::<_, crate::ConsensusError>((written(tx)?, plan(copier, tx, Some(low), budget, most)?))
        })?;
        while let Some((chunk, work)) = next {
            let write = work.to_write > 0 && !self.dry_run;
            let mut rest = Held::default();
            if write {
                let (applied, held) = self.bulk.write(|tx| {
                    let older = written(tx)?;
                    if copier.scope.source.is_none() {
                        pause::refuse_while_paused(tx)?;
                    }
                    // The phase that governs the write, read under its lock.
                    let to_legacy = control::phase(tx)?.has_legacy_side();
                    if copier.scope.source.is_some() && to_legacy != copier.scope.to_legacy {
                        return Ok(None);
                    }
                    // Both sides are written here; the triggers would write the new one again.
                    capture::suspend(tx)?;
                    copier.apply(tx, &chunk, work, live || older != seen)?;
                    capture::resume(tx)?;
                    Ok::<_, crate::ConsensusError>(Some(older))
                })?;
                let Some(older) = applied else { return Ok(Ended::PhaseMoved) };
                seen = older;
                self.pace.took(chunk.weight, held);
                rest = held;
            }
            self.left -= chunk.rows.min(self.left);
            self.done_rows += chunk.rows;
            let (dry_run, budget, most) = (self.dry_run, self.pace.budget(), self.left.min(self.chunk_rows));
            // Comparing and counting this chunk and working out the next share one snapshot.
            let (version, older, differing, following) = self.bulk.prepare(|tx| {
                let version = tx.pragma::<i64>("data_version")?;
                // What an older program has changed since is not what was copied; its trigger has mirrored it.
                let older = written(tx)?;
                let differing = if write && older == seen { copier.differing(tx)? } else { 0 };
                found(copier, tx, &copier.tally(tx, dry_run)?)?;
                let following = plan(copier, tx, chunk.high.checked_add(1), budget, most)?;
                Ok::<_, crate::ConsensusError>((version, older, differing, following))
            })?;
            seen = older;
            self.differing += differing;
            self.pace.saw(version);
            next = following;
            let (done_rows, total_rows) = (self.done_rows, self.total_rows.max(self.done_rows));
            (self.progress)(Progress { done_rows, total_rows, phase });
            if let Some(throttle) = &mut self.throttle {
                throttle.rest(rest, self.pace.is_beside_others())?;
                if throttle.is_cancelled() {
                    // What was written stays, and the next backfill goes on from there.
                    self.left = 0;
                    return Ok(Ended::Done);
                }
            }
        }
        Ok(Ended::Done)
    }

    /// Runs a closure of the storage layer's own error without the lock.
    pub(crate) fn look<T>(&mut self, mut closure: impl FnMut(&WriteTx<'_>) -> Result<T>) -> Result<T> {
        self.bulk.prepare(|tx| closure(tx))
    }
}

/// The chunk from `low` on, worked out; behind the greatest id there is none.
fn plan(
    copier: &Copier,
    tx: &WriteTx<'_>,
    low: Option<i64>,
    budget: u64,
    most: u64,
) -> Result<Option<(Chunk, Work)>> {
    let Some(low) = low.filter(|_| most > 0) else { return Ok(None) };
    let Some(chunk) = copier.measure(tx, low, budget, most)? else { return Ok(None) };
    Ok(Some((chunk, copier.prepare(tx, &chunk)?)))
}
