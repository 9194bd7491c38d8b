//! Opening, in an order in which each step is safe when many processes do it at once.
//!
//! Look with a read-only connection and refuse what is not ours, untouched; then, on one bootstrap
//! connection, set what is persistent; then migrate; only then build the pool.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use conclave_retry::{Retry, RetryPolicy, RetrySettings};
use rusqlite::{Connection, OpenFlags, OptionalExtension};

use crate::error::{DbError, ErrorKind, Result};
use crate::file::{self, beside};
use crate::migrations::{self, Migrated, user_version};
use crate::options::DbOptions;
use crate::pool::{self, Snapshot};
use crate::pragmas::{self, Role};
use crate::schema::{APPLICATION_ID, Schema};

/// The WAL-reset bug is in everything before (<https://sqlite.org/wal.html#walresetbug>).
const OLDEST_SQLITE: i32 = 3_051_003;

/// How a file is opened for writing. It is never created by this.
const WRITABLE: OpenFlags = OpenFlags::SQLITE_OPEN_READ_WRITE
    .union(OpenFlags::SQLITE_OPEN_NO_MUTEX)
    .union(OpenFlags::SQLITE_OPEN_URI);

/// The journal that the file ended up with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Journal {
    /// A write-ahead log.
    Wal,
    /// A rollback journal, on a file system that cannot do better.
    Rollback,
}

/// What a look at a file found.
#[derive(Debug)]
pub(crate) struct Looked {
    pub(crate) conn: Connection,
    pub(crate) version: i32,
    pub(crate) snapshot: Snapshot,
}

/// Looks at the file without changing it; refuses what this program must not use.
pub(crate) fn look(options: &DbOptions) -> Result<Looked> {
    refuse_old_sqlite()?;
    file::check_is_file(&options.path)?;
    let error = match look_as(options, Snapshot::Live) {
        Err(error)
            if matches!(error.kind(), ErrorKind::ReadOnly | ErrorKind::CannotOpen | ErrorKind::Full) =>
        {
            error
        }
        live => return live,
    };
    let beside = |suffix| file::size(&beside(&options.path, suffix)) > 0;
    // A full disk has no room for the index of the log. Where there is no log either, nobody has the file open.
    let is_full = error.kind() == ErrorKind::Full;
    if is_full && (beside("-wal") || beside("-journal")) {
        return Err(error);
    }
    if !is_full && file::folder_is_writable(&options.path) {
        if beside("-journal") {
            // Somebody died in a transaction of the rollback journal. Undoing it is SQLite's own recovery
            // (https://sqlite.org/lockingv3.html#hot_journals), which a read-only connection may not do.
            recover(options)?;
            return look_as(options, Snapshot::Live);
        }
        return Err(error);
    }
    if beside("-wal") || beside("-journal") {
        return Err(DbError::file(
            ErrorKind::ReadOnly,
            &options.path,
            "beside it lie changes that cannot be read in a folder without write permission",
        ));
    }
    tracing::warn!(file = %options.path.display(), "read as it lies: nothing can be written beside it");
    look_as(options, Snapshot::Immutable)
}

/// Has SQLite undo what a dead process left half done.
fn recover(options: &DbOptions) -> Result<()> {
    undo(options).map_err(|error| at(&options.path, error.into()))
}

/// The same, with SQLite's own error.
pub(crate) fn undo(options: &DbOptions) -> rusqlite::Result<()> {
    let conn = open(pool::uri(&options.path), WRITABLE)?;
    conn.busy_timeout(options.busy_timeout)?;
    // The first read meets the journal.
    conn.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get::<_, i64>(0)).map(drop)
}

fn look_as(options: &DbOptions, snapshot: Snapshot) -> Result<Looked> {
    let (name, flags) = pool::location(&options.path, snapshot);
    let named = |error: rusqlite::Error| at(&options.path, error.into());
    let conn = open(name, flags).map_err(named)?;
    conn.busy_timeout(options.busy_timeout).map_err(named)?;
    let version = inspect(&conn, &options.path, &options.schema)?;
    pragmas::apply(&conn, options, Role::Reader).map_err(|error| at(&options.path, error))?;
    Ok(Looked { conn, version, snapshot })
}

/// Checks the marks of the file; gives its `user_version`. On one snapshot: between two, somebody may have
/// created the file.
pub(crate) fn inspect(conn: &Connection, path: &Path, schema: &Schema) -> Result<i32> {
    if !conn.is_autocommit() {
        return inspect_snapshot(conn, path, schema);
    }
    let control = |sql| conn.execute_batch(sql).map_err(|error| at(path, error.into()));
    control("BEGIN")?;
    let version = inspect_snapshot(conn, path, schema);
    // After an error SQLite may have ended the transaction itself; the error is what counts.
    let ended = control("COMMIT");
    let version = version?;
    ended?;
    Ok(version)
}

