//! Reading: one snapshot per closure, from a pool of read-only connections.

use std::panic::Location;
use std::sync::{Arc, Mutex, PoisonError, TryLockError};
use std::time::Duration;

use conclave_retry::Clock;
use rusqlite::Connection;

use crate::error::{DbError, Result};
use crate::gate::{ClosedGate, Gate};
use crate::metrics::{Metrics, count};
use crate::options::DbOptions;
use crate::pool::{self, LastError, ReadManager, Snapshot};
use crate::transaction::{Inside, ReadConn};

const BEGIN: &str = "/* reader */ BEGIN";
const COMMIT: &str = "/* reader */ COMMIT";

/// How long `exclusive` waits for readers that are inside.
const EXCLUSIVE_PATIENCE: Duration = Duration::from_secs(5);

/// A read that goes on now.
#[derive(Debug, Clone, Copy)]
pub struct ActiveRead {
    /// Where it was begun.
    pub place: &'static Location<'static>,
    /// When, on the clock's monotonic scale.
    pub since: Duration,
}

/// The readers of one file in this process.
#[derive(Debug)]
pub(crate) struct Readers {
    pool: r2d2::Pool<ReadManager>,
    last_error: LastError,
    /// The connection of the first look: short commands need no other.
    first: Mutex<Option<Connection>>,
    gate: Gate,
    active: Active,
    connection_timeout: Duration,
    metrics: Arc<Metrics>,
    clock: Arc<dyn Clock>,
}

impl Readers {
    pub(crate) fn new(
        options: &DbOptions,
        snapshot: Snapshot,
        first: Option<Connection>,
        metrics: Arc<Metrics>,
    ) -> Result<Self> {
        let (pool, last_error) = pool::build(options, snapshot)?;
        Ok(Self {
            pool,
            last_error,
            first: Mutex::new(first),
            gate: Gate::default(),
            active: Active::default(),
            connection_timeout: options.connection_timeout,
            metrics,
            clock: Arc::clone(&options.clock),
        })
    }

    pub(crate) const fn pool(&self) -> &r2d2::Pool<ReadManager> {
        &self.pool
    }

    /// Runs a closure on one snapshot.
    pub(crate) fn read<T, E: From<DbError>>(
        &self,
        place: &'static Location<'static>,
        closure: impl FnOnce(&ReadConn<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let _inside = Inside::enter("a read")?;
        let Some(_entered) = self.gate.enter(self.connection_timeout, &*self.clock) else {
            let text = "database is locked: someone has it to itself".to_owned();
            return Err(DbError::Busy { text, waited: self.connection_timeout }.into());
        };
        count(&self.metrics.reads, 1);
        let _active = self.active.enter(place, &*self.clock);
        match self.first.try_lock() {
            Ok(mut first) => {
                if let Some(conn) = first.take() {
                    let outcome = in_snapshot(&conn, closure);
                    if conn.is_autocommit() {
                        *first = Some(conn);
                    }
                    return outcome;
                }
            }
            Err(TryLockError::Poisoned(poisoned)) => *poisoned.into_inner() = None,
            Err(TryLockError::WouldBlock) => {}
        }
        in_snapshot(&*self.connection()?, closure)
    }

    fn connection(&self) -> Result<r2d2::PooledConnection<ReadManager>> {
        let started = self.clock.monotonic();
        self.pool.get().map_err(|_| {
            let failed_open = self.last_error.lock().unwrap_or_else(PoisonError::into_inner).take();
            let waited = self.clock.monotonic().saturating_sub(started);
            failed_open.unwrap_or(DbError::PoolExhausted { waited })
        })
    }

    /// Keeps new readers out and waits for those inside.
    pub(crate) fn close(&self) -> Result<ClosedGate<'_>> {
        self.gate.close(EXCLUSIVE_PATIENCE, &*self.clock).ok_or_else(|| DbError::Busy {
            text: "database is locked: readers are inside".to_owned(),
            waited: EXCLUSIVE_PATIENCE,
        })
    }

    pub(crate) fn inside(&self) -> usize {
        self.gate.inside()
    }

    /// The reads that go on now, oldest first.
    pub(crate) fn active(&self) -> Vec<ActiveRead> {
        self.active.list()
    }
}

/// One deferred transaction. If the closure panics the connection is left inside it, and thrown away.
fn in_snapshot<T, E: From<DbError>>(
    conn: &Connection,
    closure: impl FnOnce(&ReadConn<'_>) -> Result<T, E>,
) -> Result<T, E> {
    statement(conn, BEGIN)?;
    let outcome = closure(&ReadConn::new(conn));
    let ended = statement(conn, COMMIT);
    let value = outcome?;
    ended?;
    Ok(value)
}

fn statement(conn: &Connection, sql: &str) -> Result<()> {
    conn.prepare_cached(sql)?.execute([])?;
    Ok(())
}

/// Enough for every reader of a full pool and some more; further ones go on unnamed.
const SLOTS: usize = 32;

/// Who reads now. Each slot has a lock of its own, so that readers do not meet.
#[derive(Debug, Default)]
struct Active {
    slots: [Mutex<Option<ActiveRead>>; SLOTS],
}

impl Active {
    fn enter(&self, place: &'static Location<'static>, clock: &dyn Clock) -> Option<InSlot<'_>> {
        let read = ActiveRead { place, since: clock.monotonic() };
        self.slots.iter().find_map(|slot| {
            let mut held = slot.try_lock().ok()?;
            if held.is_some() {
                return None;
            }
            *held = Some(read);
            Some(InSlot { slot })
        })
    }

    fn list(&self) -> Vec<ActiveRead> {
        let mut reads: Vec<ActiveRead> = self
            .slots
            .iter()
            .filter_map(|slot| *slot.lock().unwrap_or_else(PoisonError::into_inner))
            .collect();
        reads.sort_by_key(|read| read.since);
        reads
    }
}

struct InSlot<'active> {
    slot: &'active Mutex<Option<ActiveRead>>,
}

impl Drop for InSlot<'_> {
    fn drop(&mut self) {
        *self.slot.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}
