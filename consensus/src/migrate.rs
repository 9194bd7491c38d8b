//! The dual-write migration: its phase, the backfill, the comparison of both sides.

use std::time::Duration;

use conclave_db::Db;
use conclave_retry::CancelToken;
use serde::Serialize;

use crate::error::Result;
use crate::import::{ListedRow, LockTimes, Progress};

mod attention;
mod backfill;
mod cause;
mod checks;
mod cleanup;
mod estimate;
mod mending;
mod moves;
mod older;
mod overview;
mod pause;
mod phases;
mod remade;
mod repair;
mod returned;
mod reverse;
pub(crate) mod soak;
mod status;
pub(crate) mod throttle;
mod verify;

pub use self::attention::{Attention, attention};
pub use self::checks::checks;
pub use self::older::OlderProgram;
pub use self::overview::{Overview, overview};
pub use self::pause::{Paused, pause, resume};
pub use self::phases::{AdvanceOptions, RollbackOptions, StepReport, advance, rollback};
pub use self::repair::{RepairOptions, RepairReport, RepairedRow};
pub use self::returned::{mend, notice};
pub use self::reverse::{ReverseOptions, ReversePlan, ReverseReport};
pub use self::soak::{Soak, SoakStatus};
pub use self::status::{MigrationBackup, MigrationStatus, NextPhase, phase_name, status, status_with};

/// The last legacy row of each table that a backfill has come to: its id, of executions its row id. Absent before
/// the first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct BackfillCursor {
    /// Of `consensus_artifacts`.
    pub artifacts: Option<i64>,
    /// Of `consensus_synthesis`.
    pub syntheses: Option<i64>,
    /// Of `agent_executions`.
    pub executions: Option<i64>,
}

/// How far the backfill has come.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct BackfillStatus {
    /// Whether no legacy row is left to copy.
    pub complete: bool,
    /// Legacy rows that have their counterpart.
    pub copied: u64,
    /// Legacy rows that have none.
    pub remaining: u64,
    /// Where the next backfill goes on.
    pub cursor: BackfillCursor,
}

/// How many rows each table has.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Rows of `consensus_artifacts`.
    pub legacy_artifacts: u64,
    /// Rows of `consensus_synthesis`.
    pub legacy_syntheses: u64,
    /// Rows of `agent_executions`.
    pub legacy_executions: u64,
    /// Runs.
    pub runs: u64,
    /// Outputs.
    pub outputs: u64,
    /// Syntheses.
    pub syntheses: u64,
    /// Attempts.
    pub attempts: u64,
}

/// A file whose import was begun.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ImportedSource {
    /// The file.
    pub path: String,
    /// `legacy` or `later`.
    pub kind: String,
    /// When it began, ms.
    #[serde(serialize_with = "crate::time::serialize")]
    pub started_at: Option<i64>,
    /// When it ended, ms; absent when it was interrupted.
    #[serde(serialize_with = "crate::time::serialize")]
    pub finished_at: Option<i64>,
}

/// How a backfill goes about it.
#[derive(Debug, Clone)]
pub struct BackfillOptions {
    /// At most this many rows.
    pub limit: Option<u64>,
    /// Count only: nothing is written.
    pub dry_run: bool,
    /// The time that one chunk may hold the write lock, whether others write or not; chunks grow and shrink to
    /// stay below it.
    pub chunk_time: Duration,
    /// The most rows of one chunk, whatever time there is; at least 1.
    pub chunk_rows: u64,
    /// Who does it, for the record of events.
    pub actor: String,
    /// Ends it after the chunk at hand; the next one goes on from there.
    pub cancel: CancelToken,
}

impl Default for BackfillOptions {
    fn default() -> Self {
        Self {
            limit: None,
            dry_run: false,
            chunk_time: Duration::from_millis(10),
            chunk_rows: u64::MAX,
            actor: "unknown".into(),
            cancel: CancelToken::new(),
        }
    }
}

