//! Waiting for a free slot: in order, and not for ever (S3). It is no time of the host's.

use std::time::Duration;

use super::asking::{Asking, Stop};
use crate::admission::{Admission, Ticket};
use crate::class::Class;

/// Where the configuration says nothing; and never more than half of the caller's time, so that an answer can still come.
const PATIENCE: Duration = Duration::from_mins(1);

/// How often one who waits looks: the next in the queue soon, since most answers of a busy host are short, and those
/// behind more seldom.
const LOOKS: [Duration; 2] = [Duration::from_millis(50), Duration::from_millis(250)];

impl Asking<'_> {
    /// Stands in the queue of the host with the shortest until somebody has room, or the time is over.
    pub(super) fn wait_for_slot(&mut self, set: &[usize], shortest: usize) -> Result<Option<Ticket>, Stop> {
        let sources = self.inner.sources.clone();
        let began = sources.clock.monotonic();
        let patience = self.patience();
        let Some(waiting) =
            self.candidates(&[shortest]).first().map(|candidate| self.inner.shared.queue(candidate))
        else {
            return Ok(None);
        };
        let [soon, longest] = LOOKS;
        let mut look = soon;
        let ticket = loop {
            let gone = sources.clock.monotonic().saturating_sub(began);
            let Some(left) = patience.checked_sub(gone).filter(|left| !left.is_zero()) else {
                break None;
            };
            let half = look / 2;
            let wait = (half + sources.random.up_to(half)).min(left);
            sources.sleeper.sleep_unless(wait, self.cancel);
            self.look_up()?;
            match self.inner.shared.admit(&self.candidates(set), Some(&waiting)) {
                Admission::Go { ticket, .. } => break Some(ticket),
                Admission::Full { ahead, .. } => {
                    look = soon.saturating_mul(ahead.saturating_add(1)).min(longest);
                }
                Admission::Nobody { skipped } => {
                    self.note(skipped);
                    return Ok(None);
                }
            }
        };
        self.ledger.queued += sources.clock.monotonic().saturating_sub(began);
        if ticket.is_none() {
            // Admission has named those that are full.
            self.ledger.verdict(Class::Busy, true);
        }
        Ok(ticket)
    }

    fn patience(&self) -> Duration {
        let half = self.left().map(|left| left / 2);
        match (self.inner.hosts.queue_timeout, half) {
            (Some(patience), None) => patience,
            (Some(patience), Some(half)) => patience.min(half * 2),
            (None, half) => half.map_or(PATIENCE, |half| half.min(PATIENCE)),
        }
    }
}
