//! The whole error space of the durable layer: what failed, whether trying again helps, what to do.

use std::path::PathBuf;
use std::time::Duration;

use conclave_retry::{Classify, ErrorClass, PermanentReason, RetryReason, io_kind, sqlite_code};
use rusqlite::ffi;

/// The result of everything in this crate.
pub type Result<T, E = DbError> = std::result::Result<T, E>;

/// What kind of failure it is: the one thing that exit codes, retries and messages depend on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Another connection or process holds the lock, beyond the caller's deadline.
    Busy,
    /// A read snapshot was too old to write from; the whole transaction must restart.
    Snapshot,
    /// Every pooled connection is in use, beyond the connection timeout.
    PoolExhausted,
    /// A constraint refused the change; nothing of it is stored.
    Constraint,
    /// The disk, a quota or `max_page_count` is full; nothing of the change is stored.
    Full,
    /// The file is damaged.
    Corrupt,
    /// The file is no SQLite database.
    NotADatabase,
    /// The file belongs to another program.
    Foreign,
    /// The file was written by a newer version of this program.
    Newer,
    /// The file needs a migration that a read command must not do.
    NeedsMigration,
    /// The file was created without `auto_vacuum`: only a conversion lets it shrink in slices.
    NeedsConversion,
    /// The file is not there.
    Missing,
    /// The file or its folder cannot be written, or the handle is read-only.
    ReadOnly,
    /// The file cannot be opened.
    CannotOpen,
    /// The storage reported an input or output error.
    Io,
    /// Nobody knows whether the commit is durable.
    Ambiguous,
    /// `read`, `write` or `exclusive` was called inside a closure.
    Nested,
    /// The closure panicked; nothing of it is stored.
    Panicked,
    /// The database file was replaced or deleted under the open handle.
    Replaced,
    /// The operation was interrupted or cancelled before it did anything.
    Interrupted,
    /// The arguments make no sense.
    Invalid,
    /// A statement is wrong, or anything without a kind of its own.
    Statement,
}

impl ErrorKind {
    /// All of them.
    pub const ALL: [Self; 22] = [
        Self::Busy,
        Self::Snapshot,
        Self::PoolExhausted,
        Self::Constraint,
        Self::Full,
        Self::Corrupt,
        Self::NotADatabase,
        Self::Foreign,
        Self::Newer,
        Self::NeedsMigration,
        Self::NeedsConversion,
        Self::Missing,
        Self::ReadOnly,
        Self::CannotOpen,
        Self::Io,
        Self::Ambiguous,
        Self::Nested,
        Self::Panicked,
        Self::Replaced,
        Self::Interrupted,
        Self::Invalid,
        Self::Statement,
    ];

    /// The kind in the words of the JSON error object, such as `pool-exhausted`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Busy => "busy",
            Self::Snapshot => "snapshot",
            Self::PoolExhausted => "pool-exhausted",
            Self::Constraint => "constraint",
            Self::Full => "full",
            Self::Corrupt => "corrupt",
            Self::NotADatabase => "not-a-database",
            Self::Foreign => "foreign",
            Self::Newer => "newer",
            Self::NeedsMigration => "needs-migration",
            Self::NeedsConversion => "needs-conversion",
            Self::Missing => "missing",
            Self::ReadOnly => "read-only",
            Self::CannotOpen => "cannot-open",
            Self::Io => "io",
            Self::Ambiguous => "ambiguous",
            Self::Nested => "nested",
            Self::Panicked => "panicked",
            Self::Replaced => "replaced",
            Self::Interrupted => "interrupted",
            Self::Invalid => "invalid",
            Self::Statement => "statement",
        }
    }
}

