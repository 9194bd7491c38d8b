//! A file that is whole or not there: unique temporary file, sync, rename, sync of the folder.
//!
//! Whoever replaces a file holds a lock on its folder meanwhile, so that two of us cannot replace what the other has
//! just written without having read it. The lock is the handle's own: it goes with its process, and leaves no file.

use std::fs::{File, Permissions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use conclave_retry::{Sleeper, SystemSleeper};

use crate::error::{Result, TaskError};

/// Links that lead from one to the next, at most; the kernel's own limit.
const LINKS: usize = 40;

/// How long another process may hold the folder, in steps.
const STEP: Duration = Duration::from_millis(10);
const STEPS: u32 = 3_000;

/// Times that a file may be changed by others between a look and the next.
const TRIES: u32 = 20;

/// Replaces a file, or makes it: it has these bytes as a whole or is as it was, whenever the process ends, and when
/// this returns they are durable. A link stays one, and who may read the file stays as it was. Waits for others of us
/// that replace a file of the same folder. An error where it is no regular file or cannot be written.
pub fn replace_file(path: &Path, bytes: &[u8]) -> Result<()> {
    let path = resolve(path)?;
    let lock = FolderLock::of(&path, &SystemSleeper)?;
    for _ in 0..TRIES {
        let before = read(&path)?;
        if lock.replace(&path, before.as_deref(), bytes)? == Replaced::Yes {
            return Ok(());
        }
    }
    Err(keeps_changing(&path))
}

/// What became of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Replaced {
    /// It has the new bytes, durably.
    Yes,
    /// It has other bytes than were expected: nothing was done.
    HasChanged,
}

/// The file itself, where the path leads over links; it need not exist, and neither must its folder: the one above
/// that must.
pub(crate) fn resolve(path: &Path) -> Result<PathBuf> {
    let failed = |error| TaskError::io(format!("find {}", path.display()), error);
    let mut current = path.to_path_buf();
    for _ in 0..LINKS {
        match std::fs::canonicalize(&current) {
            Ok(found) => return Ok(found),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed(error)),
        }
        let folder = match current.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let folder = match std::fs::canonicalize(folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                new_folder(folder).ok_or_else(|| failed(error))?
            }
            found => found.map_err(failed)?,
        };
        let name = current.file_name().ok_or_else(|| failed(io::ErrorKind::InvalidFilename.into()))?;
        let there = folder.join(name);
        // A link to what does not exist is followed by hand.
        match std::fs::read_link(&there) {
            Ok(target) => current = folder.join(target),
            Err(_) => return Ok(there),
        }
    }
    Err(failed(io::Error::other("too many links")))
}

/// A folder that does not exist in one that does.
fn new_folder(folder: &Path) -> Option<PathBuf> {
    let above = folder_of(folder);
    // A link to what does not exist is not ours to follow: what is made would be elsewhere.
    if folder.symlink_metadata().is_ok() {
        return None;
    }
    Some(std::fs::canonicalize(above).ok()?.join(folder.file_name()?))
}

/// Makes the folder of a file that [`resolve`] has found, durably, where it is missing.
pub(crate) fn make_folder(path: &Path) -> Result<()> {
    let folder = folder_of(path);
    match std::fs::create_dir(folder) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(()),
        // On a disk that cannot be written all may be there: what follows says what is wrong.
        Err(_) if folder.is_dir() => return Ok(()),
        Err(error) => return Err(TaskError::io(format!("make {}", folder.display()), error)),
    }
    sync_folder(folder_of(folder)).map_err(|error| TaskError::io(format!("make {}", folder.display()), error))
}

/// The bytes of a file, `None` where there is none. Anything else than a regular file is an error.
pub(crate) fn read(path: &Path) -> Result<Option<Vec<u8>>> {
    let failed = |error| TaskError::io(format!("read {}", path.display()), error);
    match std::fs::metadata(path) {
        Ok(found) if found.is_file() => {}
        Ok(found) if found.is_dir() => return Err(failed(io::ErrorKind::IsADirectory.into())),
        Ok(_) => return Err(failed(io::Error::other("not a regular file"))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    }
    std::fs::read(path).map(Some).map_err(failed)
}

/// A folder that no other process of ours replaces a file in.
#[derive(Debug)]
pub(crate) struct FolderLock {
    _handle: File,
    /// Whether the file system can lock a folder.
    locked: bool,
}

impl FolderLock {
    /// Takes the folder that a file lies in, and waits for it up to half a minute. On file systems that cannot lock a
    /// folder it is not locked.
    pub(crate) fn of(path: &Path, sleeper: &dyn Sleeper) -> Result<Self> {
        let folder = folder_of(path);
        let failed = |error| TaskError::io(format!("lock {}", folder.display()), error);
        let file = File::open(folder).map_err(failed)?;
        for _ in 0..STEPS {
            match file.try_lock() {
                Ok(()) => return Ok(Self { _handle: file, locked: true }),
                // NFS locks no handle that cannot write.
                Err(TryLockError::Error(_)) => return Ok(Self { _handle: file, locked: false }),
                Err(TryLockError::WouldBlock) => sleeper.sleep(STEP),
            }
        }
        Err(failed(io::Error::new(io::ErrorKind::WouldBlock, "another process holds it")))
    }

    /// Replaces a file by these bytes, where it still has the `expected` ones (`None`: where it is not there). When it
    /// returns, the new file is durable; before, the old one is whole. Who may read it stays as it was.
    pub(crate) fn replace(&self, path: &Path, expected: Option<&[u8]>, bytes: &[u8]) -> Result<Replaced> {
        let failed = |error: io::Error| {
            // The message names the file that was to be written, not the temporary one.
            let error = error.raw_os_error().map_or(error, io::Error::from_raw_os_error);
            TaskError::io(format!("write {}", path.display()), error)
        };
        let folder = folder_of(path);
        let prefix = prefix(path);
        self.remove_left(folder, &prefix);
        let mut file = tempfile::Builder::new()
            .prefix(&prefix)
            .suffix(".tmp")
            // What the umask leaves of it; tempfile's own would be for the owner only.
            .permissions(Permissions::from_mode(0o666))
            .tempfile_in(folder)
            .map_err(failed)?;
        if let Ok(before) = std::fs::metadata(path) {
            file.as_file().set_permissions(before.permissions()).map_err(failed)?;
        }
        file.write_all(bytes).and_then(|()| file.as_file().sync_all()).map_err(failed)?;
        // Editors and git take no lock: as late as can be.
        if read(path)?.as_deref() != expected {
            return Ok(Replaced::HasChanged);
        }
        file.persist(path).map_err(|error| failed(error.error))?;
        sync_folder(folder).map_err(failed)?;
        Ok(Replaced::Yes)
    }

    /// Removes what a killed process has left. Under the lock nobody else writes such a file.
    fn remove_left(&self, folder: &Path, prefix: &std::ffi::OsStr) {
        if !self.locked {
            return;
        }
        let left = std::fs::read_dir(folder).into_iter().flatten().flatten().filter(|entry| {
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

/// Makes names in a folder durable.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Others change a file as fast as we look at it.
pub(crate) fn keeps_changing(path: &Path) -> TaskError {
    let error = io::Error::new(io::ErrorKind::ResourceBusy, "others keep changing it");
    TaskError::io(format!("write {}", path.display()), error)
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

fn prefix(path: &Path) -> std::ffi::OsString {
    let mut prefix = std::ffi::OsString::from(".");
    prefix.push(path.file_name().unwrap_or_default());
    prefix.push(".conclave-");
    prefix
}

#[cfg(test)]
mod tests;
