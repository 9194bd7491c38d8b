//! What two small files of git say about where a folder belongs.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::error::{DbError, Result};

/// The nearest folder upwards that holds `.git`, be it a folder (a checkout) or a file (a worktree or a
/// submodule).
pub(super) fn top(start: &Path) -> Option<PathBuf> {
    start.ancestors().find(|folder| folder.join(".git").exists()).map(Path::to_path_buf)
}

/// The main checkout that the worktree at `top` belongs to. `None` for a main checkout itself, a submodule, a
/// worktree of a bare repository (which has no main checkout), and what is no checkout at all.
///
/// A worktree's `.git` is a file with the line `gitdir: PATH`; that folder holds `commondir`, the way from
/// there to the repository's `.git`. A submodule's has no `commondir`: it is a project of its own.
pub(super) fn main_checkout(top: &Path) -> Result<Option<PathBuf>> {
    let Some(pointer) = read(&top.join(".git"))? else { return Ok(None) };
    let Some(git_dir) = pointer.strip_prefix(b"gitdir:") else { return Ok(None) };
    let git_dir = top.join(path_of(git_dir));
    let Some(common) = read(&git_dir.join("commondir"))? else { return Ok(None) };
    // Pruned worktrees leave a `.git` that points nowhere: then there is no main checkout to be found.
    let Ok(common) = std::fs::canonicalize(git_dir.join(path_of(&common))) else { return Ok(None) };
    if common.file_name() != Some(OsStr::new(".git")) {
        return Ok(None);
    }
    Ok(common.parent().filter(|main| *main != top).map(Path::to_path_buf))
}

/// The bytes of a small file; `None` when there is no such file (or a folder).
fn read(path: &Path) -> Result<Option<Vec<u8>>> {
    use std::io::ErrorKind;
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::NotFound | ErrorKind::IsADirectory | ErrorKind::NotADirectory
            ) =>
        {
            Ok(None)
        }
        Err(error) => Err(DbError::io(format!("read {}", path.display()), error)),
    }
}

/// A path as git writes it: one space after the colon and a line end behind it; blanks inside are its own.
fn path_of(bytes: &[u8]) -> &Path {
    let bytes = bytes.strip_prefix(b" ").unwrap_or(bytes);
    let end = bytes.iter().rposition(|byte| !matches!(byte, b'\n' | b'\r')).map_or(0, |last| last + 1);
    Path::new(OsStr::from_bytes(bytes.get(..end).unwrap_or_default()))
}
