//! Putting a backup in the place of the database.
//!
//! The backup is copied and checked before the database is touched, and what is there is kept under another
//! name; how the copy gets into its place is told in `in_place.rs`.

use std::path::{Path, PathBuf};
use std::sync::PoisonError;

use super::carry::Carry;
use super::copy::Copy;
use super::in_place::{self, Keep, Place, Placed};
use super::leftovers;
use crate::error::{DbError, ErrorKind, Result};
use crate::file::{self, FileIdentity, folder_of};
use crate::options::DbOptions;
use crate::source::Source;
use crate::{handle, open, paths};

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
/// damaged, newer than this program or another program's, while anyone has the database open, and when `carry` says
/// so, which takes over what outlives the file. What is there is kept under another name, be it sound or not.
/// Verified and durable when this returns.
pub fn restore<C: Carry>(options: &DbOptions, from: &Path, carry: &mut C) -> Result<RestoreReport, C::Error> {
    // A link is followed: what it leads to is replaced, not the link.
    let path = &paths::canonical_prefix(options.path())?;
    let opening = handle::opening(path);
    let _opening = opening.lock().unwrap_or_else(PoisonError::into_inner);
    let there = FileIdentity::of(path)?;
    if there.is_some() {
        file::check_is_file(path)?;
        if there == FileIdentity::of(from)? {
            return Err(DbError::Invalid(format!("{} is the database itself", from.display())).into());
        }
        in_place::refuse_open(path)?;
    }
    let source = Source::open(from)?;
    file::create_folder(folder_of(path))?;
    leftovers::sweep(folder_of(path), options.clock.wall_ms());
    let copy = source.read(|conn| {
        open::inspect(conn.conn, source.path(), &options.schema)?;
        if conn.pragma::<i64>("page_count")? == 0 {
            return Err(DbError::file(ErrorKind::NotADatabase, source.path(), "is empty: no backup"));
        }
        Copy::of(conn.conn, folder_of(path))
    })?;
    copy.verify(source.path())?;
    let Placed { version, bytes, kept } = Place { path, options, keep: Keep::Beside, carry }.put(copy)?;
    tracing::info!(file = %path.display(), from = %from.display(), "restored");
    let kept = kept.map(|kept| kept.path);
    Ok(RestoreReport {
        path: path.clone(),
        from: source.path().to_path_buf(),
        version,
        bytes,
        kept,
        verified: true,
    })
}
