//! One writer, many readers on one SQLite file, for any number of processes.

mod backup;
mod ballast;
mod checkpoint;
mod connection;
mod error;
mod file;
mod gate;
mod handle;
mod metrics;
mod migrations;
mod open;
mod options;
mod pool;
mod pragmas;
mod readers;
mod schema;
mod source;
mod transaction;
pub mod transactions;
mod writer;

pub use connection::WritableConnection;
pub use error::{DbError, ErrorKind, Result};
pub use file::FileIdentity;
pub use handle::{Db, Writing};
pub use metrics::MetricsSnapshot;
pub use migrations::{Migrated, StepObserver, pending};
pub use open::Journal;
pub use options::{DbOptions, Durability};
pub use pool::ReadManager;
pub use readers::ActiveRead;
pub use schema::{APPLICATION_ID, FIRST_VERSION, Migration, Schema, Step};
pub use source::Source;
pub use transaction::{ReadConn, WriteTx};
pub use writer::WriteFuture;

/// The parts of the SQLite binding that SQL in other crates needs. Connections are not among them.
pub mod sql {
    pub use rusqlite::types::{
        FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, Type, Value, ValueRef,
    };
    pub use rusqlite::{Error, Params, Row, TransactionBehavior, named_params, params, params_from_iter};
}
