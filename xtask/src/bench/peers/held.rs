//! The fastest reader there is: a connection of its own per thread, with its statement prepared once.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use crate::bench::store;
use crate::outcome::Outcome;

/// Named in the table.
pub(crate) const NAME: &str = "held connection per thread, cached statement";

/// A reading connection that is never given back.
#[derive(Debug)]
pub(crate) struct Held(Connection);

impl Held {
    #[expect(clippy::disallowed_methods, reason = "a peer of core/db")]
    pub(crate) fn open(path: &Path) -> Outcome<Self> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let conn = Connection::open_with_flags(path, flags)?;
        conn.execute_batch("PRAGMA busy_timeout=5000; PRAGMA cache_size=-32000; PRAGMA mmap_size=0;")?;
        Ok(Self(conn))
    }

    /// One row by its indexed name; gives the length of its text.
    pub(crate) fn read(&self, name: &str) -> Outcome<usize> {
        let mut statement = self.0.prepare_cached(store::SELECT)?;
        let body: String = statement.query_row((name,), |row| row.get(1))?;
        Ok(body.len())
    }

    /// A setting as the connection has it.
    #[cfg(test)]
    pub(crate) fn setting(&self, name: &str) -> rusqlite::types::Value {
        self.0.pragma_query_value(None, name, |row| row.get(0)).unwrap()
    }
}
