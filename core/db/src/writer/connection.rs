//! The one write connection of a file, and the statements with which its leader frames the closures.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rusqlite::Connection;

use super::authorizer;
use super::job::{Job, Ran};
use crate::error::Result;
use crate::options::Durability;
use crate::pragmas;

// A closure's own `COMMIT` must not find the leader's prepared one in the statement cache, where the
// authorizer is not asked again. Hence texts that no closure writes.
const BEGIN: &str = "/* leader */ BEGIN IMMEDIATE";
const COMMIT: &str = "/* leader */ COMMIT";
const ROLLBACK: &str = "/* leader */ ROLLBACK";
const SAVEPOINT: &str = "/* leader */ SAVEPOINT closure";
const RELEASE: &str = "/* leader */ RELEASE closure";
const ROLLBACK_TO: &str = "/* leader */ ROLLBACK TO closure";

/// The write connection. Only the leader touches it.
#[derive(Debug)]
pub(crate) struct WriteConnection {
    pub(crate) conn: Connection,
    busy_timeout: Duration,
    /// What `synchronous` is set to now.
    durability: Durability,
    /// Set while a closure runs.
    guarded: Arc<AtomicBool>,
    /// Without WAL every write is `Power`.
    wal: bool,
}

impl WriteConnection {
    pub(crate) fn new(conn: Connection, busy_timeout: Duration, wal: bool) -> Result<Self> {
        let guarded = Arc::new(AtomicBool::new(false));
        authorizer::install(&conn, Arc::clone(&guarded))?;
        // When SQLite has ended the transaction inside a closure that swallows the error, its next statement would
        // be a transaction of its own, durable at once and beside every answer. This makes it a rollback.
        let inside = Arc::clone(&guarded);
        conn.commit_hook(Some(move || inside.load(Ordering::Relaxed)))?;
        Ok(Self { conn, busy_timeout, durability: Durability::Power, guarded, wal })
    }

    /// Sets how durable the next commit is; outside of a transaction only.
    pub(crate) fn set_durability(&mut self, wanted: Durability) -> Result<()> {
        let wanted = if self.wal { wanted } else { Durability::Power };
        if self.durability != wanted {
            pragmas::set_durability(&self.conn, wanted)?;
            self.durability = wanted;
        }
        Ok(())
    }

    /// BEGIN IMMEDIATE, waiting at most `wait` for the lock (at least a millisecond, SQLite's unit).
    pub(crate) fn begin(&self, wait: Duration) -> Result<()> {
        let wait = wait.min(self.busy_timeout).max(Duration::from_millis(1));
        self.conn.busy_timeout(wait)?;
        let begun = self.statement(BEGIN);
        self.conn.busy_timeout(self.busy_timeout)?;
        begun
    }

    /// Rolls back and begins again.
    pub(crate) fn restart(&self) -> Result<()> {
        self.settle();
        self.statement(BEGIN)
    }

    pub(crate) fn commit(&self) -> Result<()> {
        self.statement(COMMIT)
    }

    pub(crate) fn savepoint(&self) -> Result<()> {
        self.statement(SAVEPOINT)
    }

    /// Ends the savepoint, undoing what was done in it unless it is to be kept.
    pub(crate) fn end_savepoint(&self, keep: bool) -> Result<()> {
        if !keep {
            self.statement(ROLLBACK_TO)?;
        }
        self.statement(RELEASE)
    }

    /// Leaves no transaction open, whatever happened before.
    pub(crate) fn settle(&self) {
        if !self.is_autocommit() {
            // It fails only where SQLite has rolled back by itself in between.
            let _ = self.statement(ROLLBACK);
        }
    }

    pub(crate) fn is_autocommit(&self) -> bool {
        self.conn.is_autocommit()
    }

    /// Runs a closure with transaction control out of its reach.
    pub(crate) fn run(&self, job: &mut Job) -> Ran {
        self.guarded.store(true, Ordering::Relaxed);
        let ran = job.run(&self.conn);
        self.guarded.store(false, Ordering::Relaxed);
        ran
    }

    fn statement(&self, sql: &str) -> Result<()> {
        self.conn.prepare_cached(sql)?.execute([])?;
        Ok(())
    }
}
