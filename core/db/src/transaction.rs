//! The handles that closures get: a snapshot that can only be read, and a transaction that can be written.

use std::cell::Cell;
use std::ops::Deref;

use conclave_retry::Clock;
use rusqlite::{Connection, OptionalExtension, Params, Row};

use crate::error::{DbError, ErrorKind, Result};

/// A snapshot: everything read through it is of one moment. It has no way to write, and the connection
/// behind it is opened read-only.
pub struct ReadConn<'conn> {
    pub(crate) conn: &'conn Connection,
    /// The kind of the last error that SQLite gave here, for a closure that swallows it.
    seen: Cell<Option<ErrorKind>>,
}

impl<'conn> ReadConn<'conn> {
    pub(crate) const fn new(conn: &'conn Connection) -> Self {
        Self { conn, seen: Cell::new(None) }
    }

    fn note<T>(&self, outcome: rusqlite::Result<T>) -> Result<T> {
        outcome.map_err(|error| {
            let error = DbError::from(error);
            self.seen.set(Some(error.kind()));
            error
        })
    }

    pub(crate) fn seen(&self) -> Option<ErrorKind> {
        self.seen.get()
    }

    /// The one row of a query. No row is an error; further rows are not looked at.
    pub fn query_row<T, P: Params>(
        &self,
        sql: &str,
        params: P,
        map: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<T> {
        self.note(self.conn.prepare_cached(sql).and_then(|mut statement| statement.query_row(params, map)))
    }

    /// The first row of a query, if there is one.
    pub fn query_optional<T, P: Params>(
        &self,
        sql: &str,
        params: P,
        map: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>> {
        let found =
            self.conn.prepare_cached(sql).and_then(|mut found| found.query_row(params, map).optional());
        self.note(found)
    }

    /// All rows of a query, in its order. For results of bounded size.
    pub fn query_all<T, P: Params>(
        &self,
        sql: &str,
        params: P,
        map: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>> {
        let mut statement = self.note(self.conn.prepare_cached(sql))?;
        let rows = self.note(statement.query_map(params, map))?;
        self.note(rows.collect())
    }

    /// Each row of a query, one at a time, until `each` fails. Memory does not grow with the result.
    pub fn for_each<E: From<DbError>, P: Params>(
        &self,
        sql: &str,
        params: P,
        mut each: impl FnMut(&Row<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut statement = self.note(self.conn.prepare_cached(sql))?;
        let mut rows = self.note(statement.query(params))?;
        while let Some(row) = self.note(rows.next())? {
            each(row)?;
        }
        Ok(())
    }

    /// A pragma's value, such as `freelist_count`.
    pub fn pragma<T: rusqlite::types::FromSql>(&self, name: &str) -> Result<T> {
        self.note(self.conn.pragma_query_value(None, name, |row| row.get(0)))
    }
}

/// A write transaction that holds SQLite's write lock. It ends with its closure: durable if the closure
/// succeeded, as if it had never been otherwise.
pub struct WriteTx<'conn> {
    read: ReadConn<'conn>,
    clock: &'conn dyn Clock,
}

impl<'conn> WriteTx<'conn> {
    pub(crate) fn new(conn: &'conn Connection, clock: &'conn dyn Clock) -> Self {
        Self { read: ReadConn::new(conn), clock }
    }

    /// Runs one statement; gives the number of rows changed.
    pub fn execute<P: Params>(&self, sql: &str, params: P) -> Result<usize> {
        self.note(self.conn.prepare_cached(sql).and_then(|mut statement| statement.execute(params)))
    }

    /// Runs several statements without parameters. Transaction control, ATTACH and PRAGMA are refused.
    pub fn execute_batch(&self, sql: &str) -> Result<()> {
        self.note(self.conn.execute_batch(sql))
    }

    /// Milliseconds since 1970 by the caller's clock.
    pub fn now_ms(&self) -> i64 {
        self.clock.wall_ms()
    }

    /// The caller's clock.
    pub fn clock(&self) -> &dyn Clock {
        self.clock
    }
}

impl<'conn> Deref for WriteTx<'conn> {
    type Target = ReadConn<'conn>;

    fn deref(&self) -> &ReadConn<'conn> {
        &self.read
    }
}

thread_local! {
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

/// Marks the current thread as inside a closure; unmarks it when dropped, also by a panic.
pub(crate) struct Inside(bool);

impl Inside {
    /// Enters, or says what was nested.
    pub(crate) fn enter(what: &'static str) -> Result<Self> {
        Self::refuse(what)?;
        Ok(Self(INSIDE.replace(true)))
    }

    /// Refuses `what` inside a closure: it would wait for the very thread that calls it.
    pub(crate) fn refuse(what: &'static str) -> Result<()> {
        if INSIDE.get() { Err(DbError::Nested { what }) } else { Ok(()) }
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        INSIDE.set(self.0);
    }
}
