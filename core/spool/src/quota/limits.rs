//! The limits, which are valid once they are there.

use crate::error::{Result, SpoolError};

/// How much the spool may have. Shares are percent of the quota, but for `keep_free`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    quota_mb: u64,
    soft_pct: u32,
    hard_pct: u32,
    resume_pct: u32,
    keep_free_pct: u32,
}

/// The most that may be kept free of a disk, whatever the share says: as journald does it (`SystemKeepFree=`, man
/// journald.conf: 15 %, at most 4 GiB).
pub(crate) const KEEP_FREE_MAX: u64 = 4 << 30;

impl Default for Limits {
    fn default() -> Self {
        Self { quota_mb: 512, soft_pct: 90, hard_pct: 100, resume_pct: 80, keep_free_pct: 5 }
    }
}

impl Limits {
    /// Limits that fit together: a quota of 1 MiB to 1 EiB, 0 < resume < soft <= hard <= 100, and up to 50 % of the disk
    /// kept free.
    ///
    /// # Errors
    /// [`InvalidSetting`](SpoolError::InvalidSetting) with the key that is wrong.
    pub fn new(
        quota_mb: i64,
        soft_pct: i64,
        hard_pct: i64,
        resume_pct: i64,
        keep_free_pct: i64,
    ) -> Result<Self> {
        let _ = (quota_mb, soft_pct, hard_pct, resume_pct, keep_free_pct);
        let _: Option<SpoolError> = None;
        todo!("s2")
    }

    /// MiB that it may have.
    pub const fn quota_mb(&self) -> u64 {
        self.quota_mb
    }

    /// From here on flushes are put off.
    pub const fn soft_pct(&self) -> u32 {
        self.soft_pct
    }

    /// From here on nothing is written.
    pub const fn hard_pct(&self) -> u32 {
        self.hard_pct
    }

    /// Below this all is normal again.
    pub const fn resume_pct(&self) -> u32 {
        self.resume_pct
    }

    /// Percent of the disk that stay free, at most 4 GiB; 0 keeps nothing.
    pub const fn keep_free_pct(&self) -> u32 {
        self.keep_free_pct
    }

    /// The quota in bytes.
    pub const fn quota(&self) -> u64 {
        self.quota_mb << 20
    }

    /// The bytes of a share, rounded down.
    pub(crate) fn share(&self, percent: u32) -> u64 {
        let bytes = u128::from(self.quota()) * u128::from(percent) / 100;
        u64::try_from(bytes).unwrap_or(u64::MAX)
    }
}
