//! One writer, many readers on one SQLite file, for any number of threads and processes.
//!
//! # What it promises
//!
//! *A write that was acknowledged is never lost.* [`Db::write`] returns after the commit is durable, or with an
//! error; nothing in between. `kill -9` at any instruction costs what was not yet acknowledged. A power cut costs
//! no more at [`Durability::Power`], the default; at [`Durability::Process`] it may undo the last writes, always
//! as a suffix of the log. A full disk is a typed error, and later writes work once there is room.
//!
//! # Writing
//!
//! There is one write connection per file and process. Callers who come while somebody commits form a group: one
//! of them leads, runs every closure in a savepoint of its own, commits once, and then answers each. So a sync
//! is paid once for many, and `synchronous=FULL` costs little. A closure that fails, panics, fills the disk or
//! violates a deferred constraint is rolled back alone. Because a group may have to run its closures again, they
//! are `FnMut` and must have no effect outside of their transaction.
//!
//! Between processes SQLite's own lock is the truth. Its busy handler is unfair, so writers also take a turn by
//! two file locks beside the database (`…-queue`, `…-turn`): a courtesy, which ends with its process, and
//! without which everything still works.
//!
//! # Reading
//!
//! [`Db::read`] gives a closure one snapshot on a connection that was opened read-only. Readers never wait for
//! writers, nor writers for readers. A reader that stays inside for long keeps the write-ahead log from being
//! emptied; it is named, see [`Db::active_reads`].
//!
//! # Opening
//!
//! A file is looked at before it is touched: what is newer, foreign or no database is refused as it lies. Then
//! the persistent settings are made on one connection, and migrations run, each in a transaction of its own; those of a
//! file that holds nothing yet in one.
//! Any number of processes may do this at once. Every pragma is read back.
//!
//! # File systems
//!
//! On a network file system, or one without shared memory, the file falls back to a rollback journal with one
//! warning, and still works, slower (`synchronous=EXTRA`) and without the turn. In a folder that cannot be written a database without
//! pending changes is read as it lies.
//!
//! # How it fails
//!
//! [`DbError`] models the whole error space: its [`kind`](DbError::kind), whether running the transaction again
//! may help, and a hint for people. A commit whose fate is unknown is [`DbError::Ambiguous`] and never repeated
//! by this crate.
//!
//! # What it does not do
//!
//! It has no SQL of any domain, no daemon, and no second dialect. It never opens a live database file with
//! `std::fs`: closing that descriptor would drop the locks of the whole process
//! (<https://sqlite.org/howtocorrupt.html>).
//!
//! ```
//! use conclave_db::{Db, DbError, DbOptions, FIRST_VERSION, Migration, Schema, Step};
//!
//! const NOTES: &[Migration] = &[Migration {
//!     version: FIRST_VERSION,
//!     name: "notes",
//!     up: Step::Sql("CREATE TABLE note(id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT"),
//!     down: None,
//!     rewrites: false,
//! }];
//!
//! # fn main() -> Result<(), DbError> {
//! # let folder = tempfile::tempdir().map_err(|error| DbError::Invalid(error.to_string()))?;
//! let db = Db::open(DbOptions::new(folder.path().join("state.db"), Schema::assemble(&[NOTES], &[])?))?;
//! let id: i64 = db.write("note", |tx| {
//!     tx.query_row("INSERT INTO note(text) VALUES(?1) RETURNING id", ["hello"], |row| row.get(0))
//! })?;
//! // Durable now.
//! let text: String = db.read(|conn| conn.query_row("SELECT text FROM note WHERE id = ?1", [id], |row| row.get(0)))?;
//! assert_eq!(text, "hello");
//! # Ok(())
//! # }
//! ```

#[cfg(not(unix))]
compile_error!("Conclave needs a Unix system: Windows is not supported.");

pub mod backup;
pub mod ballast;
mod bulk;
pub mod checkpoint;
pub mod clock;
mod connection;
pub mod doctor;
mod error;
mod file;
pub mod foreign;
mod gate;
mod handle;
mod holders;
mod integrity;
mod metrics;
mod migrations;
mod open;
mod options;
pub mod paths;
mod pool;
mod pragmas;
pub mod process;
mod put_aside;
pub mod query;
mod readers;
mod schema;
mod source;
mod space;
mod stats;
mod transaction;
pub mod transactions;
mod unfinished;
pub mod vacuum;
mod watch;
mod writer;

pub use bulk::{BulkWriter, Held};
pub use connection::WritableConnection;
pub use error::{DbError, ErrorKind, Result};
pub use file::FileIdentity;
pub use handle::{Db, Writing};
pub use holders::{Holder, Holding, holders, of_flock as flock_holders};
pub use metrics::MetricsSnapshot;
pub use migrations::{Migrated, Plan, StepObserver};
pub use open::Journal;
pub use options::{DbOptions, Durability};
pub use pool::ReadManager;
pub use put_aside::{list_put_aside, put_aside, remove_orphans, remove_put_aside};
pub use readers::ActiveRead;
pub use schema::{APPLICATION_ID, FIRST_VERSION, Migration, Schema, Step};
pub use source::Source;
pub use stats::{AutoVacuum, FileStats, stats};
pub use transaction::{ReadConn, WriteTx};
pub use watch::{FileMark, Seen, Watch};
pub use writer::WriteFuture;

/// The parts of the SQLite binding that SQL in other crates needs. Connections are not among them.
pub mod sql {
    pub use rusqlite::types::{
        FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, Type, Value, ValueRef,
    };
    pub use rusqlite::{Error, Params, Row, TransactionBehavior, named_params, params, params_from_iter};
}
