//! A scratch project, a home of its own, and the binary run in it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use conclave_consensus::golden;
use serde_json::Value;

/// A folder with a project `p` and a home beside it. Gone at the end.
pub(crate) struct Scratch {
    dir: tempfile::TempDir,
}

/// What a run of the binary left.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

impl Scratch {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        for folder in ["p", "home", "tmp"] {
            std::fs::create_dir(dir.path().join(folder)).unwrap();
        }
        Self { dir }
    }

    /// With the golden fixture imported.
    pub(crate) fn with_runs() -> Self {
        let scratch = Self::new();
        let fixture = scratch.fixture();
        scratch.ok(&["migrate", "import", fixture.to_str().unwrap()]);
        scratch
    }

    /// The golden fixture as a legacy file, outside of the project.
    pub(crate) fn fixture(&self) -> PathBuf {
        let path = self.path("legacy.db");
        if !path.exists() {
            golden::write_legacy_fixture(&path).unwrap();
        }
        path
    }

    /// A path beside the project.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn project(&self) -> PathBuf {
        self.path("p")
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.project().join(".conclave/state.db")
    }

    /// The binary with a clean environment, in the project's folder.
    pub(crate) fn command(&self) -> Command {
        self.surrounded(Command::new(env!("CARGO_BIN_EXE_conclave")))
    }

    /// A script for `sh` in the same surroundings.
    pub(crate) fn shell(&self, script: &str) -> Command {
        let mut shell = Command::new("sh");
        shell.args(["-c", script]);
        self.surrounded(shell)
    }

    fn surrounded(&self, mut command: Command) -> Command {
        command.current_dir(self.project()).stdin(Stdio::null());
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy().into_owned();
            if ["CONCLAVE_", "XDG_", "GIT_", "TMUX", "LC_"].iter().any(|prefix| name.starts_with(prefix)) {
                command.env_remove(name);
            }
        }
        command
            .env("HOME", self.path("home"))
            .env("TMPDIR", self.path("tmp"))
            .env("LANG", "C.UTF-8")
            .env("TERM", "xterm-256color")
            .env("USER", "tester")
            .env("RUST_BACKTRACE", "0");
        command
    }

    pub(crate) fn run<W: AsRef<OsStr>>(&self, words: &[W]) -> Done {
        Done::of(self.command().args(words))
    }

    /// Runs, and expects exit 0; gives standard output as text.
    pub(crate) fn ok(&self, words: &[&str]) -> String {
        let done = self.run(words);
        assert_eq!(done.code, Some(0), "{words:?}: {}", done.stderr);
        String::from_utf8(done.stdout).unwrap()
    }

    /// Runs with `--json`, and expects exit 0 and one document.
    pub(crate) fn json(&self, words: &[&str]) -> Value {
        let out = self.ok(&[words, &["--json"]].concat());
        serde_json::from_str(&out).unwrap_or_else(|error| panic!("{words:?}: {error}: {out}"))
    }

    /// Every file below the scratch folder.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        files_below(self.dir.path())
    }
}

/// Every file below a folder, in order.
pub(crate) fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_below(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

impl Done {
    pub(crate) fn of(command: &mut Command) -> Self {
        let output = command.output().unwrap();
        Self {
            code: output.status.code(),
            stdout: output.stdout,
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Expects this exit code, exactly one `error:` line, and no panic.
    pub(crate) fn refused(&self, code: i32) -> &str {
        assert_eq!(self.code, Some(code), "{}", self.stderr);
        let errors: Vec<&str> = self.stderr.lines().filter(|line| line.starts_with("error: ")).collect();
        assert_eq!(errors.len(), 1, "{}", self.stderr);
        assert!(!self.stderr.contains("panicked"), "{}", self.stderr);
        errors[0]
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.stdout).unwrap()
    }
}
