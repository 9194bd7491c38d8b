//! An empty database in the place of the one that is there.
//!
//! The same as a restore from a backup that has nothing in it: what is there is kept first, as a verified backup that
//! `restore` takes back, and it is replaced in one transaction. The file is never removed.

use std::path::PathBuf;
use std::sync::PoisonError;

use super::carry::Carry;
use super::copy::Copy;
use super::in_place::{self, Keep, Place, Placed};
use super::leftovers;
use crate::error::{ErrorKind, Result};
use crate::file::{self, folder_of};
use crate::options::DbOptions;
use crate::{handle, open, paths};

/// What a reset did.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct ResetReport {
    /// The database that is empty now.
    pub path: PathBuf,
    /// Its schema version.
    pub version: i32,
    /// Its bytes.
    pub bytes: u64,
    /// Where what was there before lies now; `None` if there was nothing in the file.
    pub kept: Option<PathBuf>,
    /// Whether that is a backup which passed every check; a file that was damaged is kept as it was.
    pub kept_verified: bool,
    /// Whether the new file passed `integrity_check` and `foreign_key_check` in its place: always, or there would be no
    /// report.
    pub verified: bool,
}

/// Puts an empty database of the current schema in the place of the one of `options`. What is there becomes a backup in
/// the default folder first; what is damaged is kept beside it. Refused untouched when there is no file
/// ([`ErrorKind::Missing`]), when it is newer than this program or another program's, while anyone has it open, and
/// when `carry` says so, which takes over what outlives the file. Verified and durable when this returns.
pub fn reset<C: Carry>(options: &DbOptions, carry: &mut C) -> Result<ResetReport, C::Error> {
    let path = paths::canonical_prefix(options.path())?;
    let opening = handle::opening(&path);
    let _opening = opening.lock().unwrap_or_else(PoisonError::into_inner);
    file::check_is_file(&path)?;
    in_place::refuse_open(&path)?;
    let options = &DbOptions { path, ..options.clone() };
    let path = &options.path;
    refuse_others(options)?;
    leftovers::sweep(folder_of(path), options.clock.wall_ms());
    let empty = Copy::empty(options, folder_of(path))?;
    let Placed { version, bytes, kept } = Place { path, options, keep: Keep::AsBackup, carry }.put(empty)?;
    let kept_verified = kept.as_ref().is_some_and(|kept| kept.is_sound);
    let kept = kept.map(|kept| kept.path);
    tracing::info!(file = %path.display(), ?kept, "reset");
    Ok(ResetReport { path: path.clone(), version, bytes, kept, kept_verified, verified: true })
}

/// A file that is newer or another program's is not ours to empty; one that is damaged is.
fn refuse_others(options: &DbOptions) -> Result<()> {
    match open::look(options) {
        Err(error) if !matches!(error.kind(), ErrorKind::NotADatabase | ErrorKind::Corrupt) => Err(error),
        _ => Ok(()),
    }
}
