//! The original's way: one connection behind a mutex, with the defaults of rusqlite.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;

use crate::bench::store;
use crate::outcome::Outcome;

/// Named in the table.
pub(crate) const NAME: &str = "Arc<Mutex<Connection>>, defaults";

/// A connection that callers take in turns.
#[derive(Debug, Clone)]
pub(crate) struct Locked(Arc<Mutex<Connection>>);

impl Locked {
    #[expect(clippy::disallowed_methods, reason = "a peer of core/db")]
    pub(crate) fn create(path: &Path) -> Outcome {
        Ok(Connection::open(path)?.execute_batch(store::TABLE)?)
    }

    #[expect(clippy::disallowed_methods, reason = "a peer of core/db")]
    pub(crate) fn open(path: &Path) -> Outcome<Self> {
        Ok(Self(Arc::new(Mutex::new(Connection::open(path)?))))
    }

    /// One write in a transaction of its own; durable, since the defaults are a rollback journal and FULL.
    pub(crate) fn write(&self, body: &[u8]) -> Outcome {
        let conn = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        conn.prepare_cached(store::INSERT)?.execute((body,))?;
        Ok(())
    }

    /// A setting as the connection has it.
    #[cfg(test)]
    pub(crate) fn setting(&self, name: &str) -> rusqlite::types::Value {
        self.0.lock().unwrap().pragma_query_value(None, name, |row| row.get(0)).unwrap()
    }
}
