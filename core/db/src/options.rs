//! How a database is opened, and how durable a write is.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use conclave_retry::{Clock, Sleeper, SystemClock, SystemSleeper};

use crate::error::{DbError, Result};
use crate::migrations::StepObserver;
use crate::schema::Schema;

/// What an acknowledged write survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Durability {
    /// The death of every process, but not a power cut: that may undo it, always as a suffix of the log,
    /// so that a later `Power` commit in the same file makes it durable too.
    Process,
    /// A power cut as well.
    #[default]
    Power,
}

/// How to open one database file. Every default has its reason beside it.
#[derive(Debug, Clone)]
pub struct DbOptions {
    pub(crate) path: PathBuf,
    pub(crate) schema: Schema,
    pub(crate) pool_size: u32,
    pub(crate) connection_timeout: Duration,
    pub(crate) busy_timeout: Duration,
    pub(crate) deadline: Duration,
    pub(crate) mmap_bytes: i64,
    pub(crate) checkpoint_pages: i64,
    pub(crate) turn_patience: Duration,
    pub(crate) migration_observer: Option<StepObserver>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) sleeper: Arc<dyn Sleeper>,
}

impl DbOptions {
    /// Defaults for the file at `path` with this schema.
    pub fn new(path: impl AsRef<Path>, schema: Schema) -> Self {
        Self {
            path: path.as_ref().to_path_buf(),
            schema,
            // Readers beyond the cores only queue; ten cover a UI, a run and some scripts.
            pool_size: 10,
            // A reader that waits longer has met a leak, not load.
            connection_timeout: Duration::from_secs(5),
            busy_timeout: Duration::from_secs(5),
            // The turn between processes makes waits short; who waits this long should hear of it.
            deadline: Duration::from_secs(30),
            // An I/O error under mmap is a SIGBUS, and docs/benchmarks.md shows no gain that pays for it.
            mmap_bytes: 0,
            // SQLite's own default (https://sqlite.org/wal.html#automatic_checkpoint), run by our writer only.
            checkpoint_pages: 1000,
            turn_patience: Duration::from_secs(1),
            migration_observer: None,
            clock: Arc::new(SystemClock),
            sleeper: Arc::new(SystemSleeper),
        }
    }

    /// Most connections in the pool; at least 1. Beside them each open file keeps up to eight near at hand.
    pub fn pool_size(mut self, size: u32) -> Self {
        self.pool_size = size;
        self
    }

    /// How long a reader waits for a free connection.
    pub fn connection_timeout(mut self, timeout: Duration) -> Self {
        self.connection_timeout = timeout;
        self
    }

    /// SQLite's own wait for a lock, per attempt (whole milliseconds).
    pub fn busy_timeout(mut self, timeout: Duration) -> Self {
        self.busy_timeout = timeout;
        self
    }

    /// How long a write waits for its turn and its lock unless it says otherwise.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Bytes of the file that each connection maps; 0 for none.
    pub fn mmap_bytes(mut self, bytes: i64) -> Self {
        self.mmap_bytes = bytes;
        self
    }

    /// From how many pages of log on the writer checkpoints.
    pub fn checkpoint_pages(mut self, pages: i64) -> Self {
        self.checkpoint_pages = pages;
        self
    }

    /// Called before each statement of a migration.
    pub fn migration_observer(mut self, observer: StepObserver) -> Self {
        self.migration_observer = Some(observer);
        self
    }

    /// The source of time.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// What waits between attempts.
    pub fn sleeper(mut self, sleeper: Arc<dyn Sleeper>) -> Self {
        self.sleeper = sleeper;
        self
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn check(&self) -> Result<()> {
        if self.pool_size == 0 {
            return Err(DbError::Invalid("pool size 0: at least 1 connection is needed".into()));
        }
        if self.mmap_bytes < 0 {
            return Err(DbError::Invalid(format!("mmap size {} is negative", self.mmap_bytes)));
        }
        Ok(())
    }
}
