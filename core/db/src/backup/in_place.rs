//! Putting a copy in the place of a database.
//!
//! The copy's pages are written over the database's, by SQLite, in one transaction: killed in between, the next open
//! rolls back to what was there. One lock of SQLite's is held from before the old pages are read until the new ones
//! are there, so nobody's change falls in between. The file stays the same file, so a process that opens it at this
//! very moment waits for that lock like for any other writer; were the file replaced under it, it would put its log
//! beside a database that the log does not belong to (<https://sqlite.org/howtocorrupt.html>, section 1.4 and 2.4).
//!
//! Only what is no database any more, which nobody can open, is replaced as a file. It gets its second name
//! first, what lies beside it is moved out of the way, since a foreign log or journal would be played into the
//! new file, and one rename puts the copy in its place: there is no moment without a file.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use rusqlite::config::DbConfig;
use rustix::fs::FlockOperation;

use super::carry::Carry;
use super::copy::{self, Copy};
use super::{default_folder, name};
use crate::error::{DbError, ErrorKind, Result};
use crate::file::{self, FileIdentity, beside, folder_of};
use crate::options::DbOptions;
use crate::pool::Snapshot;
use crate::transaction::ReadConn;
use crate::{handle, holders, integrity, open};

/// Under which name the old database is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keep {
    /// Beside the database, with the time in its name.
    Beside,
    /// As a backup like all others; what is not sound is no backup, and is kept beside the database.
    AsBackup,
}

/// What is there now.
#[derive(Debug)]
pub(super) struct Placed {
    /// The schema version of the new file.
    pub(super) version: i32,
    /// Its bytes.
    pub(super) bytes: u64,
    /// The old file; `None` if there was none, or nothing in it.
    pub(super) kept: Option<Kept>,
}

/// The old file.
#[derive(Debug)]
pub(super) struct Kept {
    /// Where it lies now.
    pub(super) path: PathBuf,
    /// Whether it passed every check.
    pub(super) is_sound: bool,
}

/// What ended a replacement: a file, or whoever carries something over.
enum Ended<E> {
    Storage(DbError),
    Refused(E),
}

impl<E: From<DbError>> Ended<E> {
    fn into_error(self) -> E {
        match self {
            Self::Storage(error) => error.into(),
            Self::Refused(error) => error,
        }
    }
}

impl<E, Cause: Into<DbError>> From<Cause> for Ended<E> {
    fn from(cause: Cause) -> Self {
        Self::Storage(cause.into())
    }
}

/// What the old file is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Old {
    Sound,
    /// Not a single table: one of no length becomes that as soon as it is locked.
    Empty,
    Damaged,
}

/// A replacement.
pub(super) struct Place<'of, C> {
    pub(super) path: &'of Path,
    pub(super) options: &'of DbOptions,
    pub(super) keep: Keep,
    pub(super) carry: &'of mut C,
}

