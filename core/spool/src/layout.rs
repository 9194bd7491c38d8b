//! Where what lies below the spool's folder. Links are followed nowhere.

use std::fs::{DirBuilder, File, FileType};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;

use crate::error::{Result, SpoolError};
use crate::monitor::MonitorName;
use crate::names::SegmentName;

/// Ends of names.
pub(crate) const SEGMENT: &str = ".ndjson.gz";
pub(crate) const PART: &str = ".part";
/// What was rejected out of a segment, in quarantine.
pub(crate) const REJECTS: &str = ".rej.ndjson";
/// Names of ours in the spool and in a monitor's folder.
pub(crate) const DONE: &str = "_done";
pub(crate) const QUARANTINE: &str = "_quarantine";
pub(crate) const WRITER_LOCK: &str = ".writer.lock";
pub(crate) const IMPORT_LOCK: &str = ".import.lock";
pub(crate) const DROPS: &str = ".drops.json";

/// A file of a monitor's, by what is looked at without opening it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    /// The name of the file.
    pub(crate) file: String,
    pub(crate) path: PathBuf,
    /// Compressed.
    pub(crate) bytes: u64,
    pub(crate) inode: u64,
    pub(crate) modified_ms: i64,
}

/// The folders of a spool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    root: PathBuf,
}

impl Layout {
    /// The spool in this folder, which need not be there.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The spool's folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The folder of a monitor.
    pub fn monitor(&self, monitor: &MonitorName) -> PathBuf {
        self.root.join(monitor.as_str())
    }

    /// Where imported files of a monitor go.
    pub fn done(&self, monitor: &MonitorName) -> PathBuf {
        self.root.join(DONE).join(monitor.as_str())
    }

    /// Where what cannot be imported goes.
    pub fn quarantine(&self, monitor: &MonitorName) -> PathBuf {
        self.root.join(QUARANTINE).join(monitor.as_str())
    }

    /// The monitors that have a folder, by name; folders with other names are not among them.
    pub(crate) fn monitors(&self) -> Result<Vec<MonitorName>> {
        let mut found = Vec::new();
        for entry in entries(&self.root)? {
            let Ok(name) = MonitorName::parse(&entry.name) else { continue };
            if entry.kind.is_dir() {
                found.push(name);
            }
        }
        found.sort();
        Ok(found)
    }

    /// The finalised segments in a folder (`*.ndjson.gz`), in the order in which they were written. A folder that is not
    /// there has none. Regular files only.
    pub(crate) fn segments(&self, folder: &Path) -> Result<Vec<Found>> {
        self.files(folder, SEGMENT)
    }

    /// What is being written in a folder, or was when its writer died (`*.part`).
    pub(crate) fn parts(&self, folder: &Path) -> Result<Vec<Found>> {
        self.files(folder, PART)
    }

    /// The names in a folder, of whatever kind, hidden ones too.
    pub(crate) fn names(&self, folder: &Path) -> Result<Vec<String>> {
        if self.passes_link(folder)? {
            return Ok(Vec::new());
        }
        Ok(entries(folder)?.into_iter().map(|entry| entry.name).collect())
    }

    /// What lies in a folder under the name of a segment (or `.part`) and is no regular file: nobody reads it.
    pub(crate) fn strangers(&self, folder: &Path) -> Result<Vec<String>> {
        if self.passes_link(folder)? {
            return Ok(Vec::new());
        }
        let is_ours = |name: &str| name.ends_with(SEGMENT) || name.ends_with(PART);
        let strange = |entry: &Entry| !entry.kind.is_file() && is_ours(&entry.name);
        let mut found: Vec<String> =
            entries(folder)?.into_iter().filter(strange).map(|entry| entry.name).collect();
        found.sort();
        Ok(found)
    }

    /// The files in quarantine of all monitors, also of those that have no folder any more; hidden ones are left out.
    pub(crate) fn quarantined(&self) -> Result<Vec<String>> {
        let mut found = Vec::new();
        let root = self.root.join(QUARANTINE);
        if self.passes_link(&root)? {
            return Ok(found);
        }
        for folder in entries(&root)?.into_iter().filter(|entry| entry.kind.is_dir()) {
            let files = entries(&root.join(folder.name))?;
            let files =
                files.into_iter().filter(|entry| entry.kind.is_file() && !entry.name.starts_with('.'));
            found.extend(files.map(|entry| entry.name));
        }
        Ok(found)
    }

    /// Bytes of all that was rejected, also of what is being imported.
    pub(crate) fn rejected_bytes(&self) -> Result<u64> {
        let root = self.root.join(QUARANTINE);
        let mut bytes: u64 = 0;
        if self.passes_link(&root)? {
            return Ok(bytes);
        }
        for folder in entries(&root)?.into_iter().filter(|entry| entry.kind.is_dir()) {
            let folder = root.join(folder.name);
            for file in entries(&folder)?.into_iter().filter(|entry| entry.name.contains(REJECTS)) {
                // One that is gone has none.
                let about = std::fs::symlink_metadata(folder.join(file.name));
                bytes = bytes.saturating_add(about.map_or(0, |about| about.len()));
            }
        }
        Ok(bytes)
    }

