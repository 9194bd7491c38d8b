//! The life of the file: how it comes to be, and what becomes of one that is damaged.
//!
//! Only this takes the guard, and only where there is something to do: a file that is current is opened without it.

use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;
use std::sync::Arc;

use conclave_db::{Db, DbError, DbOptions, ErrorKind, FileIdentity, Schema, put_aside};
use conclave_leases::FileGuard;
use conclave_leases::file_guard::GuardOptions;

use super::{OpenOptions, PATIENCE};
use crate::error::{CacheError, Result};
use crate::store::schema::MIGRATIONS;
use crate::telemetry::CacheEvent;

/// The name of what this is in telemetry.
pub(super) const BACKEND: &str = "sqlite";
/// How often the file may be replaced by others while it is opened.
const TRIES: u32 = 10;

/// The file, open.
#[derive(Debug, Clone)]
pub(super) struct Opened {
    pub(super) db: Db,
    /// Which file it is, to notice that another one has its name.
    pub(super) identity: FileIdentity,
}

/// What lies at the path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    Current,
    /// Nothing, or a file that holds nothing yet.
    Nothing,
    /// No database, another program's, or one that cannot be read.
    Damaged,
}

/// Whether the file itself is what is wrong, so that a new one helps.
pub(super) fn is_damage(error: &CacheError) -> bool {
    matches!(error, CacheError::Storage(error) if is_damage_kind(error.kind()))
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
        let is_suspect = suspect.is_some() && suspect == FileIdentity::of(file)?;
        let opened = match if is_suspect { Found::Damaged } else { look(&db_options)? } {
            Found::Current => open_current(file, &db_options),
            found => make(file, &db_options, options, suspect, found),
        };
        match opened {
            // It looks like a database, and is none behind its first page.
            Err(error) if is_damage(&error) => {
                suspect = FileIdentity::of(file)?;
                failed = Some(error);
            }
            Err(CacheError::Storage(error)) if error.kind() == ErrorKind::Replaced => {
                failed = Some(error.into());
            }
            opened => return opened,
        }
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
        Ok(_) => Ok(Found::Nothing),
        Err(error) if is_damage_kind(error.kind()) => Ok(Found::Damaged),
        Err(error) => Err(error.into()),
    }
}

fn open_current(file: &Path, options: &DbOptions) -> Result<Opened> {
    let opened = match Db::open(options.clone()) {
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
    let identity = FileIdentity::of(file)?.ok_or_else(gone)?;
    Ok(Opened { db, identity })
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
        return open_current(file, db_options);
    }
    if let (Found::Damaged, Some(there)) = (found, there) {
        let kept = put_aside(file, there, "corrupt", options.clock.wall_ms())?;
        if kept.is_some()
            && let Some(observer) = &options.observer
        {
            observer.event(BACKEND, &CacheEvent::CorruptionDetected);
        }
    }
    with_identity(file, Db::open(db_options.clone())?)
}
