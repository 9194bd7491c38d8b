//! What is told afterwards: every request, every host passed over, every wait.

use std::time::Duration;

use crate::answer::{AttemptReport, Skipped, Why};
use crate::call::millis;
use crate::class::Class;
use crate::error::text::hint;
use crate::error::{Failed, LlmErrorKind};

/// The place of the fallback.
pub(super) const LAST: i64 = i64::MAX;

#[derive(Debug, Default)]
pub(super) struct Ledger {
    pub(super) attempts: Vec<AttemptReport>,
    skipped: Vec<Skipped>,
    /// How each host that was asked, or failed a check of this question, has failed, in order; and whether that may be a
    /// reason for the fallback.
    verdicts: Vec<(Class, bool)>,
    /// The names of the route with their priorities, in its order.
    places: Vec<(String, i64)>,
    pub(super) waited: Duration,
    pub(super) queued: Duration,
    /// The longest part of an answer.
    pub(super) partial: String,
    /// When a host may be asked again at the earliest, wall clock.
    pub(super) retry_at: Option<i64>,
}

impl Ledger {
    /// Of a question that has these hosts, in order, with their priorities.
    pub(super) fn new(places: Vec<(String, i64)>) -> Self {
        Self { places, ..Self::default() }
    }

    /// Notes a host that was passed over; what was noted of it before is old.
    pub(super) fn skip(&mut self, skipped: Skipped) {
        // A model that is absent for a minute, or a spent budget, is nothing to wait for.
        if let Some(until) = skipped.until.filter(|_| matches!(skipped.why, Why::Open | Why::Blocked)) {
            self.retry_at = Some(self.retry_at.map_or(until, |at| at.min(until)));
        }
        match self.skipped.iter_mut().find(|known| known.host == skipped.host) {
            Some(known) => *known = skipped,
            None => self.skipped.push(skipped),
        }
    }

    /// The hosts that were passed over and never asked, in the order of the route.
    pub(super) fn skipped(&self) -> Vec<Skipped> {
        let is_asked = |name: &str| self.attempts.iter().any(|attempt| attempt.host == name);
        let mut skipped: Vec<Skipped> =
            self.skipped.iter().filter(|skipped| !is_asked(&skipped.host)).cloned().collect();
        skipped.sort_by_key(|skipped| self.places.iter().position(|(name, _)| *name == skipped.host));
        skipped
    }

    /// Those of them that would have been asked before, or in place of, the one that answered; and the fallback, of which it
    /// is good to know early that it cannot be used.
    pub(super) fn skipped_for(&self, answered: &str) -> Vec<Skipped> {
        let place = |name: &str| self.places.iter().find(|(known, _)| known == name).map(|(_, place)| *place);
        let mut skipped = self.skipped();
        if let Some(own) = place(answered) {
            skipped.retain(|skipped| place(&skipped.host).is_none_or(|place| place <= own || place == LAST));
        }
        skipped
    }

    /// Hosts that failed a check of this question.
    pub(super) fn has_fallen(&self, name: &str) -> bool {
        self.skipped.iter().any(|skipped| skipped.host == name && skipped.why == Why::Down)
    }

    /// The last request to this host was not repeated, though its failure would allow it.
    pub(super) fn has_no_repeats_left(&mut self, name: &str) {
        let Some(attempt) = self.attempts.iter_mut().rfind(|attempt| attempt.host == name) else { return };
        let said = attempt.message.take().unwrap_or_default();
        attempt.message =
            Some(format!("{said} (not repeated: the budget for repeats there is spent, answers fill it)"));
    }

    pub(super) fn verdict(&mut self, class: Class, may_go_to_cloud: bool) {
        self.verdicts.push((class, may_go_to_cloud));
    }

    /// Whether nothing has happened yet.
    pub(super) fn is_empty(&self) -> bool {
        self.attempts.is_empty() && self.skipped.is_empty() && self.verdicts.is_empty()
    }

    /// Whether another call tries out a host of this question.
    pub(super) fn is_probing(&self) -> bool {
        self.skipped().iter().any(|skipped| skipped.why == Why::Probing)
    }

    pub(super) fn keep_partial(&mut self, partial: String) {
        if partial.len() > self.partial.len() {
            self.partial = partial;
        }
    }

    pub(super) fn waited_ms(&self) -> u64 {
        millis(self.waited)
    }

    pub(super) fn queued_ms(&self) -> u64 {
        millis(self.queued)
    }

    /// Whether there is a reason for the fallback among what happened.
    pub(super) fn calls_for(&self, is_reason: impl Fn(Class, Option<&str>) -> bool) -> bool {
        let of_skipped = |skipped: &Skipped| {
            let is_one = |class| is_reason(class, Some(&skipped.host));
            match skipped.why {
                Why::Open | Why::ForcedOpen | Why::Probing => {
                    [Class::Unreachable, Class::Timeout, Class::Fault, Class::Cut].into_iter().any(is_one)
                }
                Why::Blocked => match skipped.class {
                    Some(class) => is_one(class),
                    None => is_one(Class::Throttled) || is_one(Class::Overloaded),
                },
                Why::NoModel => is_one(Class::NoModel),
                Why::Full => is_one(Class::Busy),
                Why::Config => is_one(Class::Config),
                // A check of this question has put its own verdict down.
                Why::Down | Why::Budget => false,
            }
        };
        self.skipped().iter().any(of_skipped)
            || self.verdicts.iter().any(|(class, may)| *may && is_reason(*class, None))
    }

    /// What it comes to when nobody answered.
    pub(super) fn fail(self, kind: Option<LlmErrorKind>, decided: Option<Class>) -> Failed {
        let skipped = self.skipped();
        let class = decided.or(self.verdicts.last().map(|(class, _)| *class));
        let kind = kind.unwrap_or_else(|| self.kind(&skipped));
        let class = class.or_else(|| {
            let is_config = |skipped: &Skipped| skipped.why == Why::Config;
            skipped.iter().all(is_config).then_some(Class::Config)
        });
        Failed {
            hint: hint(kind, class, &skipped),
            kind,
            attempts: self.attempts,
            skipped,
            partial: self.partial,
            class,
            retry_at: self.retry_at,
        }
    }

    fn kind(&self, skipped: &[Skipped]) -> LlmErrorKind {
        let asked = || self.verdicts.iter().map(|(class, _)| *class).filter(|class| *class != Class::Busy);
        if asked().next().is_some() {
            let is_callers = asked().all(Class::is_callers);
            return if is_callers { LlmErrorKind::Refused } else { LlmErrorKind::Failed };
        }
        if !skipped.is_empty() && skipped.iter().all(|host| host.why == Why::Config) {
            LlmErrorKind::Refused
        } else {
            LlmErrorKind::Unavailable
        }
    }
}

#[cfg(test)]
mod tests;
