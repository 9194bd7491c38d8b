//! Giving free pages back to the disk without anybody noticing.
//!
//! VACUUM rewrites the whole file under one lock. Here it happens in slices: short write transactions that
//! step `PRAGMA incremental_vacuum` (<https://sqlite.org/pragma.html#pragma_incremental_vacuum>; each step
//! frees one page, so a plain `execute` frees ONE page whatever its argument), until ten milliseconds are
//! over. Two facts make up the rest:
//!
//! - in WAL mode a commit that shrinks the database changes only the log: the FILE shrinks at a checkpoint.
//!   A PASSIVE one after every slice cuts a little each time; one at the end would cut 150 MB at once, and
//!   writers would wait 0.3 s for it;
//! - a reader's snapshot keeps the log from being copied. Then the log would grow by what the file should
//!   lose, so the work stops, and the report names the reader.
//!
//! All of it is safe to interrupt at any point: each slice is a transaction, and nothing else is kept.
//!
//! ```
//! # use conclave_db::{Db, DbError, DbOptions, Schema, vacuum};
//! # fn main() -> Result<(), DbError> {
//! # let folder = tempfile::tempdir().map_err(|error| DbError::Invalid(error.to_string()))?;
//! # let db = Db::open(DbOptions::new(folder.path().join("state.db"), Schema::assemble(&[], &[])?))?;
//! let done = vacuum::run_until_done(&db, &mut |progress| {
//!     println!("{} pages freed, {} left", progress.freed, progress.left);
//! })?;
//! println!("{} bytes less, in {:?}", done.reclaimed(), done.took);
//! if let Some(holder) = done.held_up_by {
//!     println!("the file cannot shrink yet: {holder}");
//! }
//! # Ok(())
//! # }
//! ```

mod daemon;
mod full;
mod slice;

use std::time::Duration;

use conclave_retry::Clock;

pub use self::daemon::{VacuumDaemon, VacuumSchedule, spawn_daemon};
pub use self::full::{convert, full};
use self::slice::Slice;
use crate::checkpoint::{self, CheckpointMode};
use crate::error::{DbError, ErrorKind, Result};
use crate::stats::{AutoVacuum, FileStats};
use crate::{Db, stats};

/// Free pages are given back when they are more than this share of all.
const DUE_PERCENT: u64 = 20;
/// A file with fewer free pages than this is left alone: it will need them again.
const DUE_PAGES: u64 = 64;
/// While a reader holds the log up, it may grow to this, then the work stops.
const LARGEST_LOG: u64 = 64 << 20;
/// A log that is larger than this in the end is cut down.
const KEPT_LOG: u64 = 1 << 20;
/// How long to stand back for writers that queue, before the next slice joins their queue.
const STAND_BACK: Duration = Duration::from_millis(50);
/// How often to look whether they still do.
const LOOK: Duration = Duration::from_millis(2);

/// How much one cycle may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VacuumBudget {
    /// Pages to free at most.
    pub pages: u32,
    /// How long one write transaction may hold the write lock.
    pub slice: Duration,
}

impl Default for VacuumBudget {
    /// All free pages, in slices of 10 ms.
    fn default() -> Self {
        Self { pages: u32::MAX, slice: Duration::from_millis(10) }
    }
}

/// Where a vacuum stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VacuumProgress {
    /// Pages freed so far.
    pub freed: u64,
    /// Free pages that are left.
    pub left: u64,
}

/// What a vacuum did.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize)]
#[non_exhaustive]
pub struct VacuumStats {
    /// Bytes of the file and its write-ahead log before.
    pub size_before: u64,
    /// Bytes of the file and its write-ahead log after.
    pub size_after: u64,
    /// Pages given back.
    pub pages_freed: u64,
    /// Free pages that are left in the file.
    pub pages_left: u64,
    /// Write transactions it took; 0 for a full vacuum.
    pub slices: u64,
    /// The longest time that a writer of this process had to wait for it.
    #[serde(rename = "longest_stall_ms", serialize_with = "milliseconds")]
    pub longest_stall: Duration,
    /// Who keeps the file from shrinking: readers by place and age, other processes by pid and command.
    pub held_up_by: Option<String>,
    /// From beginning to end.
    #[serde(rename = "took_ms", serialize_with = "milliseconds")]
    pub took: Duration,
}

impl VacuumStats {
    /// Bytes that the disk got back; negative where a held-up log has grown instead.
    pub fn reclaimed(&self) -> i64 {
        let signed = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
        signed(self.size_before) - signed(self.size_after)
    }
}

fn milliseconds<S: serde::Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64((time.as_secs_f64() * 1e6).round() / 1e3)
}

