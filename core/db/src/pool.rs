//! The pool of reading connections: `r2d2_sqlite`'s manager with what it lacks.
//!
//! `r2d2_sqlite` never calls a connection broken, so one that comes back inside a transaction would be handed
//! to the next borrower as it is; and r2d2 tells a failed open only as text, after the whole timeout.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use r2d2::ManageConnection;
use r2d2_sqlite::SqliteConnectionManager;
use rusqlite::{Connection, OpenFlags, ffi};

use crate::error::{DbError, Result};
use crate::open;
use crate::options::DbOptions;
use crate::pragmas::{self, Role};

/// How the reading connections are opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Snapshot {
    /// With locks, beside writers.
    Live,
    /// As a file that nobody can change: no locks, no `-wal`, no `-shm`.
    Immutable,
}

/// Opens reading connections for [`r2d2`], and throws away those that come back dirty.
#[derive(Debug)]
pub struct ReadManager {
    inner: SqliteConnectionManager,
    last_error: LastError,
    options: DbOptions,
}

/// The typed error of the last failed open, which r2d2 tells only as text.
pub(crate) type LastError = Arc<Mutex<Option<DbError>>>;

impl ReadManager {
    pub(crate) fn new(options: &DbOptions, snapshot: Snapshot) -> Self {
        let (name, flags) = location(&options.path, snapshot);
        let (options, kept) = (options.clone(), options.clone());
        let inner = SqliteConnectionManager::file(name).with_flags(flags).with_init(move |conn| {
            pragmas::apply(conn, &options, Role::Reader).map_err(|error| {
                let code = error.sqlite_code().unwrap_or(rusqlite::ffi::SQLITE_MISUSE);
                rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), Some(error.to_string()))
            })
        });
        Self { inner, last_error: LastError::default(), options: kept }
    }
}

impl ManageConnection for ReadManager {
    type Connection = Connection;
    type Error = rusqlite::Error;

    fn connect(&self) -> Result<Connection, rusqlite::Error> {
        let opened = match self.inner.connect() {
            // Somebody died in a transaction of the rollback journal: see `Readers`.
            Err(error) if must_undo(&error) => open::undo(&self.options).and_then(|()| self.inner.connect()),
            opened => opened,
        };
        opened.inspect_err(|error| {
            let kept = match error {
                rusqlite::Error::SqliteFailure(code, text) => {
                    DbError::from(rusqlite::Error::SqliteFailure(*code, text.clone()))
                }
                other => DbError::Invalid(other.to_string()),
            };
            *self.last_error.lock().unwrap_or_else(PoisonError::into_inner) = Some(kept);
        })
    }

    fn is_valid(&self, conn: &mut Connection) -> Result<(), rusqlite::Error> {
        self.inner.is_valid(conn)
    }

    fn has_broken(&self, conn: &mut Connection) -> bool {
        !conn.is_autocommit()
    }
}

/// Whether a transaction that somebody left half done must be undone before a read-only connection may read.
pub(crate) fn must_undo(error: &rusqlite::Error) -> bool {
    error.sqlite_error().is_some_and(|error| error.extended_code == ffi::SQLITE_READONLY_ROLLBACK)
}

/// The name and flags with which SQLite opens `path` for reading. The file is never created.
pub(crate) fn location(path: &Path, snapshot: Snapshot) -> (String, OpenFlags) {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    // Always a URI: a file may be named `file:x?mode=rwc`, and such a name must not be read as one.
    let immutable = if snapshot == Snapshot::Immutable { "?immutable=1" } else { "" };
    (format!("{}{immutable}", uri(path)), flags | OpenFlags::SQLITE_OPEN_URI)
}

/// The path as a URI that means exactly this file (<https://sqlite.org/uri.html>).
pub(crate) fn uri(path: &Path) -> String {
    use std::fmt::Write as _;
    use std::os::unix::ffi::OsStrExt;
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    let mut uri = String::from("file:");
    for byte in absolute.as_os_str().as_bytes() {
        match byte {
            b'/' | b'.' | b'-' | b'_' | b'~' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => {
                uri.push(char::from(*byte));
            }
            other => {
                let _ = write!(uri, "%{other:02X}");
            }
        }
    }
    uri
}

/// Builds the pool. No connection is opened yet: a short command needs none of it.
pub(crate) fn build(options: &DbOptions, snapshot: Snapshot) -> Result<(r2d2::Pool<ReadManager>, LastError)> {
    let manager = ReadManager::new(options, snapshot);
    let last_error = Arc::clone(&manager.last_error);
    let pool = r2d2::Pool::builder()
        .max_size(options.pool_size)
        .min_idle(Some(0))
        // A connection is checked when it comes back, by `has_broken`; a check at each loan costs a tenth.
        .test_on_check_out(false)
        .connection_timeout(options.connection_timeout)
        .error_handler(Box::new(r2d2::NopErrorHandler))
        .build(manager)
        .map_err(|error| DbError::Invalid(format!("build the pool: {error}")))?;
    Ok((pool, last_error))
}