fn inspect_snapshot(conn: &Connection, path: &Path, schema: &Schema) -> Result<i32> {
    let version = user_version(conn).map_err(|error| at(path, error))?;
    if version > schema.version() {
        return Err(DbError::Newer { path: path.to_path_buf(), found: version, supported: schema.version() });
    }
    let application = pragmas::integer(conn, "application_id").map_err(|error| at(path, error))?;
    let ours = application == i64::from(APPLICATION_ID);
    if application != 0 && !ours {
        let what = format!("application id {application} belongs to another program");
        return Err(DbError::file(ErrorKind::Foreign, path, what));
    }
    // It cannot be changed once there is a table (https://sqlite.org/pragma.html#pragma_encoding), and whatever
    // reads stored text as bytes counts on UTF-8.
    let encoding: String = conn
        .pragma_query_value(None, "encoding", |row| row.get(0))
        .map_err(|error| at(path, error.into()))?;
    if encoding != "UTF-8" {
        let what = format!("its text is stored as {encoding}; this program uses UTF-8 only");
        return Err(DbError::file(ErrorKind::Foreign, path, what));
    }
    if ours {
        migrations::refuse_another_schema(conn, schema).map_err(|error| at(path, error))?;
        return Ok(version);
    }
    let mut statement = conn
        .prepare("SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') ORDER BY rowid")
        .map_err(|error| at(path, error.into()))?;
    let names = statement
        .query_map([], |row| row.get::<_, String>(0))
        .and_then(Iterator::collect::<rusqlite::Result<Vec<_>>>)
        .map_err(|error| at(path, error.into()))?;
    if let Some(name) = names.iter().find(|name| !schema.takes_over(name)) {
        let what = format!("its table {name:?} is none of this program's");
        return Err(DbError::file(ErrorKind::Foreign, path, what));
    }
    refuse_unfit_tables(conn, path)?;
    Ok(version)
}

/// What is taken over has triggers put on it, and those know a row by its rowid.
fn refuse_unfit_tables(conn: &Connection, path: &Path) -> Result<()> {
    let query = "SELECT CASE WHEN wr THEN 'its table ' || name || ' is WITHOUT ROWID'
        ELSE 'its ' || name || ' is no table but a ' || type END
      FROM pragma_table_list WHERE schema = 'main' AND (wr OR type <> 'table') LIMIT 1";
    let unfit: Option<String> =
        conn.query_row(query, [], |row| row.get(0)).optional().map_err(|error| at(path, error.into()))?;
    match unfit {
        Some(what) => Err(DbError::file(ErrorKind::Foreign, path, what)),
        None => Ok(()),
    }
}

/// The write connection of a file that has the current schema now.
#[derive(Debug)]
pub(crate) struct Bootstrapped {
    pub(crate) conn: Connection,
    pub(crate) journal: Journal,
    pub(crate) migrated: Migrated,
}

/// Creates the file where it is missing, sets what is persistent, and migrates.
pub(crate) fn bootstrap(options: &DbOptions) -> Result<Bootstrapped> {
    let path = &options.path;
    let named = |error: DbError| at(path, error);
    let mut conn = open(pool::uri(path), WRITABLE).map_err(|error| named(error.into()))?;
    conn.busy_timeout(options.busy_timeout).map_err(|error| named(error.into()))?;
    if conn.is_readonly(rusqlite::MAIN_DB).map_err(|error| named(error.into()))? {
        return Err(DbError::file(ErrorKind::ReadOnly, path, "the file cannot be written"));
    }
    // Again, on the connection that changes the file: a look cannot see through a hot journal.
    inspect(&conn, path, &options.schema)?;
    if pragmas::integer(&conn, "page_count").map_err(named)? == 0 {
        // Before WAL and before the first table, or it has no effect
        // (https://sqlite.org/pragma.html#pragma_auto_vacuum).
        conn.execute_batch("PRAGMA auto_vacuum=INCREMENTAL").map_err(|error| named(error.into()))?;
    }
    let journal = set_journal(&conn, options).map_err(named)?;
    pragmas::apply(&conn, options, Role::Writer).map_err(named)?;
    let migrated = migrations::migrate(
        &mut conn,
        &options.schema,
        &*options.clock,
        options.migration_observer,
        |conn, migration| crate::backup::before_rewrite(conn, path, migration, &*options.clock),
    )
    .map_err(named)?;
    Ok(Bootstrapped { conn, journal, migrated })
}

