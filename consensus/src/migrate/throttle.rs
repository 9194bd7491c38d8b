//! Long work that others do not notice: it waits between its chunks while others write.

use std::sync::Arc;
use std::time::Duration;

use conclave_db::checkpoint::{CheckpointMode, checkpoint};
use conclave_db::{Db, Held, Result, stats};
use conclave_retry::{CancelToken, Sleeper};

/// For each moment of the lock so many of rest while others write: they get at least half of it.
const REST: u32 = 1;
/// How long to sleep before looking again, while writers of this process queue; and how long at most.
const LOOK: Duration = Duration::from_millis(1);
const STAND_BACK: Duration = Duration::from_millis(100);
/// A log beyond this many bytes is copied before more is written to it.
const LARGE_LOG: u64 = 64 * 1024 * 1024;
/// After how many chunks the log's length is asked for.
const LOOK_AT_LOG: u32 = 16;
/// How long to wait for a reader that holds a large log, each time that it has grown by as much again.
const LOG_LOOK: Duration = Duration::from_millis(100);
const LOG_LOOKS: u32 = 20;

/// Waits between chunks.
#[derive(Debug)]
pub(crate) struct Throttle {
    db: Db,
    sleeper: Arc<dyn Sleeper>,
    cancel: CancelToken,
    chunks: u32,
    /// The length of the log at which it is looked at again.
    log_limit: u64,
}

impl Throttle {
    pub(crate) fn new(db: &Db, cancel: &CancelToken) -> Self {
        Self {
            db: db.clone(),
            sleeper: Arc::clone(db.sleeper()),
            cancel: cancel.clone(),
            chunks: 0,
            log_limit: LARGE_LOG,
        }
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancel.is_cancelled()
    }

    /// After a chunk that held the lock for so long.
    pub(crate) fn rest(&mut self, held: Held, beside_others: bool) -> Result<()> {
        if beside_others {
            self.sleep(held.total() * REST);
        }
        let mut waited = Duration::ZERO;
        while self.db.writers_queued() > 0 && waited < STAND_BACK && self.sleep(LOOK) {
            waited += LOOK;
        }
        self.chunks += 1;
        if self.chunks.is_multiple_of(LOOK_AT_LOG) { self.watch_log() } else { Ok(()) }
    }

    /// A reader's old snapshot keeps the log from being copied, and a long copy would let it grow without bound.
    fn watch_log(&mut self) -> Result<()> {
        let log = stats(&self.db)?.wal_bytes;
        if log < self.log_limit {
            if log < LARGE_LOG {
                self.log_limit = LARGE_LOG;
            }
            return Ok(());
        }
        for _ in 0..LOG_LOOKS {
            if !checkpoint(&self.db, CheckpointMode::Truncate)?.busy || !self.sleep(LOG_LOOK) {
                break;
            }
        }
        // Who reads for so long is not waited for again before the log has doubled.
        self.log_limit = stats(&self.db)?.wal_bytes.saturating_mul(2).max(LARGE_LOG);
        Ok(())
    }

    /// Sleeps; whether it was not cancelled meanwhile.
    fn sleep(&self, time: Duration) -> bool {
        self.sleeper.sleep_unless(time, &self.cancel)
    }
}
