//! Whether a failed attempt is repeated, and after what time.

use std::time::Duration;

use conclave_retry::{ErrorClass, Random, RetryPolicy};

/// How often an agent may be asked again, and when.
#[derive(Debug, Clone, Copy)]
pub(super) struct Retrying<'a> {
    /// How often a failed attempt is repeated.
    pub(super) retries: u32,
    /// How long to wait.
    pub(super) policy: RetryPolicy,
    pub(super) random: &'a dyn Random,
}

/// What failed before in this run. Attempts that were lost or ended from outside are none of the agent's failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Failures {
    pub(super) all: u32,
    /// Of those, attempts that ended well and brought nothing.
    pub(super) degraded: u32,
}

impl Retrying<'_> {
    /// How long to wait before the next attempt, after one more failure of this class; nothing where there is to be
    /// no other, or no time is left for it.
    pub(super) fn delay(&self, before: Failures, class: ErrorClass, left: Duration) -> Option<Duration> {
        if before.all >= self.retries {
            return None;
        }
        let nth = usize::try_from(before.all).unwrap_or(usize::MAX);
        let own = self.policy.delays(self.random).nth(nth).unwrap_or(self.policy.settings().cap);
        let delay = match class {
            ErrorClass::Retryable { after, .. } => {
                let asked = after.unwrap_or_default();
                if asked > self.policy.settings().longest_asked {
                    return None;
                }
                own.max(asked)
            }
            ErrorClass::Degraded { .. } if before.degraded == 0 => own,
            ErrorClass::Degraded { .. } | ErrorClass::Permanent { .. } | ErrorClass::Ambiguous => {
                return None;
            }
        };
        (delay < left).then_some(delay)
    }
}

#[cfg(test)]
mod tests;
