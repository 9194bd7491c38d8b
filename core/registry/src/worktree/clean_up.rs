//! Removing an agent, with everything that works in its worktree.
//!
//! The row goes last: whatever this is killed at, the same call again finds the agent and does the rest.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use conclave_db::Db;

use super::changes::{self, Count};
use super::create::FOLDER;
use super::git::Git;
use super::hook::{self, Which};
use super::removal::{self, How, Rest};
use super::repository::{Repository, is_same, refused};
use super::{CleanedUp, Cleanup, Hooks, processes};
use crate::agents::{self, Agent, Removal, Stopped};
use crate::error::{RegistryError, Result};
use crate::store::agents as rows;
use crate::words::{quoted, shown};

pub(super) fn clean_up(
    state: &Db,
    root: &Path,
    agent: &Agent,
    hooks: &Hooks,
    how: Cleanup,
) -> Result<CleanedUp> {
    let mut done = CleanedUp {
        id: agent.key.id.clone(),
        ended: Vec::new(),
        worktree: None,
        deleted_branch: None,
        kept_branch: None,
        kept_because: None,
    };
    let place = Place::of(root, agent, how)?;
    // Until the row is gone too.
    let _held = place.as_ref().map(Place::hold).transpose()?;
    if let Some(place) = &place {
        processes::refuse_from_inside(&place.folder)?;
        place.refuse_locked()?;
        place.refuse_work(how)?;
    }
    stop(state, agent, how, &mut done)?;
    if let Some(place) = &place {
        place.end(state, &mut done)?;
        // What ended may have written something at its end.
        place.refuse_work(how)?;
        place.tear_down(state, root, hooks, how, &mut done)?;
        place.remove(how, &mut done)?;
    }
    if let Some(branch) = &agent.branch {
        let repository = match &place {
            Some(place) => place.repository.clone(),
            None => Repository::of(root).ok(),
        };
        end_of_branch(repository.as_ref(), branch, how, &mut done)?;
    }
    let which = if how.force { Removal::Whatever } else { Removal::Ended };
    let key = agent.key.clone();
    if !agents::remove(state, agent, which)? && state.read(|conn| rows::one(conn, &key))?.is_some() {
        return Err(refused(
            format!("{} was started anew meanwhile: that one stays", agent.key.id),
            "`conclave agents` shows it; clean up again when it may go",
        ));
    }
    Ok(done)
}

/// Ends the agent itself, wherever it stands by now.
fn stop(state: &Db, agent: &Agent, how: Cleanup, done: &mut CleanedUp) -> Result<()> {
    match agents::stop(state, agent, agents::Stopping::default())? {
        Stopped::Ended => done.ended.extend(agent.process.as_ref().map(|process| process.pid)),
        Stopped::NotOurs if !how.force => {
            return Err(refused(
                format!(
                    "{} cannot be ended from here: it may live in another container, or run this",
                    agent.key.id
                ),
                "end it there first; `--force` removes it from the list all the same",
            ));
        }
        Stopped::NotOurs | Stopped::WasNotRunning | Stopped::BeforeStart | Stopped::Forgotten => {}
    }
    Ok(())
}

/// The worktree of an agent.
#[derive(Debug)]
struct Place<'agent> {
    id: &'agent str,
    folder: PathBuf,
    /// `None` where git is missing or knows of no repository here: then only a folder that is gone can be cleaned up.
    repository: Option<Repository>,
    rest: Rest,
}

