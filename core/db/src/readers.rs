//! Reading: one snapshot per closure, on read-only connections.
//!
//! A few connections lie near at hand, each behind a lock of its own that a thread finds free at the first
//! try; they cost a reader a tenth of what r2d2's shared lock does. Beyond them the pool lends its own. Short
//! commands open a single connection, the one that looked at the file.

use std::panic::Location;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Duration;

use conclave_retry::{Clock, Sleeper};
use r2d2::ManageConnection;
use rusqlite::{Connection, OptionalExtension};

use crate::error::{DbError, Result};
use crate::gate::{ClosedGate, Gate};
use crate::metrics::{Metrics, count};
use crate::open::{self, Journal};
use crate::options::DbOptions;
use crate::pool::{self, LastError, ReadManager, Snapshot};
use crate::transaction::{Inside, ReadConn};

const BEGIN: &str = "/* reader */ BEGIN";
const COMMIT: &str = "/* reader */ COMMIT";

/// How long `exclusive` waits for readers that are inside.
const EXCLUSIVE_PATIENCE: Duration = Duration::from_secs(5);

/// Connections near at hand: as many as threads that read all the time in the programs that we know.
const NEAR: usize = 8;

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
    near_manager: ReadManager,
    near: [Near; NEAR],
    /// Reads on pooled connections, so that they can be named too.
    far: Mutex<Vec<ActiveRead>>,
    gate: Gate,
    connection_timeout: Duration,
    metrics: Arc<Metrics>,
    clock: Arc<dyn Clock>,
    sleeper: Arc<dyn Sleeper>,
    /// Where transactions are undone from a rollback journal: how the file is opened for that.
    undoing: Option<DbOptions>,
}

/// A connection near at hand, on cache lines of its own.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Near {
    conn: Mutex<Option<Connection>>,
    read: Mutex<Option<ActiveRead>>,
    reads: AtomicU64,
}