/// A failure of the durable layer. Messages are fragments that fit "failed to …: {error}".
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DbError {
    /// SQLite reported it; `code` is the extended result code (<https://sqlite.org/rescode.html>).
    #[error("{text}")]
    Sqlite {
        /// What kind of failure the code means.
        kind: ErrorKind,
        /// SQLite's extended result code, 0 where the binding itself refused.
        code: i32,
        /// SQLite's own text.
        text: String,
    },
    /// The file cannot be used as it is.
    #[error("{path}: {what}", path = path.display())]
    File {
        /// What kind of failure.
        kind: ErrorKind,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// The file was written by a newer version of this program; it was not touched.
    #[error("{path}: schema version {found} is newer than {supported}, the newest this program knows", path = path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// `user_version` of the file.
        found: i32,
        /// The newest version this program knows.
        supported: i32,
    },
    /// A migration is needed before this program can read the file.
    #[error("{path}: schema version {found} must be migrated to {wanted} first", path = path.display())]
    NeedsMigration {
        /// The file.
        path: PathBuf,
        /// `user_version` of the file.
        found: i32,
        /// The version this program reads.
        wanted: i32,
    },
    /// No connection became free in time.
    #[error("pool exhausted: no connection became free within {waited:?}")]
    PoolExhausted {
        /// How long the caller waited.
        waited: Duration,
    },
    /// The lock could not be had until the caller's deadline.
    #[error("{text} (waited {waited:.1?})")]
    Busy {
        /// SQLite's own text.
        text: String,
        /// How long the caller waited.
        waited: Duration,
    },
    /// The commit failed in a way that leaves its durability unknown.
    #[error("commit of \"{label}\" failed, whether it is durable is unknown: {text}")]
    Ambiguous {
        /// The label of the write.
        label: &'static str,
        /// SQLite's own text, or what happened to the leader.
        text: String,
    },
    /// Called inside a closure of any `Db`.
    #[error("{what} inside a database closure")]
    Nested {
        /// What was called.
        what: &'static str,
    },
    /// The closure panicked and was rolled back.
    #[error("\"{label}\" panicked: {message}")]
    Panicked {
        /// The label of the closure.
        label: &'static str,
        /// The panic's message.
        message: String,
    },
    /// A row of a batch failed; none of the batch is stored.
    #[error("row {row} of the batch: {source}")]
    Row {
        /// Position of the row, from 0.
        row: usize,
        /// Why.
        source: Box<DbError>,
    },
    /// A pragma reads back otherwise than it was set.
    #[error("pragma {name} is {found}, wanted {wanted}")]
    Pragma {
        /// The pragma.
        name: &'static str,
        /// The value read back.
        found: String,
        /// The value set.
        wanted: String,
    },
    /// The arguments make no sense.
    #[error("{0}")]
    Invalid(String),
    /// Waiting ended before the operation began; nothing was done.
    #[error("{0} was cancelled before it began")]
    Cancelled(&'static str),
    /// An input or output error outside of SQLite.
    #[error("{what}: {source}")]
    Io {
        /// What was tried, with the path.
        what: String,
        /// Why it failed.
        #[source]
        source: std::io::Error,
    },
}

impl DbError {
    /// A problem with a file.
    pub fn file(kind: ErrorKind, path: impl Into<PathBuf>, what: impl Into<String>) -> Self {
        Self::File { kind, path: path.into(), what: what.into() }
    }

    /// An input or output error; `what` names the action and the path.
    pub fn io(what: impl Into<String>, source: std::io::Error) -> Self {
        Self::Io { what: what.into(), source }
    }

    /// What kind of failure this is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Sqlite { kind, .. } | Self::File { kind, .. } => *kind,
            Self::Newer { .. } => ErrorKind::Newer,
            Self::NeedsMigration { .. } => ErrorKind::NeedsMigration,
            Self::PoolExhausted { .. } => ErrorKind::PoolExhausted,
            Self::Busy { .. } => ErrorKind::Busy,
            Self::Ambiguous { .. } => ErrorKind::Ambiguous,
            Self::Nested { .. } => ErrorKind::Nested,
            Self::Panicked { .. } => ErrorKind::Panicked,
            Self::Row { source, .. } => source.kind(),
            Self::Pragma { .. } => ErrorKind::CannotOpen,
            Self::Invalid(_) => ErrorKind::Invalid,
            Self::Cancelled(_) => ErrorKind::Interrupted,
            Self::Io { source, .. } => kind_of_io(source.kind()),
        }
    }

    /// SQLite's extended result code where SQLite reported the failure.
    pub fn sqlite_code(&self) -> Option<i32> {
        match self {
            Self::Sqlite { code, .. } => Some(*code),
            Self::Row { source, .. } => source.sqlite_code(),
            _ => None,
        }
    }

    /// Whether running the whole transaction again may help.
    pub fn is_retryable(&self) -> bool {
        self.classify().is_retryable()
    }

    /// Whether SQLite named a full disk as the cause of a commit whose fate is unknown.
    fn is_about_room(&self) -> bool {
        matches!(self, Self::Ambiguous { text, .. } if text.contains("disk is full"))
    }

    /// What a person can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self.kind() {
            ErrorKind::Busy => {
                "another process holds the write lock; try again, or find it with `conclave doctor`"
            }
            ErrorKind::Full => "free some space on this disk, then try again; nothing acknowledged is lost",
            ErrorKind::Corrupt => {
                "run `conclave doctor`; if it finds damage, restore a backup with `conclave db restore`"
            }
            ErrorKind::NotADatabase => "check the path; the file was not touched",
            ErrorKind::Foreign => "choose another place with `--state-dir`; the file was not touched",
            ErrorKind::Newer => "update this program; the file was not touched",
            ErrorKind::NeedsMigration => "run `conclave migrate`",
            ErrorKind::NeedsConversion => {
                "run `conclave db convert` (or `db vacuum --full`) when nobody is at work"
            }
            ErrorKind::Missing => "check the path",
            ErrorKind::ReadOnly => "check the permissions of the file and of its folder",
            ErrorKind::CannotOpen => "check the path and its permissions",
            ErrorKind::Io => "check the disk; nothing acknowledged is lost",
            ErrorKind::Ambiguous if self.is_about_room() => {
                "free some space on this disk; then check whether the change is there before repeating it"
            }
            ErrorKind::Ambiguous => "check whether the change is there before repeating it",
            ErrorKind::Replaced => "the file was replaced or deleted while in use; start again",
            ErrorKind::PoolExhausted => "too many readers at once; try again",
            _ => return None,
        })
    }
}

