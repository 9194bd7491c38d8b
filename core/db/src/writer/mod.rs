//! Writers form groups: a caller queues its closure, and whoever finds the connection free leads.
//!
//! The leader runs what is queued, each closure in its own savepoint inside one `BEGIN IMMEDIATE`, commits
//! once, and only then answers each caller: an answer is durable or it is an error. A lone writer leads
//! itself and pays no hand-over. Async callers never lead; a helper thread does, started on demand.

mod authorizer;
mod connection;
mod future;
mod gather;
mod group;
mod helper;
mod job;
mod member;
mod queue;
mod turn;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use conclave_retry::Clock;
use rusqlite::Connection;

pub use future::WriteFuture;

use self::connection::WriteConnection;
use self::gather::Gather;
use self::group::Group;
use self::helper::Helper;
use self::job::{Job, Reply, Slot};
pub(crate) use self::job::{Terms, panic_message};
use self::member::Member;
use self::queue::{Entered, Passed, Queue, Waited};
pub(crate) use self::turn::Turn;
use crate::checkpoint::Checkpointer;
use crate::error::{DbError, Result};
use crate::file::FileIdentity;
use crate::metrics::{Metrics, count};
use crate::options::{DbOptions, Durability};
use crate::transaction::WriteTx;

/// What only the leader touches.
#[derive(Debug)]
struct Lead {
    write: WriteConnection,
    turn: Turn,
    checkpointer: Checkpointer,
    gather: Gather,
}

/// The writer of one file in this process.
#[derive(Debug)]
pub(crate) struct Writer {
    path: PathBuf,
    identity: FileIdentity,
    queue: Queue<Job>,
    lead: Mutex<Lead>,
    helper: Arc<Helper>,
    metrics: Arc<Metrics>,
    clock: Arc<dyn Clock>,
}

impl Writer {
    pub(crate) fn new(
        conn: Connection,
        options: &DbOptions,
        identity: FileIdentity,
        wal: bool,
        metrics: Arc<Metrics>,
    ) -> Result<Self> {
        let write = WriteConnection::new(conn, options.busy_timeout, wal)?;
        let turn = Turn::new(&options.path, options.turn_patience, wal);
        let checkpointer = Checkpointer::new(&write.conn, &options.path, options.checkpoint_pages, wal);
        Ok(Self {
            path: options.path.clone(),
            identity,
            queue: Queue::new(),
            lead: Mutex::new(Lead { write, turn, checkpointer, gather: Gather::default() }),
            helper: Arc::new(Helper::default()),
            metrics,
            clock: Arc::clone(&options.clock),
        })
    }

    /// Runs a closure from the current thread, which may lead. Returns after the commit is durable.
    pub(crate) fn write<T, E, F>(self: &Arc<Self>, terms: Terms, closure: F) -> Result<T, E>
    where
        F: FnMut(&WriteTx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        let slot = Arc::new(Slot::new());
        let (label, deadline, queued_at) = (terms.label, terms.deadline, terms.queued_at);
        let job = Job::new(terms, closure, Reply::Slot(Arc::clone(&slot)));
        match self.queue.enter(job) {
            Entered::Leads(job) => self.lead_group(job),
            Entered::Waits(waiter) => match self.queue.wait(&waiter, || self.left(deadline)) {
                Waited::Answered => {}
                Waited::Leads(job) => self.lead_group(job),
                Waited::TimedOut => {
                    count(&self.metrics.failed, 1);
                    return Err(self.busy(queued_at).into());
                }
            },
        }
        slot.take().unwrap_or_else(|| Err(DbError::Cancelled(label).into()))
    }

    /// Queues a closure of an async caller.
    pub(crate) fn write_async<T, E, F>(self: &Arc<Self>, terms: Terms, closure: F) -> WriteFuture<T, E>
    where
        F: FnMut(&WriteTx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        let label = terms.label;
        let (sender, receiver) = tokio::sync::oneshot::channel();
        let job = Job::new(terms, closure, Reply::Channel(sender));
        let (waiter, needs_helper) = self.queue.enter_async(job);
        if needs_helper {
            self.wake_helper();
        }
        WriteFuture::new(Arc::clone(self), waiter, receiver, label)
    }

    /// Has the write connection to itself, outside of a transaction, with the turn in hand.
    pub(crate) fn alone<T>(
        self: &Arc<Self>,
        deadline: Duration,
        action: impl FnOnce(&Connection) -> Result<T>,
    ) -> Result<T> {
        let queued_at = self.clock.monotonic();
        let deadline = queued_at.saturating_add(deadline);
        if let Entered::Waits(waiter) = self.queue.enter_to_lead() {
            match self.queue.wait(&waiter, || self.left(deadline)) {
                Waited::Leads(_) => {}
                Waited::Answered | Waited::TimedOut => return Err(self.busy(queued_at)),
            }
        }
        let _passing = Passing { writer: self };
        let mut lead = self.lead();
        lead.write.settle();
        self.identity.check(&self.path)?;
        lead.write.set_durability(Durability::Power)?;
        let _turn = lead.turn.acquire();
        let settling = Settling { write: &lead.write };
        action(&settling.write.conn)
    }

