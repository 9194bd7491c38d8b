//! Git worktrees of builders.

use std::path::{Path, PathBuf};

use conclave_db::Db;

use crate::agents::Agent;
use crate::error::Result;

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
/// `.worktreeinclude` names, records it in the agent's row and runs the setup. What fails leaves nothing behind.
pub fn create(_state: &Db, _root: &Path, _agent: &Agent, _hooks: &Hooks) -> Result<Made> {
    todo!("W")
}

/// The difference of the agent's worktree, committed or not, from the commit that it began at; as `git diff` prints it.
pub fn diff(_root: &Path, _agent: &Agent, _colour: bool) -> Result<Vec<u8>> {
    todo!("W")
}

/// Merges the agent's branch into the current branch of the main checkout, or leaves everything as it was. Gives the
/// commit (with `squash` the changes are staged and committed as one).
pub fn merge(_root: &Path, _agent: &Agent, _squash: bool) -> Result<String> {
    todo!("W")
}

/// Ends every process that works inside, runs the teardown, and removes worktree and row.
pub fn clean_up(
    _state: &Db,
    _root: &Path,
    _agent: &Agent,
    _hooks: &Hooks,
    _how: Cleanup,
) -> Result<CleanedUp> {
    todo!("W")
}

/// Orphans both ways. Reads only.
pub fn orphans(_state: &Db, _root: &Path) -> Result<Vec<Orphan>> {
    todo!("W")
}
