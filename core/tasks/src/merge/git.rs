//! The entry in git's configuration that lets it merge with us.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use conclave_retry::SystemSleeper;

use crate::error::{Result, TaskError};
use crate::exchange::atomic::{self, FolderLock, Replaced};

/// What the driver is called in `.gitattributes` and the configuration.
const DRIVER: &str = "conclave-tasks";

/// Times that a file may be changed by others between a look and the next.
const TRIES: u32 = 20;

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Installed {
    /// `.gitattributes` of the checkout.
    pub attributes: PathBuf,
    /// The lines that are in it now.
    pub lines: Vec<String>,
    /// The entries of the checkout's configuration: name and value.
    pub config: Vec<(String, String)>,
}

/// Writes `.gitattributes` and the configuration of the checkout that `folder` lies in, for these patterns. `program`
/// is what git is to call. Twice changes nothing.
pub fn install(folder: &Path, patterns: &[String], program: &str) -> Result<Installed> {
    if let Some(odd) = patterns.iter().find(|pattern| pattern.trim().is_empty() || pattern.starts_with('!')) {
        return Err(TaskError::invalid(format!("{odd:?} is no pattern of files")));
    }
    let top = git(folder, &["rev-parse", "--show-toplevel"])?;
    let attributes = PathBuf::from(top.trim_end_matches('\n')).join(".gitattributes");
    let lines: Vec<String> =
        patterns.iter().map(|pattern| format!("{} merge={DRIVER}", quoted_pattern(pattern))).collect();
    add_lines(&attributes, &lines)?;
    // Where the driver is gone or refuses a side git would leave ours as it is, without a word in it of theirs, and the
    // next commit would take it: markers stand in the file then, which nobody imports.
    let driver = format!(
        "{} task merge %O %A %B -o %A || {{ git merge-file -L ours -L base -L theirs %A %O %B; exit 1; }}",
        quoted_program(program)
    );
    let config = vec![
        (format!("merge.{DRIVER}.name"), "Conclave: tasks, record by record and key by key".to_owned()),
        (format!("merge.{DRIVER}.driver"), driver),
    ];
    for (name, value) in &config {
        git(folder, &["config", "--local", name, value])?;
    }
    Ok(Installed { attributes, lines, config })
}

/// Runs git in a folder; gives what it printed.
fn git(folder: &Path, words: &[&str]) -> Result<String> {
    let ran = Command::new("git").arg("-C").arg(folder).args(words).stdin(Stdio::null()).output();
    let ran = ran.map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => {
            TaskError::refused("there is no git here: its driver was not installed", None)
        }
        _ => TaskError::io("run git", error),
    })?;
    if !ran.status.success() {
        let said = String::from_utf8_lossy(&ran.stderr);
        let said = said.trim().lines().next_back().unwrap_or("it failed").to_owned();
        let words = words.first().copied().unwrap_or_default();
        return Err(TaskError::refused(format!("git {words} in {}: {said}", folder.display()), None));
    }
    String::from_utf8(ran.stdout)
        .map_err(|error| TaskError::io("read what git said", io::Error::other(error)))
}

/// Adds the lines that are not there.
fn add_lines(path: &Path, lines: &[String]) -> Result<()> {
    let path = atomic::resolve(path)?;
    let lock = FolderLock::of(&path, &SystemSleeper)?;
    for _ in 0..TRIES {
        let before = atomic::read(&path)?;
        let mut bytes = before.clone().unwrap_or_default();
        for line in lines {
            let is_there =
                bytes.split(|byte| *byte == b'\n').any(|there| there.trim_ascii() == line.as_bytes());
            if is_there {
                continue;
            }
            if !bytes.is_empty() && !bytes.ends_with(b"\n") {
                bytes.push(b'\n');
            }
            bytes.extend_from_slice(line.as_bytes());
            bytes.push(b'\n');
        }
        if before.as_deref() == Some(&bytes)
            || lock.replace(&path, before.as_deref(), &bytes)? == Replaced::Yes
        {
            return Ok(());
        }
    }
    Err(atomic::keeps_changing(&path))
}

/// A pattern as `.gitattributes` wants it: in quotes, as C has them, where it has blanks or would be a comment.
fn quoted_pattern(pattern: &str) -> String {
    let is_plain = !pattern.starts_with(['#', '"', '['])
        && pattern.chars().all(|char| !char.is_whitespace() && !char.is_control());
    if is_plain {
        return pattern.to_owned();
    }
    let mut quoted = String::from("\"");
    for byte in pattern.bytes() {
        match byte {
            b'"' | b'\\' => quoted.extend(['\\', char::from(byte)]),
            b' '..=b'~' => quoted.push(char::from(byte)),
            _ => quoted.extend(['\\', octal(byte >> 6), octal(byte >> 3), octal(byte)]),
        }
    }
    quoted.push('"');
    quoted
}

/// The last octal digit.
fn octal(byte: u8) -> char {
    char::from(b'0' + (byte & 7))
}

/// A program as `sh` and git's `%` want it.
fn quoted_program(program: &str) -> String {
    let plain = |char: char| char.is_ascii_alphanumeric() || "/._-+".contains(char);
    if !program.is_empty() && program.chars().all(plain) {
        return program.to_owned();
    }
    format!("'{}'", program.replace('\'', "'\\''").replace('%', "%%"))
}

#[cfg(test)]
mod tests;
