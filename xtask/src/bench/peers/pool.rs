//! The usual way: an r2d2 pool of ten writable connections, `BEGIN IMMEDIATE` per write, our pragmas.

use std::path::Path;

use r2d2_sqlite::SqliteConnectionManager;
use rusqlite::TransactionBehavior;

use crate::bench::store;
use crate::outcome::Outcome;

/// Named in the table.
pub(crate) const NAME: &str = "r2d2 pool (10), BEGIN IMMEDIATE";

/// The file's pragmas before WAL and the first table, then those of the connection; as ours.
const FILE: &str = "PRAGMA auto_vacuum=INCREMENTAL; PRAGMA journal_mode=WAL;";
pub(crate) const CONNECTION: &str =
    "PRAGMA busy_timeout=5000; PRAGMA foreign_keys=ON; PRAGMA recursive_triggers=ON;
    PRAGMA cache_size=-32000; PRAGMA temp_store=MEMORY; PRAGMA mmap_size=0; PRAGMA synchronous=FULL;
    PRAGMA journal_size_limit=67108864;";

/// A pool over one file.
#[derive(Debug, Clone)]
pub(crate) struct Pool(r2d2::Pool<SqliteConnectionManager>);

impl Pool {
    /// Creates the file. Once, before the pool opens: ten connections that switch to WAL would race.
    #[expect(clippy::disallowed_methods, reason = "a peer of core/db")]
    pub(crate) fn create(path: &Path) -> Outcome {
        let conn = rusqlite::Connection::open(path)?;
        conn.execute_batch(FILE)?;
        Ok(conn.execute_batch(store::TABLE)?)
    }

    /// Opens a file that exists, with all connections made.
    pub(crate) fn open(path: &Path) -> Outcome<Self> {
        let manager = SqliteConnectionManager::file(path).with_init(|conn| conn.execute_batch(CONNECTION));
        Ok(Self(r2d2::Pool::builder().max_size(10).test_on_check_out(false).build(manager)?))
    }

    /// One durable write.
    pub(crate) fn write(&self, body: &[u8]) -> Outcome {
        let mut conn = self.0.get()?;
        let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        tx.prepare_cached(store::INSERT)?.execute((body,))?;
        Ok(tx.commit()?)
    }

    /// A setting as the connection has it.
    #[cfg(test)]
    pub(crate) fn setting(&self, name: &str) -> rusqlite::types::Value {
        self.0.get().unwrap().pragma_query_value(None, name, |row| row.get(0)).unwrap()
    }
}
