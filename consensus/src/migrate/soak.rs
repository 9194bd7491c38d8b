//! The soak: how long a phase must have gone well before the next may begin.
//!
//! Within one boot of the machine the time is that of the boot clock, which nobody sets, so that a step of the
//! wall clock neither shortens nor prolongs it. Across boots there is only the wall clock: what it says to have
//! passed since somebody last looked counts, and nothing where it went back.

use std::sync::Arc;
use std::time::Duration;

use conclave_db::clock::{BootClock, SystemBootClock};
use conclave_db::process;
use serde::Serialize;

use crate::store::control::Phase;

const DAY: Duration = Duration::from_hours(24);

/// How long each step is soaked, and the clock that says so.
#[derive(Debug, Clone)]
pub struct Soak {
    /// In phase 2, before the reads are flipped. Default 7 days.
    pub before_reads_flipped: Duration,
    /// In phase 3, before the legacy tables are written no more. Default 7 days.
    pub before_new_only: Duration,
    /// In phase 4, before the legacy tables are dropped. Default 14 days.
    pub before_cleaned_up: Duration,
    /// The time since boot.
    pub clock: Arc<dyn BootClock>,
    /// The name of this boot; empty where the platform has none.
    pub boot: String,
}

impl Default for Soak {
    fn default() -> Self {
        Self {
            before_reads_flipped: 7 * DAY,
            before_new_only: 7 * DAY,
            before_cleaned_up: 14 * DAY,
            clock: Arc::new(SystemBootClock),
            boot: this_boot(),
        }
    }
}

impl Soak {
    /// How long `phase` is soaked before it is left forward.
    pub(crate) fn required(&self, phase: Phase) -> Option<Duration> {
        match phase {
            Phase::DualWrite => Some(self.before_reads_flipped),
            Phase::ReadsFlipped => Some(self.before_new_only),
            Phase::NewOnly => Some(self.before_cleaned_up),
            Phase::TablesCreated | Phase::CleanedUp => None,
        }
    }

    /// This moment by both clocks.
    pub(crate) fn moment(&self, wall_ms: i64) -> Moment {
        Moment { wall_ms, boot: self.boot.clone(), boot_ms: millis(self.clock.since_boot()) }
    }
}

/// A moment by the wall clock and by the boot clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Moment {
    pub(crate) wall_ms: i64,
    pub(crate) boot: String,
    pub(crate) boot_ms: i64,
}

impl Moment {
    /// This moment by the clock of the system.
    pub(crate) fn of_system(wall_ms: i64) -> Self {
        Self { wall_ms, boot: this_boot(), boot_ms: millis(SystemBootClock.since_boot()) }
    }
}

/// What is stored of a soak: how much of it had passed when somebody last looked, and when that was.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) since: Option<i64>,
    pub(crate) passed_ms: i64,
    pub(crate) at: Option<i64>,
    pub(crate) boot: Option<String>,
    pub(crate) boot_ms: Option<i64>,
    /// Late writes of older programs that had been counted then.
    pub(crate) late_writes: u64,
}

/// What older programs wrote in phase 4 and later.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct LateWrites {
    pub(crate) count: u64,
    pub(crate) last_at: Option<i64>,
}

impl Seen {
    /// How it stands now. A late write since then began it anew.
    pub(crate) fn at(&self, now: &Moment, late: LateWrites) -> Self {
        let since_seen = match (&self.boot, self.boot_ms) {
            (Some(boot), Some(then)) if *boot == now.boot && now.boot_ms >= then => now.boot_ms - then,
            _ => self.at.map_or(0, |at| now.wall_ms.saturating_sub(at).max(0)),
        };
        let mut stands = Self {
            since: self.since,
            passed_ms: self.passed_ms.saturating_add(since_seen),
            at: Some(now.wall_ms),
            boot: Some(now.boot.clone()),
            boot_ms: Some(now.boot_ms),
            late_writes: late.count,
        };
        if late.count > self.late_writes {
            // The writer knew the wall clock alone. It cannot have been longer ago than the last look.
            let ago = late.last_at.map_or(0, |at| now.wall_ms.saturating_sub(at).max(0));
            (stands.since, stands.passed_ms) = (late.last_at.or(Some(now.wall_ms)), ago.min(since_seen));
        }
        stands
    }
}

/// How a soak stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct SoakStatus {
    /// When it began, or began anew, ms.
    #[serde(serialize_with = "crate::time::serialize")]
    pub since: Option<i64>,
    /// How much of it has passed, ms.
    pub passed_ms: i64,
    /// How much must pass, ms.
    pub required_ms: i64,
    /// When it ends, or ended, as far as is known now, ms.
    #[serde(serialize_with = "crate::time::serialize")]
    pub ends_at: Option<i64>,
    /// Whether enough has passed.
    pub passed: bool,
}

impl SoakStatus {
    pub(crate) fn of(stands: &Seen, required: Duration, now_ms: i64) -> Self {
        let required_ms = millis(required);
        let left = required_ms.saturating_sub(stands.passed_ms);
        let ended = stands.since.map_or(now_ms, |since| since.saturating_add(required_ms).min(now_ms));
        Self {
            since: stands.since,
            passed_ms: stands.passed_ms,
            required_ms,
            ends_at: Some(if left > 0 { now_ms.saturating_add(left) } else { ended }),
            passed: left <= 0,
        }
    }

    /// What is left of it, in words.
    pub(crate) fn left(&self) -> String {
        in_words(self.required_ms.saturating_sub(self.passed_ms))
    }
}

/// A span of time in its two greatest units, rounded up, as in `4 d 3 h`.
fn in_words(ms: i64) -> String {
    let minutes = ms.saturating_add(59_999) / 60_000;
    let (days, hours, minutes) = (minutes / 1440, minutes / 60 % 24, minutes % 60);
    match (days, hours, minutes) {
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, 0) => format!("{hours} h"),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, 0, _) => format!("{days} d"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// Without a name, boots are told apart by a boot clock that went back.
fn this_boot() -> String {
    process::current().map(|process| process.boot_id).unwrap_or_default()
}

#[cfg(test)]
mod tests;
