//! Putting a backup in the place of the database.
//!
//! The backup is copied and checked before the database is touched, and what is there is kept under another
//! name. Then the copy's pages are written over the database's, by SQLite, in one transaction: killed in
//! between, the next open rolls back to what was there. One lock of SQLite's is held from before the old pages
//! are read until the new ones are there, so nobody's change falls in between. The file stays the same file, so
//! a process that opens it at this very moment waits for that lock like for any other writer; were the file
//! replaced under it, it would put its log beside a database that the log does not belong to
//! (<https://sqlite.org/howtocorrupt.html>, section 1.4 and 2.4).
//!
//! Only what is no database any more, which nobody can open, is replaced as a file. It gets its second name
//! first, what lies beside it is moved out of the way, since a foreign log or journal would be played into the
//! restored file, and one rename puts the copy in its place: there is no moment without a file.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::sync::PoisonError;

use rusqlite::Connection;
use rusqlite::config::DbConfig;
use rustix::fs::FlockOperation;

use super::copy::{self, Copy};
use super::{leftovers, name};
use crate::error::{DbError, ErrorKind, Result};
use crate::file::{self, FileIdentity, beside, folder_of};
use crate::options::DbOptions;
use crate::pool::Snapshot;
use crate::source::Source;
use crate::{handle, holders, integrity, open, paths};

/// What a restore did.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct RestoreReport {
    /// The database that was restored.
    pub path: PathBuf,
    /// The backup that it was restored from.
    pub from: PathBuf,
    /// Its schema version; an older one is migrated when the database is opened next.
    pub version: i32,
    /// Its bytes.
    pub bytes: u64,
    /// Where the database that was there before lies now; `None` if there was none.
    pub kept: Option<PathBuf>,
    /// Whether the restored file passed `integrity_check` and `foreign_key_check` in its place.
    pub verified: bool,
}

/// Puts the backup `from` in the place of the database of `options`. Refused untouched when the backup is
/// damaged, newer than this program or another program's, and while anyone has the database open. What is
/// there is kept under another name, be it sound or not. Verified and durable when this returns.
pub fn restore(options: &DbOptions, from: &Path) -> Result<RestoreReport> {
    // A link is followed: what it leads to is replaced, not the link.
    let path = &paths::canonical_prefix(options.path())?;
    let opening = handle::opening(path);
    let _opening = opening.lock().unwrap_or_else(PoisonError::into_inner);
    let there = FileIdentity::of(path)?;
    if there.is_some() {
        file::check_is_file(path)?;
        if there == FileIdentity::of(from)? {
            return Err(DbError::Invalid(format!("{} is the database itself", from.display())));
        }
        refuse_open(path)?;
    }
    let source = Source::open(from)?;
    file::create_folder(folder_of(path))?;
    leftovers::sweep(folder_of(path), options.clock.wall_ms());
    let (version, copy) = source.read(|conn| {
        let version = open::inspect(conn.conn, source.path(), &options.schema)?;
        if conn.pragma::<i64>("page_count")? == 0 {
            return Err(DbError::file(ErrorKind::NotADatabase, source.path(), "is empty: no backup"));
        }
        Ok((version, Copy::of(conn.conn, folder_of(path))?))
    })?;
    copy.verify(source.path())?;
    let bytes = copy.bytes();
    let kept = put_in_place(copy, path, options.clock.wall_ms())?;
    // With locks: from here on others may open it.
    integrity::require(&open::connect_foreign(path, Snapshot::Live)?, path)?;
    leave_log(path);
    tracing::info!(file = %path.display(), from = %from.display(), "restored");
    let (path, from) = (path.clone(), source.path().to_path_buf());
    Ok(RestoreReport { path, from, version, bytes, kept, verified: true })
}

/// Leaves the file as every other one is: with a write-ahead log. Where that cannot be now, because somebody has
/// opened it already or the file system has no such log, the next opening for writing sees to it.
fn leave_log(path: &Path) {
    if file::network_file_system(path).is_some() {
        return;
    }
    let set = open::connect_bare(path).and_then(|conn| {
        let mode =
            conn.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get::<_, String>(0))?;
        Ok(mode)
    });
    tracing::debug!(file = %path.display(), ?set, "journal mode after a restore");
}

fn refuse_open(path: &Path) -> Result<()> {
    if handle::is_open(path)? {
        return Err(DbError::file(ErrorKind::Busy, path, "this process has it open"));
    }
    Ok(())
}

fn in_use(path: &Path) -> DbError {
    let others = holders::of_file(path).into_iter().filter(|holder| holder.pid != std::process::id());
    let holders: Vec<String> = others.map(|holder| holder.to_string()).collect();
    let by = if holders.is_empty() { "someone".to_owned() } else { holders.join(", ") };
    DbError::file(ErrorKind::Busy, path, format!("is in use by {by}"))
}

