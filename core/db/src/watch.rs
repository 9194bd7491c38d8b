//! Notices that others changed a database file, at the price of one pragma.
//!
//! `PRAGMA data_version` changes on a connection whenever any other connection commits
//! (<https://sqlite.org/pragma.html#pragma_data_version>), so the connection is kept for this alone: it would
//! not see its own commits. The file's identity is compared as well, since a replaced file never changes again.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rusqlite::Connection;

use crate::error::{ErrorKind, Result};
use crate::file::{FileIdentity, beside};
use crate::open;
use crate::pool::Snapshot;

/// What a look at a watched file found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// As at the last look.
    Same,
    /// Someone committed since the last look.
    Changed,
    /// Another file has its name now; it is watched from here on.
    Replaced,
    /// The file is gone; it is watched again when it comes back, as [`Seen::Replaced`].
    Gone,
}

/// Watches one file for commits of anyone, this process included.
#[derive(Debug)]
pub struct Watch {
    path: PathBuf,
    identity: Option<FileIdentity>,
    conn: Option<Connection>,
    last: Mark,
}

/// What stays the same as long as nobody commits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    Version(i64),
    /// Where the file can only be read as it lies: the size and time of the file and of its log.
    Stat([(u64, Option<SystemTime>); 2]),
}

impl Watch {
    /// Begins to watch. The file may be missing.
    pub fn open(path: &Path) -> Result<Self> {
        let mut watch =
            Self { path: path.to_path_buf(), identity: None, conn: None, last: Mark::Stat([(0, None); 2]) };
        watch.begin()?;
        Ok(watch)
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Looks once. Never waits for a lock: a locked file has not committed yet.
    pub fn look(&mut self) -> Result<Seen> {
        let found = FileIdentity::of(&self.path)?;
        if found != self.identity {
            self.begin()?;
            return Ok(if found.is_some() { Seen::Replaced } else { Seen::Gone });
        }
        if found.is_none() {
            return Ok(Seen::Same);
        }
        let mark = match self.mark() {
            Err(error) if error.kind() == ErrorKind::Busy => return Ok(Seen::Same),
            mark => mark?,
        };
        let seen = if mark == self.last { Seen::Same } else { Seen::Changed };
        self.last = mark;
        Ok(seen)
    }

    fn begin(&mut self) -> Result<()> {
        self.conn = None;
        self.identity = FileIdentity::of(&self.path)?;
        if self.identity.is_some() {
            // What cannot be opened is watched by its size and time: it may be repaired.
            self.conn = open::connect_foreign(&self.path, Snapshot::Live).ok();
        }
        if let Some(conn) = &self.conn {
            conn.busy_timeout(Duration::ZERO)?;
        }
        self.last = match self.mark() {
            Err(error) if error.kind() == ErrorKind::Busy => Mark::Version(0),
            mark => mark?,
        };
        Ok(())
    }

    fn mark(&self) -> Result<Mark> {
        match &self.conn {
            Some(conn) => {
                let mut statement = conn.prepare_cached("PRAGMA data_version")?;
                Ok(Mark::Version(statement.query_row([], |row| row.get(0))?))
            }
            None => Ok(Mark::Stat([stamp(&self.path), stamp(&beside(&self.path, "-wal"))])),
        }
    }
}

/// The size and the time of the last change; zeroes when the file is not there.
fn stamp(path: &Path) -> (u64, Option<SystemTime>) {
    std::fs::metadata(path).map_or((0, None), |found| (found.len(), found.modified().ok()))
}

/// What tells from outside, without a lock and without a connection, that somebody wrote to a file: the size and the time
/// of the file and of its log. Two that are equal do not prove that nobody did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileMark([(u64, Option<SystemTime>); 2]);

impl FileMark {
    /// As it is now; of a missing file too.
    pub fn of(path: &Path) -> Self {
        Self([stamp(path), stamp(&beside(path, "-wal"))])
    }
}
