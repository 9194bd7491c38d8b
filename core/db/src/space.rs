//! How much room is left on a disk.

use std::path::Path;

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