/// Frees up to `budget.pages` free pages, in slices. [`ErrorKind::NeedsConversion`] for a file without
/// `auto_vacuum`. Each slice is durable when the next begins.
pub fn cycle(db: &Db, budget: VacuumBudget) -> Result<VacuumStats> {
    run(db, budget, &mut |_| {}, &|| true)
}

/// Frees all free pages, in slices, and tells where it stands after each.
pub fn run_until_done(db: &Db, progress: &mut dyn FnMut(VacuumProgress)) -> Result<VacuumStats> {
    run(db, VacuumBudget::default(), progress, &|| true)
}

/// Whether enough is free that it should be given back: over 20 % of the pages. A file that first needs a
/// conversion is never due.
pub fn due(db: &Db) -> Result<bool> {
    Ok(is_due(&stats(db)?))
}

/// One slice, if it is due: for write commands, which leave no daemon behind. `None` when it is not.
pub fn slice_when_due(db: &Db) -> Result<Option<VacuumStats>> {
    if !due(db)? {
        return Ok(None);
    }
    let once = std::cell::Cell::new(true);
    run(db, VacuumBudget::default(), &mut |_| {}, &|| once.replace(false)).map(Some)
}

fn is_due(stats: &FileStats) -> bool {
    stats.auto_vacuum == AutoVacuum::Incremental
        && stats.freelist_count >= DUE_PAGES
        && stats.freelist_count * 100 > stats.page_count * DUE_PERCENT
}

/// The work itself; `goes_on` is asked before each slice.
fn run(
    db: &Db,
    budget: VacuumBudget,
    progress: &mut dyn FnMut(VacuumProgress),
    goes_on: &dyn Fn() -> bool,
) -> Result<VacuumStats> {
    let clock = db.clock();
    let started = clock.monotonic();
    let before = stats(db)?;
    if before.auto_vacuum == AutoVacuum::None {
        let what = "was created without auto_vacuum: freeing its pages in slices is not possible, \
                    it needs a full vacuum (conversion)";
        return Err(DbError::file(ErrorKind::NeedsConversion, db.path(), what));
    }
    let mut done = VacuumStats {
        size_before: before.total_bytes(),
        pages_left: before.freelist_count,
        ..VacuumStats::default()
    };
    let mut slice = Slice::new(budget.slice, db.options().deadline);
    while done.pages_left > 0 && goes_on() {
        let left = u64::from(budget.pages).saturating_sub(done.pages_freed);
        if left == 0 {
            break;
        }
        stand_back(db);
        let freed = slice.run(db, left, &mut done)?;
        let copied =
            timed(&**clock, &mut done.longest_stall, || checkpoint::checkpoint(db, CheckpointMode::Passive))?;
        done.held_up_by = copied.held_up_by;
        progress(VacuumProgress { freed: done.pages_freed, left: done.pages_left });
        let log = crate::file::size(&crate::file::beside(db.path(), "-wal"));
        if freed == 0 || (copied.busy && log > LARGEST_LOG) {
            break;
        }
    }
    finish(db, &mut done)?;
    done.took = clock.monotonic().saturating_sub(started);
    tracing::info!(
        file = %db.path().display(), before = done.size_before, after = done.size_after,
        pages = done.pages_freed, slices = done.slices, stall = ?done.longest_stall, "vacuumed"
    );
    Ok(done)
}

/// The log keeps its largest size until it is cut down. PASSIVE has copied it by now, so that is short.
fn finish(db: &Db, done: &mut VacuumStats) -> Result<()> {
    let log = crate::file::size(&crate::file::beside(db.path(), "-wal"));
    if done.pages_freed > 0 && log > KEPT_LOG {
        let clock = &**db.clock();
        let cut =
            timed(clock, &mut done.longest_stall, || checkpoint::checkpoint(db, CheckpointMode::Truncate))?;
        done.held_up_by = cut.held_up_by;
    }
    let after = stats(db)?;
    done.size_after = after.total_bytes();
    done.pages_left = after.freelist_count;
    Ok(())
}

/// Lets writers go first for a while. Then the slice queues like any other writer, or a program that always
/// writes would never get its disk back.
fn stand_back(db: &Db) {
    let clock = db.clock();
    let until = clock.monotonic() + STAND_BACK;
    while db.writers_queued() > 0 && clock.monotonic() < until {
        db.options().sleeper.sleep(LOOK);
    }
}

/// Runs what keeps writers waiting, and keeps the longest time of it.
fn timed<T>(clock: &dyn Clock, longest: &mut Duration, action: impl FnOnce() -> T) -> T {
    let started = clock.monotonic();
    let done = action();
    *longest = (*longest).max(clock.monotonic().saturating_sub(started));
    done
}
