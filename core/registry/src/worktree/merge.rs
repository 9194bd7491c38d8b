//! Merging an agent's branch, or leaving everything as it was.

use std::fs::File;
use std::path::{Path, PathBuf};

use super::Merged;
use super::changes::{self, Count};
use super::create::FOLDER;
use super::diff::in_conflict;
use super::git::Git;
use super::repository::{Repository, is_same, refused};
use crate::agents::Agent;
use crate::error::{RegistryError, Result};
use crate::words::{named, quoted};

/// What stands in git's folder while somebody is in the middle of something there.
const UNDER_WAY: &[(&str, &str)] = &[
    ("MERGE_HEAD", "a merge"),
    ("CHERRY_PICK_HEAD", "a cherry-pick"),
    ("REVERT_HEAD", "a revert"),
    ("rebase-merge", "a rebase"),
    ("rebase-apply", "a rebase"),
];

/// What is merged into what.
#[derive(Debug)]
struct Merge<'merge> {
    repository: &'merge Repository,
    agent: &'merge Agent,
    /// The agent's branch, and its newest commit.
    branch: &'merge str,
    commit: String,
    /// The current branch, and its newest commit.
    into: String,
    before: String,
}

/// The checkout that whoever stands in `folder` means by the current one: another worktree of the repository, if it is no
/// builder's, else the main one.
pub(super) fn checkout_at(root: &Path, folder: &Path) -> PathBuf {
    let here = || -> Result<Option<PathBuf>> {
        let (main, here) = (Repository::of(root)?, Repository::of(folder)?);
        let is_builders = here.top.parent().is_some_and(|parent| is_same(parent, &root.join(FOLDER)));
        Ok((here.common == main.common && !is_builders).then_some(here.top))
    };
    // What is wrong with the main one is told where it is needed.
    here().ok().flatten().unwrap_or_else(|| root.to_path_buf())
}

pub(super) fn merge(folder: &Path, agent: &Agent, squash: bool) -> Result<Merged> {
    let repository = Repository::of(folder)?;
    let _alone = hold(&repository)?;
    let (into, before) = repository.head()?;
    let (checkout, was) = (repository.top.clone(), before.clone());
    let outcome = |commit: String, into: String| Merged { is_new: commit != was, commit, into, checkout };
    let id = &agent.key.id;
    let Some(branch) = agent.branch.as_deref() else {
        return Err(refused(
            format!("{id} has no branch: it works in the project itself"),
            super::NEEDS_WORKTREE,
        ));
    };
    let Some(commit) = repository.branch(branch)? else {
        return Err(refused(
            format!("the branch {branch} of {id} is gone"),
            "nothing of it is left to merge",
        ));
    };
    refuse_dirty(&repository)?;
    refuse_unfinished(agent, branch)?;
    if repository.is_in(&commit, &before)? {
        return Ok(outcome(before, into));
    }
    let merge = Merge { repository: &repository, agent, branch, commit, into, before };
    let done = if squash { merge.as_one() } else { merge.as_it_is() };
    done.map_err(|failure| merge.taken_back(failure, squash))?;
    match repository.commit_of("HEAD")? {
        Some(commit) => Ok(outcome(commit, merge.into)),
        None => Err(refused("the current branch is gone", "`git status` says more")),
    }
}

/// Keeps other merges out of the checkout until it is dropped, and waits for them: one that is taken back would undo what
/// another has merged meanwhile.
fn hold(repository: &Repository) -> Result<Option<File>> {
    let folder = repository.git().path(&["rev-parse", "--absolute-git-dir"])?;
    let Ok(folder) = File::open(folder) else { return Ok(None) };
    // Some file systems lock no folder.
    Ok(folder.lock().is_ok().then_some(folder))
}

/// In the main checkout everything must be committed, so that all of it can be put back.
fn refuse_dirty(repository: &Repository) -> Result<()> {
    let top = &repository.top;
    for (file, what) in UNDER_WAY {
        if repository.git().path(&["rev-parse", "--git-path", file])?.exists() {
            return Err(refused(
                format!("{what} is under way in {}", top.display()),
                format!("`git -C {} status` says how to end it", quoted(top)),
            ));
        }
    }
    let changes = changes::of(top, Count::Tracked)?;
    if changes.is_empty() {
        return Ok(());
    }
    Err(refused(
        format!(
            "the checkout {} has changes that are not committed: {}",
            top.display(),
            changes::named(&changes)
        ),
        "commit or stash them first",
    ))
}

