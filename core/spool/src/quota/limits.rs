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

/// 1 EiB.
const QUOTA_MB_MAX: u64 = 1 << 40;

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
        let refuse = |key, why| Err(SpoolError::InvalidSetting { key, why });
        let Some(quota_mb) = u64::try_from(quota_mb).ok().filter(|mb| (1..=QUOTA_MB_MAX).contains(mb)) else {
            return refuse("quota_mb", format!("{quota_mb} is not within 1 and {QUOTA_MB_MAX} MiB"));
        };
        let Some(hard) = percent(hard_pct, 1, 100) else {
            return refuse("hard_pct", format!("{hard_pct} is not within 1 and 100 percent"));
        };
        let Some(soft) = percent(soft_pct, 1, 100) else {
            return refuse("soft_pct", format!("{soft_pct} is not within 1 and 100 percent"));
        };
        if soft > hard {
            return refuse("soft_pct", format!("{soft} is above hard_pct, which is {hard}"));
        }
        let Some(resume) = percent(resume_pct, 1, 100) else {
            return refuse("resume_pct", format!("{resume_pct} is not within 1 and 100 percent"));
        };
        if resume >= soft {
            return refuse("resume_pct", format!("{resume} is not below soft_pct, which is {soft}"));
        }
        let Some(keep_free) = percent(keep_free_pct, 0, 50) else {
            return refuse("keep_free_pct", format!("{keep_free_pct} is not within 0 and 50 percent"));
        };
        Ok(Self { quota_mb, soft_pct: soft, hard_pct: hard, resume_pct: resume, keep_free_pct: keep_free })
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
    fn share(&self, percent: u32) -> u64 {
        let bytes = u128::from(self.quota()) * u128::from(percent) / 100;
        u64::try_from(bytes).unwrap_or(u64::MAX)
    }
    /// From so many bytes on the state is soft.
    pub(crate) fn soft(&self) -> u64 {
        self.share(self.soft_pct)
    }

    /// From so many bytes on it is hard.
    pub(crate) fn hard(&self) -> u64 {
        self.share(self.hard_pct)
    }

    /// Below so many bytes it is normal again.
    pub(crate) fn resume(&self) -> u64 {
        self.share(self.resume_pct)
    }

    /// Bytes that stay free of a disk that has `all` of them.
    pub(crate) fn keep_free(&self, all: u64) -> u64 {
        let bytes = u128::from(all) * u128::from(self.keep_free_pct) / 100;
        u64::try_from(bytes).unwrap_or(u64::MAX).min(KEEP_FREE_MAX)
    }
}

/// A share within these bounds.
fn percent(value: i64, least: u32, most: u32) -> Option<u32> {
    u32::try_from(value).ok().filter(|percent| (least..=most).contains(percent))
}

#[cfg(test)]
mod tests;
