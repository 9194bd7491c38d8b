//! Worktrees without agents, and agents whose worktrees are gone.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use conclave_db::Db;

use super::Orphan;
use super::create::FOLDER;
use super::repository::is_same;
use crate::error::{RegistryError, Result};
use crate::store::worktrees;

pub(super) fn orphans(state: &Db, root: &Path) -> Result<Vec<Orphan>> {
    let rows: Vec<(String, String)> = state.read(worktrees::all)?;
    let is_owned = |folder: &Path| rows.iter().any(|(_, worktree)| is_same(Path::new(worktree), folder));
    let mut found: Vec<Orphan> =
        folders(root)?.into_iter().filter(|folder| !is_owned(folder)).map(Orphan::Folder).collect();
    let is_gone = |folder: &str| {
        Path::new(folder).symlink_metadata().is_err_and(|error| error.kind() == ErrorKind::NotFound)
    };
    found.extend(rows.into_iter().filter(|(_, folder)| is_gone(folder)).map(|(id, _)| Orphan::Row(id)));
    Ok(found)
}

/// The folders of worktrees, in order.
fn folders(root: &Path) -> Result<Vec<PathBuf>> {
    let folder = root.join(FOLDER);
    let failed = |error| RegistryError::io(format!("read {}", folder.display()), error);
    let entries = match std::fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(Vec::new());
        }
        Err(error) => return Err(failed(error)),
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(failed)?;
        if entry.file_type().map_err(failed)?.is_dir() {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}