    fn files(&self, folder: &Path, end: &str) -> Result<Vec<Found>> {
        let mut found = Vec::new();
        if self.passes_link(folder)? {
            return Ok(found);
        }
        for entry in entries(folder)? {
            if !entry.kind.is_file() || !entry.name.ends_with(end) {
                continue;
            }
            let path = folder.join(&entry.name);
            let about = match std::fs::symlink_metadata(&path) {
                // It may have become a link since the folder was read, or have gone.
                Ok(about) if about.is_file() => about,
                Ok(_) => continue,
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                Err(error) => return Err(SpoolError::io(self.what("look at", &path), path, error)),
            };
            found.push(Found {
                file: entry.name,
                path,
                bytes: about.len(),
                inode: about.ino(),
                modified_ms: about
                    .mtime()
                    .saturating_mul(1_000)
                    .saturating_add(about.mtime_nsec() / 1_000_000),
            });
        }
        found.sort_by_cached_key(|found| {
            let text = found.file.clone();
            let name = SegmentName::parse(text.strip_suffix(PART).unwrap_or(&text));
            (name.is_none(), name, text)
        });
        Ok(found)
    }

    /// Whether a link is on the way from the spool's folder to one below. The spool's folder itself may be one, to a larger
    /// disk.
    fn passes_link(&self, folder: &Path) -> Result<bool> {
        let Ok(below) = folder.strip_prefix(&self.root) else { return Ok(false) };
        let mut at = self.root.clone();
        for part in below {
            at.push(part);
            match std::fs::symlink_metadata(&at) {
                Ok(about) if about.is_symlink() => return Ok(true),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
                Err(error) => return Err(SpoolError::io(self.what("look at", &at), at, error)),
            }
        }
        Ok(false)
    }

    /// What was tried with a file, for messages: by its path below the spool.
    pub(crate) fn what(&self, verb: &str, path: &Path) -> String {
        match path.strip_prefix(&self.root) {
            Ok(below) if below.as_os_str().is_empty() => format!("{verb} the spool's folder"),
            Ok(below) => format!("{verb} {}", below.display()),
            Err(_) => format!("{verb} a file of the spool"),
        }
    }
}

struct Entry {
    name: String,
    kind: FileType,
}

/// What is in a folder. One that is not there is empty. A name that is no text is nobody's of ours.
fn entries(folder: &Path) -> Result<Vec<Entry>> {
    let failed = |error| SpoolError::io("list a folder of the spool", folder.to_path_buf(), error);
    let mut found = Vec::new();
    let listing = match std::fs::read_dir(folder) {
        Ok(listing) => listing,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(found),
        Err(error) => return Err(failed(error)),
    };
    for entry in listing {
        let entry = entry.map_err(failed)?;
        let kind = match entry.file_type() {
            Ok(kind) => kind,
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            Err(error) => return Err(failed(error)),
        };
        if let Ok(name) = entry.file_name().into_string() {
            found.push(Entry { name, kind });
        }
    }
    Ok(found)
}

/// How a file is named in messages: `monitor/filename`, nothing above.
pub(crate) fn shown(monitor: &MonitorName, file: &str) -> String {
    format!("{monitor}/{file}")
}

/// Makes a folder and those above it below the spool's root (0700), and makes their names durable.
pub(crate) fn ensure_folder(layout: &Layout, folder: &Path) -> Result<()> {
    let failed = |at: &Path, error| SpoolError::io(layout.what("make", at), at.to_path_buf(), error);
    if !folder.is_dir() {
        let mut missing: Vec<&Path> = folder.ancestors().take_while(|at| !at.is_dir()).collect();
        // From above to below, each made durable in the folder that it is in.
        while let Some(at) = missing.pop() {
            match DirBuilder::new().mode(0o700).create(at) {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::AlreadyExists && at.is_dir() => {}
                Err(error) => return Err(failed(at, error)),
            }
            sync_folder_of(at).map_err(|error| failed(at, error))?;
        }
    }
    if layout.passes_link(folder)? {
        let source = std::io::Error::from(ErrorKind::NotADirectory);
        return Err(failed(folder, source));
    }
    Ok(())
}

/// Renames a file to a name that must not be taken (`AlreadyExists` otherwise), and makes both folders durable.
/// renameat2(2) with `RENAME_NOREPLACE`; where the file system has none, link(2) and unlink(2).
pub(crate) fn rename_new(from: &Path, to: &Path) -> std::io::Result<()> {
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        Ok(()) => {}
        // man renameat2: EINVAL where the file system does not know the flag, ENOSYS where the kernel has no such call.
        Err(Errno::INVAL | Errno::NOSYS) => link_new(from, to)?,
        Err(error) => return Err(error.into()),
    }
    sync_folder_of(to)?;
    if from.parent() == to.parent() { Ok(()) } else { sync_folder_of(from) }
}

/// The same without that call. Between its two steps the file has both names, which no crash makes worse than that: the
/// new name is never one that was taken.
fn link_new(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::hard_link(from, to)?;
    std::fs::remove_file(from)
}

/// Makes the name of a file durable in its folder (man fsync: the file's own sync does not).
pub(crate) fn sync_folder_of(path: &Path) -> std::io::Result<()> {
    match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => File::open(".")?.sync_all(),
        Some(parent) => File::open(parent)?.sync_all(),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
