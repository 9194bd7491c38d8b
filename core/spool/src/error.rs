//! What can go wrong with the spool.

use std::path::PathBuf;

use conclave_db::{DbError, ErrorKind};
use conclave_retry::{Classify, ErrorClass, PermanentReason, RetryReason};

/// The result of everything in this crate.
pub type Result<T, E = SpoolError> = std::result::Result<T, E>;

/// What kind of failure it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SpoolErrorKind {
    /// The database.
    Storage(ErrorKind),
    /// A monitor's name that is none, or that nobody has made known.
    InvalidMonitor,
    /// A setting that cannot be.
    InvalidSetting,
    /// Another process writes to the monitor.
    MonitorBusy,
    /// There is no room: disk full, or the limit on file sizes.
    NoRoom,
    /// A file could not be read or written.
    Io,
}

impl SpoolErrorKind {
    /// The kind in the words of the JSON error object.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Storage(kind) => kind.as_str(),
            Self::InvalidMonitor => "invalid_monitor",
            Self::InvalidSetting => "invalid_setting",
            Self::MonitorBusy => "monitor_busy",
            Self::NoRoom => "no_room",
            Self::Io => "io",
        }
    }
}

/// A failure of this crate. Messages are fragments that fit "failed to …: {error}". No path in them goes beyond
/// `monitor/filename`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SpoolError {
    /// The database failed.
    #[error(transparent)]
    Storage(#[from] DbError),
    /// A name that is no monitor's.
    #[error("{name:?} is no monitor: {why}")]
    InvalidMonitor {
        /// What was given, cut to what a line can show.
        name: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A setting that cannot be.
    #[error("{key}: {why}")]
    InvalidSetting {
        /// The key in `[spool]`, such as `quota_mb`.
        key: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// Another process writes to the monitor. Nothing was stored.
    #[error("another process writes to {monitor}{}", .holder.as_ref().map(|pid| format!(" (process {pid})")).unwrap_or_default())]
    MonitorBusy {
        /// Which.
        monitor: String,
        /// The process, where that is known.
        holder: Option<u32>,
    },
    /// A file could not be read or written. `source` names the cause, such as "No space left on device".
    #[error("{what}: {source}")]
    Io {
        /// What was tried, with the file as `monitor/filename`.
        what: String,
        /// The system's error.
        source: std::io::Error,
        /// The whole path, for logs; never in messages.
        path: Option<PathBuf>,
    },
}

impl SpoolError {
    /// What kind of failure it is.
    pub fn kind(&self) -> SpoolErrorKind {
        match self {
            Self::Storage(error) => SpoolErrorKind::Storage(error.kind()),
            Self::InvalidMonitor { .. } => SpoolErrorKind::InvalidMonitor,
            Self::InvalidSetting { .. } => SpoolErrorKind::InvalidSetting,
            Self::MonitorBusy { .. } => SpoolErrorKind::MonitorBusy,
            Self::Io { source, .. } if is_no_room(source) => SpoolErrorKind::NoRoom,
            Self::Io { .. } => SpoolErrorKind::Io,
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::Storage(error) => error.hint(),
            Self::InvalidMonitor { .. } => Some(
                "a name is 1 to 64 of a-z, 0-9 and _, and does not begin with _; `[spool] monitors` makes more of them known",
            ),
            Self::MonitorBusy { .. } => {
                Some("one process writes to a monitor at a time; try again when it has ended")
            }
            Self::Io { source, .. } if is_no_room(source) => {
                Some("make room, then `conclave spool recover`; what was acknowledged is there")
            }
            _ => None,
        }
    }

    pub(crate) fn io(
        what: impl Into<String>,
        path: impl Into<Option<PathBuf>>,
        source: std::io::Error,
    ) -> Self {
        Self::Io { what: what.into(), source, path: path.into() }
    }
}

/// Whether a write failed for want of room: the disk, a quota of the system's, or the limit on file sizes.
pub(crate) fn is_no_room(error: &std::io::Error) -> bool {
    matches!(
        error.kind(),
        std::io::ErrorKind::StorageFull
            | std::io::ErrorKind::QuotaExceeded
            | std::io::ErrorKind::FileTooLarge
    )
}

impl Classify for SpoolError {
    fn classify(&self) -> ErrorClass {
        match self {
            Self::Storage(error) => error.classify(),
            Self::MonitorBusy { .. } => ErrorClass::retryable(RetryReason::DatabaseLocked),
            Self::Io { .. } => ErrorClass::permanent(PermanentReason::Io),
            _ => ErrorClass::permanent(PermanentReason::InvalidInput),
        }
    }
}
