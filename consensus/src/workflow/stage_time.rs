//! The wall-clock time of a stage, retries and killing included.

use std::sync::Arc;
use std::time::Duration;

use conclave_retry::Clock;

use crate::child::Limits;

/// Agents are asked to end this long before the end of a stage at most.
const LONGEST_LEAD: Duration = Duration::from_secs(2);
/// Most bytes that are kept of an agent's answer.
const KEPT: usize = 16 * 1024 * 1024;
/// Most bytes that are kept of what it says beside it: what says why it failed stands at either end.
const KEPT_BESIDE: usize = 128 * 1024;

/// How much of a stage's time is left.
#[derive(Debug, Clone)]
pub(super) struct StageTime {
    clock: Arc<dyn Clock>,
    begun: Duration,
    total: Duration,
}

impl StageTime {
    /// From now on.
    pub(super) fn begin(clock: Arc<dyn Clock>, total: Duration) -> Self {
        let begun = clock.monotonic();
        Self { clock, begun, total }
    }

    /// How long before its end agents are asked to end: 2 s, or a tenth of the whole.
    pub(super) fn lead(&self) -> Duration {
        LONGEST_LEAD.min(self.total / 10)
    }

    /// How long until all must have ended.
    pub(super) fn left(&self) -> Duration {
        self.total.saturating_sub(self.clock.monotonic().saturating_sub(self.begun))
    }

    /// How long an agent may work from now on before it is asked to end.
    pub(super) fn left_for_work(&self) -> Duration {
        self.left().saturating_sub(self.lead())
    }

    /// What an attempt that begins now may take: its own time, and no more than the stage has left.
    pub(super) fn limits(&self, own: Duration) -> Limits {
        let timeout = own.min(self.left_for_work());
        let grace = LONGEST_LEAD.min(self.left().saturating_sub(timeout));
        Limits { stdout: KEPT, stderr: KEPT_BESIDE, timeout, grace }
    }
}

#[cfg(test)]
mod tests;
