//! When the write-ahead log is copied into the file, and who keeps it from being copied.
//!
//! Only the writer checkpoints, after it has answered its callers. A PASSIVE checkpoint disturbs nobody, but
//! it copies only up to the oldest snapshot that is still read, and while readers overlap the log is never
//! begun anew and grows without bound. So a log that became large despite it is met with TRUNCATE, which
//! waits for readers while it keeps writers out: for ten milliseconds, not for a busy timeout
//! (<https://sqlite.org/c3ref/wal_checkpoint_v2.html>, <https://sqlite.org/wal.html#avoiding_excessively_large_wal_files>).
//! A reader that holds even that up is named, in the log and in every report.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::Duration;

use conclave_retry::Clock;
use rusqlite::Connection;

use crate::error::{DbError, ErrorKind, Result};
use crate::metrics::{Metrics, count};
use crate::{Db, handle, holders};

/// A log that is this many thresholds long is large: PASSIVE alone does not get it down.
const LARGE: i64 = 8;
/// How long TRUNCATE may wait for readers, while writers wait for it.
const PATIENCE: Duration = Duration::from_millis(10);
/// A checkpoint that takes longer is made of fewer pages the next time.
const TOO_LONG: Duration = Duration::from_millis(6);
/// A log is copied after this time even where it stays below the threshold, so that a file that is copied or
/// looked at by other means is not arbitrarily old.
const AGE: Duration = Duration::from_mins(1);

/// How far a checkpoint goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckpointMode {
    /// Copies what can be copied without waiting for anybody.
    Passive,
    /// Then also waits up to 10 ms for readers, and cuts the log down to nothing.
    Truncate,
}

/// What a checkpoint did. Without a write-ahead log all numbers are 0.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize)]
#[non_exhaustive]
pub struct CheckpointReport {
    /// Whether someone kept it from going as far as was asked.
    pub busy: bool,
    /// Pages in the log when it ended.
    pub log_pages: u64,
    /// Of these, pages that are in the file now.
    pub copied_pages: u64,
    /// Who kept it: reads of this process by place and age, other processes by pid and command.
    pub held_up_by: Option<String>,
}

/// Copies the log into the file; what was copied is synced to the disk when this returns. Writers of this
/// process wait meanwhile, readers and other processes do not (with [`CheckpointMode::Truncate`]: for 10 ms).
/// A reader that holds it up is no error but a report.
pub fn checkpoint(db: &Db, mode: CheckpointMode) -> Result<CheckpointReport> {
    db.maintain(|conn| on(conn, db.path(), mode, &**db.clock()))
}

/// The same on the write connection, for those who have it in hand.
pub(crate) fn on(
    conn: &Connection,
    path: &Path,
    mode: CheckpointMode,
    clock: &dyn Clock,
) -> Result<CheckpointReport> {
    let mut copied = Copied::passive(conn)?;
    if mode == CheckpointMode::Truncate && copied.log > 0 {
        copied = Copied::truncate(conn)?;
    }
    let busy = copied.is_incomplete();
    let held_up_by = if busy { who(path, clock) } else { None };
    let pages = |number: i64| u64::try_from(number).unwrap_or(0);
    Ok(CheckpointReport { busy, log_pages: pages(copied.log), copied_pages: pages(copied.pages), held_up_by })
}

fn who(path: &Path, clock: &dyn Clock) -> Option<String> {
    holders::named(path, &handle::active_reads(path), clock.monotonic())
}

/// The row that the pragma gives (<https://sqlite.org/pragma.html#pragma_wal_checkpoint>).
#[derive(Debug, Clone, Copy)]
struct Copied {
    busy: bool,
    /// −1 without a log.
    log: i64,
    pages: i64,
}

impl Copied {
    fn passive(conn: &Connection) -> Result<Self> {
        Self::run(conn, "PRAGMA wal_checkpoint(PASSIVE)")
    }

    /// With a patience of its own in place of the connection's busy timeout.
    fn truncate(conn: &Connection) -> Result<Self> {
        let before = crate::pragmas::integer(conn, "busy_timeout")?;
        conn.busy_timeout(PATIENCE)?;
        let outcome = Self::run(conn, "PRAGMA wal_checkpoint(TRUNCATE)");
        conn.busy_timeout(Duration::from_millis(u64::try_from(before).unwrap_or(0)))?;
        outcome
    }

    fn run(conn: &Connection, pragma: &str) -> Result<Self> {
        let outcome = conn.query_row(pragma, [], |row| {
            Ok(Self { busy: row.get::<_, i64>(0)? != 0, log: row.get(1)?, pages: row.get(2)? })
        });
        match outcome.map_err(DbError::from) {
            // Another connection checkpoints or recovers at this moment: somebody does the work.
            Err(error) if error.kind() == ErrorKind::Busy => Ok(Self { busy: true, log: 0, pages: 0 }),
            outcome => outcome,
        }
    }

