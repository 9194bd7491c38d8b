//! A question on a thread of its own, as a future. The crate knows no runtime.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use conclave_retry::CancelToken;

use crate::answer::Answer;
use crate::error::{Failed, LlmError, LlmErrorKind, Result};

/// Begins the question at once. Dropped, it is cancelled, and ends soon after.
pub(super) fn run(
    ask: impl FnOnce(&CancelToken) -> Result<Answer> + Send + 'static,
) -> impl Future<Output = Result<Answer>> + Send + 'static {
    let cancel = CancelToken::new();
    let slot = Arc::new(Slot::default());
    // Its drop says that nothing will come, where the thread cannot be started or panics.
    let sender = Sender { slot: Arc::clone(&slot), is_sent: false };
    let _ = std::thread::Builder::new().name("conclave-llm".to_owned()).spawn({
        let cancel = cancel.clone();
        move || sender.send(ask(&cancel))
    });
    Asked { slot, cancel }
}

#[derive(Default)]
struct Slot(Mutex<State>);

#[derive(Default)]
struct State {
    result: Option<Result<Answer>>,
    waker: Option<Waker>,
}

impl Slot {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, result: Result<Answer>) {
        let waker = {
            let mut state = self.state();
            state.result = Some(result);
            state.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

struct Sender {
    slot: Arc<Slot>,
    is_sent: bool,
}

impl Sender {
    fn send(mut self, result: Result<Answer>) {
        self.is_sent = true;
        self.slot.put(result);
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        if self.is_sent {
            return;
        }
        self.slot.put(Err(LlmError::Failed(Box::new(Failed {
            kind: LlmErrorKind::Failed,
            attempts: Vec::new(),
            skipped: Vec::new(),
            partial: String::new(),
            class: None,
            retry_at: None,
            hint: Some("the machine may have no threads left".to_owned()),
        }))));
    }
}

struct Asked {
    slot: Arc<Slot>,
    cancel: CancelToken,
}

impl Future for Asked {
    type Output = Result<Answer>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.slot.state();
        if let Some(result) = state.result.take() {
            return Poll::Ready(result);
        }
        state.waker = Some(context.waker().clone());
        Poll::Pending
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}
