use std::io;
use std::time::Duration;

use proptest::prelude::*;

use super::{error_text, http_response, http_status, io_kind, sqlite_code};
use crate::classify::{Classify, ErrorClass, PermanentReason, RetryReason};

const fn retry(reason: RetryReason) -> ErrorClass {
    ErrorClass::retryable(reason)
}

const fn permanent(reason: PermanentReason) -> ErrorClass {
    ErrorClass::permanent(reason)
}

#[test]
fn statuses() {
    use PermanentReason::{Denied, Full, InvalidInput, NotFound, QuotaExhausted, Unknown};
    use RetryReason::{RateLimited, Timeout, Unavailable};
    let cases = [
        (retry(Timeout), &[408, 504][..]),
        (retry(RateLimited), &[429]),
        (retry(Unavailable), &[425, 500, 502, 503, 520, 527, 529]),
        (permanent(Denied), &[401, 403, 407, 511]),
        (permanent(QuotaExhausted), &[402]),
        (permanent(NotFound), &[404, 410]),
        (permanent(Full), &[507]),
        (permanent(InvalidInput), &[400, 405, 406, 409, 411, 413, 415, 418, 422, 451, 499]),
        (permanent(Unknown), &[0, 100, 200, 302, 399, 501, 505, 519, 528, 530, 599, 600, u16::MAX]),
    ];
    for (expected, statuses) in cases {
        for status in statuses {
            assert_eq!(http_status(*status), expected, "{status}");
        }
    }
}

#[test]
fn the_wait_of_an_answer_goes_with_retryable_statuses_only() {
    let after = |seconds| Some(Duration::from_secs(seconds));
    let limited = |after| ErrorClass::Retryable { reason: RetryReason::RateLimited, after };
    assert_eq!(http_response(429, Some("5"), 0), limited(after(5)));
    assert_eq!(http_response(429, Some("Thu, 01 Jan 1970 00:00:09 GMT"), 2_000), limited(after(7)));
    assert_eq!(http_response(429, Some("-1"), 0), limited(after(0)));
    assert_eq!(http_response(429, Some("99999999999"), 0), limited(after(3600)));
    assert_eq!(http_response(429, Some("later"), 0), limited(None));
    assert_eq!(http_response(429, None, 0), limited(None));
    assert_eq!(http_response(404, Some("5"), 0), permanent(PermanentReason::NotFound));
}

#[test]
fn kinds_of_the_operating_system() {
    use PermanentReason::{Denied, Full, InvalidInput, Io, NotFound, ReadOnly, Unknown};
    use RetryReason::{Connection, Interrupted, Timeout};
    use io::ErrorKind as Kind;
    let cases = [
        (Kind::TimedOut, retry(Timeout)),
        (Kind::ConnectionRefused, retry(Connection)),
        (Kind::ConnectionReset, retry(Connection)),
        (Kind::ConnectionAborted, retry(Connection)),
        (Kind::NotConnected, retry(Connection)),
        (Kind::BrokenPipe, retry(Connection)),
        (Kind::HostUnreachable, retry(Connection)),
        (Kind::NetworkUnreachable, retry(Connection)),
        (Kind::NetworkDown, retry(Connection)),
        (Kind::Interrupted, retry(Interrupted)),
        (Kind::WouldBlock, retry(Interrupted)),
        (Kind::NotFound, permanent(NotFound)),
        (Kind::PermissionDenied, permanent(Denied)),
        (Kind::StorageFull, permanent(Full)),
        (Kind::QuotaExceeded, permanent(Full)),
        (Kind::FileTooLarge, permanent(Full)),
        (Kind::ReadOnlyFilesystem, permanent(ReadOnly)),
        (Kind::InvalidInput, permanent(InvalidInput)),
        (Kind::InvalidData, permanent(InvalidInput)),
        (Kind::InvalidFilename, permanent(InvalidInput)),
        (Kind::UnexpectedEof, permanent(Io)),
        (Kind::WriteZero, permanent(Io)),
        (Kind::StaleNetworkFileHandle, permanent(Io)),
        (Kind::AlreadyExists, permanent(Unknown)),
        (Kind::OutOfMemory, permanent(Unknown)),
        (Kind::Other, permanent(Unknown)),
    ];
    for (kind, expected) in cases {
        assert_eq!(io_kind(kind), expected, "{kind:?}");
        assert_eq!(io::Error::from(kind).classify(), expected, "{kind:?}");
    }
    #[cfg(unix)]
    {
        const ENOSPC: i32 = 28;
        assert_eq!(io::Error::from_raw_os_error(ENOSPC).classify(), permanent(Full));
    }
}

