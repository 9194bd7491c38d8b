//! The numbers of the storage screen.

use std::path::PathBuf;
use std::time::Duration;

use conclave_cache::Stats;
use conclave_consensus::migrate::MigrationStatus;
use conclave_db::vacuum::VacuumStats;
use conclave_spool::ledger::Ledger;
use conclave_spool::quota::{Gauge, Limits};

use crate::ui::model::CheckRow;
use crate::ui::problem::Problem;

/// What the screen shows.
#[derive(Debug, Clone, Default)]
pub(crate) struct Storage {
    pub(crate) numbers: Option<Numbers>,
    /// What spool and cache hold, which is read apart: it may take longer.
    pub(crate) stores: Option<Stores>,
    /// When the vacuum daemon last freed something in this session, and what.
    pub(crate) vacuumed: Option<(i64, VacuumStats)>,
    /// The checks of the last doctor.
    pub(crate) checks: Option<Vec<CheckRow>>,
    /// The first line of the page that is seen.
    pub(crate) top: usize,
}

impl Storage {
    /// Whether something waits to be taken into the state, as far as is known.
    pub(crate) fn events_wait(&self) -> bool {
        let Some(Ok(spool)) = self.stores.as_ref().map(|stores| &stores.spool) else { return false };
        let waits =
            |gauge: &Gauge| gauge.usage.reserved > 0 || gauge.usage.pending.values().any(|files| *files > 0);
        spool.gauge.as_ref().is_ok_and(waits)
    }

    /// Whether so much is used that files of the spool go, and there are some.
    pub(crate) fn may_trim(&self) -> bool {
        let Some(Ok(spool)) = self.stores.as_ref().map(|stores| &stores.spool) else { return false };
        let resume = u128::from(spool.limits.quota()) * u128::from(spool.limits.resume_pct()) / 100;
        let is_asked_for =
            |gauge: &Gauge| u128::from(gauge.usage.used) >= resume && gauge.usage.trimmable > 0;
        spool.gauge.as_ref().is_ok_and(is_asked_for)
    }

    /// Entries of the cache, where there is one.
    pub(crate) fn cached(&self) -> Option<u64> {
        let cache = self.stores.as_ref()?.cache.as_ref().ok()?.as_ref()?;
        Some(cache.entries)
    }
}

/// What spool and cache hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stores {
    pub(crate) spool: Result<SpoolNumbers, Problem>,
    /// `None` where there is none yet.
    pub(crate) cache: Result<Option<Stats>, Problem>,
}

/// The spool. What cannot be read of it is told beside the rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SpoolNumbers {
    pub(crate) limits: Limits,
    pub(crate) gauge: Result<Gauge, Problem>,
    pub(crate) ledger: Result<Ledger, Problem>,
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
