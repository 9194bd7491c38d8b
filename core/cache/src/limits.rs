//! How much the cache may hold.

use crate::error::{CacheError, Result};

/// Limits that are valid once they are there: both at least 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CacheLimits {
    max_entries: u64,
    max_bytes: u64,
}

impl Default for CacheLimits {
    fn default() -> Self {
        Self { max_entries: 10_000, max_bytes: 100 << 20 }
    }
}

impl CacheLimits {
    /// At most so many entries, and so many bytes of values.
    ///
    /// # Errors
    /// [`Invalid`](CacheError::Invalid) for 0.
    pub fn new(max_entries: u64, max_bytes: u64) -> Result<Self> {
        for (key, value) in [("max_entries", max_entries), ("max_bytes", max_bytes)] {
            if value == 0 || i64::try_from(value).is_err() {
                return Err(CacheError::Invalid(format!("{key}: {value} is no limit; 1 at least")));
            }
        }
        Ok(Self { max_entries, max_bytes })
    }

    /// Entries.
    pub const fn max_entries(&self) -> u64 {
        self.max_entries
    }

    /// Bytes of values.
    pub const fn max_bytes(&self) -> u64 {
        self.max_bytes
    }
}
