//! Refused lines, kept aside with their numbers and reasons.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::atomic::sync_folder;
use super::lines::{BadLine, Lines};
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
    /// Lines of which only the beginning is kept: they were too long to be read, and cannot be read again.
    pub cut: u64,
}

/// What is wrong with a line.
#[derive(serde::Serialize)]
struct Reason<'line> {
    source: &'line str,
    line: u64,
    cause: &'line str,
    id: Option<&'line str>,
    bytes: u64,
    kept_bytes: u64,
}

/// Keeps the bad lines of a file in a folder, which is made; `None` where there are none. Lines that were too long to
/// be held are copied from `source`, the file that was read; where that cannot be read again (`None`, such as standard
/// input) their beginnings are kept, and the answer and the reasons say so. Durable when it returns; never overwrites
/// what is there.
pub fn keep(lines: &Lines, source: Option<&Path>, folder: &Path) -> Result<Option<Kept>> {
    if lines.bad.is_empty() {
        return Ok(None);
    }
    let name = lines.path.display().to_string();
    let mut whole = Whole::open(lines, source)?;
    let mut reasons = Vec::new();
    for bad in &lines.bad {
        let kept_bytes = if whole.is_some() { bad.length } else { bad.bytes.len() as u64 };
        let reason = Reason {
            source: &name,
            line: bad.number,
            cause: &bad.cause,
            id: bad.id.as_deref(),
            bytes: bad.length,
            kept_bytes,
        };
        serde_json::to_writer(&mut reasons, &reason)
            .map_err(|error| TaskError::io("write a reason", error.into()))?;
        reasons.push(b'\n');
    }
    let stem =
        lines.path.file_stem().map_or_else(|| "lines".to_owned(), |stem| stem.to_string_lossy().into_owned());
    let stem = if stem == "-" { "stdin" } else { &stem };
    let failed = |error| TaskError::io(format!("write to {}", folder.display()), error);
    std::fs::create_dir_all(folder).map_err(failed)?;
    let names = Names::free(folder, stem).map_err(failed)?;
    let written = names.write(&lines.bad, whole.as_mut(), &reasons);
    if let Err(error) = written {
        names.forget();
        return Err(failed(error));
    }
    sync_folder(folder).map_err(failed)?;
    // The folder itself may be new.
    if let Some(above) = folder.parent().filter(|above| !above.as_os_str().is_empty()) {
        sync_folder(above).map_err(failed)?;
    }
    let cut = if whole.is_some() { 0 } else { lines.bad.iter().filter(|bad| is_cut(bad)).count() as u64 };
    Ok(Some(Kept { lines: names.lines, reasons: names.reasons, cut }))
}

fn is_cut(bad: &BadLine) -> bool {
    bad.length > bad.bytes.len() as u64
}

/// The file that lines are copied from whose beginnings alone were held.
struct Whole(File);

impl Whole {
    fn open(lines: &Lines, source: Option<&Path>) -> Result<Option<Self>> {
        let Some(source) = source.filter(|_| lines.bad.iter().any(is_cut)) else { return Ok(None) };
        let failed = |error| TaskError::io(format!("read {}", source.display()), error);
        // A pipe has nothing to give twice: to open it would wait for somebody who writes.
        if !std::fs::metadata(source).map_err(failed)?.is_file() {
            return Ok(None);
        }
        Ok(Some(Self(File::open(source).map_err(failed)?)))
    }

    /// Copies a line, which must begin as it did.
    fn copy(&mut self, bad: &BadLine, to: &mut File) -> io::Result<()> {
        let changed = || io::Error::other("the file has changed since it was read");
        self.0.seek(SeekFrom::Start(bad.offset))?;
        let mut beginning = Vec::new();
        (&self.0).take(bad.bytes.len() as u64).read_to_end(&mut beginning)?;
        if beginning != bad.bytes {
            return Err(changed());
        }
        to.write_all(&beginning)?;
        let rest = bad.length - beginning.len() as u64;
        if io::copy(&mut (&self.0).take(rest), to)? == rest { Ok(()) } else { Err(changed()) }
    }
}

/// The first pair of names that is free.
struct Names {
    lines: PathBuf,
    reasons: PathBuf,
    file: File,
}

impl Names {
    /// Takes the names: the first file is made.
    fn free(folder: &Path, stem: &str) -> io::Result<Self> {
        for number in 1..=NAMES {
            let count = if number == 1 { String::new() } else { format!("-{number}") };
            let lines = folder.join(format!("{stem}{count}.bad.jsonl"));
            let reasons = folder.join(format!("{stem}{count}.reasons.jsonl"));
            if reasons.symlink_metadata().is_ok() {
                continue;
            }
            match make(&lines) {
                Ok(file) => return Ok(Self { lines, reasons, file }),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::Error::new(io::ErrorKind::AlreadyExists, format!("{NAMES} files of this name are there")))
    }

    fn write(&self, bad: &[BadLine], mut whole: Option<&mut Whole>, reasons: &[u8]) -> io::Result<()> {
        let mut file = self.file.try_clone()?;
        for line in bad {
            match whole.as_deref_mut() {
                Some(whole) if is_cut(line) => whole.copy(line, &mut file)?,
                _ => file.write_all(&line.bytes)?,
            }
            file.write_all(b"\n")?;
        }
        file.sync_all()?;
        fill(&self.reasons, |file| file.write_all(reasons))
    }

    /// Takes away what was begun: half of what is bad would look like all of it.
    fn forget(&self) {
        remove(&self.lines);
    }
}

/// Makes a file and writes it, durably; where that fails nothing is left of it. One that is there stays as it is.
fn fill(path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    let mut file = make(path)?;
    let filled = write(&mut file).and_then(|()| file.sync_all());
    if filled.is_err() {
        remove(path);
    }
    filled
}

fn remove(path: &Path) {
    if let Err(error) = std::fs::remove_file(path) {
        tracing::debug!(%error, path = %path.display(), "begun to keep lines aside");
    }
}

fn make(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).open(path)
}

#[cfg(test)]
mod tests;