    /// Runs `action` between two groups: nothing is written by this process meanwhile, and others may write.
    pub(crate) fn between<T>(self: &Arc<Self>, deadline: Duration, action: impl FnOnce() -> T) -> Result<T> {
        let queued_at = self.clock.monotonic();
        let deadline = queued_at.saturating_add(deadline);
        if let Entered::Waits(waiter) = self.queue.enter_to_lead() {
            match self.queue.wait(&waiter, || self.left(deadline)) {
                Waited::Leads(_) => {}
                Waited::Answered | Waited::TimedOut => return Err(self.busy(queued_at)),
            }
        }
        let _passing = Passing { writer: self };
        let _lead = self.lead();
        Ok(action())
    }

    /// The file that this writer writes.
    pub(crate) const fn identity(&self) -> FileIdentity {
        self.identity
    }

    /// Writers in the queue now.
    pub(crate) fn queued(&self) -> usize {
        self.queue.len()
    }

    /// Runs one group and passes the lead on. Called only by who leads.
    fn lead_group(self: &Arc<Self>, own: Option<Job>) {
        let passing = Passing { writer: self };
        let mut lead = self.lead();
        // Whatever a leader that ended by a bug has left open.
        lead.write.settle();
        let first = match own {
            Some(job) => Some(Member::new(None, job)),
            None => self.queue.take(|_| true).map(|(waiter, job)| Member::new(Some(waiter), job)),
        };
        let Some(first) = first else { return };
        if let Err(error) = self.identity.check(&self.path) {
            count(&self.metrics.failed, 1);
            first.refuse(error);
            return;
        }
        let Lead { write, turn, checkpointer, gather } = &mut *lead;
        // A writer with less time than a turn may take is not held up for longer than it said; and SQLite's own lock, which
        // who goes on without the turn waits for, is left half of it.
        let granted = turn.acquire_within(self.left(first.terms().deadline) / 2);
        let mut group = Group {
            path: &self.path,
            write,
            queue: &self.queue,
            gather,
            metrics: &self.metrics,
            now: &|| self.clock.monotonic(),
            on_full: &|| crate::ballast::release(&self.path),
        };
        let committed = group.run(first);
        #[cfg(test)]
        tests::leader_bug(&self.path);
        drop(granted);
        let due = committed.is_some() && checkpointer.is_due(&self.metrics, self.clock.monotonic());
        if due {
            // Those who wait for an answer do not wait for the checkpoint.
            if let Some(committed) = committed {
                committed.answer();
            }
            checkpointer.run(&write.conn, &self.metrics, &*self.clock);
            return;
        }
        drop(lead);
        drop(passing);
        // The next leader begins while this thread wakes the callers.
        if let Some(committed) = committed {
            committed.answer();
        }
    }

    fn pass(self: &Arc<Self>) {
        if self.queue.pass() == Passed::NeedsHelper {
            self.wake_helper();
        }
    }

    fn wake_helper(self: &Arc<Self>) {
        if self.helper.wake(self).is_err() {
            // No thread can be had: better this one than none.
            self.lead_group(None);
        }
    }

    fn lead(&self) -> MutexGuard<'_, Lead> {
        // Each leader settles what one that panicked has left.
        self.lead.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn left(&self, deadline: Duration) -> Duration {
        deadline.saturating_sub(self.clock.monotonic())
    }

    fn busy(&self, queued_at: Duration) -> DbError {
        let waited = self.clock.monotonic().saturating_sub(queued_at);
        let text = format!("{}: database is locked: other writers are before this one", self.path.display());
        DbError::Busy { text, waited }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.helper.close();
    }
}

/// Leaves no transaction open when dropped, also by a panic: it would hold SQLite's lock.
struct Settling<'lead> {
    write: &'lead WriteConnection,
}

impl Drop for Settling<'_> {
    fn drop(&mut self) {
        self.write.settle();
    }
}

/// Passes the lead on when dropped, whatever happened.
struct Passing<'lead> {
    writer: &'lead Arc<Writer>,
}

impl Drop for Passing<'_> {
    fn drop(&mut self) {
        self.writer.pass();
    }
}

/// The terms of a write by this caller, now.
pub(crate) fn terms(
    label: &'static str,
    durability: Durability,
    deadline: Duration,
    clock: &Arc<dyn Clock>,
) -> Terms {
    let queued_at = clock.monotonic();
    Terms {
        label,
        durability,
        deadline: queued_at.saturating_add(deadline),
        queued_at,
        clock: Arc::clone(clock),
        span: tracing::Span::current(),
    }
}

#[cfg(test)]
mod tests;
