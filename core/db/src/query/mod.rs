//! Looking into a file with statements that users write, and writing all of it out. Nothing here can change
//! anything.
//!
//! No single guard of SQLite is enough. `sqlite3_stmt_readonly` calls ATTACH, BEGIN and `pragma_optimize` reading,
//! a read-only connection still creates the file that ATTACH names, and `query_only` is switched off by the next
//! statement. So there are several: a connection of its own that is opened read-only, that can attach nothing, and
//! whose authorizer lets through what reads, by name (`guard.rs`); and one statement at a time, that has columns.
//!
//! A file with an older schema is shown as it is: to look at it is no reason to migrate it. What is newer, foreign
//! or broken is refused as everywhere.

mod columns;
mod error;
mod guard;
mod tables;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use conclave_retry::Clock;
use rusqlite::Connection;
use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::types::ValueRef;

pub use self::error::QueryError;
use self::guard::Guard;
pub use self::tables::Table;
use crate::error::{DbError, ErrorKind, Result};
use crate::options::DbOptions;
use crate::pool::Snapshot;
use crate::transaction::Inside;
use crate::{file, open, pragmas};

/// After how many steps of SQLite's machine the time is looked at: far below a millisecond.
const STEPS: i32 = 1000;

/// No value is longer, stored or made by a statement: one alone could take all memory, and all time while nobody looks at
/// the clock. Nothing that this program stores comes near.
const LONGEST: i32 = 64 << 20;

/// A file of ours that can only be looked at. It holds no lock between calls.
#[derive(Debug)]
pub struct Viewer {
    conn: Connection,
    path: PathBuf,
    version: i32,
    snapshot: Snapshot,
    busy_timeout: Duration,
    clock: Arc<dyn Clock>,
}

/// A row of an answer, only for as long as the next one is not asked for.
#[derive(Debug)]
pub struct Row<'row> {
    columns: &'row [String],
    row: &'row rusqlite::Row<'row>,
}

impl Row<'_> {
    /// The names of the columns with their values, in order. No two names are the same.
    pub fn cells(&self) -> impl Iterator<Item = (&str, ValueRef<'_>)> {
        // A row has as many values as its statement has columns.
        let value = |index| self.row.get_ref(index).unwrap_or(ValueRef::Null);
        self.columns.iter().enumerate().map(move |(index, name)| (name.as_str(), value(index)))
    }
}

impl Viewer {
    /// Opens an existing file. Nothing is created, migrated or locked for writing; in a folder that cannot be
    /// written the file is read as it lies. Refused is what [`crate::Db::open_read_only`] refuses, except for an
    /// older schema.
    pub fn open(options: &DbOptions) -> Result<Self> {
        Inside::refuse("looking into a database")?;
        options.check()?;
        file::check_is_file(&options.path)?;
        let path = std::fs::canonicalize(&options.path)
            .map_err(|error| DbError::io(options.path.display().to_string(), error))?;
        let looked = open::look(options)?;
        harden(&looked.conn)?;
        refuse_unreadable_names(&looked.conn, &path)?;
        Ok(Self {
            conn: looked.conn,
            path,
            version: looked.version,
            snapshot: looked.snapshot,
            busy_timeout: options.busy_timeout,
            clock: Arc::clone(&options.clock),
        })
    }

    /// The file, with its path resolved.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The schema version of the file.
    pub const fn version(&self) -> i32 {
        self.version
    }

    /// Whether the file is read as it lies, without locks: its folder cannot be written.
    pub fn is_immutable(&self) -> bool {
        self.snapshot == Snapshot::Immutable
    }

