//! Which hosts are well, before the first request (R10): those of the best place first, all at once, and the call begins as
//! soon as the best placed has answered. Hosts of a lower place are asked when they may be needed.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use super::Inner;
use super::asking::{Asking, Stop, Track};
use super::known::GOOD_FOR;
use crate::answer::{Skipped, Why};
use crate::call::{CHECK, millis};
use crate::class::Class;
use crate::health::look::{self, Depth, Looked, look};
use crate::host::{Dialect, Host};
use crate::redact::Redactor;
use crate::wire::{Failure, Listing};

/// How often the one who waits looks whether it is still wanted.
const SLICE: Duration = Duration::from_millis(20);

/// A look ends by itself; this is for one whose thread gets no time.
const GRACE: Duration = Duration::from_millis(100);

/// How long the best placed hosts are alone with their checks. It is part of the time that all have together.
const HEAD_START: Duration = Duration::from_millis(60);

/// How long a question waits to hear how many calls at once its only host takes.
const SLOTS: Duration = Duration::from_secs(1);

/// Characters of a message.
const MESSAGE: usize = 200;

/// What a check's thread tells.
struct Heard {
    index: usize,
    looked: Looked,
    /// Whether a call of this machine ran there.
    is_at_work: bool,
}

#[derive(Default)]
pub(super) struct Checks {
    line: Option<(Sender<Heard>, Receiver<Heard>)>,
    /// Hosts whose check is not sent yet, though they count as pending: better placed ones may do.
    later: Vec<usize>,
    /// For answers, since checks were last sent.
    waited: Duration,
}

