//! The migration's own words, at random: on, back, paused, compared.

use conclave_consensus::migrate::{
    self, AdvanceOptions, BackfillOptions, RepairOptions, RollbackOptions, StepReport,
};
use conclave_consensus::{ConsensusError, ConsensusErrorKind};
use conclave_db::Db;

use super::{Work, Worker};
use crate::chance::Chance;
use crate::outcome::Outcome;

/// Its name in the events.
pub(crate) const ACTOR: &str = "migrator";

#[derive(Debug, Clone, Copy)]
enum Step {
    Verify,
    Backfill(Option<u64>),
    Advance { confirm: bool },
    RollBack(Option<u8>),
    Repair,
    Mend,
    Pause,
    Resume,
}

impl Step {
    fn of(worker: &Worker, number: u64) -> Self {
        let mut chance = Chance::of(worker.seed, &[worker.place, number]);
        match chance.below(100) {
            0..14 => Self::Verify,
            14..32 => Self::Backfill(chance.percent(30).then(|| 1 + chance.below(40))),
            32..64 => Self::Advance { confirm: chance.percent(15) },
            64..80 => Self::RollBack(match chance.below(5) {
                0 => Some(1),
                1 => Some(2),
                _ => None,
            }),
            80..86 => Self::Repair,
            86..89 => Self::Mend,
            89..92 => Self::Pause,
            _ => Self::Resume,
        }
    }

    /// Whether it changes the phase if it may.
    const fn moves(self) -> bool {
        matches!(self, Self::Advance { .. } | Self::RollBack(_))
    }
}

/// Whether the operation may change the phase.
pub(crate) fn moves(worker: &Worker, number: u64) -> bool {
    Step::of(worker, number).moves()
}

/// Whether the operation may drop the legacy tables.
pub(crate) fn cleans(worker: &Worker, number: u64) -> bool {
    matches!(Step::of(worker, number), Step::Advance { confirm: true })
}

/// A person, or what stands in for one.
#[derive(Debug)]
pub(crate) struct Migrator {
    worker: Worker,
    db: Db,
}

impl Migrator {
    pub(crate) fn new(worker: Worker) -> Outcome<Self> {
        let db = super::open(&worker.folder)?;
        Ok(Self { worker, db })
    }

    fn step(&self, step: Step) -> Result<String, ConsensusError> {
        let (db, actor, quiet) = (&self.db, ACTOR.to_owned(), &mut |_| {});
        let moved = |word: &str, report: &StepReport| format!("{word} {} {}", report.from, report.phase);
        Ok(match step {
            Step::Verify => {
                let report = migrate::verify(db, ACTOR, quiet)?;
                // What the backfill has not reached, and what an older program has brought back.
                let unreached = report.differences == report.missing_in_new;
                if report.equal {
                    "verify".to_owned()
                } else if unreached && matches!(migrate::status(db)?.phase, 1 | 2 | 5) {
                    "verify-unreached".to_owned()
                } else {
                    let first = report.findings.first();
                    return Ok(format!(
                        "DIFFERS {} in {} rows: {first:?}",
                        report.differences, report.checked
                    )
                    .replace('\n', " "));
                }
            }
            Step::Backfill(limit) => {
                migrate::backfill(
                    db,
                    &BackfillOptions { limit, actor, ..BackfillOptions::default() },
                    quiet,
                )?;
                "backfill".to_owned()
            }
            Step::Advance { confirm } => {
                let options = AdvanceOptions { skip_soak: true, confirm, actor, ..AdvanceOptions::default() };
                moved("advance", &migrate::advance(db, &options, quiet)?)
            }
            Step::RollBack(to) => {
                let options = RollbackOptions { to, actor, ..RollbackOptions::default() };
                moved("rollback", &migrate::rollback(db, &options, quiet)?)
            }
            Step::Repair => {
                migrate::repair(db, &RepairOptions { dry_run: false, actor }, quiet)?;
                "repair".to_owned()
            }
            Step::Mend => {
                migrate::mend(db, &actor)?;
                "doctor-fix".to_owned()
            }
            Step::Pause => {
                migrate::pause(db, &actor)?;
                "pause".to_owned()
            }
            Step::Resume => {
                migrate::resume(db, &actor)?;
                "resume".to_owned()
            }
        })
    }
}

impl Work for Migrator {
    fn act(&mut self, number: u64) -> Outcome<String> {
        match self.step(Step::of(&self.worker, number)) {
            Ok(words) if words.starts_with("DIFFERS") => Err(words.into()),
            Ok(words) => Ok(words),
            Err(error) => match error.kind() {
                ConsensusErrorKind::Refused | ConsensusErrorKind::Invalid => Ok("refused".to_owned()),
                ConsensusErrorKind::Paused => Ok("paused".to_owned()),
                ConsensusErrorKind::Unsettled => Ok("unsettled".to_owned()),
                _ => Err(error.into()),
            },
        }
    }
}
