//! The file behind a handle: its identity, its rights, and what kind of file system it lies on.
//!
//! Nothing here opens an existing database file: closing any descriptor of it would drop the POSIX locks
//! that SQLite holds in this process (<https://sqlite.org/howtocorrupt.html>, section 2.2).

use std::fs::{DirBuilder, File};
use std::io::ErrorKind as IoErrorKind;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use crate::error::{DbError, ErrorKind, Result};

/// Which file a path names, whatever its spelling.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FileIdentity {
    /// The device.
    pub device: u64,
    /// The inode on it.
    pub inode: u64,
}

impl FileIdentity {
    /// The identity of the file at `path`, by `stat` alone; `None` when nothing is there.
    pub fn of(path: &Path) -> Result<Option<Self>> {
        match std::fs::metadata(path) {
            Ok(found) => Ok(Some(Self { device: found.dev(), inode: found.ino() })),
            Err(error) if error.kind() == IoErrorKind::NotFound => Ok(None),
            Err(error) => Err(DbError::io(path.display().to_string(), error)),
        }
    }

    /// A file that was replaced or deleted under an open handle must not swallow what it acknowledges.
    pub(crate) fn check(self, path: &Path) -> Result<()> {
        let what = match Self::of(path)? {
            Some(found) if found == self => return Ok(()),
            Some(_) => "the file was replaced while open",
            None => "the file was deleted while open",
        };
        Err(DbError::file(ErrorKind::Replaced, path, what))
    }
}

/// A file that lies beside a database, such as `state.db` + `-wal`.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// The size in bytes of the file at `path`, 0 when it is not there.
pub(crate) fn size(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |found| found.len())
}

/// Creates the folder (0700, with its parents) and an empty file (0600) unless they are there, and syncs the
/// folders that got a new entry: SQLite syncs its own files, but a folder that a power cut forgets takes them
/// along. Gives whether the file is new.
pub(crate) fn create(path: &Path) -> Result<bool> {
    let folder = folder_of(path);
    create_folder(folder)?;
    match create_empty(path) {
        Ok(()) => sync_folder(folder).map(|()| true),
        Err(error) if error.kind() == IoErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(DbError::io(format!("create {}", path.display()), error)),
    }
}

/// Without ever having a descriptor of it: another thread may open the new file at once, and closing ours
/// would then drop the locks that SQLite took for it.
#[cfg(target_os = "linux")]
fn create_empty(path: &Path) -> std::io::Result<()> {
    use rustix::fs::{CWD, FileType, Mode, mknodat};
    Ok(mknodat(CWD, path, FileType::RegularFile, Mode::RUSR | Mode::WUSR, 0)?)
}

/// Where a file cannot be made without opening it, threads that create files do it one after the other.
#[cfg(not(target_os = "linux"))]
fn create_empty(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    static CREATING: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _creating = CREATING.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map(drop)
}

/// Creates a folder (0700) with its parents unless it is there, and makes the new entries durable.
pub(crate) fn create_folder(folder: &Path) -> Result<()> {
    if folder.exists() {
        return Ok(());
    }
    let parent = folder_of(folder);
    create_folder(parent)?;
    match DirBuilder::new().mode(0o700).create(folder) {
        Ok(()) => sync_folder(parent),
        Err(error) if error.kind() == IoErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(DbError::io(format!("create {}", folder.display()), error)),
    }
}

/// Makes the entries of a folder durable.
pub(crate) fn sync_folder(folder: &Path) -> Result<()> {
    sync(folder)
}

/// Makes the bytes of a file, or the entries of a folder, durable. Not for a database that may be open: see above.
pub(crate) fn sync(path: &Path) -> Result<()> {
    #[cfg(test)]
    tests::note_sync(path);
    File::open(path)
        .and_then(|opened| opened.sync_all())
        .map_err(|error| DbError::io(format!("sync {}", path.display()), error))
}

/// The folder that a file lies in.
pub(crate) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Refuses what cannot be a database file before SQLite's less clear words would.
pub(crate) fn check_is_file(path: &Path) -> Result<()> {
    match std::fs::metadata(path) {
        Ok(found) if found.is_dir() => Err(DbError::file(ErrorKind::CannotOpen, path, "is a folder")),
        Ok(found) if !found.is_file() => {
            Err(DbError::file(ErrorKind::CannotOpen, path, "is no regular file"))
        }
        Ok(_) => Ok(()),
        Err(error) if error.kind() == IoErrorKind::NotFound => {
            Err(DbError::file(ErrorKind::Missing, path, "no such file"))
        }
        Err(error) => Err(DbError::io(path.display().to_string(), error)),
    }
}

/// Whether this process may write into the file's folder.
pub(crate) fn folder_is_writable(path: &Path) -> bool {
    rustix::fs::access(folder_of(path), rustix::fs::Access::WRITE_OK).is_ok()
}

/// Names the file system if it is shared between machines or passed through another program: WAL needs
/// shared memory and sound locks, which such ones do not give (<https://sqlite.org/wal.html#overview>).
#[cfg(target_os = "linux")]
pub(crate) fn network_file_system(path: &Path) -> Option<&'static str> {
    // Magic numbers from statfs(2).
    const SHARED: &[(i64, &str)] = &[
        (0x6969, "NFS"),
        (0x517B, "SMB"),
        (0xFF53_4D42, "CIFS"),
        (0xFE53_4D42, "SMB2"),
        (0x0102_1997, "9P"),
        (0x6573_5546, "FUSE"),
        (0x5346_414F, "AFS"),
        (0x00C3_6400, "Ceph"),
        (0x0BD0_0BD0, "Lustre"),
        (0x786F_4256, "vboxsf"),
    ];
    #[cfg(test)]
    if let Some(pretended) = tests::PRETENDED.get() {
        return Some(pretended);
    }
    let found = rustix::fs::statfs(path.parent().filter(|folder| folder.exists()).unwrap_or(path)).ok()?;
    let magic = found.f_type & 0xFFFF_FFFF;
    SHARED.iter().find(|(number, _)| *number == magic).map(|(_, name)| *name)
}

/// Elsewhere the kind of file system is not asked; SQLite's own refusal of WAL still counts.
#[cfg(not(target_os = "linux"))]
pub(crate) fn network_file_system(_path: &Path) -> Option<&'static str> {
    None
}

#[cfg(test)]
pub(crate) mod tests;
