//! When the write-ahead log is copied into the file.
//!
//! Only the writer checkpoints, after it has answered its callers.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use conclave_retry::Clock;
use rusqlite::Connection;

use crate::metrics::{Metrics, count};

thread_local! {
    /// Pages in the log after the last commit on this thread, as SQLite's hook told.
    static LOG_PAGES: Cell<i64> = const { Cell::new(0) };
}

/// Decides when to checkpoint.
#[derive(Debug)]
pub(crate) struct Checkpointer {
    path: PathBuf,
    pages: i64,
    wal: bool,
    /// Do not try again before the log has this many pages: a reader held the last one up.
    next: i64,
}

impl Checkpointer {
    pub(crate) fn new(conn: &Connection, path: &Path, pages: i64, wal: bool) -> Self {
        conn.wal_hook(Some(|_, pages| {
            LOG_PAGES.set(i64::from(pages));
            Ok(())
        }));
        Self { path: path.to_path_buf(), pages, wal, next: pages }
    }

    pub(crate) fn is_due(&self, metrics: &Metrics) -> bool {
        let log = LOG_PAGES.get();
        metrics.wal_pages.store(log.unsigned_abs(), Ordering::Relaxed);
        self.wal && log >= self.next
    }

    pub(crate) fn run(&mut self, conn: &Connection, metrics: &Metrics, _clock: &dyn Clock) {
        count(&metrics.checkpoints, 1);
        let outcome = conn.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?))
        });
        match outcome {
            Ok((0, log, copied)) if copied >= log => self.next = self.pages,
            Ok((_, log, copied)) => {
                count(&metrics.checkpoints_held_up, 1);
                tracing::debug!(file = %self.path.display(), log, copied, "a reader holds the checkpoint up");
                self.next = log.saturating_add(self.pages);
            }
            Err(error) => {
                tracing::warn!(file = %self.path.display(), %error, "checkpoint failed");
                self.next = LOG_PAGES.get().saturating_add(self.pages);
            }
        }
    }
}