impl Asking<'_> {
    /// Sends the checks that are needed: of hosts of which nothing good was heard for a minute, where there is a choice;
    /// of those whose models only they know; and of those who have not said yet how many calls they take.
    ///
    /// A host that is not closed is looked at by the one call that may try it out (B9), and one at which a call of this
    /// machine runs by nobody: both are left to admission.
    pub(super) fn begin_checks(&mut self) {
        let hosts: Vec<usize> = (0..self.choices.len()).filter(|index| Some(*index) != self.cloud).collect();
        let has_choice = hosts.len() > 1 || self.cloud.is_some();
        let refused = self.inner.shared.refused(&self.candidates(&hosts));
        let mut wanted = Vec::new();
        let mut best = i64::MAX;
        for index in hosts {
            let Some(choice) = self.choices.get(index) else { continue };
            let host = choice.host;
            if refused.iter().any(|skipped| skipped.host == host.name) {
                // Admission says why.
                continue;
            }
            best = best.min(host.priority);
            // A host that names no models says itself whether it has the one that is asked for.
            let is_named =
                (choice.model.is_some() && !host.models.is_empty()) || self.listing(host).is_some();
            let has_name = choice.model.is_some() || is_named;
            match self.depth_of_check(host, has_choice, is_named) {
                Some(depth) => wanted.push((index, host.priority, depth)),
                None if has_name || host.dialect == Dialect::Anthropic => {
                    self.settle_model(index);
                }
                // Its model is found by the call that is let through.
                None => {}
            }
        }
        for (index, priority, depth) in wanted {
            if priority > best {
                self.pend(index);
                self.checks.later.push(index);
            } else if self.begin_check(index, depth, CHECK) {
                self.pend(index);
            }
        }
    }

    /// How a host is looked at before the question; `None` where it is not.
    fn depth_of_check(&self, host: &Host, has_choice: bool, is_named: bool) -> Option<Depth> {
        let (shared, endpoint) = (&self.inner.shared, host.endpoint.as_str());
        let is_fresh = || shared.evidence_age_ms(endpoint).is_some_and(|age| age <= millis(GOOD_FOR));
        if host.dialect == Dialect::Anthropic || shared.is_open(endpoint) || shared.is_at_work(endpoint) {
            return None;
        }
        let is_needed = !is_named || (has_choice && !is_fresh());
        if is_needed {
            return Some(depth(host));
        }
        // The call itself will tell whether it is well, but not how many of them it takes.
        let wants_slots =
            !has_choice && look::says_slots(host) && shared.said_slots(endpoint).is_none() && !is_fresh();
        wants_slots.then_some(Depth::Slots)
    }

    fn pend(&mut self, index: usize) {
        if let Some(track) = self.tracks.get_mut(index) {
            track.is_pending = true;
        }
    }

    fn begin_check(&mut self, index: usize, depth: Depth, within: Duration) -> bool {
        let Some(choice) = self.choices.get(index) else { return false };
        let (host, key, proxy) = (choice.host.clone(), choice.key.clone(), choice.proxy.clone());
        let (inner, redactor, cancel) = (Arc::clone(self.inner), self.redactor.clone(), self.cancel.clone());
        let left = self.left();
        let within = if depth == Depth::Slots { SLOTS } else { within };
        let sender = self.checks.line.get_or_insert_with(channel).0.clone();
        self.checks.waited = Duration::ZERO;
        // Without a thread there is no check: the call itself will tell.
        std::thread::Builder::new()
            .name("conclave-llm-check".to_owned())
            .spawn(move || {
                let clock = &inner.sources.clock;
                let mut looked =
                    look(&host, key.as_ref(), proxy.as_deref(), depth, within, left, clock, &cancel);
                if depth == Depth::Slots {
                    // Whether it is well is not asked here.
                    looked.failure = None;
                    looked.is_vague |= looked.listing.slots.is_none();
                }
                let is_at_work = inner.shared.is_at_work(host.endpoint.as_str());
                note(&inner, &host, &looked, is_at_work, &redactor);
                let _ = sender.send(Heard { index, looked, is_at_work });
            })
            .is_ok()
    }

    /// Sends the checks that were put off.
    fn begin_later(&mut self) {
        let within = CHECK.saturating_sub(self.checks.waited.min(HEAD_START));
        for index in std::mem::take(&mut self.checks.later) {
            let Some(choice) = self.choices.get(index) else { continue };
            let depth = depth(choice.host);
            if !self.begin_check(index, depth, within)
                && let Some(track) = self.tracks.get_mut(index)
            {
                track.is_pending = false;
            }
        }
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
        self.begin_later();
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
        let pending = self.tracks.iter().filter(|track| track.is_pending).count();
        if pending == self.checks.later.len() || self.checks.waited >= HEAD_START {
            self.begin_later();
        }
        let Some((_, answers)) = &self.checks.line else {
            self.give_up_checks();
            return Ok(());
        };
        match answers.recv_timeout(SLICE) {
            Ok(heard) => self.hear_check(heard),
            Err(_) if self.checks.waited < CHECK + GRACE => self.checks.waited += SLICE,
            Err(_) => self.give_up_checks(),
        }
        Ok(())
    }

    fn give_up_checks(&mut self) {
        for index in 0..self.tracks.len() {
            if self.tracks.get(index).is_some_and(|track| track.is_pending) {
                let failure = Failure::new(Class::Timeout, "it did not answer a check in time");
                let looked = Looked {
                    failure: Some(failure),
                    listing: Listing::default(),
                    is_vague: false,
                    took_ms: millis(CHECK),
                };
                self.hear_check(Heard { index, looked, is_at_work: false });
            }
        }
    }

    /// What came too late for this question is good for the next.
    pub(super) fn hear_late_checks(&mut self) {
        while let Some(Ok(heard)) = self.checks.line.as_ref().map(|(_, answers)| answers.try_recv()) {
            self.hear_check(heard);
        }
    }

    fn hear_check(&mut self, heard: Heard) {
        let Heard { index, looked, is_at_work } = heard;
        let Some(track) = self.tracks.get_mut(index) else { return };
        track.is_pending = false;
        let Some(failure) = looked.failure else {
            self.settle_model(index);
            return;
        };
        match failure.class {
            Class::Cancelled | Class::Deadline => {}
            // It answers a question of ours: admission knows whether it has room for another.
            Class::Timeout if is_at_work => {}
            // Noted as the call's own result, with the key that it concerns: so it is not sent with that key again.
            Class::Auth | Class::Quota | Class::Overloaded | Class::Throttled => {
                track.presumed = Some(failure);
            }
            _ => self.fell(index, &failure, Why::Down, true),
        }
    }

    /// A host that failed without a question. Where it is known when it may be asked again, and the question `may_wait` for
    /// that, `--wait` does; else nothing comes of it any more.
    pub(super) fn fell(&mut self, index: usize, failure: &Failure, why: Why, may_wait: bool) {
        let until = if why == Why::Down { self.open_until(index) } else { None };
        let Some(choice) = self.choices.get(index) else { return };
        if why == Why::Down
            && let Some(track) = self.tracks.get_mut(index)
        {
            track.is_passed = true;
            track.is_barred = until.is_none() || !may_wait;
        }
        if let Some(until) = until.filter(|_| may_wait) {
            self.ledger.retry_at = Some(self.ledger.retry_at.map_or(until, |at| at.min(until)));
        }
        let class = failure.class.as_str();
        let message = match failure.status {
            Some(status) => format!("{class} (HTTP {status}): {}", failure.message),
            None => format!("{class}: {}", failure.message),
        };
        let message = Some(self.redactor.line(&message, MESSAGE));
        let class = Some(failure.class);
        self.ledger.skip(Skipped { host: choice.host.name.clone(), why, until, message, class });
        self.note_verdict(index, failure);
    }

    /// Until when the host's breaker is open, wall clock.
    fn open_until(&self, index: usize) -> Option<i64> {
        let refused = self.inner.shared.refused(&self.candidates(&[index]));
        refused.into_iter().find(|skipped| skipped.why == Why::Open)?.until
    }

    fn listing(&self, host: &Host) -> Option<Listing> {
        self.inner.known.listing(host, self.inner.sources.clock.monotonic())
    }

    /// Chooses the model where the host's list has to say it, and bars a host whose list says that it has it not. Says
    /// whether the host may be asked.
    pub(super) fn settle_model(&mut self, index: usize) -> bool {
        let listing =
            self.choices.get(index).and_then(|choice| self.listing(choice.host)).unwrap_or_default();
        let Some(choice) = self.choices.get_mut(index) else { return false };
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
            Some(_) => return true,
        };
        let message = Some(self.redactor.line(&message, MESSAGE));
        let (host, why, class) = (choice.host.name.clone(), Why::NoModel, None);
        self.ledger.skip(Skipped { host, why, until: None, message, class });
        if let Some(track) = self.tracks.get_mut(index) {
            track.is_barred = true;
        }
        false
    }
}

