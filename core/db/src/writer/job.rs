//! One caller's closure, from the queue to its answer.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use conclave_retry::Clock;
use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::error::{DbError, ErrorKind, Result};
use crate::options::Durability;
use crate::transaction::{Inside, WriteTx};

/// What the leader needs to know of a caller.
#[derive(Debug, Clone)]
pub(crate) struct Terms {
    pub(crate) label: &'static str,
    pub(crate) durability: Durability,
    /// On the clock's monotonic scale.
    pub(crate) deadline: Duration,
    pub(crate) queued_at: Duration,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) span: tracing::Span,
}

/// A closure with its answer, its types forgotten.
pub(crate) struct Job {
    pub(crate) terms: Terms,
    work: Box<dyn Work>,
}

impl std::fmt::Debug for Job {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Job").field("label", &self.terms.label).finish_non_exhaustive()
    }
}

impl Job {
    pub(crate) fn new<T, E, F>(terms: Terms, closure: F, reply: Reply<T, E>) -> Self
    where
        F: FnMut(&WriteTx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        let label = terms.label;
        Self { terms, work: Box::new(Typed { label, closure, ran: None, reply: Some(reply) }) }
    }

    /// Runs the closure inside the open transaction.
    pub(crate) fn run(&mut self, conn: &Connection) -> Ran {
        let _span = self.terms.span.enter();
        let tx = WriteTx::new(conn, &*self.terms.clock);
        let succeeded = self.work.run(&tx);
        Ran { succeeded, seen: tx.seen() }
    }

    /// Answers with what the last run gave, or with an error of ours instead.
    pub(crate) fn answer(&mut self, instead: Option<DbError>) {
        self.work.answer(instead);
    }
}

/// How a closure's run ended.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ran {
    pub(crate) succeeded: bool,
    /// The last error that SQLite gave inside, whether or not the closure passed it on.
    pub(crate) seen: Option<ErrorKind>,
}

trait Work: Send {
    fn run(&mut self, tx: &WriteTx<'_>) -> bool;
    fn answer(&mut self, error: Option<DbError>);
}

/// Where an answer goes.
pub(crate) enum Reply<T, E> {
    /// To a thread that looks here when it is woken.
    Slot(Arc<Slot<T, E>>),
    /// To a future.
    Channel(oneshot::Sender<Result<T, E>>),
}

/// The answer of a caller that waits on its thread.
#[derive(Debug)]
pub(crate) struct Slot<T, E>(Mutex<Option<Result<T, E>>>);

impl<T, E> Slot<T, E> {
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(None))
    }

    pub(crate) fn take(&self) -> Option<Result<T, E>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

struct Typed<T, E, F> {
    label: &'static str,
    closure: F,
    ran: Option<Result<T, E>>,
    reply: Option<Reply<T, E>>,
}

impl<T, E, F> Work for Typed<T, E, F>
where
    F: FnMut(&WriteTx<'_>) -> Result<T, E> + Send + 'static,
    T: Send + 'static,
    E: From<DbError> + Send + 'static,
{
    fn run(&mut self, tx: &WriteTx<'_>) -> bool {
        // Whatever the closure captured is only seen by the closure itself, on its next run.
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            let _inside = Inside::enter("a write")?;
            (self.closure)(tx)
        }));
        let outcome = outcome.unwrap_or_else(|panic| {
            Err(DbError::Panicked { label: self.label, message: panic_message(&*panic) }.into())
        });
        let succeeded = outcome.is_ok();
        self.ran = Some(outcome);
        succeeded
    }

    fn answer(&mut self, error: Option<DbError>) {
        let outcome = match (error, self.ran.take()) {
            (Some(error), _) => Err(error.into()),
            (None, Some(outcome)) => outcome,
            (None, None) => Err(DbError::Cancelled(self.label).into()),
        };
        match self.reply.take() {
            Some(Reply::Slot(slot)) => {
                *slot.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome);
            }
            // Nobody listens any more: the future was dropped while its closure ran.
            Some(Reply::Channel(sender)) => drop(sender.send(outcome)),
            None => {}
        }
    }
}

/// The words of a panic.
pub(crate) fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned())
}
