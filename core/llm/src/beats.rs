//! Signs of life of calls that take long, for processes of other pid namespaces, who cannot look for ours (B10). The same
//! thread brings into the file what could not be written there before.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use crate::shared::Inner;

/// The tickets of this process, and the thread that beats for them.
#[derive(Debug)]
pub(crate) struct Beats {
    every: Duration,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    tickets: usize,
    /// Whether there is a thread.
    runs: bool,
    /// Whether it looks again at once how long to sleep.
    woken: bool,
}

impl Beats {
    pub(crate) fn every(every: Duration) -> Self {
        Self { every, state: Mutex::default(), changed: Condvar::new() }
    }

    /// A ticket more; the first starts the thread. One that `hurries` is not in the file yet.
    pub(crate) fn begun(self: &Arc<Self>, inner: &Arc<Inner>, hurries: bool) {
        let mut state = self.state();
        state.tickets += 1;
        if state.runs {
            if hurries {
                state.woken = true;
                self.changed.notify_all();
            }
            return;
        }
        let (beats, inner) = (Arc::clone(self), Arc::downgrade(inner));
        // Without it only containers beside this one take a call for dead that lasts longer than 15 s.
        let thread = std::thread::Builder::new().name("conclave-llm-beat".into());
        state.runs = thread.spawn(move || beats.run(&inner)).is_ok();
    }

    /// A ticket less; with the last the thread ends, unless something is left to be removed.
    pub(crate) fn ended(&self) {
        let mut state = self.state();
        state.tickets = state.tickets.saturating_sub(1);
        if state.tickets == 0 {
            state.woken = true;
            self.changed.notify_all();
        }
    }

    #[cfg(test)]
    pub(crate) fn runs(&self) -> bool {
        self.state().runs
    }

    fn run(&self, inner: &Weak<Inner>) {
        loop {
            let mut state = self.state();
            // Asked with the state in hand: what a ticket leaves behind is noted before it is counted out. The handle is
            // not held while it sleeps: with the last other one nobody is there to beat for.
            let is_behind = inner.upgrade().is_some_and(|inner| inner.is_behind());
            if state.tickets == 0 && !is_behind {
                state.runs = false;
                return;
            }
            let every = if is_behind { self.every / 10 } else { self.every };
            let waited = self.changed.wait_timeout_while(state, every, |state| !state.woken);
            let (mut state, timed_out) = {
                let (state, waited) = waited.unwrap_or_else(PoisonError::into_inner);
                (state, waited.timed_out())
            };
            state.woken = false;
            drop(state);
            if timed_out && let Some(inner) = inner.upgrade() {
                inner.beat();
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
