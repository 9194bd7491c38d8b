//! Scenario 44: the table of facts 4.3.

use std::io::{Error, ErrorKind};
use std::time::Duration;

use conclave_retry::{
    Classify, ErrorClass, PermanentReason, RETRY_AFTER_LIMIT, RetryReason, error_text, http_status,
    retry_after, sqlite_code,
};

fn retryable(reason: RetryReason) -> ErrorClass {
    ErrorClass::retryable(reason)
}

fn permanent(reason: PermanentReason) -> ErrorClass {
    ErrorClass::permanent(reason)
}

#[test]
fn typed_errors_have_their_class() {
    let io = |kind: ErrorKind| Error::from(kind).classify();
    let cases = [
        ("io timed out", io(ErrorKind::TimedOut), retryable(RetryReason::Timeout)),
        ("io refused", io(ErrorKind::ConnectionRefused), retryable(RetryReason::Connection)),
        ("io reset", io(ErrorKind::ConnectionReset), retryable(RetryReason::Connection)),
        ("io aborted", io(ErrorKind::ConnectionAborted), retryable(RetryReason::Connection)),
        ("io interrupted", io(ErrorKind::Interrupted), retryable(RetryReason::Interrupted)),
        ("io would block", io(ErrorKind::WouldBlock), retryable(RetryReason::Interrupted)),
        ("io not found", io(ErrorKind::NotFound), permanent(PermanentReason::NotFound)),
        ("io denied", io(ErrorKind::PermissionDenied), permanent(PermanentReason::Denied)),
        ("io invalid", io(ErrorKind::InvalidData), permanent(PermanentReason::InvalidInput)),
        ("ENOSPC", Error::from_raw_os_error(28).classify(), permanent(PermanentReason::Full)),
        ("SQLITE_BUSY", sqlite_code(5), retryable(RetryReason::DatabaseLocked)),
        ("SQLITE_BUSY_RECOVERY", sqlite_code(261), retryable(RetryReason::DatabaseLocked)),
        ("SQLITE_BUSY_SNAPSHOT", sqlite_code(517), retryable(RetryReason::SnapshotStale)),
        ("SQLITE_LOCKED", sqlite_code(6), retryable(RetryReason::DatabaseLocked)),
        ("SQLITE_PROTOCOL", sqlite_code(15), retryable(RetryReason::DatabaseLocked)),
        ("SQLITE_CONSTRAINT", sqlite_code(19), permanent(PermanentReason::Constraint)),
        ("SQLITE_CORRUPT", sqlite_code(11), permanent(PermanentReason::Corrupt)),
        ("SQLITE_NOTADB", sqlite_code(26), permanent(PermanentReason::Corrupt)),
        ("SQLITE_FULL", sqlite_code(13), permanent(PermanentReason::Full)),
        ("SQLITE_READONLY", sqlite_code(8), permanent(PermanentReason::ReadOnly)),
        ("SQLITE_IOERR", sqlite_code(10), permanent(PermanentReason::Io)),
        ("SQLITE_SCHEMA", sqlite_code(17), permanent(PermanentReason::Unknown)),
        (
            "pool exhausted",
            error_text("timed out waiting for connection"),
            retryable(RetryReason::PoolExhausted),
        ),
        ("name not found", error_text("could not resolve host: a"), retryable(RetryReason::Dns)),
        ("quota", error_text("insufficient_quota"), permanent(PermanentReason::QuotaExhausted)),
        ("unknown", error_text("something odd"), permanent(PermanentReason::Unknown)),
    ];
    for (name, class, expected) in cases {
        assert_eq!(class, expected, "{name}");
    }
}

#[test]
fn statuses_have_their_class() {
    for status in [408, 425, 429, 500, 502, 503, 504] {
        assert!(http_status(status).is_retryable(), "{status}");
    }
    for status in [400, 401, 403, 404, 409, 422] {
        assert!(matches!(http_status(status), ErrorClass::Permanent { .. }), "{status}");
    }
}

#[test]
fn misleading_texts_do_not_flip() {
    let cases = [
        ("syntax error in author.rs", PermanentReason::InvalidInput),
        ("SPEC-KIT-503 validation failed", PermanentReason::InvalidInput),
        ("file size 14290 bytes", PermanentReason::Unknown),
        ("UNIQUE failed", PermanentReason::Constraint),
        ("HTTP 400 Bad Request", PermanentReason::InvalidInput),
        ("invalid timeout value", PermanentReason::InvalidInput),
        ("Unauthorized: rate limit tier missing", PermanentReason::Denied),
        // The facts give seven texts; these two are for the words "lock" and "busy" of the same rules.
        ("failed to parse Cargo.lock", PermanentReason::Unknown),
        ("busybox: applet missing", PermanentReason::Unknown),
    ];
    for (text, reason) in cases {
        assert_eq!(error_text(text), permanent(reason), "{text:?}");
    }
}

#[test]
fn waits_that_are_asked_for_are_read_and_bounded() {
    let now_ms = 1_792_567_675_000; // five seconds before the date below
    let cases = [
        ("5", Some(Duration::from_secs(5))),
        ("Wed, 21 Oct 2026 07:28:00 GMT", Some(Duration::from_secs(5))),
        ("-1", Some(Duration::ZERO)),
        ("99999999999", Some(RETRY_AFTER_LIMIT)),
        ("tomorrow", None),
    ];
    for (field, expected) in cases {
        assert_eq!(retry_after(field, now_ms), expected, "{field:?}");
    }
}
