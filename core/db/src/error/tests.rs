//! Codes, kinds and classes agree.

use conclave_retry::{Classify, ErrorClass, PermanentReason, RetryReason};
use rusqlite::ffi;

use super::{DbError, ErrorKind};

fn sqlite(code: i32) -> DbError {
    DbError::from(rusqlite::Error::SqliteFailure(ffi::Error::new(code), Some("SQLite's own text".into())))
}

#[test]
fn codes_have_their_kind_and_class() {
    use PermanentReason as Permanent;
    use RetryReason as Retry;
    let retryable = ErrorClass::retryable;
    let permanent = ErrorClass::permanent;
    for (code, kind, class) in [
        (ffi::SQLITE_BUSY, ErrorKind::Busy, retryable(Retry::DatabaseLocked)),
        (ffi::SQLITE_BUSY_RECOVERY, ErrorKind::Busy, retryable(Retry::DatabaseLocked)),
        (ffi::SQLITE_LOCKED, ErrorKind::Busy, retryable(Retry::DatabaseLocked)),
        (ffi::SQLITE_PROTOCOL, ErrorKind::Busy, retryable(Retry::DatabaseLocked)),
        (ffi::SQLITE_BUSY_SNAPSHOT, ErrorKind::Snapshot, retryable(Retry::SnapshotStale)),
        (ffi::SQLITE_CONSTRAINT_UNIQUE, ErrorKind::Constraint, permanent(Permanent::Constraint)),
        (ffi::SQLITE_FULL, ErrorKind::Full, permanent(Permanent::Full)),
        (ffi::SQLITE_IOERR_SHMSIZE, ErrorKind::Full, permanent(Permanent::Full)),
        (ffi::SQLITE_CORRUPT, ErrorKind::Corrupt, permanent(Permanent::Corrupt)),
        (ffi::SQLITE_NOTADB, ErrorKind::NotADatabase, permanent(Permanent::Corrupt)),
        (ffi::SQLITE_READONLY_DIRECTORY, ErrorKind::ReadOnly, permanent(Permanent::ReadOnly)),
        (ffi::SQLITE_IOERR_FSYNC, ErrorKind::Io, permanent(Permanent::Io)),
    ] {
        let error = sqlite(code);
        assert_eq!((error.kind(), error.classify()), (kind, class), "{code}");
        assert_eq!(error.is_retryable(), class.is_retryable());
        assert_eq!(error.sqlite_code(), Some(code));
        assert!(error.to_string().starts_with("SQLite's own text"));
        assert_eq!(error.to_string().contains(&code.to_string()), kind == ErrorKind::Io);
        let in_batch = DbError::Row { row: 3, source: Box::new(sqlite(code)) };
        assert_eq!((in_batch.kind(), in_batch.classify()), (kind, class), "{code} in a batch");
    }
}

#[test]
fn a_log_that_cannot_grow_says_that_the_disk_is_full() {
    let error = sqlite(ffi::SQLITE_IOERR_SHMSIZE);
    assert!(error.to_string().ends_with(": the disk seems to be full"), "{error}");
    assert!(error.hint().unwrap().starts_with("free some space"));
    assert_eq!(sqlite(ffi::SQLITE_FULL).to_string(), "SQLite's own text");
}

#[test]
fn an_ambiguous_commit_is_never_called_retryable() {
    let error = DbError::Ambiguous { label: "x", text: "disk I/O error".into() };
    assert_eq!(error.classify(), ErrorClass::Ambiguous);
    assert!(!error.is_retryable());
}

#[test]
fn errors_of_files_keep_what_the_system_said() {
    for (kind, ours) in [
        (std::io::ErrorKind::NotFound, ErrorKind::Missing),
        (std::io::ErrorKind::PermissionDenied, ErrorKind::ReadOnly),
        (std::io::ErrorKind::StorageFull, ErrorKind::Full),
        (std::io::ErrorKind::Other, ErrorKind::Io),
    ] {
        let error = DbError::io("create /x", std::io::Error::from(kind));
        assert_eq!(error.kind(), ours);
        assert!(error.to_string().starts_with("create /x: "));
        assert!(error.hint().is_some());
    }
}
