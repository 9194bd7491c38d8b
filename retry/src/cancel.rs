//! One flag that stops waiting threads and waiting tasks alike.

use std::collections::BTreeMap;
use std::fmt;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// A request to stop, shared by clones. Once cancelled it stays so.
///
/// ```
/// use conclave_retry::CancelToken;
/// use std::time::Duration;
///
/// let stop = CancelToken::new();
/// let worker = std::thread::spawn({
///     let stop = stop.clone();
///     move || stop.wait(Duration::from_hours(1)) // returns as soon as it is cancelled
/// });
/// stop.cancel();
/// assert!(matches!(worker.join(), Ok(true)));
/// ```
#[derive(Clone, Default)]
pub struct CancelToken {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    cancelled: AtomicBool,
    wakers: Mutex<Wakers>,
    threads: Condvar,
}

#[derive(Default)]
struct Wakers {
    next: u64,
    waiting: BTreeMap<u64, Waker>,
}

impl Shared {
    fn wakers(&self) -> MutexGuard<'_, Wakers> {
        self.wakers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl CancelToken {
    /// A token that nobody has cancelled yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks all holders to stop, and wakes those who wait. Later calls do nothing.
    pub fn cancel(&self) {
        let woken = {
            let mut wakers = self.shared.wakers();
            // Set under the lock: who has looked at the flag and not yet begun to wait holds it.
            self.shared.cancelled.store(true, Ordering::Release);
            std::mem::take(&mut wakers.waiting)
        };
        self.shared.threads.notify_all();
        for waker in woken.into_values() {
            waker.wake();
        }
    }

    /// Whether somebody asked to stop.
    pub fn is_cancelled(&self) -> bool {
        self.shared.cancelled.load(Ordering::Acquire)
    }

    /// Blocks the thread until cancelled (`true`) or until about `timeout` has passed (`false`).
    pub fn wait(&self, timeout: Duration) -> bool {
        let guard = self.shared.wakers();
        let waited = self.shared.threads.wait_timeout_while(guard, timeout, |_| !self.is_cancelled());
        drop(waited);
        self.is_cancelled()
    }

    /// Completes once cancelled; at once if that has happened already.
    pub fn cancelled(&self) -> Cancelled<'_> {
        Cancelled { token: self, key: None }
    }
}

impl fmt::Debug for CancelToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CancelToken").field("cancelled", &self.is_cancelled()).finish()
    }
}

/// The future of [`CancelToken::cancelled`].
#[derive(Debug)]
#[must_use = "a future does nothing unless it is awaited"]
pub struct Cancelled<'a> {
    token: &'a CancelToken,
    key: Option<u64>,
}

impl Future for Cancelled<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let token = self.token;
        let mut wakers = token.shared.wakers();
        if token.is_cancelled() {
            return Poll::Ready(());
        }
        let key = *self.key.get_or_insert_with(|| {
            wakers.next += 1;
            wakers.next
        });
        let replaced = wakers.waiting.insert(key, context.waker().clone());
        // A waker may own the last task that holds a future like this one: let it go without the lock.
        drop(wakers);
        drop(replaced);
        Poll::Pending
    }
}

impl Drop for Cancelled<'_> {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            let removed = self.token.shared.wakers().waiting.remove(&key);
            drop(removed); // without the lock, as in `poll`
        }
    }
}

#[cfg(test)]
mod tests;
