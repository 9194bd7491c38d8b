//! The hosts, and what is open over their list.

use conclave_llm::HostView;

use super::answer::Answering;
use super::calls::Calls;
use super::deeds::Deed;
use super::form::Form;
use crate::ui::list::Cursor;
use crate::ui::problem::Problem;

/// What the fallback may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Budget {
    /// Calls in any hour; no limit where `None`.
    pub(crate) calls_per_hour: Option<u32>,
    /// Tokens in any 24 hours; no limit where `None`.
    pub(crate) tokens_per_day: Option<u64>,
}

/// What was read.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Found {
    /// In the order of the configuration, the fallback last.
    pub(crate) hosts: Vec<HostView>,
    pub(crate) budget: Budget,
    /// What could not be read, of the configuration or of the machine-wide file.
    pub(crate) problem: Option<Problem>,
}

/// The screen.
#[derive(Debug, Clone, Default)]
pub(crate) struct Hosts {
    /// As it was read last.
    pub(crate) found: Found,
    /// Whether anything was read yet.
    pub(crate) loaded: bool,
    pub(crate) cursor: Cursor,
    /// When it was read last, in milliseconds since 1970.
    pub(super) read_at: i64,
    /// The calls of one host, over the list.
    pub(crate) calls: Option<Calls>,
    /// What is being done to hosts.
    pub(crate) deeds: Vec<Deed>,
    /// The question that is being written, over the list.
    pub(crate) form: Option<Form>,
    /// What was asked last.
    pub(crate) answer: Option<Answering>,
    /// Its page is seen.
    pub(crate) reads_answer: bool,
    /// How many questions were asked: what comes of an older one is dropped.
    pub(super) asked: u64,
    /// The host that the cursor goes to as soon as it was read.
    pub(super) wanted: Option<String>,
}

/// Milliseconds after which is looked again who is dead by now: that is told by no change of a file.
const LOOK_AGAIN: i64 = 5_000;

impl Hosts {
    /// Whether something is shown that changes with every second: a countdown, a call that runs, somebody who waits.
    pub(crate) fn ticks(&self) -> bool {
        let counts = |host: &HostView| {
            host.breaker.retry_at.is_some()
                || host.blocked_until.is_some()
                || host.opened_at.is_some()
                || host.in_flight > 0
                || host.waiting > 0
        };
        self.is_asking() || self.found.hosts.iter().any(counts)
    }

    /// The answer whose page is seen.
    pub(crate) fn shown_answer(&self) -> Option<&Answering> {
        self.answer.as_ref().filter(|_| self.reads_answer)
    }

    /// Whether a question waits for its answer.
    pub(crate) fn is_asking(&self) -> bool {
        self.answer.as_ref().is_some_and(Answering::goes_on)
    }

    /// Whether it is time to read again though no file has changed: something is over, or some time has passed.
    pub(super) fn is_due(&self, now_ms: i64) -> bool {
        let passed = now_ms.saturating_sub(self.read_at);
        if !(0..LOOK_AGAIN).contains(&passed) {
            return true;
        }
        // Once for each end: what is read after it shows what came of it.
        let is_over = |end: Option<i64>| end.is_some_and(|end| (self.read_at..=now_ms).contains(&end));
        self.found.hosts.iter().any(|host| is_over(host.breaker.retry_at) || is_over(host.blocked_until))
    }
}
