//! A writable connection beside the writer, whose transactions take the turn.

use std::ops::{Deref, DerefMut};

use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::error::{DbError, Result};
use crate::open::{self, Journal};
use crate::options::DbOptions;
use crate::writer::Turn;

/// A plain connection with all pragmas. Transactions through [`WritableConnection::transact`] wait their turn.
#[derive(Debug)]
pub struct WritableConnection {
    conn: Connection,
    turn: Turn,
}

impl WritableConnection {
    pub(crate) fn open(options: &DbOptions, journal: Journal) -> Result<Self> {
        let conn = open::connect_writable(options)?;
        let turn = Turn::new(&options.path, options.turn_patience, journal == Journal::Wal);
        Ok(Self { conn, turn })
    }

    /// Runs a closure in a transaction of this connection and commits it; the closure runs again as a whole
    /// where its snapshot was too old to write from. Durable when this returns.
    pub fn transact<T, E: From<DbError> + conclave_retry::Classify>(
        &mut self,
        behavior: TransactionBehavior,
        closure: impl FnMut(&Transaction<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let _turn = self.turn.acquire();
        crate::transactions::execute_in_transaction(&mut self.conn, behavior, closure)
    }
}

impl Deref for WritableConnection {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.conn
    }
}

impl DerefMut for WritableConnection {
    fn deref_mut(&mut self) -> &mut Connection {
        &mut self.conn
    }
}
