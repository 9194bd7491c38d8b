//! Signs of life of calls that take long, for processes of other pid namespaces, who cannot look for ours (B10).

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use crate::shared::Inner;

/// The tickets of this process, and the thread that beats for them.
#[derive(Debug)]
pub(crate) struct Beats {
    every: Duration,
    state: Mutex<State>,
    ended: Condvar,
}

#[derive(Debug, Default)]
struct State {
    tickets: usize,
    /// Whether there is a thread.
    runs: bool,
}

impl Beats {
    pub(crate) fn every(every: Duration) -> Self {
        Self { every, state: Mutex::default(), ended: Condvar::new() }
    }

    /// A ticket more; the first starts the thread.
    pub(crate) fn begun(self: &Arc<Self>, inner: &Arc<Inner>) {
        let mut state = self.state();
        state.tickets += 1;
        if state.runs {
            return;
        }
        let (beats, inner) = (Arc::clone(self), Arc::downgrade(inner));
        // Without it only containers beside this one take a call for dead that lasts longer than 15 s.
        let thread = std::thread::Builder::new().name("conclave-llm-beat".into());
        state.runs = thread.spawn(move || beats.run(&inner)).is_ok();
    }

    /// A ticket less; with the last the thread ends.
    pub(crate) fn ended(&self) {
        let mut state = self.state();
        state.tickets = state.tickets.saturating_sub(1);
        if state.tickets == 0 {
            self.ended.notify_all();
        }
    }

    #[cfg(test)]
    pub(crate) fn runs(&self) -> bool {
        self.state().runs
    }

    fn run(&self, inner: &Weak<Inner>) {
        loop {
            let state = self.state();
            let waited = self.ended.wait_timeout_while(state, self.every, |state| state.tickets > 0);
            let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
            if state.tickets == 0 {
                state.runs = false;
                return;
            }
            drop(state);
            if let Some(inner) = inner.upgrade() {
                inner.beat();
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
