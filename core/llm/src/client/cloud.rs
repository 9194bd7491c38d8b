//! The fallback: once, without a wait, and once more where that makes sense (R3, R5).

use std::time::Duration;

use super::asking::{Again, Asking, Stop};
use super::route::Choice;
use crate::admission::{Admission, Ticket};
use crate::answer::Answer;
use crate::class::Class;

/// The longest wait before the one repetition.
const WAIT: Duration = Duration::from_millis(100);

impl Asking<'_> {
    /// Whether the fallback may be asked, was not asked yet, and what happened is a reason for it.
    pub(super) fn wants_cloud(&self) -> bool {
        let Some(choice) = self.cloud.and_then(|index| self.choices.get(index)) else { return false };
        let is_open = self.cloud.is_some_and(|index| {
            self.tracks
                .get(index)
                .is_some_and(|track| !track.is_barred && !track.is_passed && track.requests == 0)
                && self.has_context(index)
        });
        // Where no host is configured at all, it is no fallback but the one there is.
        let is_only = self.choices.len() == 1 && self.ledger.is_empty();
        // An empty account is a reason for another one only.
        let is_same_key = |name: Option<&str>| {
            let is_it = |other: &&Choice<'_>| Some(other.host.name.as_str()) == name;
            self.choices.iter().find(is_it).is_some_and(|other| other.key == choice.key)
        };
        let is_reason = |class, host: Option<&str>| {
            self.is_reason(class) && !(class == Class::Quota && is_same_key(host))
        };
        is_open && (is_only || self.ledger.calls_for(is_reason))
    }

    /// Whether the configuration says that the fallback answers after this class.
    pub(super) fn is_reason(&self, class: Class) -> bool {
        let choice = self.cloud.and_then(|index| self.choices.get(index));
        choice.and_then(|choice| choice.fallback).is_some_and(|fallback| fallback.is_for(class))
    }

    pub(super) fn ask_cloud(&mut self) -> Result<Option<Answer>, Stop> {
        let Some(index) = self.cloud.filter(|_| self.wants_cloud()) else { return Ok(None) };
        loop {
            let Some(ticket) = self.admit_one(index)? else { break };
            if let Some(answer) = self.attempt(ticket)? {
                return Ok(Some(answer));
            }
            if !self.waits_for_cloud(index)? {
                break;
            }
        }
        self.pass(&[index]);
        Ok(None)
    }

    /// A ticket for this one and no other, after its queue.
    pub(super) fn admit_one(&mut self, index: usize) -> Result<Option<Ticket>, Stop> {
        self.look_up()?;
        match self.inner.shared.admit(&self.candidates(&[index]), None) {
            Admission::Go { ticket, .. } => Ok(Some(ticket)),
            Admission::Full { skipped, .. } => {
                self.note(skipped);
                self.wait_for_slot(&[index], index)
            }
            Admission::Nobody { skipped } => {
                self.note(skipped);
                Ok(None)
            }
        }
    }

    /// Whether it is asked once more, after its wait.
    fn waits_for_cloud(&mut self, index: usize) -> Result<bool, Stop> {
        let Some(track) = self.tracks.get(index) else { return Ok(false) };
        let wait = match track.again {
            _ if track.requests >= 2 => return Ok(false),
            Again::No => return Ok(false),
            Again::Yes => self.inner.sources.random.up_to(WAIT),
            Again::AfterBlock => match self.shortest_block(&[index]) {
                Some((_, left)) if self.fits(left) => left,
                _ => return Ok(false),
            },
        };
        self.pause(wait)?;
        Ok(true)
    }
}
