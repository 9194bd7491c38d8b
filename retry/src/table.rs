//! The classification table: which failure is of which class.
//!
//! Numbers and kinds first: an error that has a code is classified by it, and [`error_text`] is for what comes
//! as words alone. Everything the table does not know is permanent, because repeating what nobody understands
//! costs more than reporting it.

use std::io;

use crate::classify::{Classify, ErrorClass, PermanentReason, RetryReason};
use crate::retry_after::retry_after;

mod text;

pub use text::error_text;

/// The class of an HTTP status that is not a success.
///
/// | status | class |
/// |---|---|
/// | 408, 504 | retryable, timeout |
/// | 425, 500, 502, 503, 520 to 527, 529 | retryable, unavailable |
/// | 429 | retryable, rate limited |
/// | 401, 403, 407, 511 | permanent, denied |
/// | 402 | permanent, quota exhausted |
/// | 404, 410 | permanent, not found |
/// | 507 | permanent, full |
/// | other 4xx | permanent, invalid input |
/// | everything else | permanent, unknown |
pub const fn http_status(status: u16) -> ErrorClass {
    use PermanentReason::{Denied, Full, InvalidInput, NotFound, QuotaExhausted, Unknown};
    use RetryReason::{RateLimited, Timeout, Unavailable};
    match status {
        408 | 504 => ErrorClass::retryable(Timeout),
        429 => ErrorClass::retryable(RateLimited),
        // 520 to 527 are a proxy's words for an origin that does not answer, 529 a vendor's for "overloaded".
        425 | 500 | 502 | 503 | 520..=527 | 529 => ErrorClass::retryable(Unavailable),
        401 | 403 | 407 | 511 => ErrorClass::permanent(Denied),
        402 => ErrorClass::permanent(QuotaExhausted),
        404 | 410 => ErrorClass::permanent(NotFound),
        507 => ErrorClass::permanent(Full),
        400..=499 => ErrorClass::permanent(InvalidInput),
        _ => ErrorClass::permanent(Unknown),
    }
}

/// The class of an HTTP status with the `Retry-After` field that came with it; `now_ms` is the wall clock in
/// milliseconds since 1970.
pub fn http_response(status: u16, retry_after_field: Option<&str>, now_ms: i64) -> ErrorClass {
    match (http_status(status), retry_after_field) {
        (ErrorClass::Retryable { reason, .. }, Some(field)) => {
            ErrorClass::Retryable { reason, after: retry_after(field, now_ms) }
        }
        (class, _) => class,
    }
}

/// The class of an error of the operating system.
///
/// Kinds of the network and of interruption are retryable. `UnexpectedEof` is not: it is a torn connection as
/// often as a torn file, and only the caller knows which.
pub fn io_kind(kind: io::ErrorKind) -> ErrorClass {
    use PermanentReason::{Denied, Full, InvalidInput, Io, NotFound, ReadOnly, Unknown};
    use RetryReason::{Connection, Interrupted, Timeout};
    use io::ErrorKind as Kind;
    match kind {
        Kind::TimedOut => ErrorClass::retryable(Timeout),
        Kind::ConnectionRefused
        | Kind::ConnectionReset
        | Kind::ConnectionAborted
        | Kind::NotConnected
        | Kind::BrokenPipe
        | Kind::HostUnreachable
        | Kind::NetworkUnreachable
        | Kind::NetworkDown => ErrorClass::retryable(Connection),
        Kind::Interrupted | Kind::WouldBlock => ErrorClass::retryable(Interrupted),
        Kind::NotFound => ErrorClass::permanent(NotFound),
        Kind::PermissionDenied => ErrorClass::permanent(Denied),
        Kind::StorageFull | Kind::QuotaExceeded | Kind::FileTooLarge => ErrorClass::permanent(Full),
        Kind::ReadOnlyFilesystem => ErrorClass::permanent(ReadOnly),
        Kind::InvalidInput | Kind::InvalidData | Kind::InvalidFilename => ErrorClass::permanent(InvalidInput),
        Kind::UnexpectedEof | Kind::WriteZero | Kind::StaleNetworkFileHandle => ErrorClass::permanent(Io),
        _ => ErrorClass::permanent(Unknown),
    }
}

impl Classify for io::Error {
    fn classify(&self) -> ErrorClass {
        io_kind(self.kind())
    }
}

/// `SQLITE_BUSY_SNAPSHOT`: the same statement fails for ever, which its primary code does not say.
const BUSY_SNAPSHOT: i32 = 517;

/// `SQLITE_IOERR_SHMSIZE`: the index of the log could not grow, mostly because the disk is full.
const IOERR_SHMSIZE: i32 = 4874;

