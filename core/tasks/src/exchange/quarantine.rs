//! Refused lines, kept aside with their numbers and reasons.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::atomic::sync_folder;
use super::lines::Lines;
use crate::error::{Result, TaskError};

/// Names that are tried, at most.
const NAMES: u32 = 100_000;

/// What was kept aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The bad lines as they are, one after the other.
    pub lines: PathBuf,
    /// Their numbers and reasons, JSONL.
    pub reasons: PathBuf,
}

/// What is wrong with a line.
#[derive(serde::Serialize)]
struct Reason<'line> {
    source: &'line str,
    line: u64,
    cause: &'line str,
    id: Option<&'line str>,
}

/// Keeps the bad lines of a file in a folder, which is made; `None` where there are none. Durable when it returns; never
/// overwrites what is there.
pub fn keep(lines: &Lines, folder: &Path) -> Result<Option<Kept>> {
    if lines.bad.is_empty() {
        return Ok(None);
    }
    let source = lines.path.display().to_string();
    let (mut bytes, mut reasons) = (Vec::new(), Vec::new());
    for bad in &lines.bad {
        bytes.extend_from_slice(&bad.bytes);
        bytes.push(b'\n');
        let reason = Reason { source: &source, line: bad.number, cause: &bad.cause, id: bad.id.as_deref() };
        serde_json::to_writer(&mut reasons, &reason)
            .map_err(|error| TaskError::io("write a reason", error.into()))?;
        reasons.push(b'\n');
    }
    let stem =
        lines.path.file_stem().map_or_else(|| "lines".to_owned(), |stem| stem.to_string_lossy().into_owned());
    let stem = if stem == "-" { "stdin" } else { &stem };
    let failed = |error| TaskError::io(format!("write to {}", folder.display()), error);
    std::fs::create_dir_all(folder).map_err(failed)?;
    let kept = write_free(folder, stem, &bytes, &reasons).map_err(failed)?;
    sync_folder(folder).map_err(failed)?;
    // The folder itself may be new.
    if let Some(above) = folder.parent().filter(|above| !above.as_os_str().is_empty()) {
        sync_folder(above).map_err(failed)?;
    }
    Ok(Some(kept))
}

/// Writes both files under the first pair of names that is free.
fn write_free(folder: &Path, stem: &str, bytes: &[u8], reasons: &[u8]) -> io::Result<Kept> {
    for number in 1..=NAMES {
        let count = if number == 1 { String::new() } else { format!("-{number}") };
        let kept = Kept {
            lines: folder.join(format!("{stem}{count}.bad.jsonl")),
            reasons: folder.join(format!("{stem}{count}.reasons.jsonl")),
        };
        if kept.reasons.symlink_metadata().is_ok() {
            continue;
        }
        match write_new(&kept.lines, bytes) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
            Err(error) => return Err(error),
        }
        write_new(&kept.reasons, reasons)?;
        return Ok(kept);
    }
    Err(io::Error::new(io::ErrorKind::AlreadyExists, format!("{NAMES} files of this name are there")))
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests;
