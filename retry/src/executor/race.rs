//! A future against its cancellation.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use crate::cancel::CancelToken;

/// The output of `future`, or `None` when `cancel` comes first. A future that is ready wins: work that is done counts.
pub(super) async fn unless_cancelled<F: Future>(
    cancel: Option<&CancelToken>,
    future: F,
) -> Option<F::Output> {
    let Some(cancel) = cancel else { return Some(future.await) };
    let mut future = pin!(future);
    let mut cancelled = pin!(cancel.cancelled());
    poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => cancelled.as_mut().poll(context).map(|()| None),
    })
    .await
}
