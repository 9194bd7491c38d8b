//! Making a worktree.
//!
//! The row comes first: whatever is there when somebody is killed half-way has an agent, so that `conclave cleanup`
//! takes it away. What fails is taken back here, the row's part last.

use std::path::{Path, PathBuf};

use conclave_db::Db;

use super::hook::{self, Which};
use super::repository::{Repository, refused};
use super::{Hooks, Made, exclude, include, processes};
use crate::agents::Agent;
use crate::error::{RegistryError, Result};
use crate::store::worktrees;
use crate::words::{quoted, shown};

/// The folder of the builders' worktrees.
pub(super) const FOLDER: &str = ".builders";

/// Where the worktree of this builder is, or would be.
pub(super) fn folder_of(root: &Path, id: &str) -> PathBuf {
    root.join(FOLDER).join(id)
}

/// Its branch.
fn branch_of(id: &str) -> String {
    format!("builder/{id}")
}

pub(super) fn create(state: &Db, root: &Path, agent: &Agent, hooks: &Hooks) -> Result<Made> {
    let id = agent.key.id.as_str();
    let repository = Repository::of(root)?;
    let (_, base_commit) = repository.head()?;
    let (folder, branch) = (folder_of(root, id), branch_of(id));
    refuse_odd(&repository, id, &branch)?;
    refuse_existing(&repository, id, &folder, &branch)?;
    let made = Made { folder, branch, base_commit, included: 0 };
    let text = text_of(&made.folder)?;
    record(state, id, &made)?;
    let outcome = exclude::ensure(&repository).and_then(|()| build(&repository, root, id, made, hooks));
    outcome.map_err(|failure| match undo(state, &repository, id, &text) {
        Ok(()) => failure,
        Err(left) => refused(
            format!("{failure}; and it could not be taken back: {left}"),
            format!("`conclave cleanup {} --force` takes it away", quoted(Path::new(id))),
        ),
    })
}

/// An id that leads elsewhere, or that no branch can be called.
fn refuse_odd(repository: &Repository, id: &str, branch: &str) -> Result<()> {
    let is_plain = Path::new(id).file_name().is_some_and(|name| name == id) && !id.contains('/');
    let name = format!("refs/heads/{branch}");
    if is_plain && repository.git().says_yes(&["check-ref-format", &name])? {
        return Ok(());
    }
    Err(RegistryError::Invalid(format!(
        "the id {id:?} cannot be the name of a folder and of a branch: letters, digits, `-`, `_` and `.` can"
    )))
}

fn refuse_existing(repository: &Repository, id: &str, folder: &Path, branch: &str) -> Result<()> {
    let has_folder = folder.symlink_metadata().is_ok();
    let has_branch = repository.branch(branch)?.is_some();
    let there = match (has_folder, has_branch) {
        (false, false) => return Ok(()),
        (true, true) => "both are there already",
        (true, false) => "the folder is there already",
        (false, true) => "the branch is there already",
    };
    let mut ways = Vec::new();
    if has_folder {
        ways.push(format!("`conclave cleanup {}` removes the folder of an agent", quoted(Path::new(id))));
    }
    if has_branch {
        let top = quoted(&repository.top);
        ways.push(format!(
            "`git -C {top} branch -d {}` deletes a branch that is merged",
            quoted(Path::new(branch))
        ));
    }
    Err(refused(
        format!("the worktree {} with the branch {branch}: {there}", folder.display()),
        format!("{}; or choose another id", ways.join(", ")),
    ))
}

/// Rows hold text.
fn text_of(folder: &Path) -> Result<String> {
    folder.to_str().map(str::to_owned).ok_or_else(|| {
        RegistryError::Invalid(format!(
            "the path {} is no text: no worktree can be recorded for it",
            shown(folder)
        ))
    })
}

fn record(state: &Db, id: &str, made: &Made) -> Result<()> {
    let (id, folder) = (id.to_owned(), text_of(&made.folder)?);
    let (branch, base) = (made.branch.clone(), made.base_commit.clone());
    let known = id.clone();
    let done: bool =
        state.write("registry: a worktree", move |tx| worktrees::record(tx, &id, &folder, &branch, &base))?;
    if done {
        return Ok(());
    }
    Err(refused(
        format!("{known} is no builder, or has another worktree"),
        format!("`conclave cleanup {}` removes an agent with its worktree", quoted(Path::new(&known))),
    ))
}

fn build(repository: &Repository, root: &Path, id: &str, made: Made, hooks: &Hooks) -> Result<Made> {
    let folder = made.folder.as_os_str();
    // The branch is made at the very commit that was recorded, whoever commits in between.
    let words =
        ["worktree", "add", "--quiet", "--no-track", "-b", &made.branch, "--"].map(std::ffi::OsStr::new);
    {
        // One after the other: git lists all worktrees first, and one that another is just making is broken to it.
        // Some file systems lock no folder.
        let common = std::fs::File::open(&repository.common).ok();
        let _alone = common.filter(|common| common.lock().is_ok());
        repository.git().run(&[&words[..], &[folder, std::ffi::OsStr::new(&made.base_commit)]].concat())?;
    }
    let included = include::copy(&repository.top, &made.folder)?;
    hook::run(Which::Setup, &hooks.setup, root, &made.folder, id)?;
    Ok(Made { included, ..made })
}

/// Takes back what was made: whoever works there, the folder, the branch (nothing of it was there before), and what the
/// row says.
fn undo(state: &Db, repository: &Repository, id: &str, folder: &str) -> Result<()> {
    let (path, branch) = (Path::new(folder), branch_of(id));
    if path.symlink_metadata().is_ok() {
        processes::end_all(state, path)?;
    }
    super::removal::remove(repository, path, super::removal::How::Whatever)?;
    if repository.branch(&branch)?.is_some() {
        repository.git().run(&["branch", "-q", "-D", "--", &branch])?;
    }
    let (id, folder) = (id.to_owned(), folder.to_owned());
    state.write("registry: no worktree", move |tx| worktrees::forget(tx, &id, &folder))
}
