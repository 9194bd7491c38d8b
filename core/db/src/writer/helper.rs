//! The thread that leads for async callers. Started on demand; ends when it has been idle for a while.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, PoisonError, Weak};
use std::time::Duration;

use super::Writer;

/// How long the thread stays without work: longer than the pauses of a busy program.
const IDLE: Duration = Duration::from_secs(2);

#[derive(Debug, Default)]
struct State {
    running: bool,
    leads: bool,
    closed: bool,
}

/// Where the thread waits for a lead.
#[derive(Debug, Default)]
pub(crate) struct Helper {
    state: Mutex<State>,
    changed: Condvar,
}

impl Helper {
    /// Gives the lead to the thread, which is started if need be.
    pub(crate) fn wake(self: &Arc<Self>, writer: &Arc<Writer>) -> std::io::Result<()> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if !state.running {
            let (helper, writer) = (Arc::clone(self), Arc::downgrade(writer));
            std::thread::Builder::new()
                .name("conclave-writer".into())
                .spawn(move || helper.serve(&writer))?;
            state.running = true;
        }
        state.leads = true;
        self.changed.notify_one();
        Ok(())
    }

    /// Lets the thread end.
    pub(crate) fn close(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).closed = true;
        self.changed.notify_one();
    }

    fn serve(&self, writer: &Weak<Writer>) {
        while self.wait_for_lead() {
            // Nobody waits for an answer when the writer is gone.
            let Some(writer) = writer.upgrade() else { return };
            // A bug in the leader has answered its group and passed the lead on, perhaps to this very thread.
            if catch_unwind(AssertUnwindSafe(|| writer.lead_group(None))).is_err() {
                tracing::error!("a leader ended by a bug");
            }
        }
    }

    /// `false` when the thread should end.
    fn wait_for_lead(&self) -> bool {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut state, _) = self
            .changed
            .wait_timeout_while(state, IDLE, |state| !state.leads && !state.closed)
            .unwrap_or_else(PoisonError::into_inner);
        if state.leads {
            state.leads = false;
            return true;
        }
        state.running = false;
        false
    }
}
