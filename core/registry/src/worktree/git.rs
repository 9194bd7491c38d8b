//! Running git: always a child process, never a shell, never a question to anybody.
//!
//! What the caller's environment says of repositories (`GIT_DIR` and its kin, as a hook of git has them) is not about
//! ours and does not reach git; who the user is and where their configuration lies does. The user's hooks stay in
//! force: they are the rules of the repository, and a merge that went round them would be one that its owner forbade.
//! A hook that fails is a failure of git, which is undone like any other.

use std::ffi::{OsStr, OsString};
use std::io::{ErrorKind, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::error::{RegistryError, Result};

/// Variables that say who the user is and where the user's configuration lies, and nothing of a repository.
const KEPT: &[&str] = &[
    "GIT_AUTHOR_NAME",
    "GIT_AUTHOR_EMAIL",
    "GIT_AUTHOR_DATE",
    "GIT_COMMITTER_NAME",
    "GIT_COMMITTER_EMAIL",
    "GIT_COMMITTER_DATE",
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_SYSTEM",
    "GIT_CONFIG_NOSYSTEM",
    "GIT_EXEC_PATH",
];

/// Git in a folder.
#[derive(Debug, Clone, Copy)]
pub(super) struct Git<'git> {
    folder: &'git Path,
    /// An index of our own in place of the checkout's.
    index: Option<&'git Path>,
}

/// What a run of git ended with.
#[derive(Debug)]
pub(super) struct Ran {
    pub(super) stdout: Vec<u8>,
    /// Its exit code; `None` where a signal ended it.
    pub(super) code: Option<i32>,
    said: Vec<u8>,
}

impl<'git> Git<'git> {
    pub(super) const fn at(folder: &'git Path) -> Self {
        Self { folder, index: None }
    }

    pub(super) const fn with_index(self, index: &'git Path) -> Self {
        Self { index: Some(index), ..self }
    }

    /// Runs it; the error of an exit other than 0 says what git said.
    pub(super) fn run<W: AsRef<OsStr>>(self, words: &[W]) -> Result<Vec<u8>> {
        self.run_with(words, &[])
    }

    /// The same with something on standard input.
    pub(super) fn run_with<W: AsRef<OsStr>>(self, words: &[W], input: &[u8]) -> Result<Vec<u8>> {
        let ran = self.ran_with(words, input)?;
        if ran.code == Some(0) { Ok(ran.stdout) } else { Err(ran.error(words)) }
    }

    /// One line of output, as text.
    pub(super) fn line<W: AsRef<OsStr>>(self, words: &[W]) -> Result<String> {
        let out = self.run(words)?;
        Ok(String::from_utf8_lossy(&out).trim_end_matches('\n').to_owned())
    }

    /// One line of output, as a path.
    pub(super) fn path<W: AsRef<OsStr>>(self, words: &[W]) -> Result<PathBuf> {
        let out = self.run(words)?;
        let path = out.strip_suffix(b"\n").unwrap_or(&out);
        Ok(self.folder.join(OsStr::from_bytes(path)))
    }

    /// Whether it ended with 0; an end with 1 is the other answer, anything else an error.
    pub(super) fn says_yes<W: AsRef<OsStr>>(self, words: &[W]) -> Result<bool> {
        let ran = self.ran(words)?;
        match ran.code {
            Some(0) => Ok(true),
            Some(1) => Ok(false),
            _ => Err(ran.error(words)),
        }
    }

    /// Runs it, however it ends.
    pub(super) fn ran<W: AsRef<OsStr>>(self, words: &[W]) -> Result<Ran> {
        self.ran_with(words, &[])
    }

    fn ran_with<W: AsRef<OsStr>>(self, words: &[W], input: &[u8]) -> Result<Ran> {
        let mut command = Command::new("git");
        command.arg("--no-pager").args(words).current_dir(self.folder);
        clean(&mut command);
        command.env("LC_ALL", "C").env_remove("LANGUAGE");
        command.env("GIT_TERMINAL_PROMPT", "0").env("GIT_EDITOR", ":").env("GIT_OPTIONAL_LOCKS", "0");
        if let Some(index) = self.index {
            command.env("GIT_INDEX_FILE", index);
        }
        let stdin = if input.is_empty() { Stdio::null() } else { Stdio::piped() };
        command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped());
        let Output { status, stdout, stderr } =
            finish(command, input).map_err(|error| self.cannot_run(error))?;
        Ok(Ran { stdout, code: status.code(), said: stderr })
    }

    fn cannot_run(self, error: std::io::Error) -> RegistryError {
        // A folder that is not there is the same error to the system as a program that is not.
        if error.kind() == ErrorKind::NotFound && self.folder.is_dir() {
            return RegistryError::Refused {
                text: "git is not installed, or not on PATH".to_owned(),
                hint: Some("install git; without --worktree an agent needs none".to_owned()),
            };
        }
        RegistryError::io(format!("run git in {}", self.folder.display()), error)
    }
}

impl Ran {
    /// It as a failure.
    pub(super) fn error<W: AsRef<OsStr>>(&self, words: &[W]) -> RegistryError {
        let word = words.first().map(|word| word.as_ref().to_string_lossy()).unwrap_or_default();
        let said = on_one_line(&self.said);
        let end =
            self.code.map_or_else(|| "ended by a signal".to_owned(), |code| format!("ended with {code}"));
        RegistryError::Command {
            what: format!("git {word}"),
            said: if said.is_empty() { end } else { said },
            hint: None,
        }
    }
}

/// Takes out of the child's environment what is about somebody else's repository.
pub(super) fn clean(command: &mut Command) {
    let is_ours = |name: &OsString| KEPT.iter().any(|kept| name == kept);
    for (name, _) in std::env::vars_os() {
        if name.as_bytes().starts_with(b"GIT_") && !is_ours(&name) {
            command.env_remove(name);
        }
    }
}

/// Writes the input while the output is read: neither waits for the other.
fn finish(mut command: Command, input: &[u8]) -> std::io::Result<Output> {
    let mut child = command.spawn()?;
    let stdin = child.stdin.take();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            if let Some(mut stdin) = stdin {
                // One that reads no further says why at its end.
                let _ = stdin.write_all(input);
            }
        });
        child.wait_with_output()
    })
}

/// What was said, on one line.
pub(super) fn on_one_line(said: &[u8]) -> String {
    let said = String::from_utf8_lossy(said);
    let lines: Vec<&str> = said.split(['\n', '\r']).map(str::trim).filter(|line| !line.is_empty()).collect();
    lines.join(" ")
}

/// The paths of a list that NUL separates.
pub(super) fn paths(list: &[u8]) -> impl Iterator<Item = &Path> {
    list.split(|byte| *byte == 0)
        .filter(|name| !name.is_empty())
        .map(|name| Path::new(OsStr::from_bytes(name)))
}
