//! Which project a path belongs to, and where state lives: the one module that resolves paths.
//!
//! `/r`, `/r/`, a symbolic link to `/r` and a subfolder of `/r` are one project, so every path that is
//! compared, stored or shown comes from here. Git is not run for it: the two files that say where a worktree
//! belongs (`.git` and `commondir`, <https://git-scm.com/docs/gitrepository-layout>) are read directly, which
//! works without git, in a repository that git calls unsafe, and a thousand times faster.
//!
//! Nothing here reads the environment: it comes in as [`Environment`], so that a test, a script and the
//! program itself agree on what was asked.

mod environment;
mod git;
mod state_dir;

use std::path::{Path, PathBuf};

pub use self::environment::Environment;
pub use self::state_dir::{StateDir, ensure_state_dir};
use crate::error::{DbError, Result};

/// The folder of a project's state, below its root.
pub const STATE_DIR: &str = ".conclave";
/// The folder of the builders' worktrees, below the root of the main checkout.
const BUILDERS: &str = ".builders";

/// Why a folder is the project's root.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Found {
    /// It is the nearest folder upwards that has `.conclave/`.
    Nearest,
    /// The start lies in a git worktree whose main checkout has `.conclave/`.
    MainCheckout,
    /// The start lies in a builder's worktree, `.builders/<id>`, of this main checkout.
    BuildersOwner,
    /// There is no state yet; this is the top folder of the git checkout.
    GitTop,
    /// There is no state yet and no git; this is the start itself.
    Start,
}

/// The root of a project. It need not have any state yet.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct ProjectRoot {
    path: PathBuf,
    found: Found,
}

impl ProjectRoot {
    /// The root, resolved.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where its state lies, or would lie: `<root>/.conclave`.
    pub fn state_dir(&self) -> PathBuf {
        self.path.join(STATE_DIR)
    }

    /// Whether it has a state folder now.
    pub fn has_state(&self) -> bool {
        has_state(&self.path)
    }

    /// Why it is the root.
    pub const fn found(&self) -> Found {
        self.found
    }
}

/// The project that `start` belongs to; `start` must exist. Reads only, creates nothing.
///
/// In this order: inside a builder's worktree the root of the main checkout (even when the worktree has a
/// `.conclave/` of its own: a committed `config.toml` brings one along); the nearest folder upwards with
/// `.conclave/`; the main checkout of a git worktree, if that has `.conclave/`; the top of the git checkout;
/// `start` itself.
pub fn locate(start: &Path) -> Result<ProjectRoot> {
    let start = canonical(start)?;
    if let Some(root) = builders_owner(&start)? {
        return Ok(root);
    }
    if let Some(path) = nearest_state(&start) {
        return Ok(ProjectRoot { path, found: Found::Nearest });
    }
    let Some(top) = git::top(&start) else { return Ok(ProjectRoot { path: start, found: Found::Start }) };
    match git::main_checkout(&top)? {
        Some(main) if has_state(&main) => Ok(ProjectRoot { path: main, found: Found::MainCheckout }),
        _ => Ok(ProjectRoot { path: top, found: Found::GitTop }),
    }
}

/// The path without links, `.`, `..` and a slash at the end. It must exist.
pub fn canonical(path: &Path) -> Result<PathBuf> {
    std::fs::canonicalize(path).map_err(|error| DbError::io(path.display().to_string(), error))
}

/// The same for a path whose last parts may not exist yet: what exists is resolved, the rest appended.
/// `..` behind a part that does not exist is refused, since nobody can say where it would lead.
pub fn canonical_prefix(path: &Path) -> Result<PathBuf> {
    let absolute =
        std::path::absolute(path).map_err(|error| DbError::io(path.display().to_string(), error))?;
    for existing in absolute.ancestors() {
        match std::fs::canonicalize(existing) {
            Ok(resolved) => {
                let rest = absolute.strip_prefix(existing).unwrap_or_else(|_| Path::new(""));
                if rest.components().any(|part| part == std::path::Component::ParentDir) {
                    let text = format!("{}: `..` behind a folder that does not exist", path.display());
                    return Err(DbError::Invalid(text));
                }
                // Joining nothing would append a slash.
                return Ok(if rest.as_os_str().is_empty() { resolved } else { resolved.join(rest) });
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(DbError::io(existing.display().to_string(), error)),
        }
    }
    Ok(absolute)
}

fn has_state(folder: &Path) -> bool {
    folder.join(STATE_DIR).is_dir()
}

fn nearest_state(start: &Path) -> Option<PathBuf> {
    start.ancestors().find(|folder| has_state(folder)).map(Path::to_path_buf)
}

/// The root of the main checkout, when `start` lies in `.builders/<id>` of one.
fn builders_owner(start: &Path) -> Result<Option<ProjectRoot>> {
    // The outermost, so that a builder that was started inside a builder belongs to the same project.
    let worktree = start.ancestors().filter(|folder| is_builder(folder)).last();
    let Some(worktree) = worktree else { return Ok(None) };
    let owner = worktree.parent().and_then(Path::parent);
    let main = match git::main_checkout(worktree)? {
        Some(main) => main,
        // No worktree of git: the folder that holds `.builders` is the one that made it.
        None => match owner {
            Some(owner) => owner.to_path_buf(),
            None => return Ok(None),
        },
    };
    let path = match owner {
        // A project below the top of its checkout, or in a worktree of its own, has its builders beside its state.
        Some(owner) if has_state(owner) && is_checkout_of(owner, &main)? => owner.to_path_buf(),
        _ => nearest_state(&main).unwrap_or(main),
    };
    Ok(Some(ProjectRoot { path, found: Found::BuildersOwner }))
}

/// Whether the folder lies in this main checkout, or in a worktree of it.
fn is_checkout_of(folder: &Path, main: &Path) -> Result<bool> {
    let Some(top) = git::top(folder) else { return Ok(false) };
    Ok(top == main || git::main_checkout(&top)?.as_deref() == Some(main))
}

fn is_builder(folder: &Path) -> bool {
    folder.parent().and_then(Path::file_name).is_some_and(|name| name == BUILDERS)
}