/// What a backfill did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct BackfillReport {
    /// Rows that this call copied.
    pub copied: u64,
    /// Mapped rows that differed and were made equal to their legacy row.
    pub updated: u64,
    /// Legacy rows that still have no counterpart.
    pub remaining: u64,
    /// Whether no legacy row is left to copy.
    pub complete: bool,
    /// Runs that the rows of this call belong to.
    pub runs: u64,
    /// Copied outputs whose content is no JSON.
    pub invalid_json: u64,
    /// Copied rows whose time is unknown.
    pub unknown_times: u64,
    /// Copied outputs of an agent that has an earlier one in the same run.
    pub duplicates: u64,
    /// Copied artifacts whose run id is NULL or empty.
    pub rows_without_run_id: u64,
    /// Rows that the new tables cannot hold.
    pub refused: u64,
    /// How long copying takes, ms, about; only of a dry run.
    pub estimated_ms: Option<u64>,
    /// Room that it needs on the disk, bytes, about; only of a dry run.
    pub disk_bytes: Option<u64>,
    /// The first rows whose time is unknown.
    pub unknown_time_rows: Vec<ListedRow>,
    /// How long the write lock was held.
    #[serde(skip)]
    pub locks: LockTimes,
}

impl BackfillReport {
    /// What helps where rows are left that no backfill copies.
    pub fn advice(&self) -> Option<&'static str> {
        (self.refused > 0).then(|| cause::Cause::Refused(self.refused).advice())
    }
}

/// How a row differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// A legacy row without its counterpart.
    MissingInNew,
    /// A mirrored row whose legacy row is gone.
    MissingInLegacy,
    /// Both are there and a field differs.
    Different,
}

impl FindingKind {
    /// The word for it in JSON and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MissingInNew => "missing_in_new",
            Self::MissingInLegacy => "missing_in_legacy",
            Self::Different => "different",
        }
    }
}

/// One difference between both sides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How they differ.
    pub kind: FindingKind,
    /// The legacy table.
    pub table: &'static str,
    /// The id in the legacy table; absent for executions.
    pub legacy_id: Option<i64>,
    /// The id of an execution.
    pub agent_id: Option<String>,
    /// The id in the new table.
    pub output_id: Option<i64>,
    /// The first field that differs.
    pub field: Option<&'static str>,
    /// The row id of a legacy row that the new tables cannot hold.
    pub rowid: Option<i64>,
    /// Why they cannot.
    pub reason: Option<&'static str>,
}

/// What comparing both sides found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct VerifyReport {
    /// Whether nothing differs.
    pub equal: bool,
    /// Rows compared.
    pub checked: u64,
    /// Differences in all.
    pub differences: u64,
    /// Of them, legacy rows without their counterpart.
    pub missing_in_new: u64,
    /// Of those, rows that the new tables cannot hold: neither a backfill nor a repair brings them there.
    pub refused: u64,
    /// The first 1000 of them; all are counted.
    pub findings: Vec<Finding>,
}

/// Copies legacy rows of the state file that have no counterpart yet, in chunks. Killed anywhere, the next one
/// goes on exactly; with nothing left to copy it changes nothing. Durable when this returns.
///
/// # Errors
///
/// [`crate::ConsensusError::Paused`] once somebody has paused it: what was copied stays.
/// [`crate::ConsensusError::Differs`] where copied rows do not compare equal to their legacy rows.
pub fn backfill(
    db: &Db,
    options: &BackfillOptions,
    progress: &mut dyn FnMut(Progress),
) -> Result<BackfillReport> {
    backfill::run(db, options, progress)
}

/// Compares what both schemas hold, byte for byte. The findings are kept in the database unless the handle is
/// read-only, with an event that says who compared and what was found. Durable when this returns.
///
/// # Errors
///
/// [`crate::ConsensusError::Unsettled`] where rows change faster than they can be compared; nothing is kept then.
pub fn verify(db: &Db, actor: &str, progress: &mut dyn FnMut(Progress)) -> Result<VerifyReport> {
    verify::run(db, actor, progress)
}

/// Makes the side that follows equal to the one that leads, row by row, each with an entry in the events. Each row is
/// durable with its entry, one after the other; what a killed repair has done stays.
///
/// # Errors
///
/// [`crate::ConsensusError::Paused`] once somebody has paused it, [`crate::ConsensusError::Unsettled`] where rows
/// change faster than they can be compared. The rows that were mended stay so.
pub fn repair(db: &Db, options: &RepairOptions, progress: &mut dyn FnMut(Progress)) -> Result<RepairReport> {
    if !options.dry_run {
        returned::watch(db, &options.actor)?;
    }
    repair::run(db, options, progress)
}