#[test]
fn codes_of_sqlite() {
    use PermanentReason::{Constraint, Corrupt, Denied, Full, InvalidInput, Io, ReadOnly, Unknown};
    use RetryReason::{DatabaseLocked, SnapshotStale};
    let cases = [
        // BUSY, BUSY_RECOVERY, BUSY_TIMEOUT, LOCKED, LOCKED_SHAREDCACHE, LOCKED_VTAB, PROTOCOL
        (retry(DatabaseLocked), &[5, 261, 773, 6, 262, 518, 15][..]),
        (retry(SnapshotStale), &[517]),
        // CONSTRAINT, _FOREIGNKEY, _UNIQUE, _PRIMARYKEY
        (permanent(Constraint), &[19, 787, 2067, 1555]),
        (permanent(Full), &[13]),
        // CORRUPT, CORRUPT_VTAB, NOTADB
        (permanent(Corrupt), &[11, 267, 26]),
        // READONLY, _RECOVERY, _CANTLOCK, _DBMOVED
        (permanent(ReadOnly), &[8, 264, 520, 1032]),
        // IOERR, _READ, _WRITE, _FSYNC, _BLOCKED, _LOCK: none of them, whatever the name says; CANTOPEN, _NOTEMPDIR
        (permanent(Io), &[10, 266, 778, 1034, 2826, 3850, 14, 270]),
        (permanent(Denied), &[3, 23]),
        (permanent(InvalidInput), &[18, 20, 21, 25]),
        // OK, ERROR, INTERNAL, ABORT, NOMEM, INTERRUPT, SCHEMA, ROW, DONE, nonsense
        (permanent(Unknown), &[0, 1, 2, 4, 7, 9, 12, 17, 100, 101, 254, i32::MAX, -1]),
    ];
    for (expected, codes) in cases {
        for code in codes {
            assert_eq!(sqlite_code(*code), expected, "{code}");
        }
    }
}

#[test]
fn words_that_mislead_do_not() {
    use PermanentReason::{Constraint, Denied, InvalidInput, Unknown};
    // The texts of the facts, and two more for the words "lock" and "busy" of the same rules.
    let cases = [
        ("syntax error in author.rs", permanent(InvalidInput)),
        ("SPEC-KIT-503 validation failed", permanent(InvalidInput)),
        ("file size 14290 bytes", permanent(Unknown)),
        ("UNIQUE failed", permanent(Constraint)),
        ("HTTP 400 Bad Request", permanent(InvalidInput)),
        ("invalid timeout value", permanent(InvalidInput)),
        ("Unauthorized: rate limit tier missing", permanent(Denied)),
        ("failed to parse Cargo.lock", permanent(Unknown)),
        ("busybox: applet missing", permanent(Unknown)),
        ("unknown option --timeout", permanent(Unknown)),
        ("the timeout must be a number", permanent(Unknown)),
        ("exit status: 503", permanent(Unknown)),
        ("issue 429 is closed", permanent(Unknown)),
        ("blocked by the clock", permanent(Unknown)),
        ("author not in the list", permanent(Unknown)),
        ("see https://example.org/http/503/", permanent(Unknown)),
        ("", permanent(Unknown)),
        ("|", permanent(Unknown)),
    ];
    for (text, expected) in cases {
        assert_eq!(error_text(text), expected, "{text:?}");
    }
}

#[test]
fn texts_that_say_what_they_are() {
    use PermanentReason::{Corrupt, Denied, Full, InvalidInput, Io, NotFound, QuotaExhausted, ReadOnly};
    use RetryReason::{
        Connection, DatabaseLocked, Dns, Interrupted, PoolExhausted, RateLimited, Timeout, Unavailable,
    };
    let cases = [
        ("Error: database is locked", retry(DatabaseLocked)),
        ("database table is locked: runs", retry(DatabaseLocked)),
        ("timed out waiting for connection", retry(PoolExhausted)),
        ("timeout", retry(Timeout)),
        ("request failed: timeout", retry(Timeout)),
        ("Operation timed out (os error 110)", retry(Timeout)),
        ("connection timeout.", retry(Timeout)),
        ("rate limit", retry(RateLimited)),
        ("Rate limit exceeded, slow down", retry(RateLimited)),
        ("429 Too Many Requests", retry(RateLimited)),
        ("HTTP 429", retry(RateLimited)),
        ("HTTP/1.1 503", retry(Unavailable)),
        ("the server said (status: 502)", retry(Unavailable)),
        ("unexpected status code 504", retry(Timeout)),
        ("model is overloaded", retry(Unavailable)),
        ("Connection refused (os error 111)", retry(Connection)),
        ("Connection reset by peer", retry(Connection)),
        ("curl: (6) Could not resolve host: surtr", retry(Dns)),
        ("Interrupted system call", retry(Interrupted)),
        ("HTTP 422", permanent(InvalidInput)),
        ("HTTP error 404", permanent(NotFound)),
        ("model 'x' not found, rate limit exceeded", permanent(NotFound)),
        ("429: insufficient_quota", permanent(QuotaExhausted)),
        ("Permission denied (os error 13)", permanent(Denied)),
        ("No space left on device (os error 28)", permanent(Full)),
        ("Disk quota exceeded", permanent(Full)),
        ("database or disk is full", permanent(Full)),
        ("database disk image is malformed", permanent(Corrupt)),
        ("attempt to write a readonly database", permanent(ReadOnly)),
        ("disk I/O error", permanent(Io)),
    ];
    for (text, expected) in cases {
        assert_eq!(error_text(text), expected, "{text:?}");
    }
}

proptest! {
    #[test]
    fn any_text_is_classified_without_panic(text in ".*") {
        error_text(&text);
    }

    #[test]
    fn a_phrase_inside_of_longer_words_is_not_seen(before in "[a-z]{1,4}", after in "[a-z0-9]{1,4}") {
        let text = format!("{before}database is locked{after}");
        prop_assert_eq!(error_text(&text), permanent(PermanentReason::Unknown));
    }
}