impl<'agent> Place<'agent> {
    /// `None` where there is none to be removed: the agent has none, or its row names a folder that is not this
    /// project's to remove (as an import can bring), which only `--force` passes over.
    fn of(root: &Path, agent: &'agent Agent, how: Cleanup) -> Result<Option<Self>> {
        let Some(folder) = agent.worktree.clone() else { return Ok(None) };
        let id = agent.key.id.as_str();
        let is_there = folder.symlink_metadata().is_ok();
        let repository = match Repository::of(root) {
            Ok(repository) => Some(repository),
            Err(_) if !is_there || how.force => None,
            Err(error) => return Err(error),
        };
        let is_known = match &repository {
            Some(repository) => removal::is_worktree(repository, &folder)?,
            None => false,
        };
        let is_ours = folder.file_name().is_some()
            && folder.parent().is_some_and(|parent| is_same(parent, &root.join(FOLDER)));
        if is_there && !is_known && !is_ours {
            if how.force {
                return Ok(None);
            }
            return Err(refused(
                format!("{} of {id} is no worktree of this project", folder.display()),
                "`--force` removes the agent from the list, and leaves the folder alone",
            ));
        }
        let rest =
            repository.as_ref().map_or(Ok(Rest::None), |repository| removal::rest(repository, &folder))?;
        Ok(Some(Self { id, folder, repository, rest }))
    }

    /// Keeps out whoever else would clean up here, until this is dropped; they would take what is half removed for
    /// work, and their programs would be ended as some that work inside.
    fn hold(&self) -> Result<Option<File>> {
        let Ok(folder) = File::open(&self.folder) else { return Ok(None) };
        match folder.try_lock() {
            Ok(()) => Ok(Some(folder)),
            // Some file systems lock no folder.
            Err(TryLockError::Error(_)) => Ok(None),
            Err(TryLockError::WouldBlock) => Err(refused(
                format!("{} is being cleaned up by another process", self.id),
                "wait until it is gone: `conclave agents` shows when",
            )),
        }
    }

    /// Git removes no worktree that somebody has locked: said before anything is ended.
    fn refuse_locked(&self) -> Result<()> {
        let Some(repository) = &self.repository else { return Ok(()) };
        let Some(why) = removal::lock(repository, &self.folder)? else { return Ok(()) };
        let why = if why.is_empty() { String::new() } else { format!(": {why}") };
        Err(refused(
            format!("the worktree {} of {} is locked{why}", self.folder.display(), self.id),
            format!(
                "`git -C {} worktree unlock {}`, then clean up again",
                quoted(&repository.top),
                quoted(&self.folder)
            ),
        ))
    }

    /// Work that would be lost.
    fn refuse_work(&self, how: Cleanup) -> Result<()> {
        let is_there = self.folder.symlink_metadata().is_ok();
        if how.force || !is_there || self.rest == Rest::OfMaking {
            return Ok(());
        }
        let shown = self.folder.display();
        if removal::is_half(&self.folder) {
            if self.rest == Rest::OfRemoving || is_empty(&self.folder) {
                return Ok(());
            }
            return Err(RegistryError::Uncommitted {
                text: format!(
                    "{shown} of {} is no checkout of git: nobody can say what would be lost",
                    self.id
                ),
                hint: format!(
                    "look into it; `conclave cleanup {} --force` removes it",
                    quoted(Path::new(self.id))
                ),
            });
        }
        let mut changes = changes::of(&self.folder, Count::AndUntracked)?;
        if self.rest == Rest::OfRemoving {
            changes.retain(|change| !change.is_missing);
        }
        if changes.is_empty() {
            return self.refuse_stray_commits();
        }
        Err(RegistryError::Uncommitted {
            text: format!(
                "{} has work in {shown} that is not committed: {}",
                self.id,
                changes::named(&changes)
            ),
            hint: format!(
                "commit it there, or lose it: `conclave cleanup {} --force`",
                quoted(Path::new(self.id))
            ),
        })
    }

