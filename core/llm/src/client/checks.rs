//! Which hosts are well, before the first request (R10): asked all at once, and the call begins as soon as the best placed
//! has answered.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use super::asking::{Asking, Stop, Track};
use super::known::GOOD_FOR;
use crate::answer::{Skipped, Why};
use crate::call::{CHECK, millis};
use crate::class::Class;
use crate::health::look::{self, Depth, Looked, look};
use crate::host::Dialect;
use crate::wire::{Failure, Listing};

/// How often the one who waits looks whether it is still wanted.
const SLICE: Duration = Duration::from_millis(20);

/// A look ends by itself; this is for one whose thread gets no time.
const GRACE: Duration = Duration::from_millis(100);

#[derive(Default)]
pub(super) struct Checks {
    answers: Option<Receiver<(usize, Looked)>>,
    waited: Duration,
}

impl Asking<'_> {
    /// Sends the checks that are needed: of hosts of which nothing good was heard for a minute, where there is a choice;
    /// and of those whose models only they know.
    pub(super) fn begin_checks(&mut self) {
        let hosts: Vec<usize> = (0..self.choices.len()).filter(|index| Some(*index) != self.cloud).collect();
        let has_choice = hosts.len() > 1 || self.cloud.is_some();
        let is_named = |index: &usize| self.choices.get(*index).is_some_and(|choice| choice.model.is_some());
        if !has_choice && hosts.iter().all(is_named) {
            // The call itself will tell.
            for index in hosts {
                self.settle_model(index);
            }
            return;
        }
        let refused = self.inner.shared.refused(&self.candidates(&hosts));
        let now = self.inner.sources.clock.monotonic();
        let (sender, answers) = channel();
        for index in hosts {
            let Some(choice) = self.choices.get(index) else { continue };
            let host = choice.host;
            if refused.iter().any(|skipped| skipped.host == host.name) {
                // Admission says why.
                continue;
            }
            let endpoint = host.endpoint.as_str();
            let is_named = choice.model.is_some() || self.inner.known.listing(host, now).is_some();
            let is_fresh = || {
                let age = self.inner.shared.evidence_age_ms(endpoint);
                age.is_some_and(|age| age <= millis(GOOD_FOR))
            };
            // A host that is tried out is looked at by the one call that may do it (B9).
            let is_left_alone = || !has_choice || is_fresh() || self.inner.shared.is_open(endpoint);
            if host.dialect == Dialect::Anthropic || (is_named && is_left_alone()) {
                self.settle_model(index);
            } else if self.begin_check(index, sender.clone())
                && let Some(track) = self.tracks.get_mut(index)
            {
                track.is_pending = true;
            }
        }
        self.checks.answers = Some(answers);
    }

    fn begin_check(&self, index: usize, sender: Sender<(usize, Looked)>) -> bool {
        let Some(choice) = self.choices.get(index) else { return false };
        let (host, key, proxy) = (choice.host.clone(), choice.key.clone(), choice.proxy.clone());
        let (clock, cancel, left) = (self.inner.sources.clock.clone(), self.cancel.clone(), self.left());
        let depth = if host.timeouts.first_byte.is_none() { Depth::Loaded } else { Depth::Glance };
        // Without a thread there is no check: the call itself will tell.
        std::thread::Builder::new()
            .name("conclave-llm-check".to_owned())
            .spawn(move || {
                let looked = look(&host, key.as_ref(), proxy.as_deref(), depth, left, &clock, &cancel);
                let _ = sender.send((index, looked));
            })
            .is_ok()
    }

    /// Waits until the best placed host that may still answer has answered its check.
    pub(super) fn settle(&mut self) -> Result<(), Stop> {
        while self.must_wait() {
            self.hear_one()?;
        }
        Ok(())
    }

    /// Waits for all checks; false where none was on its way.
    pub(super) fn settle_all(&mut self) -> Result<bool, Stop> {
        let had_any = self.tracks.iter().any(|track| track.is_pending);
        while self.tracks.iter().any(|track| track.is_pending) {
            self.hear_one()?;
        }
        Ok(had_any)
    }

    fn must_wait(&self) -> bool {
        let best = |wanted: &dyn Fn(&Track) -> bool| {
            let of = |(index, track): (usize, &Track)| {
                let choice =
                    self.choices.get(index).filter(|_| Some(index) != self.cloud && wanted(track))?;
                Some(choice.host.priority)
            };
            self.tracks.iter().enumerate().filter_map(of).min()
        };
        let is_ready =
            |track: &Track| !track.is_pending && !track.is_barred && !track.is_passed && track.requests == 0;
        match (best(&|track| track.is_pending), best(&is_ready)) {
            (Some(pending), Some(ready)) => pending < ready,
            (Some(_), None) => true,
            (None, _) => false,
        }
    }

    fn hear_one(&mut self) -> Result<(), Stop> {
        self.look_up()?;
        let Some(answers) = &self.checks.answers else { return Ok(()) };
        match answers.recv_timeout(SLICE) {
            Ok((index, looked)) => self.hear_check(index, looked),
            Err(RecvTimeoutError::Timeout) if self.checks.waited < CHECK + GRACE => {
                self.checks.waited += SLICE;
            }
            Err(_) => self.give_up_checks(),
        }
        Ok(())
    }

    fn give_up_checks(&mut self) {
        for index in 0..self.tracks.len() {
            if self.tracks.get(index).is_some_and(|track| track.is_pending) {
                let failure = Failure::new(Class::Timeout, "it did not answer a check in time");
                let looked =
                    Looked { failure: Some(failure), listing: Listing::default(), took_ms: millis(CHECK) };
                self.hear_check(index, looked);
            }
        }
    }

    /// What came too late for this question is good for the next.
    pub(super) fn hear_late_checks(&mut self) {
        while let Some(Ok((index, looked))) = self.checks.answers.as_ref().map(Receiver::try_recv) {
            self.hear_check(index, looked);
        }
    }

    fn hear_check(&mut self, index: usize, looked: Looked) {
        let (Some(choice), Some(track)) = (self.choices.get(index), self.tracks.get_mut(index)) else {
            return;
        };
        let host = choice.host;
        track.is_pending = false;
        self.inner.known.hear(host, self.inner.sources.clock.monotonic(), &looked.listing);
        let note = |failure: Option<(Class, &str)>| {
            let (endpoint, dialect) = (host.endpoint.as_str(), host.dialect.as_str());
            self.inner.shared.checked(endpoint, dialect, &host.name, failure, looked.listing.slots);
        };
        let Some(failure) = looked.failure else {
            note(None);
            self.settle_model(index);
            return;
        };
        match failure.class {
            Class::Cancelled | Class::Deadline => {}
            // Noted as the call's own result, with the key that it concerns: so it is not sent with that key again.
            Class::Auth | Class::Quota | Class::Overloaded | Class::Throttled => {
                track.presumed = Some(failure);
            }
            class => {
                track.is_barred = true;
                let message = self.redactor.line(&failure.message, 200);
                note(Some((class, &message)));
                self.fell(index, &failure, Why::Down);
            }
        }
    }

    /// A host that failed without a question.
    pub(super) fn fell(&mut self, index: usize, failure: &Failure, why: Why) {
        let Some(choice) = self.choices.get(index) else { return };
        let class = failure.class.as_str();
        let message = match failure.status {
            Some(status) => format!("{class} (HTTP {status}): {}", failure.message),
            None => format!("{class}: {}", failure.message),
        };
        let message = Some(self.redactor.line(&message, 200));
        let class = Some(failure.class);
        self.ledger.skip(Skipped { host: choice.host.name.clone(), why, until: None, message, class });
        self.note_verdict(index, failure);
    }

    /// Chooses the model where the host's list has to say it, and bars a host whose list says that it has it not.
    fn settle_model(&mut self, index: usize) {
        let now = self.inner.sources.clock.monotonic();
        let Some(choice) = self.choices.get_mut(index) else { return };
        let listing = self.inner.known.listing(choice.host, now).unwrap_or_default();
        if choice.model.is_none() {
            let loaded = listing.loaded.as_ref().and_then(|models| models.first());
            choice.model = loaded.or_else(|| listing.models.as_ref()?.first()).cloned();
        }
        let message = match &choice.model {
            None => "it names no model: set `models`, or ask for one".to_owned(),
            Some(model) if look::has(choice.host, model, &listing) == Some(false) => {
                self.inner.shared.mark_absent(choice.host.endpoint.as_str(), model, true);
                format!("it has no {model}")
            }
            Some(_) => return,
        };
        let message = Some(self.redactor.line(&message, 200));
        let (host, why, class) = (choice.host.name.clone(), Why::NoModel, None);
        self.ledger.skip(Skipped { host, why, until: None, message, class });
        if let Some(track) = self.tracks.get_mut(index) {
            track.is_barred = true;
        }
    }
}
