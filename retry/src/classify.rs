//! What kind of failure an error is, and with that whether trying again can help.

use std::fmt;
use std::time::Duration;

/// Why trying again may help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RetryReason {
    /// Another connection holds the database lock.
    DatabaseLocked,
    /// The snapshot of a read transaction is too old to write from: the whole transaction must restart.
    SnapshotStale,
    /// All connections of a pool are in use.
    PoolExhausted,
    /// No answer in time.
    Timeout,
    /// The server asked for fewer requests.
    RateLimited,
    /// The server is there but cannot serve now.
    Unavailable,
    /// The connection was refused, reset or cut.
    Connection,
    /// A name could not be resolved.
    Dns,
    /// The operating system asked for a repetition.
    Interrupted,
}

/// Why trying again cannot help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PermanentReason {
    /// The caller's input is wrong.
    InvalidInput,
    /// A database constraint refused the change.
    Constraint,
    /// The disk, a quota or a page limit is full.
    Full,
    /// The file is damaged or of another format.
    Corrupt,
    /// The file or folder cannot be written.
    ReadOnly,
    /// An input or output error of the storage.
    Io,
    /// Not signed in, or not allowed.
    Denied,
    /// The thing does not exist.
    NotFound,
    /// An account's quota is used up.
    QuotaExhausted,
    /// Fewer parts succeeded than are needed to accept the rest as missing.
    BelowQuorum,
    /// None of the known causes.
    Unknown,
}

/// The class of an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorClass {
    /// Trying again may help, at the earliest after `after` where the other side said so.
    Retryable {
        /// Why.
        reason: RetryReason,
        /// The wait the other side asked for.
        after: Option<Duration>,
    },
    /// Trying again cannot help.
    Permanent {
        /// Why.
        reason: PermanentReason,
    },
    /// A part succeeded: one more try, then it is accepted as it is.
    Degraded {
        /// Parts that succeeded.
        succeeded: u32,
        /// Parts in all.
        total: u32,
    },
    /// Nobody knows whether it happened: never repeated blindly.
    Ambiguous,
}

impl RetryReason {
    /// The name in logs, counters and stored rows; the same as the serialised one.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DatabaseLocked => "database_locked",
            Self::SnapshotStale => "snapshot_stale",
            Self::PoolExhausted => "pool_exhausted",
            Self::Timeout => "timeout",
            Self::RateLimited => "rate_limited",
            Self::Unavailable => "unavailable",
            Self::Connection => "connection",
            Self::Dns => "dns",
            Self::Interrupted => "interrupted",
        }
    }
}

impl PermanentReason {
    /// The name in logs, counters and stored rows; the same as the serialised one.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidInput => "invalid_input",
            Self::Constraint => "constraint",
            Self::Full => "full",
            Self::Corrupt => "corrupt",
            Self::ReadOnly => "read_only",
            Self::Io => "io",
            Self::Denied => "denied",
            Self::NotFound => "not_found",
            Self::QuotaExhausted => "quota_exhausted",
            Self::BelowQuorum => "below_quorum",
            Self::Unknown => "unknown",
        }
    }
}

impl ErrorClass {
    /// A retryable class without a wait asked for.
    pub const fn retryable(reason: RetryReason) -> Self {
        Self::Retryable { reason, after: None }
    }

    /// A permanent class.
    pub const fn permanent(reason: PermanentReason) -> Self {
        Self::Permanent { reason }
    }

    /// The class of work that consists of parts: `None` when all succeeded, degraded when at least `quorum`
    /// did, else permanent.
    pub const fn of_parts(succeeded: u32, total: u32, quorum: u32) -> Option<Self> {
        if succeeded >= total {
            None
        } else if succeeded > 0 && succeeded >= quorum {
            Some(Self::Degraded { succeeded, total })
        } else {
            Some(Self::permanent(PermanentReason::BelowQuorum))
        }
    }

    /// Whether trying again may help.
    pub const fn is_retryable(&self) -> bool {
        matches!(self, Self::Retryable { .. })
    }

    /// The name of the class in logs: `retryable`, `permanent`, `degraded` or `ambiguous`.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Retryable { .. } => "retryable",
            Self::Permanent { .. } => "permanent",
            Self::Degraded { .. } => "degraded",
            Self::Ambiguous => "ambiguous",
        }
    }

    /// Why, in one word: the reason where the class has one, else the class itself.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Retryable { reason, .. } => reason.as_str(),
            Self::Permanent { reason } => reason.as_str(),
            Self::Degraded { .. } | Self::Ambiguous => self.as_str(),
        }
    }

    /// The wait that the other side asked for.
    pub const fn after(&self) -> Option<Duration> {
        match self {
            Self::Retryable { after, .. } => *after,
            _ => None,
        }
    }
}

impl fmt::Display for ErrorClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Retryable { reason, after: None } => write!(f, "retryable ({})", reason.as_str()),
            Self::Retryable { reason, after: Some(after) } => {
                write!(f, "retryable ({}, not before {after:?})", reason.as_str())
            }
            Self::Permanent { reason } => write!(f, "permanent ({})", reason.as_str()),
            Self::Degraded { succeeded, total } => write!(f, "degraded ({succeeded} of {total})"),
            Self::Ambiguous => f.write_str("ambiguous"),
        }
    }
}

/// Errors that know their class.
pub trait Classify {
    /// The class of this error.
    fn classify(&self) -> ErrorClass;
}

impl<E: Classify + ?Sized> Classify for &E {
    fn classify(&self) -> ErrorClass {
        (**self).classify()
    }
}

impl<E: Classify + ?Sized> Classify for Box<E> {
    fn classify(&self) -> ErrorClass {
        (**self).classify()
    }
}

#[cfg(test)]
mod tests;
