//! The breaker of a host as a value: what a stored row becomes by a failure, a success, a claim, time (B2–B6). Knows no
//! database and no clock: it is given the time.
//!
//! | state | calls | leaves it |
//! |---|---|---|
//! | closed | pass and count | a hard failure, or three soft ones in a row: open |
//! | open | are refused | the first call after its time claims the probe: half-open |
//! | half-open | are refused while the probe lives | the probe's first token: closed; its failure: open, longer |
//! | forced open | are refused | by hand |
//! | disabled | pass, uncounted | by hand |
//!
//! Every transition adds 1 to the generation, and a result counts only in the generation in which its call began: what
//! comes late from before an opening says nothing of the host as it is now.

use conclave_retry::{BreakerState, Random};

/// Soft failures in a row that open it (B3).
const SOFT_LIMIT: i64 = 3;
/// Older failures are forgotten by the next one (B3).
const IDLE_MS: i64 = 300_000;
/// The first opening after soft failures, and the longest (B3, B5).
const SOFT_MS: (i64, i64) = (300_000, 3_600_000);
/// The first opening after a hard failure, and the longest: a daemon that restarts costs 30 s (B4, B5).
const HARD_MS: (i64, i64) = (30_000, 300_000);

/// One moment by all clocks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Now {
    /// Since the machine was started, ms.
    pub(crate) boot_ms: i64,
    /// Since 1970, ms.
    pub(crate) wall_ms: i64,
    pub(crate) boot_id: String,
}

/// The end of a time span by both clocks: by the boot's own in that boot, by the wall clock in another (B2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Until {
    pub(crate) boot_ms: i64,
    pub(crate) wall_ms: i64,
    pub(crate) boot_id: String,
}

impl Until {
    pub(crate) fn after(now: &Now, ms: i64) -> Self {
        Self {
            boot_ms: now.boot_ms.saturating_add(ms),
            wall_ms: now.wall_ms.saturating_add(ms),
            boot_id: now.boot_id.clone(),
        }
    }

    /// What is left, within `0..=longest` whatever the clocks say.
    pub(crate) fn left_ms(&self, now: &Now, longest: i64) -> i64 {
        let left = if self.boot_id == now.boot_id {
            self.boot_ms.saturating_sub(now.boot_ms)
        } else {
            self.wall_ms.saturating_sub(now.wall_ms)
        };
        left.clamp(0, longest.max(0))
    }
}

/// What a call that asks now may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pass {
    Yes,
    /// As the one that tries it out.
    Probe,
    /// Open for so many ms more.
    Open(i64),
    /// Another call tries it out.
    Probing,
    Forced,
}

/// What is known of one host, or of one model on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Breaker {
    pub(crate) state: BreakerState,
    pub(crate) generation: i64,
    /// In a row.
    pub(crate) failures: i64,
    /// In a row.
    pub(crate) opens: i64,
    /// Wall clock: only its distance to the next failure matters, and a jump costs a count, not a lockout.
    pub(crate) last_failure_at: Option<i64>,
    pub(crate) last_class: Option<String>,
    pub(crate) last_error: Option<String>,
    /// When the present opening ends, and how long it is in all.
    pub(crate) open: Option<(Until, i64)>,
    /// The row of the call that tries it out.
    pub(crate) probe_row: Option<i64>,
}

impl Default for Breaker {
    fn default() -> Self {
        Self {
            state: BreakerState::Closed,
            generation: 0,
            failures: 0,
            opens: 0,
            last_failure_at: None,
            last_class: None,
            last_error: None,
            open: None,
            probe_row: None,
        }
    }
}

/// A failure that counts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fault<'a> {
    /// Opens at once.
    pub(crate) hard: bool,
    pub(crate) class: &'a str,
    pub(crate) message: &'a str,
}

impl Breaker {
    /// What a call may do; `probe_lives` says whether the row of the probe is there and its process too.
    pub(crate) fn pass(&self, now: &Now, probe_lives: bool) -> Pass {
        match self.state {
            BreakerState::Closed | BreakerState::Disabled => Pass::Yes,
            BreakerState::ForcedOpen => Pass::Forced,
            BreakerState::HalfOpen if probe_lives => Pass::Probing,
            BreakerState::HalfOpen => Pass::Probe,
            BreakerState::Open => match self.left_ms(now) {
                0 => Pass::Probe,
                left => Pass::Open(left),
            },
        }
    }

    /// What is left of the present opening.
    pub(crate) fn left_ms(&self, now: &Now) -> i64 {
        self.open.as_ref().map_or(0, |(until, whole)| until.left_ms(now, *whole))
    }

