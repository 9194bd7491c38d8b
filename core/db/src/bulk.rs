//! Copying many rows in few statements: a write connection of its own, with another file attached to read.
//!
//! A closure of [`Db::write`](crate::Db::write) may not attach, and rows that travel through the program cost
//! twice what `INSERT … SELECT` between two schemas of one connection costs. So a bulk copy has its own
//! connection, whose transactions take the turn like everyone's and whose commits are durable like everyone's
//! (`synchronous=FULL`); temporary tables of the connection hold what is prepared outside of the lock.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use conclave_retry::{Classify, Clock};
use rusqlite::functions::FunctionFlags;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, TransactionBehavior};

use crate::checkpoint::Checkpointer;
use crate::connection::WritableConnection;
use crate::error::{DbError, ErrorKind, Result};
use crate::handle::Db;
use crate::metrics::Metrics;
use crate::open::Journal;
use crate::pool::{self, Snapshot};
use crate::pragmas;
use crate::source;
use crate::transaction::{Inside, WriteTx};

/// A bulk copy writes the same pages of the indexes again and again: the log is copied when it has this many
/// times the pages of an ordinary checkpoint, which spares most of that.
const CHECKPOINT_LESS: i64 = 8;

/// How long a transaction held the write lock.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Held {
    /// Until its closure ended: this part grows with what was written.
    pub work: Duration,
    /// Until its commit was durable: this part is mostly the disk's.
    pub commit: Duration,
}

impl Held {
    /// The whole time.
    pub const fn total(&self) -> Duration {
        self.work.saturating_add(self.commit)
    }
}

/// A write connection for bulk copies. The attached file is the schema `source`; it cannot be written.
#[derive(Debug)]
pub struct BulkWriter {
    conn: WritableConnection,
    checkpointer: Checkpointer,
    metrics: Metrics,
    clock: Arc<dyn Clock>,
    deadline: Duration,
    source: Option<PathBuf>,
    live: bool,
}

impl BulkWriter {
    /// Opens a connection beside the writer of `db`, with `source` attached where one is given: as it lies
    /// where it has no log beside it (nothing is created there), with locks where it has one. While it is
    /// attached nobody may open it with `std::fs` in this process.
    pub fn open(db: &Db, source: Option<&Path>) -> Result<Self> {
        Inside::refuse("a bulk copy")?;
        let conn = db.open_connection()?;
        let options = db.options();
        let wal = db.journal() == Journal::Wal;
        let pages = options.checkpoint_pages.saturating_mul(CHECKPOINT_LESS);
        let checkpointer = Checkpointer::steady(&conn, &options.path, pages, wal);
        register_functions(&conn)?;
        let (source, live) = match source {
            None => (None, false),
            Some(path) => {
                let (path, live) = attach(&conn, path)?;
                (Some(path), live)
            }
        };
        let (clock, deadline) = (Arc::clone(db.clock()), options.deadline);
        Ok(Self { conn, checkpointer, metrics: Metrics::default(), clock, deadline, source, live })
    }

    /// The attached file, with its path resolved.
    pub fn source(&self) -> Option<&Path> {
        self.source.as_deref()
    }

    /// Whether others may write the attached file meanwhile: each transaction then sees it as it is.
    pub const fn source_is_live(&self) -> bool {
        self.live
    }

    /// Runs a closure on one snapshot of both files, without the write lock: for reading, and for writing to
    /// temporary tables of this connection. It must write nothing else.
    pub fn prepare<T, E: From<DbError> + Classify>(
        &mut self,
        mut closure: impl FnMut(&WriteTx<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let _inside = Inside::enter("a bulk copy")?;
        let clock = Arc::clone(&self.clock);
        crate::transactions::execute_in_transaction(&mut self.conn, TransactionBehavior::Deferred, |conn| {
            closure(&WriteTx::new(conn, &*clock))
        })
    }

    /// Runs a closure in a write transaction; gives its value and how long the lock was held. Durable when
    /// this returns; temporary tables roll back with it.
    pub fn write<T, E: From<DbError> + Classify>(
        &mut self,
        mut closure: impl FnMut(&WriteTx<'_>) -> Result<T, E>,
    ) -> Result<(T, Held), E> {
        let clock = Arc::clone(&self.clock);
        let until = clock.monotonic() + self.deadline;
        loop {
            let (mut begun, mut worked) = (None, Duration::ZERO);
            let done = self.conn.transact(TransactionBehavior::Immediate, |conn| {
                let now = clock.monotonic();
                begun = Some(now);
                let done = closure(&WriteTx::new(conn, &*clock));
                worked = clock.monotonic();
                done
            });
            match done {
                Ok(value) => {
                    let held = Held {
                        work: worked.saturating_sub(begun.unwrap_or(worked)),
                        commit: clock.monotonic().saturating_sub(worked),
                    };
                    if self.checkpointer.is_due(&self.metrics, clock.monotonic()) {
                        self.checkpointer.run(&self.conn, &self.metrics, &*clock);
                    }
                    return Ok((value, held));
                }
                // Only BEGIN waits for others: nothing was done yet.
                Err(error)
                    if begun.is_none() && error.classify().is_retryable() && clock.monotonic() < until => {}
                Err(error) => return Err(error),
            }
        }
    }
}

fn attach(conn: &Connection, path: &Path) -> Result<(PathBuf, bool)> {
    let (path, snapshot) = source::inspect(path)?;
    pragmas::distrust_schema(conn)?;
    let uri = match snapshot {
        Snapshot::Immutable => pool::location(&path, snapshot).0,
        Snapshot::Live => format!("{}?mode=ro", pool::uri(&path)),
    };
    conn.execute("ATTACH ?1 AS source", [uri]).map_err(|error| match DbError::from(error) {
        DbError::Sqlite { kind: ErrorKind::NotADatabase, .. } => {
            DbError::file(ErrorKind::NotADatabase, &path, "is not a database")
        }
        DbError::Sqlite { kind, text, .. } => DbError::File { kind, path: path.clone(), what: text },
        other => other,
    })?;
    conn.execute_batch("PRAGMA source.cache_size=-32000")?;
    Ok((path, snapshot == Snapshot::Live))
}

/// `is_utf8(X)`: 1 for text or a blob whose bytes are UTF-8. SQLite's own functions do not say.
fn register_functions(conn: &Connection) -> Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    conn.create_scalar_function("is_utf8", 1, flags, |context| {
        Ok(match context.get_raw(0) {
            ValueRef::Text(bytes) | ValueRef::Blob(bytes) => std::str::from_utf8(bytes).is_ok(),
            ValueRef::Null | ValueRef::Integer(_) | ValueRef::Real(_) => true,
        })
    })?;
    Ok(())
}