/// In the agent's worktree everything must be committed, on its branch: what is not would be left behind.
fn refuse_unfinished(agent: &Agent, branch: &str) -> Result<()> {
    // A branch whose worktree is gone can be merged all the same.
    let Some(worktree) = agent.worktree.as_deref().filter(|folder| !super::removal::is_half(folder)) else {
        return Ok(());
    };
    let (id, shown) = (&agent.key.id, worktree.display());
    let current = Git::at(worktree).ran(&["symbolic-ref", "-q", "--short", "HEAD"])?;
    let current = String::from_utf8_lossy(current.stdout.trim_ascii()).into_owned();
    if current != branch {
        let current = if current.is_empty() { "no branch".to_owned() } else { current };
        return Err(refused(
            format!("in {shown} {current} is checked out, and not {branch}"),
            format!("`git -C {} switch {}` first", quoted(worktree), quoted(Path::new(branch))),
        ));
    }
    let changes = changes::of(worktree, Count::AndUntracked)?;
    if changes.is_empty() {
        return Ok(());
    }
    let or = if changes.iter().all(|change| change.is_new) { ", or add it to .gitignore" } else { "" };
    Err(refused(
        format!("{id} has work in {shown} that is not committed: {}", changes::named(&changes)),
        format!("commit it there first{or}"),
    ))
}

impl Merge<'_> {
    fn as_it_is(&self) -> Result<()> {
        let message = format!("Merge branch '{}'", self.branch);
        let words = [
            "merge",
            "--quiet",
            "--no-edit",
            "--no-squash",
            "--commit",
            "-m",
            &message,
            "--no-autostash",
            &self.commit,
        ];
        self.repository.git().run(&words).map(drop)
    }

    fn as_one(&self) -> Result<()> {
        let git = self.repository.git();
        git.run(&["merge", "--quiet", "--squash", "--no-commit", "--no-autostash", &self.commit])?;
        if git.says_yes(&["diff", "--cached", "--quiet", "--no-ext-diff"])? {
            // Its changes are all there already, by other commits.
            return self.put_back();
        }
        let range = format!("{}..{}", self.before, self.commit);
        let commits =
            git.run(&["log", "--no-color", "--no-decorate", "--reverse", "--format=* %s", &range])?;
        let name = super::git::on_one_line(self.agent.name.as_bytes());
        let name = if name.is_empty() { self.agent.key.id.clone() } else { name };
        let mut message = format!("{name}\n\nAll of the branch {}:\n\n", self.branch).into_bytes();
        message.extend_from_slice(&commits);
        git.run_with(&["commit", "--quiet", "--no-edit", "--file=-"], &message).map(drop)
    }

    /// The failure, once everything is as before.
    fn taken_back(&self, failure: RegistryError, squash: bool) -> RegistryError {
        let git = self.repository.git();
        let conflicts = in_conflict(git).unwrap_or_default();
        let under_way = git.path(&["rev-parse", "--git-path", "MERGE_HEAD"]).is_ok_and(|file| file.exists());
        let back =
            if under_way && !squash { git.run(&["merge", "--abort"]).map(drop) } else { self.put_back() };
        if let Err(left) = back.and_then(|()| self.refuse_changed()) {
            return refused(
                format!("{failure}; and it could not be taken back: {left}"),
                format!("`git -C {} status` says how it stands", quoted(&self.repository.top)),
            );
        }
        if conflicts.is_empty() {
            return failure;
        }
        let files = named(conflicts.iter().map(std::path::PathBuf::as_path));
        let (branch, into) = (self.branch, &self.into);
        let place = self.agent.worktree.as_deref().map_or_else(|| branch.to_owned(), quoted);
        refused(
            format!("{branch} does not merge into {into}: both change {files}"),
            format!(
                "`git -C {place} merge {into}`, settle it there and commit; here everything is as it was"
            ),
        )
    }

    /// Everything was committed, so nothing but the merge is lost by this; and files that git does not know stay.
    /// Unless somebody has moved the branch meanwhile, whose commit it would take away.
    fn put_back(&self) -> Result<()> {
        self.refuse_moved()?;
        self.repository.git().run(&["reset", "--quiet", "--merge", &self.before]).map(drop)
    }

    fn refuse_changed(&self) -> Result<()> {
        self.refuse_moved()?;
        refuse_dirty(self.repository)
    }

    fn refuse_moved(&self) -> Result<()> {
        let now = self.repository.commit_of("HEAD")?;
        if now.as_deref() != Some(self.before.as_str()) {
            return Err(refused(
                format!("{} is no longer at {}", self.into, self.before),
                "look with `git log`",
            ));
        }
        Ok(())
    }
}
