//! Removing a worktree's folder, by git.
//!
//! Git deletes the folder and then what it knows of it. Killed in between, half a folder is left, which looks like a
//! checkout in which somebody has deleted files. So a mark is put beside what git knows before anything goes: files
//! that are missing in a folder with the mark are not somebody's work.

use std::ffi::OsStr;
use std::io::ErrorKind;
use std::path::Path;

use super::repository::{Repository, is_same};
use crate::error::{RegistryError, Result};

/// The mark. Git keeps other files where it stands, and removes the folder whole.
const MARK: &str = "conclave-removing";

/// What may go with the folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    /// Nothing but what is committed: git looks again, and refuses what came since we looked.
    Committed,
    /// Whatever there is.
    Whatever,
}

/// Removes the folder and what git knows of it; a folder that is gone already is no failure. Gives whether there was
/// a folder.
pub(super) fn remove(repository: &Repository, folder: &Path, how: How) -> Result<bool> {
    let is_there = folder.symlink_metadata().is_ok();
    let known = repository.administration(folder)?;
    let Some(known) = known else {
        // Nothing that git could remove: it was never made whole, or what git knew of it is gone.
        if is_there {
            delete(folder)?;
        }
        return Ok(is_there);
    };
    let mark = known.join(MARK);
    let rest = rest_in(&known);
    std::fs::write(&mark, b"")
        .map_err(|error| RegistryError::io(format!("write {}", mark.display()), error))?;
    if is_there && is_half(folder) {
        delete(folder)?;
    }
    let force: &[&str] = match (rest, how) {
        // Git locks what it has not finished making; only the second one is stronger.
        (Rest::OfMaking, _) => &["--force", "--force"],
        (Rest::None, How::Committed) => &[],
        _ => &["--force"],
    };
    let removed = git_remove(repository, folder, force);
    if removed.is_err() && !is_half(folder) {
        // It is whole: nothing of it may be taken for a rest. If this fails too, the error above is the one to tell.
        // Where git has begun the mark stays: what is left of the folder tells nobody what was in it.
        let _ = std::fs::remove_file(&mark);
    }
    removed.map(|()| is_there)
}

fn git_remove(repository: &Repository, folder: &Path, force: &[&str]) -> Result<()> {
    let remove = |force: &[&str]| {
        let words = [&["worktree", "remove"], force, &["--"]].concat();
        let words: Vec<&OsStr> = words.into_iter().map(OsStr::new).collect();
        repository.git().run(&[&words[..], &[folder.as_os_str()]].concat()).map(drop)
    };
    match remove(force) {
        // Clean or not, git asks for --force there; that it is clean was looked at.
        Err(error) if force.is_empty() && error.to_string().contains("submodules") => remove(&["--force"]),
        done => done,
    }
}

/// What a worktree may be the rest of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rest {
    /// It is whole.
    None,
    /// Its making did not end: nobody has worked in it.
    OfMaking,
    /// Its removal did not end: files may be missing.
    OfRemoving,
}

/// What the folder is the rest of.
pub(super) fn rest(repository: &Repository, folder: &Path) -> Result<Rest> {
    Ok(repository.administration(folder)?.map_or(Rest::None, |known| rest_in(&known)))
}

fn rest_in(known: &Path) -> Rest {
    if known.join(MARK).exists() {
        return Rest::OfRemoving;
    }
    // `git worktree add` holds this lock, with this reason, from its first to its last step.
    let lock = std::fs::read(known.join("locked")).unwrap_or_default();
    if lock.trim_ascii() == b"initializing" { Rest::OfMaking } else { Rest::None }
}

/// Why somebody has locked it (`git worktree lock`), empty where they did not say; `None` where nobody has.
pub(super) fn lock(repository: &Repository, folder: &Path) -> Result<Option<String>> {
    let Some(known) = repository.administration(folder)? else { return Ok(None) };
    if rest_in(&known) == Rest::OfMaking {
        return Ok(None);
    }
    match std::fs::read(known.join("locked")) {
        Ok(reason) => Ok(Some(super::git::on_one_line(&reason))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(RegistryError::io(format!("read {}", known.join("locked").display()), error)),
    }
}

/// Whether the file is gone that makes the folder a checkout.
pub(super) fn is_half(folder: &Path) -> bool {
    folder.join(".git").symlink_metadata().is_err()
}

/// Whether git knows the folder as a worktree other than the main checkout.
pub(super) fn is_worktree(repository: &Repository, folder: &Path) -> Result<bool> {
    let listed = repository.worktrees()?;
    Ok(listed.iter().any(|listed| !listed.is_main && is_same(&listed.folder, folder)))
}

fn delete(folder: &Path) -> Result<()> {
    let done =
        if folder.is_symlink() { std::fs::remove_file(folder) } else { std::fs::remove_dir_all(folder) };
    match done {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(RegistryError::io(format!("remove {}", folder.display()), error))
        }
        _ => Ok(()),
    }
}
