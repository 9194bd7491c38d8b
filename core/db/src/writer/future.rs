//! The answer to an async write.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::sync::oneshot;

use super::Writer;
use super::job::Job;
use super::queue::Waiter;
use crate::error::{DbError, Result};

/// Resolves when the write is durable or refused. Dropped before its closure starts, the write leaves the
/// queue and nothing happens; dropped later, it may be committed. Needs no particular runtime.
#[must_use = "a write whose future is dropped leaves the queue"]
pub struct WriteFuture<T, E> {
    state: State<T, E>,
    label: &'static str,
}

enum State<T, E> {
    Waiting { writer: Arc<Writer>, waiter: Arc<Waiter<Job>>, receiver: oneshot::Receiver<Result<T, E>> },
    Refused(Option<E>),
}

impl<T, E> WriteFuture<T, E> {
    pub(super) fn new(
        writer: Arc<Writer>,
        waiter: Arc<Waiter<Job>>,
        receiver: oneshot::Receiver<Result<T, E>>,
        label: &'static str,
    ) -> Self {
        Self { state: State::Waiting { writer, waiter, receiver }, label }
    }

    /// A write that was refused before it was queued.
    pub(crate) const fn refused(error: E, label: &'static str) -> Self {
        Self { state: State::Refused(Some(error)), label }
    }
}

impl<T, E: From<DbError> + Unpin> Future for WriteFuture<T, E> {
    type Output = Result<T, E>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let cancelled = || E::from(DbError::Cancelled(this.label));
        match &mut this.state {
            State::Waiting { receiver, .. } => {
                Pin::new(receiver).poll(context).map(|answer| answer.unwrap_or_else(|_| Err(cancelled())))
            }
            State::Refused(error) => Poll::Ready(Err(error.take().unwrap_or_else(cancelled))),
        }
    }
}

impl<T, E> Drop for WriteFuture<T, E> {
    fn drop(&mut self) {
        if let State::Waiting { writer, waiter, .. } = &self.state {
            // Refused when the job was taken already; then it runs to its end.
            let _ = writer.queue.leave(waiter);
        }
    }
}
