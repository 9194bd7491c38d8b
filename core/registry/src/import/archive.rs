//! Putting an imported file aside: a copy under a free name, durable, and only then the file's end.
//!
//! Whoever does so holds a lock on the folder meanwhile, so that of many processes that have found one file one makes
//! one copy. The lock is the handle's own: it goes with its process, and leaves no file.

use std::fs::{File, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use conclave_retry::Sleeper;

use super::steps::{Observer, Step};
use super::way_out;

/// How long another process may hold the folder, in steps.
const WAIT: Duration = Duration::from_millis(10);
const WAITS: u32 = 1_000;

/// The ending of what is kept.
const KEPT: &str = "bak";

/// What became of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Archived {
    /// It was gone already.
    Gone,
    /// It has other content by now, and was left alone.
    Changed,
    /// A durable copy has this name.
    Kept(PathBuf),
}

/// The folder of a file, which no other of us archives in.
#[derive(Debug)]
pub(super) struct Folder<'file> {
    path: &'file Path,
    handle: File,
    locked: bool,
}

impl<'file> Folder<'file> {
    /// Takes the folder; waits for it some seconds. On file systems that cannot lock a folder it is not locked.
    pub(super) fn of(file: &'file Path, sleeper: &dyn Sleeper) -> io::Result<Self> {
        let path = match file.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let handle = File::open(path)?;
        for _ in 0..WAITS {
            match handle.try_lock() {
                Ok(()) => return Ok(Self { path, handle, locked: true }),
                // NFS locks no handle that cannot write.
                Err(TryLockError::Error(_)) => return Ok(Self { path, handle, locked: false }),
                Err(TryLockError::WouldBlock) => sleeper.sleep(WAIT),
            }
        }
        Err(io::Error::new(io::ErrorKind::WouldBlock, "another process puts files aside in this folder"))
    }

    /// Makes a durable copy of the file, if it still has this content.
    pub(super) fn copy(&self, file: &Path, content: &[u8], observer: &Observer) -> io::Result<Archived> {
        match std::fs::read(file) {
            Ok(bytes) if bytes == content => self.keep(file, content, observer).map(Archived::Kept),
            Ok(_) => Ok(Archived::Changed),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Archived::Gone),
            Err(error) => Err(error),
        }
    }

    /// The durable copy that has this content, made where there is none yet.
    fn keep(&self, file: &Path, content: &[u8], observer: &Observer) -> io::Result<PathBuf> {
        let prefix = prefix(file);
        self.remove_left(&prefix);
        for name in way_out::names(file, KEPT) {
            match std::fs::symlink_metadata(&name) {
                // Made by somebody who was killed before the end, or by hand: the same bytes are the copy.
                Ok(found) if is_as_long(&found, content) && std::fs::read(&name)? == content => {
                    File::open(&name)?.sync_all()?;
                    self.handle.sync_all()?;
                    return Ok(name);
                }
                Ok(_) => continue,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
            let mut copy = tempfile::Builder::new().prefix(&prefix).suffix(".tmp").tempfile_in(self.path)?;
            copy.write_all(content)?;
            copy.as_file().set_permissions(std::fs::metadata(file)?.permissions())?;
            copy.as_file().sync_all()?;
            observer.at(Step::Copied);
            match copy.persist_noclobber(&name) {
                Ok(_) => {
                    self.handle.sync_all()?;
                    return Ok(name);
                }
                Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error.error),
            }
        }
        Err(io::Error::new(io::ErrorKind::AlreadyExists, "there is no free name for a copy"))
    }

    /// Removes the file, durably.
    pub(super) fn remove(&self, file: &Path) -> io::Result<()> {
        std::fs::remove_file(file)?;
        self.handle.sync_all()
    }

    /// What a killed process has left. Under the lock nobody else writes such a file.
    fn remove_left(&self, prefix: &std::ffi::OsStr) {
        if !self.locked {
            return;
        }
        let left = std::fs::read_dir(self.path).into_iter().flatten().flatten().filter(|entry| {
            let name = entry.file_name();
            let name = name.as_encoded_bytes();
            name.starts_with(prefix.as_encoded_bytes()) && name.ends_with(b".tmp")
        });
        for entry in left {
            if let Err(error) = std::fs::remove_file(entry.path()) {
                tracing::debug!(%error, path = %entry.path().display(), "left by a killed process");
            }
        }
    }
}

fn is_as_long(found: &std::fs::Metadata, content: &[u8]) -> bool {
    found.is_file() && found.len() == content.len() as u64
}

fn prefix(file: &Path) -> std::ffi::OsString {
    let mut prefix = std::ffi::OsString::from(".");
    prefix.push(file.file_name().unwrap_or_default());
    prefix.push(".conclave-");
    prefix
}
