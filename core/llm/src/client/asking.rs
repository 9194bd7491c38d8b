//! One question: rounds over the hosts, waits, and the end.

use std::sync::Arc;
use std::time::Duration;

use conclave_retry::{CancelToken, Delays, RetryPolicy};

use super::checks::Checks;
use super::ear::Ear;
use super::ledger::Ledger;
use super::route::{self, Choice};
use super::{Inner, Options, prompt};
use crate::admission::{Admission, Candidate};
use crate::answer::{Answer, Skipped, Why};
use crate::call::millis;
use crate::class::Class;
use crate::error::{LlmError, LlmErrorKind, Result};
use crate::redact::Redactor;
use crate::stream::Event;
use crate::wire::Failure;

/// Requests of one question (R2).
const ATTEMPTS: u32 = RetryPolicy::MODEL.settings().max_attempts;

/// Bytes of a token, about: to keep room in a budget, and where a server counts nothing.
const BYTES_PER_TOKEN: u64 = 4;

/// How often one who waits looks at a host that another tries out.
const LOOK: Duration = Duration::from_millis(250);

/// Tokens of an answer, at most, where neither the configuration nor the dialect says it.
const ANSWER_TOKENS: u64 = 4096;

/// Whether a host is asked again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Again {
    #[default]
    No,
    Yes,
    /// When its block is over.
    AfterBlock,
}

/// How far this question has come with one host.
#[derive(Debug, Default)]
pub(super) struct Track {
    /// Its check has not answered yet.
    pub(super) is_pending: bool,
    /// Nothing may come of it in this question.
    pub(super) is_barred: bool,
    /// It is passed over until something is waited for.
    pub(super) is_passed: bool,
    pub(super) requests: u32,
    pub(super) again: Again,
    /// The failures that it was asked again for, and is not a second time.
    pub(super) once: Vec<Class>,
    /// What its check has said for the call: then the call is not sent.
    pub(super) presumed: Option<Failure>,
}

/// Why a question ends without an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    Cancelled,
    Deadline,
    /// Nobody else is asked after this failure: part of the answer was shown.
    Final(Class),
    /// No other host is asked after it, and the fallback where the configuration says so.
    HostsOver(Class),
    /// Everybody was asked who could be.
    Exhausted,
}

pub(super) struct Asking<'a> {
    pub(super) inner: &'a Arc<Inner>,
    pub(super) prompt: &'a str,
    pub(super) task: &'a str,
    pub(super) options: &'a Options,
    pub(super) cancel: &'a CancelToken,
    pub(super) choices: Vec<Choice<'a>>,
    pub(super) cloud: Option<usize>,
    /// There is one host, and nobody else.
    pub(super) is_alone: bool,
    pub(super) tracks: Vec<Track>,
    pub(super) checks: Checks,
    pub(super) ledger: Ledger,
    pub(super) ear: Ear<'a>,
    pub(super) redactor: Redactor,
    pub(super) delays: Delays<'a>,
    /// The wait before the next request.
    pub(super) wait_before: Duration,
    /// Tokens that a context must have more of, since the prompt did not fit into one of so many.
    pub(super) more_context_than: Option<u64>,
    began: Duration,
    deadline: Option<Duration>,
    most: u32,
    /// Requests to hosts, without the fallback's.
    pub(super) spent: u32,
    /// Waits for the end of a block.
    blocks: u32,
    /// Whether hosts that failed a check were waited for: once.
    has_reconsidered: bool,
}