impl Readers {
    /// `first` is the connection of the look, where there is one to keep.
    pub(crate) fn new(
        options: &DbOptions,
        journal: Journal,
        snapshot: Snapshot,
        first: Option<Connection>,
        metrics: Arc<Metrics>,
    ) -> Result<Self> {
        let (pool, last_error) = pool::build(options, snapshot)?;
        let near: [Near; NEAR] = Default::default();
        *locked(&near[home()].conn) = first;
        let undoes = journal == Journal::Rollback && snapshot == Snapshot::Live;
        Ok(Self {
            undoing: undoes.then(|| options.clone()),
            pool,
            last_error,
            near_manager: ReadManager::new(options, snapshot),
            near,
            far: Mutex::default(),
            gate: Gate::default(),
            connection_timeout: options.connection_timeout,
            metrics,
            clock: Arc::clone(&options.clock),
            sleeper: Arc::clone(&options.sleeper),
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
        let read = ActiveRead { place, since: self.clock.monotonic() };
        let home = home();
        for step in 0..NEAR {
            let near = &self.near[(home + step) % NEAR];
            let Some(held) = try_locked(&near.conn) else { continue };
            // Who closes the gate takes these locks too; this look keeps readers from barging past it.
            if self.gate.is_closed() {
                break;
            }
            return self.read_near(near, held, read, closure);
        }
        let Some(_entered) = self.gate.enter(self.connection_timeout, &*self.clock) else {
            let text = "database is locked: someone has it to itself".to_owned();
            return Err(DbError::Busy { text, waited: self.connection_timeout }.into());
        };
        count(&self.metrics.reads, 1);
        let conn = self.connection()?;
        let _listed = Listed::enter(&self.far, read);
        self.in_snapshot(&conn, closure)
    }

    fn read_near<T, E: From<DbError>>(
        &self,
        near: &Near,
        mut held: MutexGuard<'_, Option<Connection>>,
        read: ActiveRead,
        closure: impl FnOnce(&ReadConn<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        // Taken out while it is in use: if the closure panics it is thrown away with its open transaction.
        let conn = match held.take() {
            Some(conn) => conn,
            None => self.near_manager.connect().map_err(DbError::from)?,
        };
        count(&near.reads, 1);
        *locked(&near.read) = Some(read);
        let _listed = Unlist { near };
        let outcome = self.in_snapshot(&conn, closure);
        if conn.is_autocommit() {
            *held = Some(conn);
        }
        outcome
    }

    /// One deferred transaction. If the closure panics the connection is left inside it, and thrown away.
    fn in_snapshot<T, E: From<DbError>>(
        &self,
        conn: &Connection,
        closure: impl FnOnce(&ReadConn<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        statement(conn, BEGIN)?;
        if let Some(options) = &self.undoing {
            undo(conn, options)?;
        }
        let outcome = closure(&ReadConn::new(conn));
        let ended = statement(conn, COMMIT);
        let value = outcome?;
        ended?;
        Ok(value)
    }

    fn connection(&self) -> Result<r2d2::PooledConnection<ReadManager>> {
        let started = self.clock.monotonic();
        // What failed long ago says nothing of now.
        drop(locked(&self.last_error).take());
        self.pool.get().map_err(|_| {
            let failed_open = locked(&self.last_error).take();
            let waited = self.clock.monotonic().saturating_sub(started);
            failed_open.unwrap_or(DbError::PoolExhausted { waited })
        })
    }

    /// Keeps new readers out and waits for those inside.
    pub(crate) fn close(&self) -> Result<Closed<'_>> {
        let until = self.clock.monotonic() + EXCLUSIVE_PATIENCE;
        let busy = || DbError::Busy {
            text: "database is locked: readers are inside".to_owned(),
            waited: EXCLUSIVE_PATIENCE,
        };
        let gate = self.gate.close(EXCLUSIVE_PATIENCE, &*self.clock).ok_or_else(busy)?;
        let mut near = Vec::with_capacity(NEAR);
        for slot in &self.near {
            near.push(loop {
                match try_locked(&slot.conn) {
                    Some(held) => break held,
                    None if self.clock.monotonic() < until => self.sleeper.sleep(Duration::from_millis(1)),
                    None => return Err(busy()),
                }
            });
        }
        Ok(Closed { _near: near, _gate: gate })
    }

    pub(crate) fn inside(&self) -> usize {
        self.gate.inside() + self.near.iter().filter(|near| locked(&near.read).is_some()).count()
    }

    /// Reads on connections near at hand so far; those on pooled ones are counted in the metrics.
    pub(crate) fn near_reads(&self) -> u64 {
        self.near.iter().map(|near| near.reads.load(Ordering::Relaxed)).sum()
    }

    /// The reads that go on now, oldest first.
    pub(crate) fn active(&self) -> Vec<ActiveRead> {
        let mut reads: Vec<ActiveRead> = self.near.iter().filter_map(|near| *locked(&near.read)).collect();
        reads.extend(locked(&self.far).iter().copied());
        reads.sort_by_key(|read| read.since);
        reads
    }
}

/// Where the current thread looks first, so that threads do not meet at one lock.
fn home() -> usize {
    static THREADS: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static HOME: usize = THREADS.fetch_add(1, Ordering::Relaxed) % NEAR;
    }
    HOME.with(|home| *home)
}

/// Begins the snapshot. A writer that died or whose disk failed may have left a transaction half done, which a
/// connection that is read-only may not undo: until the next write every read would be refused.
fn undo(conn: &Connection, options: &DbOptions) -> Result<()> {
    let look = || {
        let found = conn.query_row("SELECT 1 FROM sqlite_schema LIMIT 1", [], |_| Ok(()));
        found.optional().map(drop)
    };
    let done = match look() {
        Err(error) if pool::must_undo(&error) => open::undo(options).and_then(|()| look()),
        done => done,
    };
    if done.is_err() {
        // Not to be left inside the transaction.
        let _ = statement(conn, COMMIT);
    }
    Ok(done?)
}

fn statement(conn: &Connection, sql: &str) -> Result<()> {
    conn.prepare_cached(sql)?.execute([])?;
    Ok(())
}

/// Readers are kept out, on connections near and far, until this is dropped.
#[derive(Debug)]
pub(crate) struct Closed<'readers> {
    _near: Vec<MutexGuard<'readers, Option<Connection>>>,
    _gate: ClosedGate<'readers>,
}

/// `None` when somebody holds it. A closure that panicked has left nothing behind but the mark.
fn try_locked<T>(mutex: &Mutex<T>) -> Option<MutexGuard<'_, T>> {
    match mutex.try_lock() {
        Ok(held) => Some(held),
        Err(TryLockError::Poisoned(held)) => Some(held.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Unlist<'near> {
    near: &'near Near,
}

impl Drop for Unlist<'_> {
    fn drop(&mut self) {
        *locked(&self.near.read) = None;
    }
}

struct Listed<'far> {
    far: &'far Mutex<Vec<ActiveRead>>,
    read: ActiveRead,
}

impl<'far> Listed<'far> {
    fn enter(far: &'far Mutex<Vec<ActiveRead>>, read: ActiveRead) -> Self {
        locked(far).push(read);
        Self { far, read }
    }
}

impl Drop for Listed<'_> {
    fn drop(&mut self) {
        let mut far = locked(self.far);
        let own = |other: &ActiveRead| other.since == self.read.since && other.place == self.read.place;
        if let Some(position) = far.iter().position(own) {
            far.swap_remove(position);
        }
    }
}