/// How thoroughly a host is looked at before a question.
fn depth(host: &Host) -> Depth {
    // Which models are in memory matters only where a limit depends on it.
    let is_enough = host.dialect == Dialect::Ollama && host.timeouts.first_byte.is_some();
    if is_enough && !host.models.is_empty() { Depth::Glance } else { Depth::Loaded }
}

/// Told to all processes by the check itself: the question may be answered, and gone, before its end.
fn note(inner: &Inner, host: &Host, looked: &Looked, is_at_work: bool, redactor: &Redactor) {
    inner.known.hear(host, inner.sources.clock.monotonic(), &looked.listing);
    let (endpoint, dialect) = (host.endpoint.as_str(), host.dialect.as_str());
    let checked = |failure: Option<(Class, &str)>| {
        inner.shared.checked(endpoint, dialect, &host.name, failure, looked.listing.slots);
    };
    match &looked.failure {
        // No sign that it is well.
        None if looked.is_vague => {}
        None => checked(None),
        Some(failure) => match failure.class {
            Class::Timeout if is_at_work => {}
            // Some are the caller's own; others are noted as the call's.
            Class::Cancelled
            | Class::Deadline
            | Class::Auth
            | Class::Quota
            | Class::Overloaded
            | Class::Throttled => {}
            class => checked(Some((class, &redactor.line(&failure.message, MESSAGE)))),
        },
    }
}
