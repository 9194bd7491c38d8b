//! The repository whose main checkout a project is, and what keeps it from having worktrees.

use std::path::{Path, PathBuf};

use super::git::{self, Git};
use crate::error::{RegistryError, Result};
use crate::words::quoted;

/// A checkout that worktrees can be made of.
#[derive(Debug, Clone)]
pub(super) struct Repository {
    /// The top folder of the checkout.
    pub(super) top: PathBuf,
    /// What all worktrees share: the `.git` of the main checkout.
    pub(super) common: PathBuf,
}

/// A worktree that git knows of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) folder: PathBuf,
    /// The main checkout comes first, and is none that may be removed.
    pub(super) is_main: bool,
}

impl Repository {
    /// The repository of the folder. No git, no repository and a bare one are refused, each in its own words.
    pub(super) fn of(root: &Path) -> Result<Self> {
        let git = Git::at(root);
        let asked = git.ran(&["rev-parse", "--is-inside-work-tree"])?;
        let shown = root.display();
        match (asked.code, asked.stdout.trim_ascii()) {
            (Some(0), b"true") => {}
            (Some(0), _) => {
                return Err(refused(
                    format!("{shown} is a bare repository: it has no checkout"),
                    "worktrees begin at the branch of a checkout: `git clone` one",
                ));
            }
            _ => {
                let error = asked.error(&["rev-parse"]);
                if !error.to_string().contains("not a git repository") {
                    return Err(error);
                }
                return Err(refused(
                    format!("{shown} is in no git repository"),
                    "`git init` makes one; without --worktree an agent needs none",
                ));
            }
        }
        let top = git.path(&["rev-parse", "--show-toplevel"])?;
        let common = git.path(&["rev-parse", "--git-common-dir"])?;
        let common = std::fs::canonicalize(&common)
            .map_err(|error| RegistryError::io(format!("find {}", common.display()), error))?;
        Ok(Self { top, common })
    }

    pub(super) fn git(&self) -> Git<'_> {
        Git::at(&self.top)
    }

    /// The branch that is checked out, and its newest commit.
    pub(super) fn head(&self) -> Result<(String, String)> {
        let shown = self.top.display();
        let branch = self.git().ran(&["symbolic-ref", "-q", "--short", "HEAD"])?;
        let branch = match branch.code {
            Some(0) => String::from_utf8_lossy(branch.stdout.trim_ascii()).into_owned(),
            Some(1) => {
                return Err(refused(
                    format!("the checkout {shown} is detached: no branch is checked out"),
                    format!("`git -C {} switch BRANCH` first", quoted(&self.top)),
                ));
            }
            _ => return Err(branch.error(&["symbolic-ref"])),
        };
        match self.commit_of("HEAD")? {
            Some(commit) => Ok((branch, commit)),
            None => Err(refused(format!("{shown} has no commit yet"), "commit something first")),
        }
    }

    /// The commit that a name stands for; `None` where it stands for none.
    pub(super) fn commit_of(&self, name: &str) -> Result<Option<String>> {
        let found = self.git().ran(&["rev-parse", "-q", "--verify", &format!("{name}^{{commit}}")])?;
        match found.code {
            Some(0) => Ok(Some(String::from_utf8_lossy(found.stdout.trim_ascii()).into_owned())),
            Some(1) => Ok(None),
            _ => Err(found.error(&["rev-parse"])),
        }
    }

    /// The newest commit of a branch; `None` where there is no such branch.
    pub(super) fn branch(&self, branch: &str) -> Result<Option<String>> {
        self.commit_of(&format!("refs/heads/{branch}"))
    }

    /// The worktree in which the branch is checked out.
    pub(super) fn checkout_of(&self, branch: &str) -> Result<Option<PathBuf>> {
        let name = format!("refs/heads/{branch}");
        let found = self.git().run(&["for-each-ref", "--format=%(worktreepath)", &name])?;
        let found = found.strip_suffix(b"\n").unwrap_or(&found);
        Ok((!found.is_empty()).then(|| path_of(found).to_path_buf()))
    }

    /// Whether everything of `commit` is in `other`.
    pub(super) fn is_in(&self, commit: &str, other: &str) -> Result<bool> {
        self.git().says_yes(&["merge-base", "--is-ancestor", commit, other])
    }

    /// All worktrees that git knows of.
    pub(super) fn worktrees(&self) -> Result<Vec<Listed>> {
        let list = self.git().run(&["worktree", "list", "--porcelain", "-z"])?;
        let entries = git::paths(&list).filter_map(|entry| {
            entry.as_os_str().to_str().map_or_else(
                || without_prefix(entry),
                |text| text.strip_prefix("worktree ").map(PathBuf::from),
            )
        });
        Ok(entries.enumerate().map(|(number, folder)| Listed { folder, is_main: number == 0 }).collect())
    }

    /// The folder in which git keeps what it knows of a worktree, whether or not the worktree is there.
    pub(super) fn administration(&self, worktree: &Path) -> Result<Option<PathBuf>> {
        let folder = self.common.join("worktrees");
        let entries = match std::fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(RegistryError::io(format!("read {}", folder.display()), error)),
        };
        for entry in entries {
            let entry =
                entry.map_err(|error| RegistryError::io(format!("read {}", folder.display()), error))?;
            // One that cannot be read belongs to nobody that we could say.
            let Ok(pointer) = std::fs::read(entry.path().join("gitdir")) else { continue };
            let pointer = pointer.strip_suffix(b"\n").unwrap_or(&pointer);
            let file = entry.path().join(path_of(pointer));
            if file.parent().is_some_and(|there| is_same(there, worktree)) {
                return Ok(Some(entry.path()));
            }
        }
        Ok(None)
    }
}

/// Whether two paths mean one folder, be it there or gone.
pub(super) fn is_same(one: &Path, other: &Path) -> bool {
    let resolved =
        |path: &Path| conclave_db::paths::canonical_prefix(path).unwrap_or_else(|_| path.to_path_buf());
    one == other || resolved(one) == resolved(other)
}

fn path_of(bytes: &[u8]) -> &Path {
    use std::os::unix::ffi::OsStrExt as _;
    Path::new(std::ffi::OsStr::from_bytes(bytes))
}

fn without_prefix(entry: &Path) -> Option<PathBuf> {
    use std::os::unix::ffi::OsStrExt as _;
    entry.as_os_str().as_bytes().strip_prefix(b"worktree ").map(|path| path_of(path).to_path_buf())
}

/// The state says no, and this helps.
pub(super) fn refused(text: impl Into<String>, hint: impl Into<String>) -> RegistryError {
    RegistryError::Refused { text: text.into(), hint: Some(hint.into()) }
}
