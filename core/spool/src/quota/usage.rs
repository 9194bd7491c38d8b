//! What the spool has on the disk.

use std::collections::BTreeMap;
use std::fs::DirEntry;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::error::{Result, SpoolError};
use crate::layout::{DONE, Layout, PART, SEGMENT};
use crate::monitor::MonitorName;
use crate::names::{Hour, SegmentName};

/// How many of the largest files are shown.
const LARGEST: usize = 5;

/// Bytes and files of a spool. Links are not followed, what is no segment is not counted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Usage {
    /// Compressed bytes of finalised segments, wherever below the spool: pending, done, quarantined.
    pub used: u64,
    /// Of these, those that trimming may have: in `_done`, of an hour that is over.
    pub trimmable: u64,
    /// Bytes of `.part` files.
    pub reserved: u64,
    /// Bytes of lines that wait in this process's memory.
    pub memory: u64,
    /// Finalised segments that wait to be imported, by monitor.
    pub pending: BTreeMap<String, u64>,
    /// The largest files in `_done`: five at most, by size and then by name.
    pub largest_done: Vec<Largest>,
}

/// A large file in `_done`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Largest {
    /// Whose.
    pub monitor: String,
    /// Its name.
    pub filename: String,
    /// Its size, in bytes.
    #[serde(skip)]
    pub bytes: u64,
}

/// A file that was imported and may go when its hour is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Done {
    pub(crate) monitor: MonitorName,
    pub(crate) file: String,
    pub(crate) path: PathBuf,
    pub(crate) bytes: u64,
    /// By its name; of a file whose name has none the hour of its last change.
    pub(crate) hour: Hour,
    pub(crate) modified_ms: i64,
}

/// Looks. A file that goes away meanwhile is not counted; a folder that may not be read is not counted. `memory` is left 0.
pub(crate) fn scan(layout: &Layout, now_ms: i64) -> Result<Usage> {
    Ok(look(layout, now_ms)?.0)
}

/// Looks, and gives the files that were imported, too.
pub(crate) fn look(layout: &Layout, now_ms: i64) -> Result<(Usage, Vec<Done>)> {
    let mut usage = Usage::default();
    let mut done = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        for entry in entries(layout.root(), &folder)? {
            let Ok(kind) = entry.file_type() else { continue };
            let name = folder.join(entry.file_name());
            if kind.is_dir() {
                folders.push(name);
            } else if kind.is_file() {
                usage.file(&entry, &name, &mut done);
            }
        }
    }
    let current = Hour::of_ms(now_ms);
    usage.trimmable = done.iter().filter(|file| file.hour < current).map(|file| file.bytes).sum();
    usage.largest_done = largest(&done);
    Ok((usage, done))
}

impl Usage {
    /// Adds a file, whose name below the spool's folder is `name`.
    fn file(&mut self, entry: &DirEntry, name: &Path, done: &mut Vec<Done>) {
        let file = entry.file_name();
        let file = file.to_string_lossy();
        let (segment, part) = (file.ends_with(SEGMENT), file.ends_with(PART));
        // Gone since the folder was read.
        let Ok(found) = entry.metadata() else { return };
        if part {
            self.reserved = self.reserved.saturating_add(found.len());
        }
        if !segment {
            return;
        }
        self.used = self.used.saturating_add(found.len());
        let Some(folder) = name.parent().and_then(Path::to_str) else { return };
        if let Ok(monitor) = MonitorName::parse(folder) {
            *self.pending.entry(monitor.as_str().to_owned()).or_default() += 1;
            return;
        }
        let monitor = folder.strip_prefix(DONE).and_then(|folder| folder.strip_prefix('/'));
        let Some(Ok(monitor)) = monitor.map(MonitorName::parse) else { return };
        let modified_ms = found.mtime().saturating_mul(1_000).saturating_add(found.mtime_nsec() / 1_000_000);
        let hour = SegmentName::parse(&file).map_or_else(|| Hour::of_ms(modified_ms), |name| name.hour());
        let (file, path) = (file.into_owned(), entry.path());
        done.push(Done { monitor, file, path, bytes: found.len(), hour, modified_ms });
    }
}

/// What stands in a folder, which is given below the root. One that has gone has nothing.
fn entries(root: &Path, folder: &Path) -> Result<Vec<DirEntry>> {
    let path = root.join(folder);
    let failed = |source| {
        let name = folder.file_name().map(|name| name.to_string_lossy().into_owned());
        let name = name.map_or_else(|| "the spool".to_owned(), |name| format!("the folder {name}"));
        SpoolError::io(format!("read {name}"), path.clone(), source)
    };
    let reading = match std::fs::read_dir(&path) {
        Ok(reading) => reading,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        // Such as the `lost+found` of a file system: what one folder hides must not keep all monitors from being written.
        Err(error) if error.kind() == ErrorKind::PermissionDenied && folder != Path::new("") => {
            tracing::debug!(%error, "a folder that cannot be read is not counted");
            return Ok(Vec::new());
        }
        Err(error) => return Err(failed(error)),
    };
    reading.collect::<std::io::Result<_>>().map_err(failed)
}

/// The largest, by size and then by name.
fn largest(done: &[Done]) -> Vec<Largest> {
    let mut all: Vec<&Done> = done.iter().collect();
    all.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| (&a.monitor, &a.file).cmp(&(&b.monitor, &b.file))));
    let shown = all.into_iter().take(LARGEST);
    shown
        .map(|file| Largest {
            monitor: file.monitor.as_str().to_owned(),
            filename: file.file.clone(),
            bytes: file.bytes,
        })
        .collect()
}

#[cfg(test)]
mod tests;
