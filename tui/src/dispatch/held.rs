//! Agents that get no task for a while, since nobody could answer them: a queue is not tried against a host that is away.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How long one whose hosts have their hands full gets nothing: it has waited for a slot before.
const FULL: Duration = Duration::from_secs(1);

/// The agents, each until a time of the monotonic clock.
#[derive(Debug, Default)]
pub(super) struct Held(Mutex<BTreeMap<String, Until>>);

#[derive(Debug, Clone, Copy)]
struct Until {
    at: Duration,
    is_full: bool,
}

impl Held {
    /// Its hosts have their hands full.
    pub(super) fn full(&self, agent: &str, now: Duration) {
        self.hold(agent, Until { at: now.saturating_add(FULL), is_full: true });
    }

    /// Its hosts are away until then.
    pub(super) fn away(&self, agent: &str, at: Duration) {
        self.hold(agent, Until { at, is_full: false });
    }

    pub(super) fn is_held(&self, agent: &str, now: Duration) -> bool {
        self.until(agent, now).is_some()
    }

    /// Whether one gets nothing for a moment only, until a slot is free.
    pub(super) fn is_full(&self, agent: &str, now: Duration) -> bool {
        self.until(agent, now).is_some_and(|until| until.is_full)
    }

    fn hold(&self, agent: &str, until: Until) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(agent.to_owned(), until);
    }

    fn until(&self, agent: &str, now: Duration) -> Option<Until> {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.get(agent).filter(|until| until.at > now).copied()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{FULL, Held};

    #[test]
    fn who_is_held_is_free_again_at_its_time() {
        let (held, now) = (Held::default(), Duration::from_secs(100));
        assert!(!held.is_held("a", now));
        held.away("a", now + Duration::from_secs(30));
        held.full("b", now);
        let at = |seconds| now + Duration::from_secs(seconds);
        assert_eq!((held.is_held("a", at(29)), held.is_held("a", at(30))), (true, false));
        assert_eq!((held.is_full("a", now), held.is_full("b", now)), (false, true));
        assert!(!held.is_held("b", now + FULL));
    }
}
