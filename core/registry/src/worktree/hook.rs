//! `[worktree] setup` and `teardown`: a program of the user's, run in the worktree.

use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;
use std::process::{Command, Stdio};

use super::git;
use crate::error::{RegistryError, Result};
use crate::words::quoted;

/// So much of the end of its output is looked at.
const TAIL: u64 = 8 << 10;
/// So many of its last lines are told.
const LINES: usize = 5;

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    Setup,
    Teardown,
}

impl Which {
    const fn name(self) -> &'static str {
        match self {
            Self::Setup => "setup",
            Self::Teardown => "teardown",
        }
    }
}

/// Runs it and waits for its end, not for those that it leaves running. An empty one is none. A failure says its last
/// lines.
pub(super) fn run(which: Which, line: &[String], root: &Path, worktree: &Path, id: &str) -> Result<()> {
    let Some((program, words)) = line.split_first() else { return Ok(()) };
    let what = || {
        let line: Vec<String> = line.iter().map(|word| quoted(Path::new(word))).collect();
        format!("[worktree] {} `{}` in {}", which.name(), line.join(" "), worktree.display())
    };
    let io = |error| RegistryError::io(what(), error);
    // A file and no pipe: whoever it leaves running may keep it open.
    let mut output = tempfile::tempfile().map_err(io)?;
    // One that is named by a path is the one of the worktree, wherever this process stands.
    let program = if program.contains('/') { worktree.join(program) } else { program.into() };
    let mut command = Command::new(program);
    command.args(words).current_dir(worktree).stdin(Stdio::null());
    command.stdout(output.try_clone().map_err(io)?).stderr(output.try_clone().map_err(io)?);
    git::clean(&mut command);
    command.env("CONCLAVE_AGENT_ID", id).env("CONCLAVE_WORKTREE", worktree).env("CONCLAVE_ROOT", root);
    let status = command.status().map_err(|error| RegistryError::Command {
        what: what(),
        said: format!("cannot be started: {error}"),
        hint: Some(format!("mend `{}` in the section [worktree] of config.toml", which.name())),
    })?;
    if status.success() {
        return Ok(());
    }
    let said = last_lines(&mut output).map_err(io)?;
    let colon = if said.is_empty() { "" } else { ": " };
    let hint = match which {
        Which::Setup => {
            "worktree and branch are removed again; mend `setup` in the section [worktree] of config.toml"
        }
        Which::Teardown => "mend `teardown` in the section [worktree] of config.toml",
    };
    Err(RegistryError::Command {
        what: what(),
        said: format!("{status}{colon}{said}"),
        hint: Some(hint.to_owned()),
    })
}

fn last_lines(output: &mut std::fs::File) -> std::io::Result<String> {
    let length = output.metadata()?.len();
    output.seek(SeekFrom::Start(length.saturating_sub(TAIL)))?;
    let mut tail = Vec::new();
    output.take(TAIL).read_to_end(&mut tail)?;
    let tail = String::from_utf8_lossy(&tail);
    let lines: Vec<&str> = tail.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let first = lines.len().saturating_sub(LINES);
    Ok(lines.get(first..).unwrap_or_default().join(" | "))
}
