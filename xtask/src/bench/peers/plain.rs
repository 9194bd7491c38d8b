//! A plain connection with our pragmas, used by one thread.

use std::path::Path;

use rusqlite::Connection;

use super::pool::CONNECTION;
use crate::outcome::Outcome;

/// A connection of its own.
#[derive(Debug)]
pub(crate) struct Plain(Connection);

impl Plain {
    #[expect(clippy::disallowed_methods, reason = "a peer of core/db")]
    pub(crate) fn open(path: &Path) -> Outcome<Self> {
        let conn = Connection::open(path)?;
        conn.execute_batch(CONNECTION)?;
        Ok(Self(conn))
    }

    /// One durable write.
    pub(crate) fn write(&self, sql: &str, body: &[u8]) -> Outcome {
        self.0.execute_batch("BEGIN IMMEDIATE")?;
        self.0.prepare_cached(sql)?.execute((body,))?;
        Ok(self.0.execute_batch("COMMIT")?)
    }

    /// The whole file at once, and then off the disk.
    pub(crate) fn vacuum(&self) -> Outcome {
        self.0.execute_batch("VACUUM")?;
        self.0.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        Ok(())
    }

    /// A setting as the connection has it.
    #[cfg(test)]
    pub(crate) fn setting(&self, name: &str) -> rusqlite::types::Value {
        self.0.pragma_query_value(None, name, |row| row.get(0)).unwrap()
    }
}
