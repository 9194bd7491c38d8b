//! Which entries were read since the last flush, and what was counted: kept in memory so that reads need not write.

use std::collections::HashMap;
use std::time::Duration;

/// So many lookups are written down together.
const MOST: u64 = 1000;
/// Nothing is kept back for longer, as long as anything is read.
const LONGEST: Duration = Duration::from_secs(5);

/// What was counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Counts {
    pub(crate) hits: u64,
    pub(crate) misses: u64,
    pub(crate) stale: u64,
    pub(crate) errors: u64,
}

/// What a lookup came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Looked {
    Hit,
    Miss,
    Stale,
    /// It is there and cannot be read.
    Damaged,
}

/// What was read and counted, and is not in the file yet.
#[derive(Debug, Default)]
pub(crate) struct Recency {
    /// The place of each entry's last read in the order of all.
    read: HashMap<[u8; 32], u64>,
    /// Reads so far, which gives the order.
    reads: u64,
    counts: Counts,
    /// Lookups since the last time that it was time to write.
    lookups: u64,
    /// Since when something is kept back.
    since: Option<Duration>,
}

/// What is to be written down.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Batch {
    /// Entries that were read, in the order of their last read.
    pub(crate) read: Vec<[u8; 32]>,
    pub(crate) counts: Counts,
}

impl Batch {
    pub(crate) fn is_empty(&self) -> bool {
        self.read.is_empty() && self.counts == Counts::default()
    }
}

impl Recency {
    /// Notes a lookup; whether it is time to write down what is kept back.
    pub(crate) fn note(&mut self, hash: &[u8; 32], looked: Looked, now: Duration) -> bool {
        match looked {
            Looked::Hit => {
                self.counts.hits += 1;
                self.reads += 1;
                self.read.insert(*hash, self.reads);
            }
            Looked::Miss => self.counts.misses += 1,
            Looked::Stale => self.counts.stale += 1,
            Looked::Damaged => {
                self.counts.misses += 1;
                self.counts.errors += 1;
            }
        }
        self.lookups += 1;
        let since = *self.since.get_or_insert(now);
        if self.lookups < MOST && now.saturating_sub(since) < LONGEST {
            return false;
        }
        // Where it cannot be written down now, the next lookup is not to try it again at once.
        self.lookups = 0;
        self.since = Some(now);
        true
    }

    /// What was counted and is kept back.
    pub(crate) const fn counts(&self) -> Counts {
        self.counts
    }

    /// Takes what is kept back.
    pub(crate) fn take(&mut self) -> Batch {
        let mut read: Vec<_> = self.read.drain().collect();
        read.sort_unstable_by_key(|(_, place)| *place);
        self.since = None;
        self.lookups = 0;
        Batch {
            read: read.into_iter().map(|(hash, _)| hash).collect(),
            counts: std::mem::take(&mut self.counts),
        }
    }

    /// Takes back what could not be written down. What was read since is more recent.
    pub(crate) fn give_back(&mut self, batch: &Batch, now: Duration) {
        for hash in &batch.read {
            // All of them before what was read since; their own order is lost, which costs little.
            self.read.entry(*hash).or_insert(0);
        }
        let Counts { hits, misses, stale, errors } = batch.counts;
        self.counts.hits += hits;
        self.counts.misses += misses;
        self.counts.stale += stale;
        self.counts.errors += errors;
        self.since.get_or_insert(now);
    }
}

#[cfg(test)]
mod tests;
