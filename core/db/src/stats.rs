//! What a database file is made of, in numbers. Reads only.

use std::path::PathBuf;

use rusqlite::Connection;

use crate::error::Result;
use crate::file::{beside, size};
use crate::{Db, pragmas};

/// A database file at one moment. Sizes are real bytes on the disk's side, not `page_count × page_size`:
/// after a vacuum the two differ until a checkpoint has gone through.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct FileStats {
    /// The file, with its path resolved.
    pub path: PathBuf,
    /// Bytes of the file.
    pub file_bytes: u64,
    /// Bytes of its write-ahead log, 0 without one.
    pub wal_bytes: u64,
    /// Bytes of a page.
    pub page_size: u64,
    /// Pages of the snapshot that was read.
    pub page_count: u64,
    /// Of these, pages that hold nothing.
    pub freelist_count: u64,
    /// `none`, `full` or `incremental`.
    pub auto_vacuum: AutoVacuum,
    /// The journal mode of the file, in lower case, such as `wal`.
    pub journal_mode: String,
    /// Whether it is read as it lies, without locks, since its folder cannot be written.
    pub as_it_lies: bool,
    /// Our schema version.
    pub user_version: i64,
    /// The mark of the program that the file belongs to.
    pub application_id: i64,
    /// SQLite's counter of schema changes.
    pub schema_version: i64,
    /// The SQLite that this program carries.
    pub sqlite_version: &'static str,
}

/// The file's `auto_vacuum` (<https://sqlite.org/pragma.html#pragma_auto_vacuum>).
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AutoVacuum {
    /// Free pages stay in the file; only a full vacuum gives them back.
    None,
    /// Each commit gives its free pages back.
    Full,
    /// Free pages are given back on request: what our files have.
    Incremental,
}

impl FileStats {
    /// Bytes of the file and its log together.
    pub const fn total_bytes(&self) -> u64 {
        self.file_bytes + self.wal_bytes
    }

    /// Bytes of the pages that hold nothing.
    pub const fn free_bytes(&self) -> u64 {
        self.freelist_count * self.page_size
    }

    /// Bytes of the pages that hold something.
    pub const fn live_bytes(&self) -> u64 {
        self.page_count.saturating_sub(self.freelist_count) * self.page_size
    }

    /// Whole percents of the pages that hold nothing, rounded down.
    pub const fn free_percent(&self) -> u64 {
        match self.page_count {
            0 => 0,
            pages => self.freelist_count * 100 / pages,
        }
    }
}

/// Reads the numbers of the file, from one snapshot. Works on a handle of any kind.
#[track_caller]
pub fn stats(db: &Db) -> Result<FileStats> {
    db.read(|conn| of(db, conn.conn))
}

pub(crate) fn of(db: &Db, conn: &Connection) -> Result<FileStats> {
    let number = |name| pragmas::integer(conn, name);
    let count = |name| number(name).map(|value| u64::try_from(value).unwrap_or(0));
    let as_it_lies = db.is_immutable();
    Ok(FileStats {
        path: db.path().to_path_buf(),
        page_size: count("page_size")?,
        page_count: count("page_count")?,
        freelist_count: count("freelist_count")?,
        auto_vacuum: auto_vacuum(conn)?,
        // What SQLite says of a file that is read as it lies is not what the file is.
        journal_mode: if as_it_lies { "wal".to_owned() } else { pragmas::journal_mode(conn)? },
        as_it_lies,
        user_version: number("user_version")?,
        application_id: number("application_id")?,
        schema_version: number("schema_version")?,
        sqlite_version: rusqlite::version(),
        // Last, so that they are not older than the snapshot.
        file_bytes: size(db.path()),
        wal_bytes: size(&beside(db.path(), "-wal")),
    })
}

/// The `auto_vacuum` of the file.
pub(crate) fn auto_vacuum(conn: &Connection) -> Result<AutoVacuum> {
    Ok(match pragmas::integer(conn, "auto_vacuum")? {
        2 => AutoVacuum::Incremental,
        1 => AutoVacuum::Full,
        _ => AutoVacuum::None,
    })
}
