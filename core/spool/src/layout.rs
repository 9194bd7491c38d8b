//! Where what lies below the spool's folder. Links are followed nowhere.

use std::path::{Path, PathBuf};

use crate::error::Result;
use crate::monitor::MonitorName;

/// Ends of names.
pub(crate) const SEGMENT: &str = ".ndjson.gz";
pub(crate) const PART: &str = ".part";
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
        todo!("s1")
    }

    /// The finalised segments in a folder (`*.ndjson.gz`), in the order in which they were written. A folder that is not
    /// there has none. Regular files only.
    pub(crate) fn segments(&self, folder: &Path) -> Result<Vec<Found>> {
        let _ = folder;
        todo!("s1")
    }

    /// What is being written in a folder, or was when its writer died (`*.part`).
    pub(crate) fn parts(&self, folder: &Path) -> Result<Vec<Found>> {
        let _ = folder;
        todo!("s1")
    }
}

/// Makes a folder and those above it below the spool's root (0700), and makes their names durable.
pub(crate) fn ensure_folder(layout: &Layout, folder: &Path) -> Result<()> {
    let _ = (layout, folder);
    todo!("s1")
}

/// Renames a file to a name that must not be taken (`AlreadyExists` otherwise), and makes both folders durable.
/// renameat2(2) with `RENAME_NOREPLACE`; where the file system has none, link(2) and unlink(2).
pub(crate) fn rename_new(from: &Path, to: &Path) -> std::io::Result<()> {
    let _ = (from, to);
    todo!("s1")
}

/// How a file is named in messages: `monitor/filename`, nothing above.
pub(crate) fn shown(monitor: &MonitorName, file: &str) -> String {
    format!("{monitor}/{file}")
}