/// Gives where the old file is now.
fn put_in_place(copy: Copy, path: &Path, now_ms: i64) -> Result<Option<PathBuf>> {
    if FileIdentity::of(path)?.is_none() {
        set_aside(path, &beside(path, &format!(".lost-{}", name::stamp(now_ms))))?;
        // Before the new name: a power cut must not give the restored file the log that was moved away.
        file::sync_folder(folder_of(path))?;
        // Whoever creates the database at this moment keeps it.
        copy.keep_as(std::iter::once(path.to_path_buf()))?;
        return Ok(None);
    }
    let kept = beside(path, &format!(".replaced-{}", name::stamp(now_ms)));
    match overwrite(&copy, path, &kept) {
        Ok(()) => {}
        Err(error) if is_damage(error.kind()) => {
            tracing::warn!(file = %path.display(), %error, "no database any more: replaced as a file");
            replace(copy, path, &kept)?;
        }
        Err(error) => return Err(error),
    }
    Ok(Some(kept))
}

const fn is_damage(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::NotADatabase | ErrorKind::Corrupt)
}

/// Keeps a copy of the database at `path`, and writes `copy` over it in one transaction.
fn overwrite(copy: &Copy, path: &Path, kept: &Path) -> Result<()> {
    let mut conn = open::connect_bare(path)?;
    // Where this is no database any more, closing it would play the log into it and remove the log
    // (https://sqlite.org/c3ref/c_dbconfig_defensive.html#sqlitedbconfignockptonclose): both are to be kept.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    // Whatever lock is taken from here on stays until the connection ends
    // (https://sqlite.org/pragma.html#pragma_locking_mode).
    conn.execute_batch("PRAGMA locking_mode=EXCLUSIVE")?;
    settle(&conn, path)?;
    take_alone(&conn, path)?;
    // The end of the journal makes the transaction: a power cut must not bring the journal back. The old pages
    // are read in a transaction that does not write: SQLite copies from no other.
    conn.execute_batch("PRAGMA synchronous=EXTRA; BEGIN")?;
    let old = Copy::of(&conn, folder_of(path));
    // After an error SQLite may have ended the transaction itself; the error is what counts.
    let ended = conn.execute_batch("COMMIT");
    let kept = old?.keep_as(std::iter::once(kept.to_path_buf()))?;
    ended?;
    let source = open::connect_foreign(copy.path(), Snapshot::Immutable)?;
    copy::all_pages(&source, &mut conn).inspect_err(|_| {
        // Nothing was replaced, so nothing is kept.
        let _ = std::fs::remove_file(&kept);
    })?;
    // A connection that keeps its lock keeps its journal too, with a header of zeros, and has no use for a
    // shared index of the log. Nobody else can have opened them: the lock is still there.
    for suffix in ["-journal", "-shm"] {
        let spent = beside(path, suffix);
        ignore_missing(std::fs::remove_file(&spent), &spent)?;
    }
    conn.close().map_err(|(_, error)| error.into())
}

/// Brings what is beside the database into it. With a busy timeout of 0 this fails while another connection
/// has it open: each holds a lock as long as there is a log.
fn settle(conn: &Connection, path: &Path) -> Result<()> {
    let settled = conn.pragma_update_and_check(None, "journal_mode", "DELETE", |row| row.get::<_, String>(0));
    match settled.map_err(DbError::from) {
        Ok(mode) if mode == "delete" => Ok(()),
        Ok(_) => Err(in_use(path)),
        Err(error) if error.kind() == ErrorKind::Busy => Err(in_use(path)),
        Err(error) => Err(error),
    }
}

/// Takes the lock that keeps every other connection out, also from reading, and with `locking_mode=EXCLUSIVE`
/// keeps it.
fn take_alone(conn: &Connection, path: &Path) -> Result<()> {
    match conn.execute_batch("BEGIN EXCLUSIVE; COMMIT").map_err(DbError::from) {
        Err(error) if error.kind() == ErrorKind::Busy => Err(in_use(path)),
        taken => taken,
    }
}

/// Puts the copy in the place of what is no database.
fn replace(copy: Copy, path: &Path, kept: &Path) -> Result<()> {
    let _alone = lock(path)?;
    std::fs::hard_link(path, kept)
        .map_err(|error| DbError::io(format!("keep {} as {}", path.display(), kept.display()), error))?;
    set_aside(path, kept)?;
    file::sync_folder(folder_of(path))?;
    copy.replace(path)?;
    Ok(())
}

/// Keeps every other process out of the file: SQLite's own locks lie within this one, and each connection
/// holds one of them while it is open. Ends when dropped.
///
/// This opens a database file, which nobody may do who also has it open through SQLite; this process has not,
/// and cannot get to it while the caller holds its opening.
fn lock(path: &Path) -> Result<File> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .open(path)
        .map_err(|error| DbError::io(format!("open {}", path.display()), error))?;
    match rustix::fs::fcntl_lock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(rustix::io::Errno::AGAIN | rustix::io::Errno::ACCESS) => Err(in_use(path)),
        Err(error) => Err(DbError::io(format!("lock {}", path.display()), error.into())),
    }
}

/// Moves the log and the journal of `path` to `kept`'s; the shared memory is rebuilt from the log.
fn set_aside(path: &Path, kept: &Path) -> Result<()> {
    for suffix in ["-wal", "-journal"] {
        let (from, to) = (beside(path, suffix), beside(kept, suffix));
        ignore_missing(std::fs::rename(&from, to), &from)?;
    }
    let shared = beside(path, "-shm");
    ignore_missing(std::fs::remove_file(&shared), &shared)
}

fn ignore_missing(outcome: std::io::Result<()>, path: &Path) -> Result<()> {
    match outcome {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        outcome => outcome.map_err(|error| DbError::io(format!("move {}", path.display()), error)),
    }
}
