//! A project folder that goes with the test.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// A temporary folder with a project in it. Its path is resolved, so that it compares equal to what the
/// program finds.
#[derive(Debug)]
pub struct TempProject {
    root: PathBuf,
    _dir: TempDir,
}

impl Default for TempProject {
    fn default() -> Self {
        Self::new()
    }
}

impl TempProject {
    /// A folder without git and without state.
    pub fn new() -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let root = fs::canonicalize(dir.path()).expect("the temporary folder's path").join("project");
        fs::create_dir(&root).expect("the project's folder");
        Self { root, _dir: dir }
    }

    /// The same with `.conclave/`.
    pub fn with_state() -> Self {
        let project = Self::new();
        fs::create_dir(project.state_dir()).expect("the state folder");
        project
    }

    /// The project's root.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A path inside.
    pub fn path(&self, inside: &str) -> PathBuf {
        self.root.join(inside)
    }

    /// `<root>/.conclave`.
    pub fn state_dir(&self) -> PathBuf {
        self.path(".conclave")
    }

    /// `<root>/.conclave/state.db`.
    pub fn state_db(&self) -> PathBuf {
        self.state_dir().join("state.db")
    }

    /// Creates a folder inside, with its parents.
    pub fn folder(&self, inside: &str) -> PathBuf {
        let path = self.path(inside);
        fs::create_dir_all(&path).expect("a folder");
        path
    }

    /// Writes a file inside, with its parents.
    pub fn file(&self, inside: &str, content: &[u8]) -> PathBuf {
        let path = self.path(inside);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(&path, content).expect("a file");
        path
    }

    /// Makes the folder `inside` (`""` for the root) look like the main checkout of a repository, without git.
    pub fn git_checkout(&self, inside: &str) -> PathBuf {
        let top = self.folder(inside);
        fs::create_dir_all(top.join(".git/worktrees")).expect("a git folder");
        fs::write(top.join(".git/HEAD"), "ref: refs/heads/main\n").expect("a HEAD");
        top
    }

    /// Makes the folder `inside` look like a worktree of the checkout `main`, as `git worktree add` does.
    pub fn git_worktree(&self, main: &Path, inside: &str) -> PathBuf {
        let top = self.folder(inside);
        let name = top.file_name().expect("a name").to_owned();
        let git_dir = main.join(".git/worktrees").join(name);
        fs::create_dir_all(&git_dir).expect("the worktree's git folder");
        fs::write(git_dir.join("commondir"), "../..\n").expect("commondir");
        fs::write(top.join(".git"), format!("gitdir: {}\n", git_dir.display())).expect("the pointer");
        top
    }
}