    const fn is_incomplete(self) -> bool {
        self.busy || self.pages < self.log
    }
}

thread_local! {
    /// Pages in the log after the last commit on this thread, as SQLite's hook told: a plain function, so
    /// this is how it can say so.
    static LOG_PAGES: Cell<Option<i64>> = const { Cell::new(None) };
}

/// Decides when the writer checkpoints.
#[derive(Debug)]
pub(crate) struct Checkpointer {
    path: PathBuf,
    /// The threshold: so many pages that were not tried yet.
    pages: i64,
    /// Whether the threshold stays as it is: nobody waits for the checkpoints of a bulk copy.
    steady: bool,
    /// The same, less where the disk is slow: writers wait for a checkpoint, and more often is shorter.
    step: i64,
    wal: bool,
    /// Pages in the log now.
    log: i64,
    /// Pages in the log when it was last tried. As many may be held up, and are not tried again at each commit.
    tried: i64,
    /// The same for TRUNCATE.
    truncated: i64,
    tried_at: Option<Duration>,
    /// Length of the log at which its growth is told next.
    warn: i64,
}

impl Checkpointer {
    pub(crate) fn new(conn: &Connection, path: &Path, pages: i64, wal: bool) -> Self {
        conn.wal_hook(Some(|_, pages| {
            LOG_PAGES.set(Some(i64::from(pages)));
            Ok(())
        }));
        let (path, warn) = (path.to_path_buf(), pages.saturating_mul(LARGE));
        let steady = false;
        Self { path, pages, steady, step: pages, wal, log: 0, tried: 0, truncated: 0, tried_at: None, warn }
    }

    /// For a connection beside the writer, whose checkpoints no writer waits for.
    pub(crate) fn steady(conn: &Connection, path: &Path, pages: i64, wal: bool) -> Self {
        Self { steady: true, ..Self::new(conn, path, pages, wal) }
    }

    /// Whether to checkpoint after the commit that was just made on this thread.
    pub(crate) fn is_due(&mut self, metrics: &Metrics, now: Duration) -> bool {
        let Some(log) = LOG_PAGES.take().filter(|_| self.wal) else { return false };
        metrics.wal_pages.store(log.unsigned_abs(), Ordering::Relaxed);
        if log < self.log {
            // SQLite has begun the log anew.
            self.begin_anew();
        }
        self.log = log;
        let tried_at = *self.tried_at.get_or_insert(now);
        log.saturating_sub(self.tried) >= self.step || now.saturating_sub(tried_at) >= AGE
    }

    const fn begin_anew(&mut self) {
        self.tried = 0;
        self.truncated = 0;
        self.warn = self.pages.saturating_mul(LARGE);
    }

    pub(crate) fn run(&mut self, conn: &Connection, metrics: &Metrics, clock: &dyn Clock) {
        count(&metrics.checkpoints, 1);
        let begun = clock.monotonic();
        self.tried_at = Some(begun);
        self.tried = self.log;
        let copied = Copied::passive(conn).and_then(|passive| {
            if !self.steady {
                self.step = next_step(self.step, self.pages, clock.monotonic().saturating_sub(begun));
            }
            let mut large = self.pages.saturating_mul(LARGE);
            if passive.is_incomplete() {
                count(&metrics.checkpoints_held_up, 1);
                // In vain, most likely: not again before the log has grown by as much.
                large = large.saturating_add(self.truncated);
            }
            if self.log < large {
                return Ok(passive);
            }
            self.truncated = self.log;
            Copied::truncate(conn)
        });
        match copied {
            Ok(copied) if copied.is_incomplete() => self.tell(copied, clock),
            Ok(copied) if copied.log == 0 => {
                self.log = 0;
                self.begin_anew();
            }
            Ok(_) => {}
            Err(error) => tracing::warn!(file = %self.path.display(), %error, "checkpoint failed"),
        }
    }

    /// Starvation must be seen: once when the log has become large, and again each time it has doubled.
    fn tell(&mut self, copied: Copied, clock: &dyn Clock) {
        if self.log < self.warn {
            tracing::debug!(file = %self.path.display(), log = copied.log, copied = copied.pages, "checkpoint held up");
            return;
        }
        self.warn = self.log.saturating_mul(2);
        let held_up_by = who(&self.path, clock).unwrap_or_else(|| "a reader that is gone again".to_owned());
        tracing::warn!(
            file = %self.path.display(), pages = self.log,
            "the write-ahead log grows and cannot be copied: held up by {held_up_by}"
        );
    }
}

/// How many pages the next checkpoint waits for, after one that took so long. Its two syncs cost about the
/// same for a hundred pages as for a thousand, so it is not made more often than its length demands.
fn next_step(step: i64, threshold: i64, took: Duration) -> i64 {
    if took > TOO_LONG {
        (step / 2).max(threshold / 8).max(1)
    } else if took < TOO_LONG / 3 {
        (step * 2).min(threshold)
    } else {
        step
    }
}

#[cfg(test)]
mod tests;
