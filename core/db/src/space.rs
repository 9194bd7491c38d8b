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
        format!("{what} needs {} of free space, there is {}", in_words(needed), in_words(free)),
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
pub(crate) fn in_words(bytes: u64) -> String {
    const KIB: u64 = 1024;
    const MIB: u64 = 1024 * KIB;
    const GIB: u64 = 1024 * MIB;
    const TEN_GIB: u64 = 10 * GIB;
    match bytes {
        0..KIB => format!("{bytes} B"),
        KIB..MIB => format!("{} KiB", bytes / KIB),
        TEN_GIB.. => format!("{}.{} GiB", bytes / GIB, bytes % GIB * 10 / GIB),
        _ => format!("{}.{} MiB", bytes / MIB, bytes % MIB * 10 / MIB),
    }
}

/// A number with its thousands apart: `2,259`.
pub(crate) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{in_words, thousands};

    #[test]
    fn numbers_are_read_at_a_glance() {
        assert_eq!([0, 999, 1813, 1_234_567].map(thousands), ["0", "999", "1,813", "1,234,567"]);
        assert_eq!([512, 8 << 20, 71_177_342_976].map(in_words), ["512 B", "8.0 MiB", "66.2 GiB"]);
    }
}
