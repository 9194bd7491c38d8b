//! What is told afterwards: every request, every host passed over, every wait.

use std::time::Duration;

use crate::answer::{AttemptReport, Skipped, Why};
use crate::call::millis;
use crate::class::Class;
use crate::error::text::hint;
use crate::error::{Failed, LlmErrorKind};

#[derive(Debug, Default)]
pub(super) struct Ledger {
    pub(super) attempts: Vec<AttemptReport>,
    skipped: Vec<Skipped>,
    /// How each host that was asked, or failed a check of this question, has failed, in order; and whether that may be a
    /// reason for the fallback.
    verdicts: Vec<(Class, bool)>,
    pub(super) waited: Duration,
    pub(super) queued: Duration,
    /// The longest part of an answer.
    pub(super) partial: String,
    /// When a host may be asked again at the earliest, wall clock.
    pub(super) retry_at: Option<i64>,
}

impl Ledger {
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

    /// The hosts that were passed over and never asked.
    pub(super) fn skipped(&self) -> Vec<Skipped> {
        let is_asked = |name: &str| self.attempts.iter().any(|attempt| attempt.host == name);
        self.skipped.iter().filter(|skipped| !is_asked(&skipped.host)).cloned().collect()
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
    pub(super) fn calls_for(&self, mut is_reason: impl FnMut(Class) -> bool) -> bool {
        let mut of_skipped = |skipped: &Skipped| match skipped.why {
            Why::Open | Why::ForcedOpen | Why::Probing => {
                [Class::Unreachable, Class::Timeout, Class::Fault, Class::Cut].into_iter().any(&mut is_reason)
            }
            Why::Blocked => blocked_for(skipped).into_iter().any(&mut is_reason),
            Why::NoModel => is_reason(Class::NoModel),
            Why::Full => is_reason(Class::Busy),
            // A check of this question has put its own verdict down.
            Why::Down | Why::Budget | Why::Config => false,
        };
        self.skipped().iter().any(&mut of_skipped)
            || self.verdicts.iter().any(|(class, may)| *may && is_reason(*class))
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

/// Why a host is blocked: the word of the class stands in the message.
fn blocked_for(skipped: &Skipped) -> Vec<Class> {
    let message = skipped.message.as_deref().unwrap_or_default();
    let known: Vec<Class> = [Class::Auth, Class::Quota, Class::Throttled, Class::Overloaded]
        .into_iter()
        .filter(|class| message.contains(class.as_str()))
        .collect();
    if known.is_empty() { vec![Class::Throttled, Class::Overloaded] } else { known }
}

#[cfg(test)]
mod tests;
