//! A writable connection beside the writer, whose transactions take the turn.

use std::ops::{Deref, DerefMut};
use std::path::PathBuf;

use conclave_retry::{Classify, ErrorClass, PermanentReason};
use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::error::{DbError, Result};
use crate::file::FileIdentity;
use crate::open::{self, Journal};
use crate::options::DbOptions;
use crate::transaction::Inside;
use crate::writer::Turn;

/// A plain connection with all pragmas. Transactions through [`WritableConnection::transact`] wait their turn.
#[derive(Debug)]
pub struct WritableConnection {
    conn: Connection,
    turn: Turn,
    path: PathBuf,
    identity: FileIdentity,
}

impl WritableConnection {
    pub(crate) fn open(options: &DbOptions, journal: Journal, identity: FileIdentity) -> Result<Self> {
        // Merely opening and closing another file here would play the log of the one that was moved away into it.
        identity.check(&options.path)?;
        let conn = open::connect_writable(options)?;
        let turn = Turn::new(&options.path, options.turn_patience, journal == Journal::Wal);
        let connection = Self { conn, turn, path: options.path.clone(), identity };
        // It may have been another file by the time that it was opened.
        connection.identity.check(&connection.path)?;
        Ok(connection)
    }

    /// Runs a closure in a transaction of this connection and commits it; the closure runs again as a whole
    /// where its snapshot was too old to write from. Durable when this returns. A file that was replaced or
    /// deleted is [`ErrorKind::Replaced`](crate::ErrorKind::Replaced), a call inside a closure of any `Db`
    /// [`ErrorKind::Nested`](crate::ErrorKind::Nested).
    pub fn transact<T, E: From<DbError> + Classify>(
        &mut self,
        behavior: TransactionBehavior,
        closure: impl FnMut(&Transaction<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        const FULL: ErrorClass = ErrorClass::permanent(PermanentReason::Full);
        let _inside = Inside::enter("a transaction")?;
        self.identity.check(&self.path)?;
        let _turn = self.turn.acquire();
        let done = crate::transactions::execute_in_transaction(&mut self.conn, behavior, closure);
        if done.as_ref().is_err_and(|error| error.classify() == FULL) {
            crate::ballast::release(&self.path);
        }
        done
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
