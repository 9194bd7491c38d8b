//! Git worktrees of builders.

mod changes;
mod clean_up;
mod create;
mod diff;
mod exclude;
mod git;
mod hook;
mod include;
mod merge;
mod orphans;
mod processes;
mod removal;
mod repository;

use std::path::{Path, PathBuf};

use conclave_db::Db;

use self::repository::refused;
use crate::agents::Agent;
use crate::error::Result;
use crate::words::quoted;

/// What is run in a worktree before its agent and before its removal: programs with their arguments.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hooks {
    /// `[worktree] setup`.
    pub setup: Vec<String>,
    /// `[worktree] teardown`.
    pub teardown: Vec<String>,
}

/// A worktree that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// Its folder, absolute.
    pub folder: PathBuf,
    /// Its branch, `builder/<id>`.
    pub branch: String,
    /// The commit that it began at.
    pub base_commit: String,
    /// How many files `.worktreeinclude` brought.
    pub included: u64,
}

/// How a cleanup goes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cleanup {
    /// Also with uncommitted work.
    pub force: bool,
    /// The branch too, merged or not.
    pub delete_branch: bool,
}

/// What a cleanup did.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct CleanedUp {
    /// The agent.
    pub id: String,
    /// Processes that were ended.
    pub ended: Vec<u32>,
    /// The folder that is gone.
    pub worktree: Option<PathBuf>,
    /// The branch that is gone.
    pub deleted_branch: Option<String>,
    /// The branch that was kept.
    pub kept_branch: Option<String>,
    /// Why it was, such as "which is not merged".
    pub kept_because: Option<String>,
}

/// What a merge came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merged {
    /// The commit that the current branch is at.
    pub commit: String,
    /// The current branch.
    pub into: String,
    /// The checkout that it is checked out in.
    pub checkout: PathBuf,
    /// Whether there was anything to merge.
    pub is_new: bool,
}

/// A worktree without a row, or a row without its worktree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Orphan {
    /// A folder in `.builders` that no agent has.
    Folder(PathBuf),
    /// An agent whose folder is gone.
    Row(String),
}

/// Makes the worktree `.builders/<id>` with branch `builder/<id>` from HEAD of the main checkout at `root`, copies in what
/// `.worktreeinclude` names, records it in the agent's row and runs the setup. What fails leaves nothing behind; whoever
/// is killed leaves a row that [`clean_up`] takes away with all that there is. The row survives a power cut when this
/// returns; the folder is git's, which syncs no checkout.
pub fn create(state: &Db, root: &Path, agent: &Agent, hooks: &Hooks) -> Result<Made> {
    create::create(state, root, agent, hooks)
}

/// The commit that [`diff`] tells the agent's changes from.
pub fn base(root: &Path, agent: &Agent) -> Result<String> {
    diff::base(root, agent)
}

/// The difference of the agent's worktree, committed or not, new files too, from the commit that it began at; as
/// `git diff` prints it, with binary files in a form that `git apply` takes.
pub fn diff(root: &Path, agent: &Agent, colour: bool) -> Result<Vec<u8>> {
    diff::diff(root, agent, colour)
}

/// The checkout that a merge from `folder` goes into: the one that it lies in, where that is of this repository and no
/// builder's, else the main one at `root`.
pub fn checkout_at(root: &Path, folder: &Path) -> PathBuf {
    merge::checkout_at(root, folder)
}

/// Merges the agent's branch into the current branch of the checkout that `folder` lies in, or leaves everything as it
/// was. With `squash` the changes are committed as one.
pub fn merge(folder: &Path, agent: &Agent, squash: bool) -> Result<Merged> {
    merge::merge(folder, agent, squash)
}

/// Ends every process that works inside, runs the teardown, and removes worktree and row. Uncommitted work is refused
/// before anything is ended. Killed at any step, the same call again does the rest. That the row is gone survives a power
/// cut when this returns; a folder may be back after one, as an orphan that [`orphans`] lists.
pub fn clean_up(state: &Db, root: &Path, agent: &Agent, hooks: &Hooks, how: Cleanup) -> Result<CleanedUp> {
    clean_up::clean_up(state, root, agent, hooks, how)
}

/// Orphans both ways. Reads only.
pub fn orphans(state: &Db, root: &Path) -> Result<Vec<Orphan>> {
    orphans::orphans(state, root)
}

/// What helps where an agent has no worktree.
const NEEDS_WORKTREE: &str = "`conclave spawn --worktree` gives an agent one";

/// The agent's worktree, which must be there.
fn standing(agent: &Agent) -> Result<&Path> {
    let id = &agent.key.id;
    let Some(folder) = agent.worktree.as_deref() else {
        return Err(refused(format!("{id} has no worktree: it works in the project itself"), NEEDS_WORKTREE));
    };
    if !folder.is_dir() || removal::is_half(folder) {
        return Err(refused(
            format!("the worktree {} of {id} is gone", folder.display()),
            format!(
                "`conclave cleanup {}` removes the agent; its branch stays unless it is merged",
                quoted(Path::new(id))
            ),
        ));
    }
    Ok(folder)
}