impl<C: Carry> Place<'_, C> {
    /// Puts the copy in the place of what is at the path, or of nothing. Verified and durable when this returns; the
    /// caller holds the path's opening.
    pub(super) fn put(mut self, mut copy: Copy) -> Result<Placed, C::Error> {
        let there = FileIdentity::of(self.path)?.is_some();
        let overwritten = if there { Some(self.overwrite(&mut copy)) } else { None };
        let (kept, bytes) = match overwritten {
            Some(Ok(kept)) => (kept, copy.bytes()),
            Some(Err(Ended::Storage(error))) if is_damage(error.kind()) => {
                tracing::warn!(file = %self.path.display(), %error, "no database any more: replaced as a file");
                self.carry_nothing_old(&mut copy)?;
                let (kept, bytes) = (self.free_beside("replaced")?, copy.bytes());
                replace(copy, self.path, &kept)?;
                (Some(Kept { path: kept, is_sound: false }), bytes)
            }
            Some(Err(error)) => {
                if matches!(error, Ended::Refused(_)) {
                    leave_log(self.path);
                }
                return Err(error.into_error());
            }
            None => {
                self.carry_nothing_old(&mut copy)?;
                let bytes = copy.bytes();
                set_aside(self.path, &self.free_beside("lost")?)?;
                // Before the new name: a power cut must not give the new file the log that was moved away.
                file::sync_folder(folder_of(self.path))?;
                // Whoever creates the database at this moment keeps it.
                copy.keep_as(std::iter::once(self.path.to_path_buf()))?;
                (None, bytes)
            }
        };
        // With locks: from here on others may open it.
        let conn = open::connect_foreign(self.path, Snapshot::Live)?;
        integrity::require(&conn, self.path)?;
        let version = crate::migrations::user_version(&conn)?;
        drop(conn);
        leave_log(self.path);
        Ok(Placed { version, bytes, kept })
    }

    fn carry_nothing_old(&mut self, copy: &mut Copy) -> Result<(), C::Error> {
        self.carry.lost();
        copy.carry(self.options, self.carry)
    }

    /// Names beside the database: the first is the right one, the others in case it is taken.
    fn names_beside(&self, what: &str) -> impl Iterator<Item = PathBuf> {
        let now_ms = self.options.clock.wall_ms();
        (0..1000).map(move |later| beside(self.path, &format!(".{what}-{}", name::stamp(now_ms + later))))
    }

    /// The first of them that nothing has.
    fn free_beside(&self, what: &str) -> Result<PathBuf> {
        let is_free = |name: &PathBuf| std::fs::symlink_metadata(name).is_err();
        let taken = || DbError::Invalid("every name for what is replaced is taken".to_owned());
        self.names_beside(what).find(is_free).ok_or_else(taken)
    }

    /// Keeps a copy of the database at the path, and writes `new` over it in one transaction.
    fn overwrite(&mut self, new: &mut Copy) -> Result<Option<Kept>, Ended<C::Error>> {
        let path = self.path;
        let mut conn = open::connect_bare(path)?;
        // Where this is no database any more, closing it would play the log into it and remove the log
        // (https://sqlite.org/c3ref/c_dbconfig_defensive.html#sqlitedbconfignockptonclose): both are to be kept.
        conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        // Whatever lock is taken from here on stays until the connection ends
        // (https://sqlite.org/pragma.html#pragma_locking_mode).
        conn.execute_batch("PRAGMA locking_mode=EXCLUSIVE")?;
        settle(&conn, path)?;
        take_alone(&conn, path)?;
        // The end of the journal makes the transaction: a power cut must not bring the journal back.
        conn.execute_batch("PRAGMA synchronous=EXTRA")?;
        let old = self.copy_of_old(&conn)?;
        let state = self.read_old(&old).and_then(|state| {
            new.carry(self.options, self.carry).map_err(Ended::Refused)?;
            Ok(state)
        });
        let state = state.inspect_err(|_| {
            // Nothing was written, and there is no log any more that this would be the index of.
            let _ = std::fs::remove_file(beside(path, "-shm"));
        })?;
        let kept = match state {
            Old::Empty => None,
            Old::Sound => Some(self.keep(old, true)?),
            Old::Damaged => Some(self.keep(old, false)?),
        };
        let source = open::connect_foreign(new.path(), Snapshot::Immutable)?;
        copy::all_pages(&source, &mut conn).inspect_err(|_| {
            // Nothing was replaced, so nothing is kept.
            let _ = kept.as_ref().map(|kept| std::fs::remove_file(&kept.path));
        })?;
        // A connection that keeps its lock keeps its journal too, with a header of zeros, and has no use for a
        // shared index of the log. Nobody else can have opened them: the lock is still there.
        for suffix in ["-journal", "-shm"] {
            let spent = beside(path, suffix);
            ignore_missing(std::fs::remove_file(&spent), &spent)?;
        }
        conn.close().map_err(|(_, error)| error)?;
        Ok(kept)
    }

    /// The old pages are read in a transaction that does not write: SQLite copies from no other.
    fn copy_of_old(&self, conn: &Connection) -> Result<Copy> {
        let backups = default_folder(self.path);
        let folder = match self.keep {
            Keep::Beside => folder_of(self.path),
            Keep::AsBackup => {
                file::create_folder(&backups)?;
                &backups
            }
        };
        conn.execute_batch("BEGIN")?;
        let old = Copy::of(conn, folder);
        // After an error SQLite may have ended the transaction itself; the error is what counts.
        let ended = conn.execute_batch("COMMIT");
        let old = old?;
        ended?;
        Ok(old)
    }

    /// Lets what is to be carried over be read.
    fn read_old(&mut self, old: &Copy) -> Result<Old, Ended<C::Error>> {
        match old.verify(self.path) {
            Ok(()) => {}
            Err(error) if is_damage(error.kind()) => {
                tracing::warn!(file = %self.path.display(), %error, "what is replaced is damaged");
                self.carry.lost();
                return Ok(Old::Damaged);
            }
            Err(error) => return Err(error.into()),
        }
        let conn = open::connect_foreign(old.path(), Snapshot::Immutable)?;
        let conn = ReadConn::new(&conn);
        if conn.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get::<_, i64>(0))? == 0 {
            self.carry.lost();
            return Ok(Old::Empty);
        }
        self.carry.read(&conn).map_err(Ended::Refused)?;
        if crate::migrations::user_version(conn.conn)? > self.options.schema.version() {
            // What a later version writes there is not known.
            self.carry.lost();
        }
        Ok(Old::Sound)
    }

    fn keep(&self, old: Copy, is_sound: bool) -> Result<Kept> {
        let path = if self.keep == Keep::AsBackup && is_sound {
            let backups = default_folder(self.path);
            let names = name::all(self.path, self.options.clock.wall_ms(), None);
            old.keep_as(names.map(|name| backups.join(name)))?
        } else {
            old.keep_as(self.names_beside("replaced"))?
        };
        Ok(Kept { path, is_sound })
    }
}

const fn is_damage(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::NotADatabase | ErrorKind::Corrupt)
}

/// Refuses what this process has open itself.
pub(super) fn refuse_open(path: &Path) -> Result<()> {
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
    tracing::debug!(file = %path.display(), ?set, "journal mode of the new file");
}
