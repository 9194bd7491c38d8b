//! What can go wrong with the cache.

use std::path::PathBuf;

use conclave_db::{DbError, ErrorKind};
use conclave_leases::{LeaseError, LeaseErrorKind};

/// The result of everything in this crate.
pub type Result<T, E = CacheError> = std::result::Result<T, E>;

/// What kind of failure it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CacheErrorKind {
    /// The database.
    Storage(ErrorKind),
    /// The lock for the life of the file was not to be had.
    LockTimeout,
    /// A limit or a key that cannot be.
    Invalid,
    /// A file could not be read, written, locked or moved.
    Io,
    /// What was to be computed was not: whoever did it failed.
    Compute,
}

impl CacheErrorKind {
    /// The kind in the words of the JSON error object.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Storage(kind) => kind.as_str(),
            Self::LockTimeout => "lock_timeout",
            Self::Invalid => "invalid",
            Self::Io => "io",
            Self::Compute => "compute",
        }
    }
}

/// A failure of this crate. Messages are fragments that fit "failed to …: {error}".
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CacheError {
    /// The database failed.
    #[error(transparent)]
    Storage(#[from] DbError),
    /// The guard of the file: held by another, or not to be had at all.
    #[error("{}", guard_in_words(.0))]
    Guard(#[from] LeaseError),
    /// A limit or a key that cannot be.
    #[error("{0}")]
    Invalid(String),
    /// A file.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// The system's error.
        source: std::io::Error,
        /// Where.
        path: PathBuf,
    },
    /// What was to be computed was not.
    #[error("{0}")]
    Compute(String),
}

/// The sentence that is promised for a guard that was not had in time; it names no path. The guard's own says more.
fn guard_in_words(error: &LeaseError) -> String {
    match error {
        LeaseError::LockTimeout { operation, timeout, .. } => format!(
            "Could not acquire lock for {operation} after {}s. Another process may be using the cache.",
            timeout.as_secs_f64()
        ),
        other => other.to_string(),
    }
}

impl CacheError {
    /// What kind of failure it is.
    pub fn kind(&self) -> CacheErrorKind {
        match self {
            Self::Storage(error) => CacheErrorKind::Storage(error.kind()),
            Self::Guard(error) if error.kind() == LeaseErrorKind::LockTimeout => CacheErrorKind::LockTimeout,
            Self::Guard(_) | Self::Io { .. } => CacheErrorKind::Io,
            Self::Invalid(_) => CacheErrorKind::Invalid,
            Self::Compute(_) => CacheErrorKind::Compute,
        }
    }

    /// What to do about it. Other than of a state that must not be lost, the file of a cache may always be begun anew.
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::Storage(error) => match error.kind() {
                ErrorKind::Corrupt
                | ErrorKind::NotADatabase
                | ErrorKind::Foreign
                | ErrorKind::NeedsMigration
                | ErrorKind::Constraint
                | ErrorKind::Statement => {
                    Some("`conclave cache check --fix` puts the file aside and begins an empty one")
                }
                ErrorKind::Newer => Some(
                    "update this program, or delete `cache.db`, `cache.db-wal` and `cache.db-shm` together: what is in it can be made again",
                ),
                ErrorKind::CannotOpen => Some("move away what is in its place; the next use makes a new one"),
                ErrorKind::Busy => Some("another process writes to the cache; try again"),
                ErrorKind::Full => Some(
                    "free some space on this disk; without any, delete `cache.db`, `cache.db-wal` and `cache.db-shm` together",
                ),
                ErrorKind::Ambiguous | ErrorKind::Io => {
                    Some("check the disk; what is not there can be put again")
                }
                _ => error.hint(),
            },
            Self::Guard(error) => error.hint(),
            _ => None,
        }
    }
}
