//! How much room is left on a disk.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::error::{DbError, ErrorKind, Result};

/// Bytes that this user may still write on the file system of `folder`.
pub(crate) fn free(folder: &Path) -> Result<u64> {
    let found = rustix::fs::statvfs(folder)
        .map_err(|error| DbError::io(format!("ask for free space on {}", folder.display()), error.into()))?;
    Ok(found.f_bavail.saturating_mul(found.f_frsize))
}

/// Refuses work that would fill the disk before it has begun.
pub(crate) fn require(folder: &Path, needed: u64, what: &str) -> Result<()> {
    let free = free(folder)?;
    if free >= needed {
        return Ok(());
    }
    Err(DbError::file(
        ErrorKind::Full,
        folder,
        format!("{what} needs {} of free space, there is {}", mebibytes(needed), mebibytes(free)),
    ))
}

/// Whether both lie on one file system, so that what is written to one is lacking in the other.
pub(crate) fn is_one_disk(one: &Path, other: &Path) -> bool {
    let device = |path| std::fs::metadata(path).ok().map(|found| found.dev());
    device(one).is_some_and(|found| device(other) == Some(found))
}

/// Where SQLite puts its temporary files: it asks the process's surroundings itself, and cannot be asked what it
/// found (<https://sqlite.org/tempfiles.html#temporary_file_storage_locations>).
pub(crate) fn sqlite_temporary_folder() -> PathBuf {
    let named = ["SQLITE_TMPDIR", "TMPDIR"].into_iter().filter_map(std::env::var_os).map(PathBuf::from);
    let usual = ["/var/tmp", "/usr/tmp", "/tmp"].into_iter().map(PathBuf::from);
    let fits = |folder: &PathBuf| {
        use rustix::fs::Access;
        folder.is_dir() && rustix::fs::access(folder, Access::WRITE_OK | Access::EXEC_OK).is_ok()
    };
    named.chain(usual).find(fits).unwrap_or_else(|| PathBuf::from("."))
}

/// Bytes in words, for messages.
pub(crate) fn mebibytes(bytes: u64) -> String {
    const KIB: u64 = 1024;
    const MIB: u64 = 1024 * KIB;
    match bytes {
        0..KIB => format!("{bytes} B"),
        KIB..MIB => format!("{} KiB", bytes / KIB),
        _ => format!("{}.{} MiB", bytes / MIB, bytes % MIB * 10 / MIB),
    }
}
