//! The states of a breaker and their changes: pure, with the time handed in.

use std::time::Duration;

use super::policy::BreakerSettings;
use super::snapshot::{BreakerSnapshot, SnapshotError};
use super::window::{Call, Window};
use super::{BreakerState, Refused, Verdict};
use crate::random::Random;

#[derive(Debug)]
pub(super) struct Machine {
    settings: BreakerSettings,
    phase: Phase,
    generation: u64,
    failures: u32,
    /// When `failures` is forgotten.
    failures_until: Duration,
    window: Window,
    /// When `window` is forgotten.
    window_until: Duration,
    /// Openings in a row.
    openings: u32,
}

#[derive(Debug, Clone, Copy)]
enum Phase {
    Closed,
    Open {
        until: Duration,
        period: Duration,
    },
    HalfOpen {
        /// Calls let through whose verdict is not known.
        probes: u32,
        /// How long it was open before.
        period: Duration,
    },
    ForcedOpen,
    Disabled,
}

/// The generation in which a call began. Its verdict counts in no other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Admission(u64);

impl Machine {
    pub(super) fn new(settings: BreakerSettings) -> Self {
        Self {
            settings,
            phase: Phase::Closed,
            generation: 0,
            failures: 0,
            failures_until: Duration::ZERO,
            window: Window::default(),
            window_until: Duration::ZERO,
            openings: 0,
        }
    }

    pub(super) const fn state(&self) -> BreakerState {
        match self.phase {
            Phase::Closed => BreakerState::Closed,
            Phase::Open { .. } => BreakerState::Open,
            Phase::HalfOpen { .. } => BreakerState::HalfOpen,
            Phase::ForcedOpen => BreakerState::ForcedOpen,
            Phase::Disabled => BreakerState::Disabled,
        }
    }

    /// Lets a call through or refuses it. The only way from open to half-open: time alone changes nothing.
    pub(super) fn admit(&mut self, now: Duration) -> Result<Admission, Refused> {
        if let Phase::Open { until, period } = self.phase
            && now >= until
        {
            self.change(Phase::HalfOpen { probes: 0, period });
        }
        match &mut self.phase {
            Phase::Closed | Phase::Disabled => Ok(Admission(self.generation)),
            Phase::HalfOpen { probes, .. } if *probes < self.settings.probes => {
                *probes += 1;
                Ok(Admission(self.generation))
            }
            Phase::Open { until, .. } => {
                Err(Refused { state: BreakerState::Open, retry_in: Some(until.saturating_sub(now)) })
            }
            Phase::HalfOpen { .. } | Phase::ForcedOpen => {
                Err(Refused { state: self.state(), retry_in: None })
            }
        }
    }

    /// Takes note of how a call ended that took `took`.
    pub(super) fn conclude(
        &mut self,
        admission: Admission,
        verdict: Verdict,
        took: Duration,
        now: Duration,
        random: &dyn Random,
    ) {
        // A late result says something about a time before the last change, and must not undo it.
        if admission.0 != self.generation {
            return;
        }
        let slow = self.settings.window.and_then(|window| window.slow).is_some_and(|slow| took > slow.over);
        match (&mut self.phase, verdict) {
            (Phase::Closed, Verdict::Success | Verdict::Failure) => {
                self.count(Call { failed: verdict == Verdict::Failure, slow }, now);
                if self.should_open() {
                    self.open(now, random);
                }
            }
            (Phase::HalfOpen { probes, .. }, Verdict::Ignored) => *probes = probes.saturating_sub(1),
            (Phase::HalfOpen { .. }, Verdict::Success) if !slow => self.close(),
            (Phase::HalfOpen { .. }, _) => self.open(now, random),
            _ => {}
        }
    }

    pub(super) fn force_open(&mut self) {
        self.change(Phase::ForcedOpen);
    }

    pub(super) fn disable(&mut self) {
        self.change(Phase::Disabled);
    }

