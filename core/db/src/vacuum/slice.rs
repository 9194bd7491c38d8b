//! One slice: a short write transaction that steps the pragma to its end or to the end of its time.

use std::time::Duration;

use conclave_retry::Clock;
use rusqlite::Connection;

use super::{VacuumStats, timed};
use crate::Db;
use crate::error::{DbError, ErrorKind, Result};
use crate::pragmas;

/// How long a slice waits for another process's transaction while writers of this one wait for the slice.
const PATIENCE: Duration = Duration::from_millis(10);
/// How long to leave the field to that process then.
const PAUSE: Duration = Duration::from_millis(20);

/// Slices whose length follows from how long their commits take.
#[derive(Debug)]
pub(super) struct Slice {
    /// How long the write lock may be held.
    time: Duration,
    /// How long to try before the lock counts as not to be had.
    deadline: Duration,
    /// How long the last commit took: that much of the time is not for stepping.
    commit: Duration,
}

/// What one transaction did.
#[derive(Debug, Clone, Copy)]
struct Freed {
    pages: u64,
    left: u64,
    commit: Duration,
}

impl Slice {
    pub(super) fn new(time: Duration, deadline: Duration) -> Self {
        // Before the first commit: a guess.
        Self { time, deadline, commit: time / 4 }
    }

    /// Frees up to `pages` pages in one transaction; gives how many. Waits its turn among the writers.
    pub(super) fn run(&mut self, db: &Db, pages: u64, done: &mut VacuumStats) -> Result<u64> {
        let clock = &**db.clock();
        let started = clock.monotonic();
        // A slow commit takes from the stepping, but never all of it: or nothing would get done.
        let stepping = self.time.saturating_sub(self.commit).max(self.time / 4);
        loop {
            let freed = db.maintain(|conn| {
                timed(clock, &mut done.longest_stall, || transaction(conn, pages, stepping, clock))
            });
            match freed {
                Ok(freed) => {
                    self.commit = freed.commit;
                    done.slices += 1;
                    done.pages_freed += freed.pages;
                    done.pages_left = freed.left;
                    return Ok(freed.pages);
                }
                Err(error) if error.kind() == ErrorKind::Busy => {
                    let waited = clock.monotonic().saturating_sub(started);
                    if waited >= self.deadline {
                        return Err(DbError::Busy { text: error.to_string(), waited });
                    }
                    db.options().sleeper.sleep(PAUSE);
                }
                Err(error) => return Err(error),
            }
        }
    }
}

fn transaction(conn: &Connection, pages: u64, stepping: Duration, clock: &dyn Clock) -> Result<Freed> {
    let patience = pragmas::integer(conn, "busy_timeout")?;
    conn.busy_timeout(PATIENCE)?;
    let begun = conn.execute_batch("BEGIN IMMEDIATE");
    conn.busy_timeout(Duration::from_millis(u64::try_from(patience).unwrap_or(0)))?;
    begun?;
    // What fails below leaves the transaction open; `maintain` rolls it back.
    let before = pragmas::integer(conn, "freelist_count")?;
    step(conn, pages, stepping, clock)?;
    let after = pragmas::integer(conn, "freelist_count")?;
    let committing = clock.monotonic();
    conn.execute_batch("COMMIT")?;
    let commit = clock.monotonic().saturating_sub(committing);
    let pages = |number: i64| u64::try_from(number).unwrap_or(0);
    Ok(Freed { pages: pages(before - after), left: pages(after), commit })
}

/// Each step frees one page and gives one empty row.
fn step(conn: &Connection, pages: u64, time: Duration, clock: &dyn Clock) -> Result<()> {
    // An argument of 0 would mean all pages.
    let most = pages.clamp(1, i32::MAX as u64);
    let until = clock.monotonic() + time;
    let mut statement = conn.prepare(&format!("PRAGMA incremental_vacuum({most})"))?;
    let mut rows = statement.raw_query();
    while rows.next()?.is_some() {
        if clock.monotonic() >= until {
            break;
        }
    }
    Ok(())
}
