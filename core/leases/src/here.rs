//! From where leases are judged: which process, which boot, which time.

use std::sync::Arc;
use std::time::Duration;

use conclave_db::clock::BootClock;
use conclave_db::process::{self, Liveness, ProcessIdentity};

use crate::store::grants::{Life, Stored};

/// Who asks, and the clock of its boot.
#[derive(Debug)]
pub(crate) struct Here {
    pub(crate) process: ProcessIdentity,
    pub(crate) boot: Arc<dyn BootClock>,
}

impl Here {
    /// The moment of a decision: asked for inside of the transaction that decides, after its lock is held. `wall_high_ms`
    /// is the latest wall clock that the file knows of.
    pub(crate) fn now(&self, wall_ms: i64, wall_high_ms: i64) -> Now<'_> {
        Now { here: self, boot_ms: milliseconds(self.boot.since_boot()), wall_ms, wall_high_ms }
    }

    /// Whether a process still runs, as far as can be told from here.
    pub(crate) fn liveness(&self, process: &ProcessIdentity) -> Liveness {
        process::liveness_from(&self.process, process)
    }
}

/// A moment, by both clocks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Now<'here> {
    here: &'here Here,
    /// Milliseconds since this boot began, suspend included.
    pub(crate) boot_ms: i64,
    /// Milliseconds since 1970.
    pub(crate) wall_ms: i64,
    wall_high_ms: i64,
}

/// The wall clock is written down when it is this much later than what is written: it only matters across boots, and
/// each time costs a page.
const WALL_STEP_MS: i64 = 1000;

impl Now<'_> {
    /// Whether the wall clock should be written down.
    pub(crate) const fn is_new(&self) -> bool {
        self.wall_ms >= self.wall_high_ms.saturating_add(WALL_STEP_MS)
    }

    /// Whether a grant is over: its time, its boot, or the process that it is bound to.
    pub(crate) fn is_over(&self, grant: &Stored) -> bool {
        let boot_is_over = grant.ends_with_boot && grant.life.boot_id != self.here.process.boot_id;
        boot_is_over
            || self.remaining_ms(&grant.life) == 0
            || grant.bound.as_ref().is_some_and(|bound| self.has_ended(bound))
    }

    /// Whether a process has certainly ended.
    pub(crate) fn has_ended(&self, process: &ProcessIdentity) -> bool {
        self.here.liveness(process) == Liveness::Dead
    }

    /// How long it still lives by the clocks alone; 0 when it is over. In its own boot the boot clock decides. In another
    /// one the wall clock does, which is never taken to have gone back; and since that boot is younger than the grant,
    /// it is over at the latest when the boot is as old as the grant could become.
    pub(crate) fn remaining_ms(&self, life: &Life) -> i64 {
        let left = if life.boot_id == self.here.process.boot_id {
            life.expires_boot_ms.saturating_sub(self.boot_ms)
        } else {
            let by_wall = life.expires_utc_ms.saturating_sub(self.wall_ms.max(self.wall_high_ms));
            by_wall.min(life.ttl_ms.saturating_sub(self.boot_ms))
        };
        left.max(0)
    }

    /// A life of this length from now on.
    pub(crate) fn life(&self, ttl_ms: i64) -> Life {
        Life {
            boot_id: self.here.process.boot_id.clone(),
            expires_boot_ms: self.boot_ms.saturating_add(ttl_ms),
            expires_utc_ms: self.wall_ms.saturating_add(ttl_ms),
            ttl_ms,
        }
    }

    /// A life of this length from now on, or what is left of this one where that is longer: nothing ends earlier.
    pub(crate) fn longer(&self, life: &Life, ttl_ms: i64) -> Life {
        let mut longer = self.life(ttl_ms.max(self.remaining_ms(life)));
        longer.expires_utc_ms = self.wall_ms.saturating_add(ttl_ms).max(life.expires_utc_ms);
        longer
    }
}

/// Of a duration.
pub(crate) fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// The same back.
pub(crate) fn since_boot(ms: i64) -> Duration {
    Duration::from_millis(u64::try_from(ms).unwrap_or(0))
}