    /// Runs one statement that reads, and gives each row of its answer to `each`; memory does not grow with the
    /// number of rows. Refused is everything that would do more than read, several statements, and parameters.
    /// After `timeout` it is [`QueryError::TimedOut`].
    pub fn query<E: From<QueryError>>(
        &self,
        sql: &str,
        timeout: Option<Duration>,
        mut each: impl FnMut(&Row<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        Inside::refuse("a query").map_err(QueryError::from)?;
        if sql.contains('\0') {
            // SQLite would take what stands before it for the whole.
            return Err(QueryError::Refused("a statement has no NUL character".to_owned()).into());
        }
        let guard = Guard::install(&self.conn).map_err(QueryError::from)?;
        let time = Limited::new(self, timeout).map_err(QueryError::from)?;
        let failed = |error: rusqlite::Error| time.over().unwrap_or_else(|| guard.explain(error));
        let mut statement = self.conn.prepare(sql).map_err(failed)?;
        if statement.column_count() == 0 {
            return Err(QueryError::Refused("it asks for nothing: one SELECT is needed".to_owned()).into());
        }
        if statement.parameter_count() > 0 {
            let what = "it has parameters (`?`, `:name`), and nothing gives them values";
            return Err(QueryError::Refused(what.to_owned()).into());
        }
        let names = columns::distinct(&statement.column_names());
        let mut rows = statement.query([]).map_err(failed)?;
        while let Some(row) = rows.next().map_err(failed)? {
            each(&Row { columns: &names, row })?;
            if let Some(over) = time.look() {
                return Err(over.into());
            }
        }
        Ok(())
    }
}

/// Takes from the connection what reading does not need.
fn harden(conn: &Connection) -> Result<()> {
    conn.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 0)?;
    conn.set_limit(Limit::SQLITE_LIMIT_LENGTH, LONGEST)?;
    // A wrong name in double quotes is an error, and no text (https://sqlite.org/quirks.html#dblquote).
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, false)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DDL, false)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    pragmas::distrust_schema(conn)
}

/// Names of tables and columns are keys in what is made of a row, and the binding panics where one is no UTF-8.
fn refuse_unreadable_names(conn: &Connection, path: &Path) -> Result<()> {
    let mut statement = conn.prepare("SELECT name, tbl_name, sql FROM sqlite_schema")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        for index in 0..3 {
            if let ValueRef::Text(text) = row.get_ref(index)?
                && std::str::from_utf8(text).is_err()
            {
                let what = format!("a name in its schema is no UTF-8: {}", String::from_utf8_lossy(text));
                return Err(DbError::file(ErrorKind::Corrupt, path, what));
            }
        }
    }
    Ok(())
}

/// The time that a statement has; without limit again when dropped.
#[derive(Debug)]
struct Limited<'viewer> {
    viewer: &'viewer Viewer,
    timeout: Option<Duration>,
    over: Arc<AtomicBool>,
    /// When it is over, by the monotonic clock.
    until: Duration,
}

impl<'viewer> Limited<'viewer> {
    fn new(viewer: &'viewer Viewer, timeout: Option<Duration>) -> Result<Self> {
        let over = Arc::new(AtomicBool::new(false));
        let until = timeout.map_or(Duration::MAX, |time| viewer.clock.monotonic().saturating_add(time));
        if let Some(timeout) = timeout {
            let (clock, told) = (Arc::clone(&viewer.clock), Arc::clone(&over));
            let is_over = move || {
                let is_over = clock.monotonic() >= until;
                told.fetch_or(is_over, Ordering::Relaxed);
                is_over
            };
            viewer.conn.progress_handler(STEPS, Some(is_over))?;
            viewer.conn.busy_timeout(timeout.min(viewer.busy_timeout))?;
        }
        Ok(Self { viewer, timeout, over, until })
    }

    /// Looks at the clock: SQLite only does so in between its steps, and a row may have few of them.
    fn look(&self) -> Option<QueryError> {
        let timeout = self.timeout?;
        (self.viewer.clock.monotonic() >= self.until).then_some(QueryError::TimedOut(timeout))
    }

    fn over(&self) -> Option<QueryError> {
        let timeout = self.timeout.filter(|_| self.over.load(Ordering::Relaxed))?;
        Some(QueryError::TimedOut(timeout))
    }
}

impl Drop for Limited<'_> {
    fn drop(&mut self) {
        // The next statement of this connection sets its own.
        let _ = self.viewer.conn.progress_handler(0, None::<fn() -> bool>);
        let _ = self.viewer.conn.busy_timeout(self.viewer.busy_timeout);
    }
}

#[cfg(test)]
mod tests;
