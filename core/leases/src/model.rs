//! What a lease is.

use std::time::Duration;

use conclave_db::process::ProcessIdentity;

use crate::error::{LeaseError, LeaseErrorKind, Result};
use crate::name::{HolderId, LeaseName};
use crate::token::Token;

/// The number of a grant: 1, 2, 3, … per name, never twice, never back.
pub type Fence = u64;

/// How a lease is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// By one.
    Exclusive,
    /// By any number, and no exclusive one.
    Shared,
}

impl Mode {
    /// The word of it, as it is stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Exclusive => "exclusive",
            Self::Shared => "shared",
        }
    }

    /// Whether two cannot hold one name at a time.
    pub(crate) const fn excludes(self, other: Self) -> bool {
        matches!(self, Self::Exclusive) || matches!(other, Self::Exclusive)
    }
}

/// How long a lease lives without being renewed: 1 to 86,400 whole seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ttl(u32);

impl Ttl {
    /// What is taken where nobody says: 300 seconds.
    pub const USUAL: Self = Self(300);
    /// A day.
    const LONGEST: u32 = 86_400;

    /// Reads whole seconds.
    ///
    /// # Errors
    /// [`LeaseErrorKind::InvalidTtl`](crate::LeaseErrorKind::InvalidTtl) for everything else.
    pub fn parse(text: &str) -> Result<Self> {
        // Digits alone: Rust's numbers may have a sign.
        let digits = (1..=5).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        let seconds = text.parse().ok().filter(|_| digits);
        seconds.map_or_else(|| Err(Self::invalid()), Self::seconds)
    }

    /// Of so many seconds.
    ///
    /// # Errors
    /// [`LeaseErrorKind::InvalidTtl`](crate::LeaseErrorKind::InvalidTtl) for 0 and more than a day.
    pub fn seconds(seconds: u32) -> Result<Self> {
        if (1..=Self::LONGEST).contains(&seconds) { Ok(Self(seconds)) } else { Err(Self::invalid()) }
    }

    fn invalid() -> LeaseError {
        let text = format!("a time to live is 1 to {} whole seconds", Self::LONGEST);
        LeaseError::Invalid { kind: LeaseErrorKind::InvalidTtl, text }
    }

    /// In milliseconds.
    pub(crate) fn ms(self) -> i64 {
        i64::from(self.0) * 1000
    }

    /// As a duration.
    pub const fn duration(self) -> Duration {
        Duration::from_secs(self.0 as u64)
    }
}

/// What was acquired: one token and one end for all names.
#[derive(Debug, Clone)]
pub struct Grant {
    /// The secret that renews and releases.
    pub token: Token,
    /// Who holds, for others.
    pub holder: HolderId,
    /// When it ends, in milliseconds since 1970 by the wall clock of now.
    pub expires_utc_ms: i64,
    /// When it ends by the boot clock, which decides within this boot.
    pub ends: Duration,
    /// The number of the grant of each name, in the order of the request.
    pub fences: Vec<(LeaseName, Fence)>,
}

/// What a renewal came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renewed {
    /// When they end now, in milliseconds since 1970: the earliest of them.
    pub expires_utc_ms: i64,
    /// The same by the boot clock, which decides within this boot.
    pub ends: Duration,
    /// What was renewed, in the order asked for (without names: by name).
    pub fences: Vec<(LeaseName, Fence)>,
}

/// One grant, as anybody may see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// Its name.
    pub name: LeaseName,
    /// How it is held.
    pub mode: Mode,
    /// By whom.
    pub holder: HolderId,
    /// Its number.
    pub fence: Fence,
    /// When it was given, in milliseconds since 1970.
    pub acquired_utc_ms: i64,
    /// When it ends, in milliseconds since 1970.
    pub expires_utc_ms: i64,
    /// How long it still lives; nothing when it is over.
    pub remaining: Duration,
    /// Whether its time is over, or the process that it is bound to has ended.
    pub expired: bool,
    /// The process that acquired it; `None` once it has ended, as that of a command does that only acquires.
    pub process: Option<ProcessIdentity>,
    /// The process that it ends with, if any.
    pub bound_to: Option<ProcessIdentity>,
}

/// One who waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiter {
    /// Who.
    pub holder: HolderId,
    /// The process.
    pub process: ProcessIdentity,
    /// Since when, in milliseconds since 1970.
    pub since_utc_ms: i64,
    /// What it waits for.
    pub mode: Mode,
}

/// A name with its grants and who waits for it, the first first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// The name.
    pub name: LeaseName,
    /// Its grants: one, several shared ones, or none where somebody waits for an ended one.
    pub leases: Vec<Lease>,
    /// Who waits, in order.
    pub waiters: Vec<Waiter>,
}

/// How many there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Counts {
    /// Live grants.
    pub held: u64,
    /// Those who wait and live.
    pub waiting: u64,
}

#[cfg(test)]
mod tests;