    /// Commits that no branch, tag or stash leads to are lost with the checkout that stands on them.
    fn refuse_stray_commits(&self) -> Result<()> {
        let git = Git::at(&self.folder);
        let head = git.ran(&["rev-parse", "-q", "--verify", "HEAD^{commit}"])?;
        if head.code != Some(0) {
            return Ok(());
        }
        let head = String::from_utf8_lossy(head.stdout.trim_ascii()).into_owned();
        // Those of this worktree alone, as a bisection has them, go with it.
        let kept = ["refs/heads", "refs/tags", "refs/remotes", "refs/stash"];
        let words = [&["for-each-ref", "--count=1", "--contains", head.as_str()][..], &kept].concat();
        if !git.run(&words)?.is_empty() {
            return Ok(());
        }
        let folder = quoted(&self.folder);
        let short: String = head.chars().take(12).collect();
        Err(refused(
            format!(
                "{} is on the commit {short} in {}, which no branch leads to",
                self.id,
                self.folder.display()
            ),
            format!(
                "`git -C {folder} branch NAME {short}` keeps it; or lose it: `conclave cleanup {} --force`",
                quoted(Path::new(self.id))
            ),
        ))
    }

    /// Ends whoever works there, also where the folder is gone under them.
    fn end(&self, state: &Db, done: &mut CleanedUp) -> Result<()> {
        done.ended.extend(processes::end_all(state, &self.folder)?);
        done.ended.sort_unstable();
        done.ended.dedup();
        Ok(())
    }

    fn tear_down(
        &self,
        state: &Db,
        root: &Path,
        hooks: &Hooks,
        how: Cleanup,
        done: &mut CleanedUp,
    ) -> Result<()> {
        if self.rest != Rest::None || removal::is_half(&self.folder) {
            return Ok(());
        }
        match hook::run(Which::Teardown, &hooks.teardown, root, &self.folder, self.id) {
            Err(RegistryError::Command { what, said, .. }) if !how.force => {
                let hint = format!(
                    "`conclave cleanup {} --force` removes it all the same",
                    quoted(Path::new(self.id))
                );
                return Err(RegistryError::Command { what, said, hint: Some(hint) });
            }
            Err(error) if !how.force => return Err(error),
            Err(error) => tracing::warn!(%error, "a teardown that failed is passed over"),
            Ok(()) => {}
        }
        self.end(state, done)
    }

    fn remove(&self, how: Cleanup, done: &mut CleanedUp) -> Result<()> {
        let Some(repository) = &self.repository else {
            if self.folder.symlink_metadata().is_ok() {
                return Err(refused(
                    format!("{} cannot be removed without git", self.folder.display()),
                    format!("`rm -r {}` removes it; then clean up again", quoted(&self.folder)),
                ));
            }
            return Ok(());
        };
        let how = if how.force { How::Whatever } else { How::Committed };
        if removal::remove(repository, &self.folder, how)? {
            done.worktree = Some(self.folder.clone());
        }
        Ok(())
    }
}

fn is_empty(folder: &Path) -> bool {
    std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none())
}

/// A branch of ours goes once all of it is in the current one, or when that is asked for; any other branch stays.
fn end_of_branch(
    repository: Option<&Repository>,
    branch: &str,
    how: Cleanup,
    done: &mut CleanedUp,
) -> Result<()> {
    let Some(repository) = repository else { return Ok(()) };
    let Some(newest) = repository.branch(branch)? else { return Ok(()) };
    let is_ours = branch.starts_with("builder/");
    let is_merged = match repository.commit_of("HEAD")? {
        Some(head) => repository.is_in(&newest, &head)?,
        None => false,
    };
    let checkout = repository.checkout_of(branch)?;
    let why = match checkout {
        _ if !is_ours => "which is not one that Conclave has made".to_owned(),
        Some(checkout) => format!("which is checked out in {}", shown(&checkout)),
        None if !is_merged && !how.delete_branch => "which is not merged".to_owned(),
        None => {
            repository.git().run(&["branch", "-q", "-D", "--", branch])?;
            done.deleted_branch = Some(branch.to_owned());
            return Ok(());
        }
    };
    done.kept_branch = Some(branch.to_owned());
    done.kept_because = Some(why);
    Ok(())
}
