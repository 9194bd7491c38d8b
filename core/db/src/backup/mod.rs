//! Copies that can be trusted, and the way back from one.
//!
//! A database in use is never copied as a file: the copy would lack what is still in the log, and closing the
//! file would drop SQLite's locks (<https://sqlite.org/howtocorrupt.html>, section 1.2 and 2.2). SQLite's
//! backup API reads one snapshot of it while writers go on (<https://sqlite.org/backup.html>). A copy gets its
//! name only when it is complete, synced, and has passed every check, so whatever has the name of a backup is
//! one.
//!
//! ```
//! # use conclave_db::{Db, DbError, DbOptions, Schema};
//! use conclave_db::backup::{BackupOptions, Nothing, backup, default_folder, list, restore};
//! # fn main() -> Result<(), DbError> {
//! # let folder = tempfile::tempdir().map_err(|error| DbError::Invalid(error.to_string()))?;
//! # let notes = conclave_db::Migration { version: 100, name: "notes", down: None, rewrites: false,
//! #     up: conclave_db::Step::Sql("CREATE TABLE note(text TEXT) STRICT") };
//! let options = DbOptions::new(folder.path().join("state.db"), Schema::assemble(&[&[notes]], &[])?);
//! let db = Db::open(options.clone())?;
//! let week = BackupOptions { keep: Some(7), ..BackupOptions::default() };
//! backup(&db, &default_folder(db.path()), &week)?;
//!
//! let newest = list(&default_folder(db.path()), db.path())?.remove(0);
//! drop(db); // a restore needs the database alone
//! let done = restore(&options, &newest.path, &mut Nothing)?;
//! println!("what was there is kept in {:?}", done.kept);
//! # Ok(())
//! # }
//! ```

mod carry;
mod copy;
mod in_place;
mod leftovers;
mod name;
mod reset;
mod restore;

use std::path::{Path, PathBuf};
use std::time::Duration;

use conclave_retry::Clock;
use rusqlite::Connection;

pub use self::carry::{Carry, Nothing};
pub use self::reset::{ResetReport, reset};
pub use self::restore::{RestoreReport, restore};
use crate::Db;
use crate::error::{DbError, ErrorKind, Result};
use crate::file::{self, FileIdentity, beside, folder_of};
use crate::schema::Migration;

/// The folder of a database's backups, beside it, unless another is given.
const FOLDER: &str = "backups";

/// How to make a backup.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BackupOptions {
    /// In a folder: keep this many of the database's backups there, the new one among them, and remove older
    /// ones. `None` keeps all.
    pub keep: Option<usize>,
    /// Replace the file that is given as the target. Without it a target that exists is refused.
    pub replace: bool,
}

/// A backup that was made.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct BackupReport {
    /// The copy.
    pub path: PathBuf,
    /// Its bytes.
    pub bytes: u64,
    /// Its pages.
    pub pages: u64,
    /// Whether it passed `integrity_check` and `foreign_key_check`: always, or there would be no copy.
    pub verified: bool,
    /// Older backups that were removed for it.
    pub removed: Vec<PathBuf>,
}

/// A backup that is there.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct BackupFile {
    /// Where.
    pub path: PathBuf,
    /// Its bytes.
    pub bytes: u64,
    /// When it was made, in milliseconds since 1970, from its name.
    pub taken_ms: i64,
    /// The schema version that was about to be migrated to, where it was made for that. Never rotated away.
    pub before_version: Option<i32>,
}

/// Where a database's backups lie unless another folder is given: `backups` beside it.
pub fn default_folder(database: &Path) -> PathBuf {
    folder_of(database).join(FOLDER)
}

/// Copies the database as it is now, while readers and writers go on: into a folder under a name with the time,
/// or as exactly this file (see [`is_folder`]). Verified and durable when this returns; on an error nothing is
/// there that was not before.
pub fn backup(db: &Db, target: &Path, options: &BackupOptions) -> Result<BackupReport> {
    let into_folder = is_folder(target);
    let target = if into_folder { target.components().as_path() } else { target };
    let folder = if into_folder { target } else { folder_of(target) };
    file::create_folder(folder)?;
    if !into_folder {
        refuse_target(db.path(), target, options.replace)?;
    }
    leftovers::sweep(folder, db.clock().wall_ms());
    let copy = db.read(|conn| copy::Copy::of(conn.conn, folder))?;
    // Without the snapshot: it would keep the log from being copied for as long again.
    copy.verify(db.path())?;
    let (bytes, pages) = (copy.bytes(), copy.pages());
    let path = if into_folder {
        copy.keep_as(name::all(db.path(), db.clock().wall_ms(), None).map(|name| folder.join(name)))?
    } else if options.replace {
        copy.replace(target)?
    } else {
        copy.keep_as(std::iter::once(target.to_path_buf()))?
    };
    let removed = match options.keep {
        Some(keep) if into_folder => rotate(folder, db.path(), keep.max(1))?,
        _ => Vec::new(),
    };
    tracing::info!(from = %db.path().display(), to = %path.display(), bytes, "backed up");
    Ok(BackupReport { path, bytes, pages, verified: true, removed })
}

/// Whether a target names a folder: one that exists, or, where nothing is there yet, a name that ends in a slash
/// or has no extension. So `backups` and `backups/` become folders, `monday.db` a file.
pub fn is_folder(target: &Path) -> bool {
    let says_so = target.as_os_str().as_encoded_bytes().ends_with(b"/") || target.extension().is_none();
    target.is_dir() || (says_so && !target.exists())
}