impl<'a> Asking<'a> {
    /// Reads the prompt and finds the hosts. Nothing is sent yet.
    pub(super) fn new(
        inner: &'a Arc<Inner>,
        prompt: &'a [u8],
        task: &'a str,
        options: &'a Options,
        cancel: &'a CancelToken,
        tell: Option<&'a mut (dyn FnMut(Event) + 'a)>,
    ) -> Result<Self> {
        let prompt = prompt::read(prompt, inner.hosts.max_prompt_bytes)?;
        let route = route::of(&inner.hosts, task, options, &*inner.sources.environment)?;
        let secrets = route
            .choices
            .iter()
            .flat_map(|choice| choice.key.as_ref().into_iter().chain(choice.host.endpoint.secrets()));
        let of_proxies: Vec<_> =
            route.choices.iter().flat_map(|choice| crate::proxy::secrets(choice.proxy.as_deref())).collect();
        let redactor = Redactor::new(secrets.chain(&of_proxies));
        let mut ledger = Ledger::new(route.places);
        for skipped in route.skipped {
            ledger.skip(skipped);
        }
        let began = inner.sources.clock.monotonic();
        let most = inner.options.max_attempts.unwrap_or(ATTEMPTS).max(1);
        let calls = std::num::NonZeroU32::new(most.max(2)).unwrap_or(std::num::NonZeroU32::MIN);
        Ok(Self {
            inner,
            prompt,
            task,
            options,
            cancel,
            tracks: route.choices.iter().map(|_| Track::default()).collect(),
            choices: route.choices,
            cloud: route.cloud,
            is_alone: route.length == 1 && route.cloud.is_none(),
            checks: Checks::default(),
            ledger,
            ear: Ear::new(tell, options.thinking),
            redactor,
            delays: RetryPolicy::MODEL.with_max_attempts(calls).delays(&*inner.sources.random),
            wait_before: Duration::ZERO,
            more_context_than: None,
            began,
            deadline: options.timeout.map(|timeout| began.saturating_add(timeout)),
            most,
            spent: 0,
            blocks: 0,
            has_reconsidered: false,
        })
    }

    /// Asks until somebody answers.
    pub(super) fn run(mut self) -> Result<Answer> {
        let answer = self.search();
        self.hear_late_checks();
        answer.map_err(|stop| {
            let (kind, class) = match stop {
                Stop::Cancelled => (Some(LlmErrorKind::Cancelled), Some(Class::Cancelled)),
                Stop::Deadline => (Some(LlmErrorKind::Deadline), Some(Class::Deadline)),
                Stop::Final(class) | Stop::HostsOver(class) => (None, Some(class)),
                Stop::Exhausted => (None, None),
            };
            LlmError::Failed(Box::new(self.ledger.fail(kind, class)))
        })
    }

    fn search(&mut self) -> Result<Answer, Stop> {
        self.look_up()?;
        self.begin_checks();
        loop {
            let over = match self.ask_hosts() {
                Ok(Some(answer)) => return Ok(answer),
                Ok(None) => None,
                Err(stop @ Stop::HostsOver(class)) if self.is_reason(class) => Some(stop),
                Err(stop) => return Err(stop),
            };
            if let Some(answer) = self.ask_cloud()? {
                return Ok(answer);
            }
            if let Some(stop) = over {
                return Err(stop);
            }
            if !self.wait_for_somebody()? {
                return Err(Stop::Exhausted);
            }
        }
    }

    fn ask_hosts(&mut self) -> Result<Option<Answer>, Stop> {
        while let Some(set) = self.next_set()? {
            if let Some(answer) = self.ask_one_of(&set)? {
                return Ok(Some(answer));
            }
        }
        Ok(None)
    }

    /// Whom to ask next: those that were not asked yet, then those that may be asked again (R3). Waits for the checks of
    /// the best placed, and between two requests.
    fn next_set(&mut self) -> Result<Option<Vec<usize>>, Stop> {
        if self.spent >= self.most {
            return Ok(None);
        }
        self.settle()?;
        let mut set = self.open_ones(|track| track.requests == 0);
        if set.is_empty() && self.settle_all()? {
            set = self.open_ones(|track| track.requests == 0);
        }
        if set.is_empty() && self.repeats() {
            set = self.open_ones(|track| track.requests > 0 && track.again == Again::Yes);
        }
        if set.is_empty() {
            return self.set_after_block();
        }
        if self.spent > 0 && self.wait_before.is_zero() {
            let delay = self.delays.next().unwrap_or_default();
            self.pause(delay)?;
        }
        Ok(Some(set))
    }

    /// Whether hosts are asked a second time: where there are fewer of them than attempts (R3), those that are passed over
    /// included, or nobody else would answer. Else one that has just failed would be asked again while the fallback waits.
    fn repeats(&self) -> bool {
        let hosts = (0..self.choices.len()).filter(|index| Some(*index) != self.cloud).count();
        u32::try_from(hosts).unwrap_or(u32::MAX) < self.most || !self.wants_cloud()
    }

    /// The hosts that nobody refuses now; the others are noted. Between two requests only: the first admission notes them
    /// itself, in the same transaction that chooses.
    fn open_ones(&mut self, wanted: impl Fn(&Track) -> bool) -> Vec<usize> {
        let mut set: Vec<usize> = (0..self.choices.len())
            .filter(|index| {
                Some(*index) != self.cloud
                    && self.is_eligible(*index)
                    && self.tracks.get(*index).is_some_and(&wanted)
            })
            .collect();
        if self.spent > 0 && !set.is_empty() {
            let refused = self.inner.shared.refused(&self.candidates(&set));
            set.retain(|index| !refused.iter().any(|skipped| self.is_named(*index, &skipped.host)));
            for skipped in refused {
                self.ledger.skip(skipped);
            }
        }
        set
    }

    fn is_eligible(&self, index: usize) -> bool {
        self.tracks.get(index).is_some_and(|track| !track.is_barred && !track.is_passed && !track.is_pending)
            && self.has_context(index)
    }

    fn is_named(&self, index: usize, name: &str) -> bool {
        self.choices.get(index).is_some_and(|choice| choice.host.name == name)
    }

    /// Repeats at one host come out of its budget, so that an outage is not multiplied. Where that is spent the question
    /// says so.
    pub(super) fn pays(&mut self, index: usize) -> bool {
        let Some(choice) = self.choices.get(index) else { return false };
        let is_paid = self.inner.shared.pay_retry(choice.host.endpoint.as_str());
        if !is_paid {
            self.ledger.has_no_repeats_left(&choice.host.name);
        }
        is_paid
    }

    fn ask_one_of(&mut self, set: &[usize]) -> Result<Option<Answer>, Stop> {
        self.look_up()?;
        let admission = self.inner.shared.admit(&self.candidates(set), None);
        let ticket = match admission {
            Admission::Go { ticket, skipped } => {
                self.note(skipped);
                Some(ticket)
            }
            Admission::Full { shortest, skipped, .. } => {
                self.note(skipped);
                // Somebody whose check is still on its way may have room.
                if self.settle_all()? {
                    return Ok(None);
                }
                self.wait_for_slot(set, shortest)?
            }
            Admission::Nobody { skipped } => {
                self.note(skipped);
                None
            }
        };
        let Some(ticket) = ticket else {
            self.pass(set);
            return Ok(None);
        };
        self.attempt(ticket)
    }

    /// These are not asked any more, unless somebody is waited for.
    pub(super) fn pass(&mut self, set: &[usize]) {
        for index in set {
            if let Some(track) = self.tracks.get_mut(*index) {
                track.is_passed = true;
            }
        }
    }

    pub(super) fn note(&mut self, skipped: Vec<Skipped>) {
        for skipped in skipped {
            self.ledger.skip(skipped);
        }
    }

    pub(super) fn candidates(&self, set: &[usize]) -> Vec<Candidate<'_>> {
        let now = self.inner.sources.clock.monotonic();
        set.iter()
            .filter_map(|index| {
                let choice = self.choices.get(*index)?;
                let slots = self.inner.known.listing(choice.host, now).and_then(|listing| listing.slots);
                Some(choice.candidate(*index, slots, self.reserved_tokens(choice)))
            })
            .collect()
    }

    /// What the call may take of a budget.
    fn reserved_tokens(&self, choice: &Choice<'_>) -> u64 {
        let asked = self.prompt.len() + self.options.system.as_ref().map_or(0, String::len);
        estimate(asked).saturating_add(choice.host.max_tokens.map_or(ANSWER_TOKENS, u64::from))
    }

    /// A host whose failure was a block: asked again when that is over, where this fits into the caller's time and nobody
    /// else answers at once (section 3).
    fn set_after_block(&mut self) -> Result<Option<Vec<usize>>, Stop> {
        let is_blocked = |track: &Track| !track.is_barred && track.again == Again::AfterBlock;
        let blocked: Vec<usize> = (0..self.choices.len())
            .filter(|index| Some(*index) != self.cloud && self.tracks.get(*index).is_some_and(is_blocked))
            .collect();
        if blocked.is_empty() || self.wants_cloud() {
            return Ok(None);
        }
        let Some((index, left)) = self.shortest_block(&blocked) else { return Ok(None) };
        // Who gave no time for it may not even know that it waits.
        let most = if self.deadline.is_some() { self.most } else { 1 };
        if self.blocks >= most || !self.fits(left) {
            let left = i64::try_from(left.as_millis()).unwrap_or(i64::MAX);
            let until = self.inner.sources.clock.wall_ms().saturating_add(left);
            self.ledger.retry_at = earlier(self.ledger.retry_at, Some(until));
            return Ok(None);
        }
        self.blocks += 1;
        self.pause(left)?;
        if let Some(track) = self.tracks.get_mut(index) {
            track.is_passed = false;
        }
        Ok(Some(vec![index]))
    }

    /// The host whose block ends first, and the time until then.
    pub(super) fn shortest_block(&self, set: &[usize]) -> Option<(usize, Duration)> {
        let refused = self.inner.shared.refused(&self.candidates(set));
        let now = self.inner.sources.clock.wall_ms();
        let left = |index: &usize| {
            let Some(skipped) = refused.iter().find(|skipped| self.is_named(*index, &skipped.host)) else {
                return Some((*index, Duration::ZERO));
            };
            // An open breaker is no block: it is not waited for.
            let until = skipped.until.filter(|_| skipped.why == Why::Blocked)?;
            let left = u64::try_from(until.saturating_sub(now)).unwrap_or(0);
            Some((*index, Duration::from_millis(left)))
        };
        set.iter().filter_map(left).min_by_key(|(_, left)| *left)
    }

    /// Whether a wait that a host asked for may be begun: it must end before the deadline; without one it is short.
    pub(super) fn fits(&self, wait: Duration) -> bool {
        wait < self.left().unwrap_or(RetryPolicy::MODEL.settings().longest_asked)
    }

    /// With `--wait`: until the first host may be tried out, within the deadline (R4).
    fn wait_for_somebody(&mut self) -> Result<bool, Stop> {
        if !self.options.wait || self.spent >= self.most {
            return Ok(false);
        }
        let fallen = self.fallen();
        let at = self.ledger.retry_at;
        let left = at.map(|at| {
            let left = u64::try_from(at.saturating_sub(self.inner.sources.clock.wall_ms())).unwrap_or(0);
            Duration::from_millis(left.max(1))
        });
        // Somebody tries a host out: how that ended is known soon.
        let soon = self.ledger.is_probing().then_some(LOOK);
        let Some(left) = [left, soon].into_iter().flatten().min() else { return Ok(false) };
        if self.left().is_some_and(|rest| rest <= left) {
            return Ok(false);
        }
        self.ledger.retry_at = None;
        self.pause(left)?;
        self.wait_before = Duration::ZERO;
        for track in &mut self.tracks {
            track.is_passed = false;
        }
        for index in fallen {
            if let Some(track) = self.tracks.get_mut(index) {
                track.is_barred = false;
            }
        }
        Ok(true)
    }

    /// The hosts that failed a check of this very question and are open since: now it is known until when.
    fn fallen(&mut self) -> Vec<usize> {
        if std::mem::replace(&mut self.has_reconsidered, true) {
            return Vec::new();
        }
        let has_fallen = |index: &usize| {
            let of_check =
                self.tracks.get(*index).is_some_and(|track| track.is_barred && track.requests == 0);
            let choice = self.choices.get(*index);
            of_check && choice.is_some_and(|choice| self.ledger.has_fallen(&choice.host.name))
        };
        let fallen: Vec<usize> = (0..self.choices.len()).filter(has_fallen).collect();
        let refused = self.inner.shared.refused(&self.candidates(&fallen));
        let is_open = |index: &usize| refused.iter().any(|skipped| self.is_named(*index, &skipped.host));
        let fallen = fallen.into_iter().filter(is_open).collect();
        self.note(refused);
        fallen
    }

    /// Waits before the next request. What is left of the caller's time cuts it, and is then over.
    pub(super) fn pause(&mut self, wait: Duration) -> Result<(), Stop> {
        self.look_up()?;
        let is_late = self.left().is_some_and(|left| left <= wait);
        let wait = self.left().map_or(wait, |left| left.min(wait));
        self.wait_before = self.wait_before.saturating_add(wait);
        self.ledger.waited = self.ledger.waited.saturating_add(wait);
        let is_over = self.inner.sources.sleeper.sleep_unless(wait, self.cancel);
        if !is_over {
            return Err(Stop::Cancelled);
        }
        if is_late { Err(Stop::Deadline) } else { Ok(()) }
    }

    /// Whether the caller still wants it.
    pub(super) fn look_up(&self) -> Result<(), Stop> {
        if self.cancel.is_cancelled() {
            return Err(Stop::Cancelled);
        }
        if self.left().is_some_and(|left| left.is_zero()) {
            return Err(Stop::Deadline);
        }
        Ok(())
    }

    /// What is left of the caller's time.
    pub(super) fn left(&self) -> Option<Duration> {
        let now = self.inner.sources.clock.monotonic();
        self.deadline.map(|deadline| deadline.saturating_sub(now))
    }

    pub(super) fn has_attempts_left(&self) -> bool {
        self.spent < self.most
    }

    pub(super) fn latency_ms(&self) -> u64 {
        millis(self.inner.sources.clock.monotonic().saturating_sub(self.began))
    }
}

fn earlier(one: Option<i64>, other: Option<i64>) -> Option<i64> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

/// Tokens of so many bytes, about.
pub(super) fn estimate(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX).div_ceil(BYTES_PER_TOKEN)
}
