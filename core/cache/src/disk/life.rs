//! The life of the file: how it comes to be, and what becomes of one that is damaged.
//!
//! Only this takes the guard, and only where there is something to do: a file that is current is opened without it.

use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use conclave_db::{
    Db, DbError, DbOptions, ErrorKind, FIRST_VERSION, FileIdentity, Schema, put_aside, remove_orphans,
};
use conclave_leases::FileGuard;
use conclave_leases::file_guard::GuardOptions;

use super::{OpenOptions, PATIENCE};
use crate::error::{CacheError, Result};
use crate::store::schema::MIGRATIONS;
use crate::telemetry::CacheEvent;

/// The name of what this is in telemetry.
pub(super) const BACKEND: &str = "sqlite";
/// Why a file is put aside, as it stands in its new name.
const WHY: &str = "corrupt";
/// Making a file takes milliseconds; below this not even that would work on a slow disk.
const LEAST_PATIENCE: Duration = Duration::from_millis(500);
/// How often the file may be replaced by others while it is opened.
const TRIES: u32 = 10;

/// The file, open.
#[derive(Debug, Clone)]
pub(super) struct Opened {
    pub(super) db: Db,
    /// Which file it is, to notice that another one has its name.
    pub(super) identity: FileIdentity,
    /// Where what lay in its place went, if this opening put it aside.
    pub(super) put_aside: Option<Arc<Path>>,
}

/// What lies at the path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    Current,
    /// Nothing, or a file that holds nothing yet; or one of an older version, which is brought to this one.
    Nothing,
    /// No database, another program's, or one that cannot be read, or that is not made as ours are.
    Damaged,
}

/// Whether the file itself is what is wrong, so that a new one helps.
pub(super) fn is_damage(error: &CacheError) -> bool {
    let CacheError::Storage(error) = error else { return false };
    match error.kind() {
        // Our statements are right: tables that they do not fit are none of ours, whatever the marks of the file say.
        ErrorKind::Constraint => true,
        ErrorKind::Statement => is_about_tables(error),
        kind => is_damage_kind(kind),
    }
}

/// Whether a table or column is missing, or holds what ours never do; not that a value is too long for SQLite, say.
fn is_about_tables(error: &DbError) -> bool {
    let text = match error {
        // The binding: no row where there is always one, a value of another type.
        DbError::Sqlite { code: 0, .. } => return true,
        DbError::Sqlite { text, .. } | DbError::File { what: text, .. } => text,
        _ => return false,
    };
    ["no such table", "no such column", "has no column named"].iter().any(|part| text.contains(part))
}

/// Whether an operation failed only because the file is not there any more, or another one: SQLite says many things then.
pub(super) fn is_gone(file: &Path, before: Option<FileIdentity>, error: &CacheError) -> bool {
    let CacheError::Storage(storage) = error else { return false };
    let is_same = || FileIdentity::of(file).is_ok_and(|now| now.is_some() && now == before);
    storage.kind() == ErrorKind::Replaced || !is_same()
}

const fn is_damage_kind(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::Corrupt | ErrorKind::NotADatabase | ErrorKind::Foreign)
}

pub(crate) fn db_options(file: &Path, options: &OpenOptions) -> Result<DbOptions> {
    let schema = Schema::assemble(&[MIGRATIONS], &[])?;
    Ok(DbOptions::new(file, schema)
        .deadline(PATIENCE)
        .clock(Arc::clone(&options.clock))
        .sleeper(Arc::clone(&options.sleeper)))
}

/// Opens the file for reading and writing, whatever is there. `suspect` is a file whose damage showed when it was used:
/// where it is still that one, it goes too.
pub(super) fn open(file: &Path, options: &OpenOptions, mut suspect: Option<FileIdentity>) -> Result<Opened> {
    let db_options = db_options(file, options)?;
    let mut failed = None;
    for _ in 0..TRIES {
        let before = FileIdentity::of(file)?;
        let is_suspect = before.is_some() && before == suspect;
        let found = if is_suspect { Ok(Found::Damaged) } else { look(&db_options) };
        let opened = found.and_then(|found| match found {
            Found::Current => open_current(file, &db_options, before),
            found => make(file, &db_options, options, suspect, found),
        });
        let Err(error) = opened else { return opened };
        if is_damage(&error) {
            // It looks like a database, and is none behind its first page.
            suspect = before;
        } else if !is_gone(file, before, &error) {
            return Err(error);
        }
        // Otherwise somebody put it aside or made it at this moment.
        failed = Some(error);
    }
    Err(failed.unwrap_or_else(|| CacheError::Invalid("the file does not stay what it is".to_owned())))
}

/// Opens it to be read only.
pub(super) fn open_read_only(file: &Path, options: &OpenOptions) -> Result<Opened> {
    let db = Db::open_read_only(db_options(file, options)?)?;
    with_identity(file, db)
}