/// The backups of `database` in a folder, newest first; empty where there is no such folder.
pub fn list(folder: &Path, database: &Path) -> Result<Vec<BackupFile>> {
    let io = |error| DbError::io(format!("read {}", folder.display()), error);
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(io(error)),
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(io)?;
        let Some(name) = name::parse(&entry.file_name(), database) else { continue };
        let path = entry.path();
        let bytes = file::size(&path);
        found.push(BackupFile { path, bytes, taken_ms: name.taken_ms, before_version: name.before_version });
    }
    found.sort_by(|one, other| (other.taken_ms, &other.path).cmp(&(one.taken_ms, &one.path)));
    Ok(found)
}

/// Removes the oldest backups beyond `keep`. Those made for a migration do not count.
fn rotate(folder: &Path, database: &Path, keep: usize) -> Result<Vec<PathBuf>> {
    let found = list(folder, database)?.into_iter().filter(|backup| backup.before_version.is_none());
    let mut removed = Vec::new();
    for old in found.skip(keep) {
        match std::fs::remove_file(&old.path) {
            Ok(()) => removed.push(old.path),
            // Another process rotates at the same time.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(DbError::io(format!("remove {}", old.path.display()), error)),
        }
    }
    Ok(removed)
}

/// A target that is the database itself, something that nobody said to replace, or a name whose log is there.
fn refuse_target(database: &Path, target: &Path, replace: bool) -> Result<()> {
    if let Some(there) = FileIdentity::of(target)? {
        refuse_existing(database, target, there, replace)?;
    }
    refuse_leftovers(target)
}

fn refuse_existing(database: &Path, target: &Path, there: FileIdentity, replace: bool) -> Result<()> {
    if FileIdentity::of(database)? == Some(there) {
        return Err(DbError::Invalid(format!("{} is the database itself", target.display())));
    }
    if !replace {
        return Err(DbError::Invalid(format!("{} exists; a backup does not replace it", target.display())));
    }
    // Someone's live database under this name would go on in a file without a name.
    file::check_is_file(target)?;
    if crate::handle::is_open(target)? || !crate::holders::of_file(target).is_empty() {
        return Err(DbError::file(ErrorKind::Busy, target, "is a database that is in use"));
    }
    Ok(())
}

/// A log or journal that a dead user of an older file of this name left would be played into the backup by
/// whoever opens it first (<https://sqlite.org/howtocorrupt.html>, section 1.4). It may be all that is left of
/// that file's last changes, so it is not ours to remove; without content it is.
fn refuse_leftovers(target: &Path) -> Result<()> {
    let leftovers = ["-wal", "-journal"].map(|suffix| beside(target, suffix));
    if let Some(full) = leftovers.iter().find(|leftover| file::size(leftover) > 0) {
        let what = "is left of another database and would be played into the backup: move it away";
        return Err(DbError::Invalid(format!("{} {what}", full.display())));
    }
    for leftover in leftovers.into_iter().chain([beside(target, "-shm")]) {
        match std::fs::remove_file(&leftover) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(DbError::io(format!("remove {}", leftover.display()), error));
            }
            _ => {}
        }
    }
    Ok(())
}

/// A verified copy before a step that rewrites a table, in the default folder. Writes of other processes
/// between it and the step are not in it.
pub(crate) fn before_rewrite(
    conn: &Connection,
    path: &Path,
    migration: &Migration,
    clock: &dyn Clock,
) -> Result<()> {
    let folder = default_folder(path);
    file::create_folder(&folder)?;
    leftovers::sweep(&folder, clock.wall_ms());
    conn.execute_batch("BEGIN")?;
    let copied = copy::Copy::of(conn, &folder);
    // After an error SQLite may have ended the transaction itself; the error is what counts.
    let ended = conn.execute_batch("COMMIT");
    let copy = copied?;
    ended?;
    copy.verify(path)?;
    let names = name::all(path, clock.wall_ms(), Some(migration.version));
    let kept = copy.keep_as(names.map(|name| folder.join(name)))?;
    tracing::info!(to = %kept.display(), version = migration.version, "backed up before a table is rewritten");
    Ok(())
}

/// Where this database's copies are made unless another folder is given: those of a restore lie beside it.
fn folders(db: &Db) -> [PathBuf; 2] {
    [folder_of(db.path()).to_path_buf(), default_folder(db.path())]
}

/// What copies left behind whose process was killed, with its bytes.
pub(crate) fn leftovers(db: &Db) -> Vec<(PathBuf, u64)> {
    let now_ms = db.clock().wall_ms();
    folders(db).iter().flat_map(|folder| leftovers::of(folder, now_ms)).collect()
}

/// Removes it; gives what is gone by that.
pub(crate) fn sweep(db: &Db) -> Vec<PathBuf> {
    let now_ms = db.clock().wall_ms();
    folders(db).iter().flat_map(|folder| leftovers::sweep(folder, now_ms)).collect()
}

/// How old the newest backup in the default folder is; `None` without one.
pub(crate) fn newest_age(db: &Db) -> Result<Option<Duration>> {
    let newest = list(&default_folder(db.path()), db.path())?.into_iter().next();
    let age = newest.map(|backup| db.clock().wall_ms().saturating_sub(backup.taken_ms));
    Ok(age.map(|age| Duration::from_millis(u64::try_from(age).unwrap_or(0))))
}
