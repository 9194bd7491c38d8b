//! The numbers of the storage screen.

use std::path::PathBuf;
use std::time::Duration;

use conclave_consensus::migrate::MigrationStatus;
use conclave_db::vacuum::VacuumStats;

use crate::ui::model::CheckRow;
use crate::ui::problem::Problem;

/// What the screen shows.
#[derive(Debug, Clone, Default)]
pub(crate) struct Storage {
    pub(crate) numbers: Option<Numbers>,
    /// When the vacuum daemon last freed something in this session, and what.
    pub(crate) vacuumed: Option<(i64, VacuumStats)>,
    /// The checks of the last doctor.
    pub(crate) checks: Option<Vec<CheckRow>>,
    /// The first line of the page that is seen.
    pub(crate) top: usize,
}

/// Everything that was read at once.
#[derive(Debug, Clone)]
pub(crate) struct Numbers {
    pub(crate) file: Result<FileNumbers, Problem>,
    pub(crate) writer: WriterNumbers,
    pub(crate) migration: Result<MigrationStatus, Problem>,
    /// Newest first.
    pub(crate) backups: Vec<Backup>,
}

/// The database file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FileNumbers {
    pub(crate) file_bytes: u64,
    pub(crate) wal_bytes: u64,
    pub(crate) free_bytes: u64,
    pub(crate) free_percent: u64,
    pub(crate) journal: String,
    /// Whether free pages can be given back in slices.
    pub(crate) incremental: bool,
    pub(crate) schema: i64,
    pub(crate) sqlite: &'static str,
}

/// What this process has written and reads now. Times in microseconds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct WriterNumbers {
    pub(crate) writes: u64,
    pub(crate) commits: u64,
    pub(crate) group: u64,
    pub(crate) commit_p50: u64,
    pub(crate) commit_p99: u64,
    pub(crate) queued: usize,
    pub(crate) readers: usize,
    pub(crate) held_up: u64,
    /// Where the oldest read of this process began, and how old it is.
    pub(crate) oldest: Option<(String, Duration)>,
}

/// A backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Backup {
    pub(crate) path: PathBuf,
    pub(crate) made_ms: i64,
    pub(crate) bytes: u64,
}
