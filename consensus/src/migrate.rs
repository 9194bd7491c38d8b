//! The dual-write migration: its phase, the backfill, the comparison of both sides.

use std::time::Duration;

use conclave_db::Db;
use serde::Serialize;

use crate::error::Result;
use crate::import::{ListedRow, Progress};
use crate::store::control::{self, Phase};
use crate::store::counting;

mod attention;
mod backfill;
mod overview;
mod verify;

pub use self::attention::{Attention, attention};
pub use self::overview::{Overview, overview};

/// How far the backfill has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
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

/// What the next phase needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NextPhase {
    /// Its number; absent at the end.
    pub phase: Option<u8>,
    /// Whether the step may be taken now.
    pub allowed: bool,
    /// What is missing for it.
    pub missing: Vec<String>,
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

/// Where the migration stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MigrationStatus {
    /// 1 to 5.
    pub phase: u8,
    /// The phase in words.
    pub phase_name: &'static str,
    /// The backfill.
    pub backfill: BackfillStatus,
    /// Rows of each table.
    pub counts: Counts,
    /// Differences that the last comparison found and nobody has closed.
    pub mismatches: u64,
    /// Whether the legacy tables have their capture triggers.
    pub capture_triggers: bool,
    /// When the soak ends, ms.
    #[serde(serialize_with = "crate::time::serialize")]
    pub soak_until: Option<i64>,
    /// The next phase.
    pub next: NextPhase,
    /// When both sides were last compared as a whole, ms.
    #[serde(serialize_with = "crate::time::serialize")]
    pub verified_at: Option<i64>,
    /// The files that were imported.
    pub sources: Vec<ImportedSource>,
}

/// How a backfill goes about it.
#[derive(Debug, Clone)]
pub struct BackfillOptions {
    /// At most this many rows.
    pub limit: Option<u64>,
    /// Count only: nothing is written.
    pub dry_run: bool,
    /// The time that one chunk may hold the write lock while others write too; alone it may be twice as long.
    pub chunk_time: Duration,
    /// The most rows of one chunk, whatever time there is; at least 1.
    pub chunk_rows: u64,
    /// Who does it, for the record of events.
    pub actor: String,
}

impl Default for BackfillOptions {
    fn default() -> Self {
        Self {
            limit: None,
            dry_run: false,
            chunk_time: Duration::from_millis(10),
            chunk_rows: u64::MAX,
            actor: "unknown".into(),
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
    /// The first of them.
    pub findings: Vec<Finding>,
}

/// Where the migration stands. Reads only.
pub fn status(db: &Db) -> Result<MigrationStatus> {
    db.read(|conn| {
        let state = control::state(conn)?;
        let counts = counting::counts(conn)?;
        let backfill = counting::backfill_status(conn, &counts)?;
        let capture_triggers = control::has_capture_triggers(conn)?;
        let mismatches = state.differences.max(control::pending(conn)?);
        Ok(MigrationStatus {
            phase: state.phase.number(),
            phase_name: state.phase.name(),
            next: next_phase(state.phase, &backfill, mismatches, capture_triggers),
            backfill,
            counts,
            mismatches,
            capture_triggers,
            soak_until: None,
            verified_at: state.verified_at,
            sources: control::sources(conn)?,
        })
    })
}

/// What the next phase needs. Steps themselves come with the capture triggers.
fn next_phase(phase: Phase, backfill: &BackfillStatus, mismatches: u64, triggers: bool) -> NextPhase {
    if phase == Phase::CleanedUp {
        return NextPhase { phase: None, allowed: false, missing: Vec::new() };
    }
    let mut missing = Vec::new();
    if !triggers {
        missing.push("capture triggers on the legacy tables".to_owned());
    }
    if phase >= Phase::DualWrite && !backfill.complete {
        let (left, rows) = (backfill.remaining, if backfill.remaining == 1 { "row" } else { "rows" });
        missing.push(format!("{left} legacy {rows} without their counterpart"));
    }
    if mismatches > 0 {
        missing.push(attention::open_differences(mismatches));
    }
    NextPhase { phase: Some(phase.number() + 1), allowed: missing.is_empty(), missing }
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