    pub(super) fn close(&mut self) {
        self.change(Phase::Closed);
        self.failures = 0;
        self.window.clear();
        self.openings = 0;
    }

    pub(super) fn snapshot(&self, now: Duration) -> BreakerSnapshot {
        let (open_for, open_remaining) = match self.phase {
            Phase::Open { until, period } => (period, until.saturating_sub(now)),
            Phase::HalfOpen { period, .. } => (period, Duration::ZERO),
            _ => (Duration::ZERO, Duration::ZERO),
        };
        let failures_expire_in = self.failures_until.saturating_sub(now);
        let window_expires_in = self.window_until.saturating_sub(now);
        BreakerSnapshot {
            version: BreakerSnapshot::VERSION,
            state: self.state(),
            generation: self.generation,
            failures: if failures_expire_in.is_zero() { 0 } else { self.failures },
            openings: self.openings,
            open_for,
            open_remaining,
            window: if window_expires_in.is_zero() { String::new() } else { self.window.to_letters() },
            failures_expire_in,
            window_expires_in,
        }
    }

    pub(super) fn restore(
        &mut self,
        snapshot: &BreakerSnapshot,
        age: Duration,
        now: Duration,
    ) -> Result<(), SnapshotError> {
        if snapshot.version > BreakerSnapshot::VERSION {
            return Err(SnapshotError::Newer(snapshot.version));
        }
        let size = self.settings.window.map_or(0, |window| window.size);
        let window = Window::from_letters(&snapshot.window, size).map_err(SnapshotError::Window)?;
        let later = |left: Duration, limit: Duration| now.saturating_add(left.min(limit).saturating_sub(age));
        // Whatever was stored, no one is locked out for longer than the policy allows.
        let period = snapshot.open_for.min(self.settings.open_limit);
        self.phase = match snapshot.state {
            BreakerState::Closed => Phase::Closed,
            BreakerState::Open => Phase::Open { until: later(snapshot.open_remaining, period), period },
            // The probes belong to another process, which may be gone: the next call is one.
            BreakerState::HalfOpen => Phase::Open { until: now, period },
            BreakerState::ForcedOpen => Phase::ForcedOpen,
            BreakerState::Disabled => Phase::Disabled,
        };
        self.generation = snapshot.generation;
        self.failures = snapshot.failures;
        self.failures_until = later(snapshot.failures_expire_in, self.settings.idle);
        self.window = window;
        self.window_until = later(snapshot.window_expires_in, self.settings.idle);
        self.openings = snapshot.openings;
        Ok(())
    }

    fn count(&mut self, call: Call, now: Duration) {
        let forgotten_at = now.saturating_add(self.settings.idle);
        if !call.failed || now >= self.failures_until {
            self.failures = 0;
        }
        if call.failed {
            self.failures = self.failures.saturating_add(1);
            self.failures_until = forgotten_at;
        }
        if let Some(window) = self.settings.window {
            if now >= self.window_until {
                self.window.clear();
            }
            self.window.push(call, window.size);
            self.window_until = forgotten_at;
        }
    }

    fn should_open(&self) -> bool {
        let in_a_row = self.settings.consecutive.is_some_and(|limit| self.failures >= limit);
        in_a_row || self.settings.window.is_some_and(|window| self.window.opens(&window))
    }

    fn open(&mut self, now: Duration, random: &dyn Random) {
        let BreakerSettings { open_for, open_limit, open_jitter_percent, .. } = self.settings;
        let doubled = open_for.saturating_mul(1_u32.checked_shl(self.openings).unwrap_or(u32::MAX));
        let mut period = doubled.min(open_limit);
        if self.openings > 0 {
            let spread = (period / 100).saturating_mul(open_jitter_percent);
            period = period.saturating_add(random.up_to(spread)).min(open_limit);
        }
        self.openings = self.openings.saturating_add(1);
        self.change(Phase::Open { until: now.saturating_add(period), period });
    }

    fn change(&mut self, phase: Phase) {
        self.phase = phase;
        self.generation = self.generation.wrapping_add(1);
    }
}
