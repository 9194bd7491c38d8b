//! The dual-write migration: its phase, the backfill, the comparison of both sides.

use std::time::Duration;

use conclave_db::Db;
use conclave_retry::CancelToken;
use serde::Serialize;

use crate::error::Result;
use crate::import::{ListedRow, LockTimes, Progress};

mod attention;
mod backfill;
mod cleanup;
mod estimate;
mod mending;
mod moves;
mod older;
mod overview;
mod pause;
mod phases;
mod repair;
mod returned;
mod reverse;
pub(crate) mod soak;
mod status;
pub(crate) mod throttle;
mod verify;

pub use self::attention::{Attention, attention};
pub use self::older::OlderProgram;
pub use self::overview::{Overview, overview};
pub use self::pause::{Paused, pause, resume};
pub use self::phases::{AdvanceOptions, RollbackOptions, StepReport, advance, rollback};
pub use self::repair::{RepairOptions, RepairReport, RepairedRow};
pub use self::returned::{checks, mend, notice};
pub use self::reverse::{ReverseOptions, ReversePlan, ReverseReport};
pub use self::soak::{Soak, SoakStatus};
pub use self::status::{MigrationBackup, MigrationStatus, NextPhase, phase_name, status, status_with};

/// How far the backfill has come.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct BackfillStatus {
    /// Whether no legacy row is left to copy.
    pub complete: bool,
    /// Legacy rows that have their counterpart.
    pub copied: u64,
    /// Legacy rows that have none.
    pub remaining: u64,
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
    /// The first rows whose time is unknown.
    pub unknown_time_rows: Vec<ListedRow>,
    /// How long the write lock was held.
    #[serde(skip)]
    pub locks: LockTimes,
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
    /// The first of them.
    pub findings: Vec<Finding>,
}

/// Copies legacy rows of the state file that have no counterpart yet, in chunks. Killed anywhere, the next one
/// goes on exactly; with nothing left to copy it changes nothing. Durable when this returns.
pub fn backfill(
    db: &Db,
    options: &BackfillOptions,
    progress: &mut dyn FnMut(Progress),
) -> Result<BackfillReport> {
    backfill::run(db, options, progress)
}

/// Compares what both schemas hold, byte for byte. The findings are kept in the database unless the handle is
/// read-only.
pub fn verify(db: &Db, progress: &mut dyn FnMut(Progress)) -> Result<VerifyReport> {
    verify::run(db, progress)
}

/// Makes the side that follows equal to the one that leads, row by row, each with an entry in the events.
pub fn repair(db: &Db, options: &RepairOptions, progress: &mut dyn FnMut(Progress)) -> Result<RepairReport> {
    if !options.dry_run {
        returned::watch(db, &options.actor)?;
    }
    repair::run(db, options, progress)
}
