//! What this process has heard from hosts about themselves.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::host::Host;
use crate::wire::Listing;

/// How long a list is good for: as long as other evidence (R10).
pub(crate) const GOOD_FOR: Duration = Duration::from_mins(1);

#[derive(Debug, Default)]
pub(crate) struct Known {
    of: Mutex<Facts>,
}

#[derive(Debug, Default)]
struct Facts {
    listings: HashMap<String, (Duration, Listing)>,
    without_usage: HashSet<String>,
}

impl Known {
    /// The newest list of the host, where it is not older than a minute. `now` is the monotonic clock.
    pub(crate) fn listing(&self, host: &Host, now: Duration) -> Option<Listing> {
        let facts = self.facts();
        let (at, listing) = facts.listings.get(&key(host))?;
        (now.saturating_sub(*at) <= GOOD_FOR).then(|| listing.clone())
    }

    /// Notes what a host has said, beside what it said before and has not said again.
    pub(crate) fn hear(&self, host: &Host, now: Duration, listing: &Listing) {
        let mut facts = self.facts();
        let (at, known) = facts.listings.entry(key(host)).or_default();
        *at = now;
        if listing.models.is_some() {
            known.models.clone_from(&listing.models);
            known.contexts.clone_from(&listing.contexts);
        }
        known.loaded.clone_from(&listing.loaded);
        known.slots = listing.slots.or(known.slots);
    }

    /// Whether the host has refused `stream_options` before.
    pub(crate) fn refuses_usage(&self, host: &Host) -> bool {
        self.facts().without_usage.contains(&key(host))
    }

    pub(crate) fn refused_usage(&self, host: &Host) {
        self.facts().without_usage.insert(key(host));
    }

    /// Facts are replaced whole, so those of a thread that panicked are sound.
    fn facts(&self) -> MutexGuard<'_, Facts> {
        self.of.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key(host: &Host) -> String {
    format!("{} {}", host.dialect.as_str(), host.endpoint.as_str())
}