/// Takes the guard of the file's life.
pub(super) fn guard(file: &Path, options: &OpenOptions, operation: &str) -> Result<FileGuard> {
    let mut guard = GuardOptions::default()
        .timeout(options.lock_timeout)
        .clock(Arc::clone(&options.clock))
        .sleeper(Arc::clone(&options.sleeper));
    if let Some(observer) = &options.guard_observer {
        guard = guard.observer(Arc::clone(observer));
    }
    Ok(guard.acquire(file, operation)?)
}

fn look(options: &DbOptions) -> Result<Found> {
    match Db::plan(options) {
        Ok(plan) if plan.from == plan.to => Ok(Found::Current),
        Ok(plan) if plan.from >= FIRST_VERSION => Ok(Found::Nothing),
        // Without a version it is ours only while nothing is in it; versions below the first are none.
        Ok(plan) if plan.from == 0 => match Db::is_unfinished(options) {
            Ok(false) => Ok(Found::Damaged),
            Ok(true) => Ok(Found::Nothing),
            Err(error) if error.kind() == ErrorKind::Missing => Ok(Found::Nothing),
            Err(error) => Err(error.into()),
        },
        Ok(_) => Ok(Found::Damaged),
        Err(error) => {
            let error = CacheError::from(error);
            if is_damage(&error) { Ok(Found::Damaged) } else { Err(error) }
        }
    }
}

/// `before` is which file it was when it was looked at.
fn open_current(file: &Path, options: &DbOptions, before: Option<FileIdentity>) -> Result<Opened> {
    // Without the guard nothing is made, not even where the file is gone since the look.
    let opened = match Db::open_existing(options.clone()) {
        // SQLite says the same of a file that was moved away from under it (SQLITE_READONLY_DBMOVED).
        Err(error) if error.kind() == ErrorKind::ReadOnly && FileIdentity::of(file)? != before => {
            Err(DbError::file(ErrorKind::Replaced, file, "the file was replaced while it was opened"))
        }
        Err(error) if error.kind() == ErrorKind::ReadOnly => {
            tracing::warn!(file = %file.display(), "the cache can only be read: {error}");
            Db::open_read_only(options.clone())
        }
        opened => opened,
    };
    with_identity(file, opened?)
}

fn with_identity(file: &Path, db: Db) -> Result<Opened> {
    let gone = || DbError::file(ErrorKind::Replaced, file, "the file was deleted while it was opened");
    let identity = match db.identity() {
        Some(identity) => identity,
        None => FileIdentity::of(file)?.ok_or_else(gone)?,
    };
    Ok(Opened { db, identity, put_aside: None })
}

/// Under the guard: makes the file, after putting aside what is in its place and is no use.
fn make(
    file: &Path,
    db_options: &DbOptions,
    options: &OpenOptions,
    suspect: Option<FileIdentity>,
    found: Found,
) -> Result<Opened> {
    if let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.exists()) {
        let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
        made.map_err(|source| CacheError::Io {
            what: format!("create {}", folder.display()),
            source,
            path: folder.to_path_buf(),
        })?;
    }
    let operation = if found == Found::Damaged { "quarantine" } else { "create" };
    let guard = guard(file, options, operation)?;
    // Again: somebody else may have done it meanwhile.
    let there = FileIdentity::of(file)?;
    let is_suspect = there.is_some() && there == suspect;
    let found = if is_suspect { Found::Damaged } else { look(db_options)? };
    if found == Found::Current {
        drop(guard);
        return open_current(file, db_options, there);
    }
    let mut kept = None;
    if let (Found::Damaged, Some(there)) = (found, there) {
        kept = put_aside(file, there, WHY, options.clock.wall_ms())?;
        if kept.is_some()
            && let Some(observer) = &options.observer
        {
            observer.event(BACKEND, &CacheEvent::CorruptionDetected);
        }
    }
    // What a file that was deleted has left would be taken for that of the new one.
    remove_orphans(file)?;
    // Who waits for SQLite under the guard gives up before those who wait for the guard do.
    let patience = PATIENCE.min(options.lock_timeout / 2).max(LEAST_PATIENCE);
    let made = with_identity(file, Db::open(db_options.clone().deadline(patience))?)?;
    Ok(Opened { put_aside: kept.map(Into::into), ..made })
}

/// What was put aside here, oldest first.
pub(super) fn list_put_aside(file: &Path) -> Result<Vec<PathBuf>> {
    Ok(conclave_db::list_put_aside(file, WHY)?)
}

/// Removes it, under the guard.
pub(super) fn remove_put_aside(file: &Path) -> Result<Vec<PathBuf>> {
    Ok(conclave_db::remove_put_aside(file, WHY)?)
}
