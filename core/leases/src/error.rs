//! What can go wrong with leases. The kinds are the `reason=` words of the command line.

use std::path::PathBuf;
use std::time::Duration;

use conclave_db::{DbError, ErrorKind};
use conclave_retry::{Classify, ErrorClass, PermanentReason, RetryReason};

use crate::model::Fence;
use crate::name::{HolderId, LeaseName};

/// The result of everything in this crate.
pub type Result<T, E = LeaseError> = std::result::Result<T, E>;

/// What kind of failure it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LeaseErrorKind {
    /// The database.
    Storage(ErrorKind),
    /// Somebody else has it, or is before us in the queue: the state says no.
    Held,
    /// The wait was over before it could be had.
    WaitTimeout,
    /// The token is not that of the holder.
    NotOwner,
    /// Nobody holds the name.
    NotFound,
    /// It was ours, and its time is over.
    Expired,
    /// The number is not that of a live grant: a later one was given, or it was released.
    StaleFence,
    /// A name that is none.
    InvalidName,
    /// A label of a holder that is none.
    InvalidHolder,
    /// A time to live outside of 1 to 86,400 seconds.
    InvalidTtl,
    /// A token that is none.
    InvalidToken,
    /// Anything else about the arguments.
    Invalid,
    /// The wait was ended by the caller.
    Interrupted,
    /// A file could not be read, written or locked.
    Io,
    /// Somebody else holds the lock of a file.
    LockTimeout,
}

impl LeaseErrorKind {
    /// The word after `reason=`, and the kind of the JSON error object.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Storage(_) => "storage_error",
            Self::Held => "lock_held",
            Self::WaitTimeout => "wait_timeout",
            Self::NotOwner => "not_owner",
            Self::NotFound => "not_found",
            Self::Expired => "expired",
            Self::StaleFence => "stale_fence",
            Self::InvalidName => "invalid_name",
            Self::InvalidHolder => "invalid_holder",
            Self::InvalidTtl => "invalid_ttl",
            Self::InvalidToken => "invalid_token",
            Self::Invalid => "invalid",
            Self::Interrupted => "interrupted",
            Self::Io => "io",
            Self::LockTimeout => "lock_timeout",
        }
    }
}

/// A failure of this crate. Messages are fragments that fit "failed to …: {error}".
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LeaseError {
    /// The database failed.
    #[error(transparent)]
    Storage(#[from] DbError),
    /// Somebody else has it, or waits for it. Nothing was changed.
    #[error("{name} is held by {by}")]
    Held {
        /// Which of the names.
        name: LeaseName,
        /// Who: a label, never a secret. With a queue and no holder the first who waits.
        by: HolderId,
        /// When the grant ends, in milliseconds since 1970; `None` for one who waits.
        expires_utc_ms: Option<i64>,
    },
    /// The wait was over. Nothing is held.
    #[error("{name} was not to be had within {}{}", rounded(*waited), held_by(by.as_ref()))]
    WaitTimeout {
        /// Which of the names.
        name: LeaseName,
        /// How long was waited.
        waited: Duration,
        /// Who has it, or waits for it before us; `None` where the storage was kept from us all the time.
        by: Option<HolderId>,
    },
    /// The token is another's.
    #[error("{name} is held by somebody else")]
    NotOwner {
        /// Which of the names.
        name: LeaseName,
    },
    /// Nobody holds it.
    #[error("nobody holds {name}")]
    NotFound {
        /// Which of the names.
        name: LeaseName,
    },
    /// The token holds nothing, nor did it hold anything that nobody took since.
    #[error("nothing is held by this token")]
    NothingHeld,
    /// Its time is over.
    #[error("the lease of {name} has expired")]
    Expired {
        /// Which of the names.
        name: LeaseName,
    },
    /// The number is not that of a live grant.
    #[error("{fence} is no live grant of {name}")]
    StaleFence {
        /// Which name.
        name: LeaseName,
        /// The number that was shown.
        fence: Fence,
    },
    /// An argument is wrong.
    #[error("{text}")]
    Invalid {
        /// Which kind of argument.
        kind: LeaseErrorKind,
        /// What is wrong.
        text: String,
    },
    /// The caller ended the wait. Nothing is held.
    #[error("the wait was interrupted")]
    Interrupted,
    /// A file failed.
    #[error("{what}: {source}")]
    Io {
        /// What was tried, with the file.
        what: String,
        /// The system's error.
        source: std::io::Error,
    },
    /// Somebody else held the lock of a file for the whole of the wait. Nothing was done.
    #[error(
        "Could not acquire lock for {operation} after {seconds}s. Another process may be using {file}{by}.",
        seconds = timeout.as_secs_f64(), file = file.display(), by = in_words(holder.as_deref())
    )]
    LockTimeout {
        /// What the lock was for.
        operation: String,
        /// How long was to be waited.
        timeout: Duration,
        /// The file that is guarded.
        file: PathBuf,
        /// Who has the lock, as far as that is known.
        holder: Option<String>,
    },
}

/// In tenths of seconds: more is noise.
fn rounded(waited: Duration) -> String {
    let tenths = (waited.as_millis() + 50) / 100;
    match (tenths / 10, tenths % 10) {
        (whole, 0) => format!("{whole} s"),
        (whole, tenth) => format!("{whole}.{tenth} s"),
    }
}

fn held_by(holder: Option<&HolderId>) -> String {
    holder.map_or_else(String::new, |holder| format!(": it is held by {holder}"))
}

fn in_words(holder: Option<&str>) -> String {
    holder.map_or_else(String::new, |holder| format!(": {holder}"))
}

impl LeaseError {
    /// What kind of failure it is.
    pub fn kind(&self) -> LeaseErrorKind {
        match self {
            Self::Storage(error) => LeaseErrorKind::Storage(error.kind()),
            Self::Held { .. } => LeaseErrorKind::Held,
            Self::WaitTimeout { .. } => LeaseErrorKind::WaitTimeout,
            Self::NotOwner { .. } => LeaseErrorKind::NotOwner,
            Self::NotFound { .. } | Self::NothingHeld => LeaseErrorKind::NotFound,
            Self::Expired { .. } => LeaseErrorKind::Expired,
            Self::StaleFence { .. } => LeaseErrorKind::StaleFence,
            Self::Invalid { kind, .. } => *kind,
            Self::Interrupted => LeaseErrorKind::Interrupted,
            Self::Io { .. } => LeaseErrorKind::Io,
            Self::LockTimeout { .. } => LeaseErrorKind::LockTimeout,
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::Storage(error) => error.hint(),
            Self::Held { .. } => {
                Some("`--wait 30s` waits for it; `conclave lease list` shows who holds what")
            }
            Self::WaitTimeout { .. } => Some("`conclave lease list` shows who holds what, and for how long"),
            Self::LockTimeout { .. } => Some("wait until the other has ended, then try again"),
            Self::Expired { .. } => Some("acquire it again; somebody else may have had it meanwhile"),
            _ => None,
        }
    }
}

impl Classify for LeaseError {
    fn classify(&self) -> ErrorClass {
        match self {
            Self::Storage(error) => error.classify(),
            Self::LockTimeout { .. } => ErrorClass::retryable(RetryReason::DatabaseLocked),
            Self::NotFound { .. } | Self::NothingHeld => ErrorClass::permanent(PermanentReason::NotFound),
            Self::Io { .. } => ErrorClass::permanent(PermanentReason::Io),
            _ => ErrorClass::permanent(PermanentReason::InvalidInput),
        }
    }
}
