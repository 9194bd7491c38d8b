//! A file that is given up when the disk is full, so that the last writes and deletes can go through.

use std::path::Path;

use crate::file::beside;

/// Gives the ballast of the database at `path` back to the disk.
pub(crate) fn release(path: &Path) {
    let _ = std::fs::remove_file(beside(path, "-ballast"));
}