impl Classify for DbError {
    fn classify(&self) -> ErrorClass {
        let permanent = ErrorClass::permanent;
        match self {
            // What has a code is classified by the one table of codes.
            Self::Sqlite { code, .. } if *code != 0 => return sqlite_code(*code),
            Self::Io { source, .. } => return io_kind(source.kind()),
            Self::Row { source, .. } => return source.classify(),
            _ => {}
        }
        match self.kind() {
            ErrorKind::Busy => ErrorClass::retryable(RetryReason::DatabaseLocked),
            ErrorKind::Snapshot => ErrorClass::retryable(RetryReason::SnapshotStale),
            ErrorKind::PoolExhausted => ErrorClass::retryable(RetryReason::PoolExhausted),
            ErrorKind::Ambiguous => ErrorClass::Ambiguous,
            ErrorKind::Constraint => permanent(PermanentReason::Constraint),
            ErrorKind::Full => permanent(PermanentReason::Full),
            ErrorKind::Corrupt | ErrorKind::NotADatabase | ErrorKind::Foreign | ErrorKind::Newer => {
                permanent(PermanentReason::Corrupt)
            }
            ErrorKind::ReadOnly => permanent(PermanentReason::ReadOnly),
            ErrorKind::Missing => permanent(PermanentReason::NotFound),
            ErrorKind::Io | ErrorKind::CannotOpen | ErrorKind::Replaced => permanent(PermanentReason::Io),
            ErrorKind::Invalid | ErrorKind::Nested => permanent(PermanentReason::InvalidInput),
            _ => permanent(PermanentReason::Unknown),
        }
    }
}

impl From<rusqlite::Error> for DbError {
    fn from(error: rusqlite::Error) -> Self {
        let text = match &error {
            // rusqlite appends SQLite's message to the code's own words; the message alone says more.
            rusqlite::Error::SqliteFailure(_, Some(message)) => message.clone(),
            // The statement stands behind it there, however long it is.
            rusqlite::Error::SqlInputError { msg, .. } => msg.clone(),
            other => other.to_string(),
        };
        let code = error.sqlite_error().map_or(0, |failure| failure.extended_code);
        let kind = if code == 0 { ErrorKind::Statement } else { kind_of_code(code) };
        // "disk I/O error" has three dozen causes, and only the extended code tells them apart.
        let text = match kind {
            ErrorKind::Io => format!("{text} (SQLite code {code})"),
            ErrorKind::Full if code != ffi::SQLITE_FULL => format!("{text}: the disk seems to be full"),
            _ => text,
        };
        Self::Sqlite { kind, code, text }
    }
}

/// The kind behind an extended result code (<https://sqlite.org/rescode.html>).
pub(crate) fn kind_of_code(code: i32) -> ErrorKind {
    match code {
        ffi::SQLITE_BUSY_SNAPSHOT => return ErrorKind::Snapshot,
        // The index of the log cannot grow: "may indicate that the underlying filesystem volume is out of space".
        ffi::SQLITE_IOERR_SHMSIZE => return ErrorKind::Full,
        _ => {}
    }
    match code & 0xff {
        ffi::SQLITE_BUSY | ffi::SQLITE_LOCKED | ffi::SQLITE_PROTOCOL => ErrorKind::Busy,
        ffi::SQLITE_CONSTRAINT => ErrorKind::Constraint,
        ffi::SQLITE_FULL => ErrorKind::Full,
        ffi::SQLITE_CORRUPT => ErrorKind::Corrupt,
        ffi::SQLITE_NOTADB => ErrorKind::NotADatabase,
        ffi::SQLITE_READONLY => ErrorKind::ReadOnly,
        ffi::SQLITE_CANTOPEN => ErrorKind::CannotOpen,
        ffi::SQLITE_IOERR | ffi::SQLITE_NOMEM => ErrorKind::Io,
        ffi::SQLITE_INTERRUPT => ErrorKind::Interrupted,
        _ => ErrorKind::Statement,
    }
}

fn kind_of_io(kind: std::io::ErrorKind) -> ErrorKind {
    match kind {
        std::io::ErrorKind::NotFound => ErrorKind::Missing,
        std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem => ErrorKind::ReadOnly,
        std::io::ErrorKind::StorageFull
        | std::io::ErrorKind::QuotaExceeded
        | std::io::ErrorKind::FileTooLarge => ErrorKind::Full,
        _ => ErrorKind::Io,
    }
}

#[cfg(test)]
mod tests;
