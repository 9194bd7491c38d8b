//! A `flock` beside a file, for what happens to the file as a whole: create, migrate, clear, quarantine, vacuum.

use std::path::Path;
use std::time::Duration;

use crate::error::Result;

/// Held until dropped, and gone with its process.
#[derive(Debug)]
pub struct FileGuard {}

impl FileGuard {
    /// Locks `<file>.lock` for `operation`, waiting as long as `timeout`.
    pub fn acquire(_file: &Path, _operation: &str, _timeout: Duration) -> Result<Self> {
        todo!("L2")
    }
}
