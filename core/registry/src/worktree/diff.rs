//! What an agent has changed.

use std::fs::File;
use std::io;
use std::path::Path;

use super::git::{self, Git};
use super::repository::{Repository, refused};
use super::standing;
use crate::agents::Agent;
use crate::error::{RegistryError, Result};

/// The commit that the agent's changes are told from: the one that its branch began at, or, where the row does not say
/// (an import), the newest that it shares with the current branch.
pub(super) fn base(root: &Path, agent: &Agent) -> Result<String> {
    if let Some(base) = &agent.base_commit {
        return Ok(base.clone());
    }
    let worktree = standing(agent)?;
    let repository = Repository::of(root)?;
    let (branch, newest) = repository.head()?;
    let own = Git::at(worktree).line(&["rev-parse", "--verify", "HEAD"])?;
    let shared = repository.git().ran(&["merge-base", &newest, &own])?;
    match shared.code {
        Some(0) => Ok(String::from_utf8_lossy(shared.stdout.trim_ascii()).into_owned()),
        Some(1) => Err(refused(
            format!("{} shares no commit with {branch}, and its base is not recorded", agent.key.id),
            "`git diff` in its worktree compares with whatever you name",
        )),
        _ => Err(shared.error(&["merge-base"])),
    }
}

pub(super) fn diff(root: &Path, agent: &Agent, colour: bool) -> Result<Vec<u8>> {
    let worktree = standing(agent)?;
    let base = base(root, agent)?;
    // New files are told to an index of our own, so that the agent's stays as it is.
    let folder = tempfile::tempdir().map_err(|error| RegistryError::io("make a temporary folder", error))?;
    let index = folder.path().join("index");
    copy_index(worktree, &index)?;
    let git = Git::at(worktree).with_index(&index);
    let new = git.run(&["ls-files", "-z", "--others", "--exclude-standard"])?;
    // A repository inside of this one, listed with a slash, is not a file of this one.
    let new: Vec<&[u8]> =
        new.split(|byte| *byte == 0).filter(|name| !name.is_empty() && !name.ends_with(b"/")).collect();
    if !new.is_empty() {
        let words = [
            "--literal-pathspecs",
            "add",
            "--intent-to-add",
            "--pathspec-from-file=-",
            "--pathspec-file-nul",
        ];
        git.run_with(&words, &new.join(&0))?;
    }
    let colour = if colour { "--color=always" } else { "--color=never" };
    git.run(&["diff", "--binary", "--no-ext-diff", "--src-prefix=a/", "--dst-prefix=b/", colour, &base, "--"])
}

fn copy_index(worktree: &Path, copy: &Path) -> Result<()> {
    let git = Git::at(worktree);
    let index = git.path(&["rev-parse", "--git-path", "index"])?;
    match copy_with_time(&index, copy) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            git.with_index(copy).run(&["read-tree", "HEAD"]).map(drop)
        }
        Err(error) => Err(RegistryError::io(format!("read {}", index.display()), error)),
    }
}

/// Git looks into a file again that was changed no earlier than the index was written
/// (<https://git-scm.com/docs/racy-git>): a copy of another time would hide a change of the same length from it.
fn copy_with_time(from: &Path, to: &Path) -> io::Result<()> {
    let mut source = File::open(from)?;
    let written_at = source.metadata()?.modified()?;
    let mut target = File::create(to)?;
    io::copy(&mut source, &mut target)?;
    target.set_modified(written_at)
}

/// The files in conflict, in a checkout that is in the middle of a merge.
pub(super) fn in_conflict(checkout: Git<'_>) -> Result<Vec<std::path::PathBuf>> {
    let names = checkout.run(&["diff", "--name-only", "-z", "--diff-filter=U", "--no-relative"])?;
    Ok(git::paths(&names).map(Path::to_path_buf).collect())
}
