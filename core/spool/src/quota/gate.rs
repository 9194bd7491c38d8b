//! Who wants to write asks here.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::force::{self, Told};
use super::limits::Limits;
use super::state::{QuotaState, Why};
use super::usage;
use crate::error::Result;
use crate::notices::Pressure;
use crate::spool::Shared;

/// Whether something may be written now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Admission {
    /// At once.
    Go,
    /// After [`soft_delay`](crate::SpoolOptions::soft_delay), with no lock of this process held while waiting.
    Slowly,
    /// Not now.
    Hold(Why),
}

/// How old a look at the disk may be…
const FRESH: Duration = Duration::from_secs(1);
/// …and above the soft limit, or where nothing is written.
const FRESH_UNDER_PRESSURE: Duration = Duration::from_millis(500);

/// What is known of the quota in this process: the last look at the disk, and the state in force.
///
/// No lock is held while the disk is looked at, the state is stored or the log is written: one monitor does not wait for
/// what another one's question costs.
#[derive(Debug)]
pub(crate) struct Gate {
    limits: Limits,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    look: Option<Look>,
    /// Somebody looks now; others go by what is known.
    looking: bool,
    told: Told,
    /// Somebody stores and tells a change now; others leave that to it.
    telling: bool,
}

/// What the disk had when it was looked at, and what this process has done since.
#[derive(Debug, Clone, Copy)]
pub(super) struct Look {
    at: Duration,
    pub(super) used: u64,
    pub(super) trimmable: u64,
    pub(super) reserved: u64,
    /// Free bytes of the disk, and how many are to stay free. Nothing where the system does not say.
    pub(super) room: Option<(u64, u64)>,
}

impl Look {
    /// Looks.
    pub(super) fn take(shared: &Shared) -> Result<Self> {
        let at = shared.clock.monotonic();
        let usage = usage::scan(&shared.layout, shared.clock.wall_ms())?;
        Ok(Self::of(shared, &usage, at))
    }

    /// What was just found.
    pub(super) fn of(shared: &Shared, usage: &usage::Usage, at: Duration) -> Self {
        let folder = shared.layout.root().ancestors().find(|folder| folder.exists());
        let room = folder.and_then(|folder| match shared.disk.room(folder) {
            Ok((free, all)) => Some((free, shared.options.limits.keep_free(all))),
            Err(error) => {
                // What is not known is no reason to stop; a disk that is full says so itself.
                tracing::debug!(%error, "free space is not known");
                None
            }
        });
        Self { at, used: usage.used, trimmable: usage.trimmable, reserved: usage.reserved, room }
    }

    /// Whether what may be trimmed is not enough to be normal again.
    pub(super) fn is_untrimmable(&self, limits: &Limits) -> bool {
        self.used.saturating_sub(self.trimmable) >= limits.resume()
    }

    /// What keeps `incoming` bytes out, whatever the state: there is no room for them.
    pub(super) fn full(&self, limits: &Limits, incoming: u64) -> Option<Pressure> {
        if self.claimed(incoming) >= limits.hard() {
            return Some(Pressure::Hard);
        }
        let (free, keep) = self.room?;
        (free.saturating_sub(incoming) < keep).then_some(Pressure::KeepFree { keep, free })
    }

    /// What would be on the disk with `incoming` bytes more.
    fn claimed(&self, incoming: u64) -> u64 {
        self.used.saturating_add(self.reserved).saturating_add(incoming)
    }

    fn is_fresh(&self, now: Duration, state: QuotaState, limits: &Limits) -> bool {
        let pressed = state != QuotaState::Normal || self.full(limits, 0).is_some();
        now.saturating_sub(self.at) < if pressed { FRESH_UNDER_PRESSURE } else { FRESH }
    }
}

impl Gate {
    pub(crate) fn new(limits: Limits) -> Self {
        Self { limits, known: Mutex::new(Known::default()) }
    }

    /// Whether `incoming` bytes may be written (compressed, as far as that is known). Looks at the disk again where the
    /// last look is older than a second (half of one above the soft limit); a change of state is stored, told to the log
    /// once, and decided by what is finalised alone; `.part` and `incoming` count for whether there is room. What waits in
    /// memory does too, but only so far that flushes are put off: it is counted as it is, not compressed, and would keep
    /// itself out for ever.
    pub(crate) fn admit(&self, shared: &Shared, incoming: u64) -> Result<Admission> {
        let (look, looked) = self.look(shared)?;
        let full = look.full(&self.limits, incoming);
        let state = self.state(shared, &look, full, looked);
        if state == QuotaState::Hard || full == Some(Pressure::Hard) {
            return Ok(Admission::Hold(Why::Quota));
        }
        if full.is_some() {
            return Ok(Admission::Hold(Why::KeepFree));
        }
        let waiting = incoming.saturating_add(shared.memory.bytes());
        let slowly = state == QuotaState::Soft || look.claimed(waiting) >= self.limits.hard();
        Ok(if slowly { Admission::Slowly } else { Admission::Go })
    }

    /// Takes over what this process has just done, so that the next answer is right without a look: bytes of finalised
    /// segments, and of `.part`, that came (or went).
    pub(crate) fn moved(&self, finalised: i64, reserved: i64) {
        if let Some(look) = &mut self.known().look {
            look.used = look.used.saturating_add_signed(finalised);
            look.reserved = look.reserved.saturating_add_signed(reserved);
            if let Some((free, _)) = &mut look.room {
                // What came is no longer free.
                *free = free.saturating_add_signed(finalised.saturating_add(reserved).saturating_neg());
            }
        }
    }

    /// Looks at once, and gives the state that is in force now, which is stored and told where it has changed.
    pub(crate) fn refresh(&self, shared: &Shared) -> Result<QuotaState> {
        let look = Look::take(shared)?;
        self.known().look = Some(look);
        Ok(self.state(shared, &look, look.full(&self.limits, 0), true))
    }

    /// The last look, or a new one; and whether it is new.
    fn look(&self, shared: &Shared) -> Result<(Look, bool)> {
        {
            let mut known = self.known();
            let state = known.told.state();
            let now = shared.clock.monotonic();
            match known.look {
                Some(look) if known.looking || look.is_fresh(now, state, &self.limits) => {
                    return Ok((look, false));
                }
                _ => known.looking = true,
            }
        }
        let look = Look::take(shared);
        let mut known = self.known();
        known.looking = false;
        let look = look?;
        known.look = Some(look);
        Ok((look, true))
    }

    /// The state in force. `looked`: the look is new, so what other processes have stored is read as well.
    fn state(&self, shared: &Shared, look: &Look, full: Option<Pressure>, looked: bool) -> QuotaState {
        let asked = force::Asked {
            used: look.used,
            full,
            untrimmable: look.is_untrimmable(&self.limits),
            now_ms: shared.clock.wall_ms(),
            limits: self.limits,
            log_interval: shared.options.log_interval,
        };
        let told = {
            let mut known = self.known();
            let change = known.told.change_here(&asked);
            if known.telling || (!looked && !known.told.differs(&change)) {
                return change.state;
            }
            known.telling = true;
            known.told
        };
        let stored = force::store(shared, &told, &asked, looked);
        let change = {
            let mut known = self.known();
            let change = stored.unwrap_or_else(|| known.told.change_here(&asked));
            known.told.take(&change);
            known.telling = false;
            change
        };
        change.tell(&asked);
        change.state
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
