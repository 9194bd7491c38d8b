//! Moving a file away that is no use any more, for those who make a new one in its place.

use std::path::{Path, PathBuf};
use std::sync::PoisonError;

use crate::error::{DbError, Result};
use crate::file::{self, FileIdentity, beside, folder_of};
use crate::handle;

/// Renames the file at `path` to `<path>.<why>-<now_ms>`, with its log and its journal; gives its new path, and `None` where
/// it is not the `wanted` one, or not there. Durable when this returns. The caller sees to it that no other process does
/// the same at this moment.
///
/// Whoever has it open goes on with the file that it has: SQLite sees that it was moved, and neither plays its log into
/// the new file when it closes nor removes that one's log (`databaseIsUnmoved` in pager.c, 3.53). A write through
/// [`Db`](crate::Db) is [`Replaced`](crate::ErrorKind::Replaced) from then on.
pub fn put_aside(path: &Path, wanted: FileIdentity, why: &str, now_ms: i64) -> Result<Option<PathBuf>> {
    let opening = handle::opening(path);
    let _opening = opening.lock().unwrap_or_else(PoisonError::into_inner);
    if FileIdentity::of(path)? != Some(wanted) {
        return Ok(None);
    }
    let is_free = |name: &PathBuf| std::fs::symlink_metadata(name).is_err();
    let taken = || DbError::Invalid("every name for what is put aside is taken".to_owned());
    let kept = (0..1000).map(|later| beside(path, &format!(".{why}-{}", now_ms.saturating_add(later))));
    let kept = kept.into_iter().find(is_free).ok_or_else(taken)?;
    // What lies beside it first: beside a new file it would be taken for that one's.
    for suffix in ["-wal", "-journal"] {
        rename(&beside(path, suffix), &beside(&kept, suffix))?;
    }
    remove(&beside(path, "-shm"))?;
    rename(path, &kept)?;
    file::sync_folder(folder_of(path))?;
    tracing::warn!(file = %path.display(), kept = %kept.display(), "put aside");
    Ok(Some(kept))
}

/// The files that [`put_aside`] moved away from `path` for this reason, without those that lie beside them, oldest first.
pub fn list_put_aside(path: &Path, why: &str) -> Result<Vec<PathBuf>> {
    let folder = folder_of(path);
    let unreadable = |error| DbError::io(format!("read {}", folder.display()), error);
    let Some(name) = path.file_name() else { return Ok(Vec::new()) };
    let start = format!("{}.{why}-", name.to_string_lossy());
    let mut found = Vec::new();
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(unreadable)?,
    };
    for entry in entries {
        let name = entry.map_err(unreadable)?.file_name();
        let when = name.to_str().and_then(|name| name.strip_prefix(&start)).map(str::parse::<u64>);
        if let Some(Ok(when)) = when {
            found.push((when, folder.join(name)));
        }
    }
    found.sort();
    Ok(found.into_iter().map(|(_, path)| path).collect())
}

/// Removes what [`list_put_aside`] gives, and what lies beside it; gives what was removed. The caller sees to it that nobody
/// puts a file aside at this moment. Not durable when this returns.
pub fn remove_put_aside(path: &Path, why: &str) -> Result<Vec<PathBuf>> {
    let kept = list_put_aside(path, why)?;
    for kept in &kept {
        for suffix in ["-wal", "-journal", "-shm", ""] {
            remove(&beside(kept, suffix))?;
        }
    }
    Ok(kept)
}

/// Removes the log, the journal and the shared memory that lie where a file was deleted: a new file would share them with
/// those who still have the old one open. Does nothing where there is a file. The caller sees to it that nobody makes one at
/// this moment.
pub fn remove_orphans(path: &Path) -> Result<()> {
    let opening = handle::opening(path);
    let _opening = opening.lock().unwrap_or_else(PoisonError::into_inner);
    if FileIdentity::of(path)?.is_some() {
        return Ok(());
    }
    for suffix in ["-wal", "-journal", "-shm"] {
        remove(&beside(path, suffix))?;
    }
    Ok(())
}

fn remove(path: &Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(DbError::io(format!("remove {}", path.display()), error))
        }
        _ => Ok(()),
    }
}

fn rename(from: &Path, to: &Path) -> Result<()> {
    match std::fs::rename(from, to) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(DbError::io(format!("move {}", from.display()), error))
        }
        _ => Ok(()),
    }
}