/// Switches to WAL. SQLite does not run the busy handler for the switch, so the mode is read first and the
/// switch is tried again until the deadline.
fn set_journal(conn: &Connection, options: &DbOptions) -> Result<Journal> {
    if let Some(name) = file::network_file_system(&options.path) {
        tracing::warn!(file = %options.path.display(), "{name} cannot share a write-ahead log: rollback journal");
        if pragmas::journal_mode(conn)? == "wal" {
            conn.pragma_update(None, "journal_mode", "DELETE")?;
        }
        return Ok(Journal::Rollback);
    }
    let policy = RetryPolicy::new(RetrySettings {
        // Whoever holds the lock opens the same file, which takes milliseconds; the deadline decides.
        max_attempts: u32::MAX,
        base: Duration::from_millis(1),
        cap: Duration::from_millis(50),
        deadline: Some(options.deadline),
        ..RetryPolicy::DATABASE.settings()
    })
    .map_err(|error| DbError::Invalid(error.to_string()))?;
    let mode = Retry::new("switch to WAL", policy)
        .clock(Arc::clone(&options.clock))
        .sleeper(Arc::clone(&options.sleeper))
        .run(|_| match pragmas::journal_mode(conn)?.as_str() {
            "wal" => Ok("wal".to_owned()),
            _ => conn
                .pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get::<_, String>(0))
                .map_err(DbError::from),
        })
        .map_err(|failed| {
            let waited = failed.elapsed();
            failed.into_last().unwrap_or(DbError::Busy { text: "database is locked".to_owned(), waited })
        })?;
    if mode.eq_ignore_ascii_case("wal") {
        return Ok(Journal::Wal);
    }
    let file = options.path.display();
    tracing::warn!(%file, mode, "no write-ahead log on this file system: rollback journal");
    Ok(Journal::Rollback)
}

/// A writable connection with all pragmas, beside the writer.
pub(crate) fn connect_writable(options: &DbOptions) -> Result<Connection> {
    let named = |error: DbError| at(&options.path, error);
    let conn = open(pool::uri(&options.path), WRITABLE).map_err(|error| named(error.into()))?;
    pragmas::apply(&conn, options, Role::Writer).map_err(named)?;
    Ok(conn)
}

/// A writable connection without any of our pragmas, which never waits: for a copy that is being made, and
/// for a file that nobody else may have open.
pub(crate) fn connect_bare(path: &Path) -> Result<Connection> {
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    let conn = open(pool::uri(path), flags).map_err(|error| at(path, error.into()))?;
    conn.busy_timeout(Duration::ZERO).map_err(|error| at(path, error.into()))?;
    Ok(conn)
}

/// A file of any kind, opened to be read only: sources of an import, copies to check.
pub(crate) fn connect_foreign(path: &Path, snapshot: Snapshot) -> Result<Connection> {
    file::check_is_file(path)?;
    let (name, flags) = pool::location(path, snapshot);
    let conn = open(name, flags).map_err(|error| at(path, error.into()))?;
    conn.busy_timeout(Duration::from_secs(5)).map_err(|error| at(path, error.into()))?;
    pragmas::distrust_schema(&conn).map_err(|error| at(path, error))?;
    // Makes SQLite look at the file: opening alone reads nothing.
    conn.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get::<_, i64>(0))
        .optional()
        .map_err(|error| at(path, error.into()))?;
    Ok(conn)
}

#[expect(clippy::disallowed_methods, reason = "this is the one place that opens SQLite")]
fn open(name: impl AsRef<Path>, flags: OpenFlags) -> rusqlite::Result<Connection> {
    Connection::open_with_flags(name, flags)
}

fn refuse_old_sqlite() -> Result<()> {
    let found = rusqlite::version_number();
    if found < OLDEST_SQLITE {
        return Err(DbError::Invalid(format!(
            "SQLite {} can damage a file in WAL mode; at least 3.51.3 is needed",
            rusqlite::version()
        )));
    }
    Ok(())
}

/// Puts the path to what SQLite said.
fn at(path: &Path, error: DbError) -> DbError {
    match error {
        DbError::Sqlite { kind: ErrorKind::NotADatabase, .. } => {
            DbError::file(ErrorKind::NotADatabase, path, "is not a database")
        }
        DbError::Sqlite { kind, text, .. } => DbError::File { kind, path: path.to_path_buf(), what: text },
        other => other,
    }
}

#[cfg(test)]
mod tests;
