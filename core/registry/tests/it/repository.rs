//! A project with a git repository and a state, and agents in it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::Duration;

use conclave_db::{Db, DbOptions};
use conclave_registry::agents::{self, Agent, BuilderType, NewAgent, Role};
use conclave_registry::worktree::{self, CleanedUp, Cleanup, Hooks, Made};
use conclave_registry::{RegistryError, Result};
use conclave_retry::{Clock, SystemClock};
use conclave_testkit::{TempProject, skipped};

use crate::files::state_schema;

/// A clock on which nobody waits long for what does not end by itself.
#[derive(Debug)]
struct Hurried;

impl Clock for Hurried {
    fn monotonic(&self) -> Duration {
        SystemClock.monotonic() * 20
    }

    fn wall_ms(&self) -> i64 {
        SystemClock.wall_ms()
    }
}

/// Gone at the end.
pub(crate) struct Repository {
    project: TempProject,
    pub(crate) state: Db,
}

impl Repository {
    /// With one commit on `main`; `None` where there is no git, which is said.
    pub(crate) fn new() -> Option<Self> {
        let repository = Self::empty()?;
        repository.write("README", "first\n");
        repository.git(&["add", "-A"]);
        repository.git(&["commit", "-qm", "first"]);
        Some(repository)
    }

    /// Without a commit.
    pub(crate) fn empty() -> Option<Self> {
        let repository = Self::without_git()?;
        repository.git(&["init", "-q", "-b", "main"]);
        for (name, value) in
            [("user.name", "Tester"), ("user.email", "t@example.org"), ("commit.gpgsign", "false")]
        {
            repository.git(&["config", name, value]);
        }
        repository.write(".gitignore", ".conclave/\n*.secret\n/build/\n");
        Some(repository)
    }

    /// A folder that is no repository.
    pub(crate) fn without_git() -> Option<Self> {
        if Command::new("git").arg("--version").output().is_err() {
            skipped("no git here");
            return None;
        }
        let project = TempProject::with_state();
        let options = DbOptions::new(project.state_db(), state_schema()).clock(Arc::new(Hurried));
        let state = Db::open(options).unwrap();
        Some(Self { project, state })
    }

    pub(crate) fn root(&self) -> &Path {
        self.project.root()
    }

    pub(crate) fn path(&self, inside: &str) -> PathBuf {
        self.project.path(inside)
    }

    /// Where an agent's worktree is.
    pub(crate) fn worktree(&self, id: &str) -> PathBuf {
        self.path(".builders").join(id)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        write(&self.path(name), text);
    }

    /// Runs git at the root, expects it to succeed, and gives what it says.
    pub(crate) fn git(&self, words: &[&str]) -> String {
        git(self.root(), words)
    }

    pub(crate) fn head(&self) -> String {
        self.git(&["rev-parse", "HEAD"])
    }

    pub(crate) fn has_branch(&self, branch: &str) -> bool {
        !self.git(&["branch", "--list", branch]).is_empty()
    }

    /// A builder without a worktree.
    pub(crate) fn builder(&self, id: &str) -> Agent {
        let role = Role::Builder {
            kind: BuilderType::Spec,
            id: Some(id.to_owned()),
            task_text: None,
            protocol: None,
        };
        let new = NewAgent { role, cmd: String::new(), worktrees: None, adopt: None };
        agents::register(&self.state, &new, None).unwrap()
    }

    /// The agent, as its row is now.
    pub(crate) fn agent(&self, id: &str) -> Agent {
        agents::find(&self.state, id).unwrap()
    }

    pub(crate) fn create(&self, id: &str, hooks: &Hooks) -> Result<Made> {
        worktree::create(&self.state, self.root(), &self.builder(id), hooks)
    }

    /// A builder with a worktree.
    pub(crate) fn built(&self, id: &str) -> Agent {
        self.create(id, &Hooks::default()).unwrap();
        self.agent(id)
    }

    /// Commits a file in a worktree.
    pub(crate) fn commit(&self, id: &str, name: &str, text: &str) {
        let folder = self.worktree(id);
        write(&folder.join(name), text);
        git(&folder, &["add", "-A"]);
        git(&folder, &["commit", "-qm", &format!("{name} of {id}")]);
    }

    pub(crate) fn clean_up(&self, id: &str, how: Cleanup) -> Result<CleanedUp> {
        self.clean_up_with(id, &Hooks::default(), how)
    }

    pub(crate) fn clean_up_with(&self, id: &str, hooks: &Hooks, how: Cleanup) -> Result<CleanedUp> {
        worktree::clean_up(&self.state, self.root(), &self.agent(id), hooks, how)
    }

    /// Nothing of the agent is left but, where it is kept, the branch.
    pub(crate) fn assert_gone(&self, id: &str) {
        let left = agents::list(&self.state).unwrap();
        assert!(left.iter().all(|agent| agent.key.id != id), "the row of {id}");
        assert!(!self.worktree(id).exists(), "the folder of {id}");
        assert!(
            !self.git(&["worktree", "list"]).contains(&format!(".builders/{id} ")),
            "what git knows of {id}"
        );
    }
}

/// With `--force`.
pub(crate) const FORCE: Cleanup = Cleanup { force: true, delete_branch: false };
/// As it is meant.
pub(crate) const USUAL: Cleanup = Cleanup { force: false, delete_branch: false };

pub(crate) fn write(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

pub(crate) fn git(folder: &Path, words: &[&str]) -> String {
    let Output { status, stdout, stderr } = try_git(folder, words);
    assert!(status.success(), "git {words:?}: {}", String::from_utf8_lossy(&stderr));
    String::from_utf8_lossy(&stdout).trim_end().to_owned()
}

pub(crate) fn try_git<W: AsRef<OsStr>>(folder: &Path, words: &[W]) -> Output {
    Command::new("git").args(words).current_dir(folder).env("LC_ALL", "C").output().unwrap()
}

/// The hook that runs a script.
pub(crate) fn script(text: &str) -> Vec<String> {
    ["sh", "-c", text].map(str::to_owned).into()
}

/// Exit 1, one line, with these words in it, and a hint.
pub(crate) fn assert_refused(error: &RegistryError, words: &[&str]) {
    let text = error.to_string();
    assert!(words.iter().all(|word| text.contains(word)), "{words:?} in: {text}");
    assert!(!text.contains('\n'), "{text}");
    use RegistryError::{Command, Refused, Uncommitted};
    assert!(matches!(error, Refused { .. } | Command { .. } | Uncommitted { .. }), "{error:?}");
}