/// The class of an extended result code of `SQLite` (<https://sqlite.org/rescode.html>).
///
/// The unit that is repeated is the whole transaction, never a statement: after `BUSY_SNAPSHOT` the same statement
/// fails for ever, and after the others a statement that ran before may not be undone.
/// Extended codes that the table does not name count as their primary code, as `SQLite` recommends.
pub const fn sqlite_code(extended: i32) -> ErrorClass {
    use PermanentReason::{Constraint, Corrupt, Denied, Full, InvalidInput, Io, ReadOnly, Unknown};
    use RetryReason::{DatabaseLocked, SnapshotStale};
    if extended == BUSY_SNAPSHOT {
        return ErrorClass::retryable(SnapshotStale);
    }
    if extended == IOERR_SHMSIZE {
        return ErrorClass::permanent(Full);
    }
    match extended & 0xff {
        // BUSY (with BUSY_RECOVERY 261), LOCKED, and PROTOCOL, which is a lost race for the WAL's locks.
        5 | 6 | 15 => ErrorClass::retryable(DatabaseLocked),
        3 | 23 => ErrorClass::permanent(Denied),   // PERM, AUTH
        8 => ErrorClass::permanent(ReadOnly),      // READONLY
        10 | 14 => ErrorClass::permanent(Io),      // IOERR, CANTOPEN
        11 | 26 => ErrorClass::permanent(Corrupt), // CORRUPT, NOTADB
        13 => ErrorClass::permanent(Full),         // FULL
        18 | 20 | 21 | 25 => ErrorClass::permanent(InvalidInput), // TOOBIG, MISMATCH, MISUSE, RANGE
        19 => ErrorClass::permanent(Constraint),   // CONSTRAINT
        // ERROR, INTERNAL, ABORT, NOMEM, INTERRUPT (somebody wants it to end), NOTFOUND, SCHEMA, no error at all.
        _ => ErrorClass::permanent(Unknown),
    }
}

/// Texts of permanent errors. Earlier rows win. A `|` in a phrase is the edge of a clause.
#[rustfmt::skip]
const PERMANENT_PHRASES: &[(PermanentReason, &[&str])] = &[
    (PermanentReason::Full, &["no space left on device", "disk is full", "disk full", "disk quota exceeded"]),
    (PermanentReason::QuotaExhausted, &["quota exceeded", "quota exhausted", "insufficient quota",
        "insufficient_quota", "exceeded your current quota", "billing_error"]),
    (PermanentReason::Denied, &["unauthorized", "unauthenticated", "forbidden", "permission denied",
        "access denied", "authentication failed", "authentication_error", "invalid api key", "not authorized"]),
    (PermanentReason::Constraint, &["constraint failed", "constraint violation", "unique failed"]),
    (PermanentReason::Corrupt, &["malformed", "file is not a database"]),
    (PermanentReason::ReadOnly, &["readonly database", "read-only database", "read-only file system"]),
    (PermanentReason::Io, &["disk i/o error"]),
    (PermanentReason::NotFound, &["not found", "no such file or directory", "does not exist"]),
    (PermanentReason::InvalidInput, &["bad request", "invalid", "syntax error", "parse error",
        "validation failed"]),
];

/// Texts of errors that may pass, looked for after the permanent ones and after an HTTP status.
#[rustfmt::skip]
const RETRYABLE_PHRASES: &[(RetryReason, &[&str])] = &[
    (RetryReason::DatabaseLocked, &["database is locked", "database table is locked",
        "database schema is locked", "database is busy", "locking protocol"]),
    (RetryReason::PoolExhausted, &["timed out waiting for connection", "connection pool exhausted",
        "pool timed out"]),
    (RetryReason::RateLimited, &["too many requests", "rate limited", "rate limit exceeded",
        "rate limit reached", "| rate limit |", "rate_limit_error", "rate_limit_exceeded"]),
    (RetryReason::Unavailable, &["service unavailable", "temporarily unavailable", "| unavailable |",
        "bad gateway", "is overloaded", "| overloaded |", "overloaded_error", "server overloaded",
        "server busy"]),
    (RetryReason::Dns, &["could not resolve host", "temporary failure in name resolution",
        "failed to lookup address", "dns error", "name or service not known"]),
    (RetryReason::Timeout, &["timed out", "| timeout |", "request timeout |", "connection timeout |",
        "connect timeout |", "read timeout |", "network timeout |", "gateway timeout", "timeout expired",
        "timeout after"]),
    (RetryReason::Connection, &["connection refused", "connection reset", "connection aborted",
        "broken pipe", "connection closed before", "network is unreachable", "no route to host"]),
    (RetryReason::Interrupted, &["interrupted system call"]),
];

#[cfg(test)]
mod tests;
