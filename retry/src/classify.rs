//! What kind of failure an error is, and with that whether trying again can help.

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

impl ErrorClass {
    /// A retryable class without a wait asked for.
    pub const fn retryable(reason: RetryReason) -> Self {
        Self::Retryable { reason, after: None }
    }

    /// A permanent class.
    pub const fn permanent(reason: PermanentReason) -> Self {
        Self::Permanent { reason }
    }

    /// Whether trying again may help.
    pub const fn is_retryable(&self) -> bool {
        matches!(self, Self::Retryable { .. })
    }
}

/// Errors that know their class.
pub trait Classify {
    /// The class of this error.
    fn classify(&self) -> ErrorClass;
}