    /// Writes what is left down by this boot's clock, where another boot wrote it: else a wall clock that was set back
    /// would be asked again and again, and the clamp would begin anew each time. Says whether something changed.
    pub(crate) fn rebase(&mut self, now: &Now) -> bool {
        let left = self.left_ms(now);
        match &mut self.open {
            Some((until, _)) if until.boot_id != now.boot_id => {
                *until = Until::after(now, left);
                true
            }
            _ => false,
        }
    }

    /// The call with this row tries it out.
    pub(crate) fn claim(&mut self, row: i64) {
        self.become_state(BreakerState::HalfOpen);
        self.probe_row = Some(row);
    }

    /// The probe's first token: closed, and the generation in which the rest of that call counts. How often it has opened
    /// is forgotten only by the whole answer (B5).
    pub(crate) fn first_token(&mut self, generation: i64) -> Option<i64> {
        if self.state != BreakerState::HalfOpen || self.generation != generation {
            return None;
        }
        self.become_state(BreakerState::Closed);
        self.failures = 0;
        self.open = None;
        Some(self.generation)
    }

    /// A call of this generation was answered.
    pub(crate) fn succeed(&mut self, generation: i64) {
        if self.generation != generation {
            return;
        }
        match self.state {
            BreakerState::Closed => {}
            BreakerState::HalfOpen => {
                self.become_state(BreakerState::Closed);
                self.open = None;
            }
            BreakerState::Open | BreakerState::ForcedOpen | BreakerState::Disabled => return,
        }
        self.failures = 0;
        self.opens = 0;
    }

    /// A call of this generation failed by the host's fault.
    pub(crate) fn fail(&mut self, generation: i64, fault: Fault<'_>, now: &Now, random: &dyn Random) {
        if self.generation != generation {
            return;
        }
        match self.state {
            BreakerState::Closed | BreakerState::HalfOpen => {}
            BreakerState::Open | BreakerState::ForcedOpen | BreakerState::Disabled => return,
        }
        if self.last_failure_at.is_some_and(|at| now.wall_ms.saturating_sub(at) > IDLE_MS) {
            self.failures = 0;
        }
        self.failures = self.failures.saturating_add(1);
        self.last_failure_at = Some(now.wall_ms);
        self.note(fault.class, fault.message);
        if fault.hard || self.failures >= SOFT_LIMIT || self.state == BreakerState::HalfOpen {
            self.opens = self.opens.max(0).saturating_add(1);
            let period = period_ms(fault.hard, self.opens, random);
            self.become_state(BreakerState::Open);
            self.open = Some((Until::after(now, period), period));
        }
    }

    /// A failure to show that does not count.
    pub(crate) fn note(&mut self, class: &str, message: &str) {
        self.last_class = Some(class.to_owned());
        self.last_error = Some(message.chars().take(200).collect());
    }

    /// An open one is tried out by the next call. Says whether something changed.
    pub(crate) fn make_due(&mut self, now: &Now) -> bool {
        if self.state != BreakerState::Open || self.left_ms(now) == 0 {
            return false;
        }
        if let Some((until, _)) = &mut self.open {
            *until = Until::after(now, 0);
        }
        true
    }

    /// By hand: refuses all.
    pub(crate) fn force_open(&mut self) {
        self.become_state(BreakerState::ForcedOpen);
        self.open = None;
    }

    /// By hand: closed, with all counts at zero.
    pub(crate) fn close(&mut self) {
        self.become_state(BreakerState::Closed);
        (self.failures, self.opens, self.open) = (0, 0, None);
        // Who closes it says that what was is over.
        (self.last_failure_at, self.last_class, self.last_error) = (None, None, None);
    }

    fn become_state(&mut self, state: BreakerState) {
        self.state = state;
        self.generation = self.generation.wrapping_add(1);
        self.probe_row = None;
    }
}

/// How long the n-th opening in a row is: the first is exact, later ones get up to a tenth more, so that who waits for
/// several hosts does not try them all at once; never longer than the limit (B5).
fn period_ms(hard: bool, opens: i64, random: &dyn Random) -> i64 {
    let (base, limit) = if hard { HARD_MS } else { SOFT_MS };
    // Twelve doublings are beyond both limits.
    let doublings = opens.saturating_sub(1).clamp(0, 12);
    let exact = (base << doublings).min(limit);
    if doublings == 0 {
        return exact;
    }
    let tenth = std::time::Duration::from_millis(u64::try_from(exact / 10).unwrap_or(0));
    let more = i64::try_from(random.up_to(tenth).as_millis()).unwrap_or(0);
    exact.saturating_add(more).min(limit)
}

#[cfg(test)]
mod tests;
