//! Chunks that grow and shrink with the time they take, so that the write lock is never held for long.

use std::time::Duration;

use conclave_db::Held;

/// The first chunk: small, since nothing is known of the disk yet.
const FIRST: u64 = 64 * 1024;
const LEAST: u64 = 1024;
const MOST: u64 = 32 * 1024 * 1024;

/// How long chunks held the write lock.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LockTimes {
    held: Vec<Duration>,
}

impl LockTimes {
    /// How many chunks were written.
    pub fn chunks(&self) -> usize {
        self.held.len()
    }

    /// The longest that one held the lock.
    pub fn longest(&self) -> Duration {
        self.held.iter().copied().max().unwrap_or_default()
    }

    /// The time that 99 of 100 chunks stayed below.
    pub fn p99(&self) -> Duration {
        let mut sorted = self.held.clone();
        sorted.sort_unstable();
        sorted.get((sorted.len() * 99).div_ceil(100).saturating_sub(1)).copied().unwrap_or_default()
    }
}

/// Decides how much the next chunk may weigh.
#[derive(Debug)]
pub(crate) struct Pace {
    target: Duration,
    budget: u64,
    locks: LockTimes,
}

impl Pace {
    /// Aims below `chunk_time`, since commits differ in time.
    pub(crate) fn new(chunk_time: Duration) -> Self {
        Self { target: chunk_time * 3 / 5, budget: FIRST, locks: LockTimes::default() }
    }

    pub(crate) const fn budget(&self) -> u64 {
        self.budget
    }

    /// A chunk of this weight held the lock for `held`.
    pub(crate) fn took(&mut self, weight: u64, held: Held) {
        self.locks.held.push(held.total());
        // The disk's own time for a commit does not shrink with the chunk: on a slow disk at least half of
        // the time is for work, or chunks would end at one row each.
        let target = self.target.saturating_sub(held.commit).max(self.target / 2);
        if weight < self.budget / 2 && held.work <= target {
            // The last rows, or few huge ones: a chunk far below its budget says little about a full one.
            return;
        }
        let (target, took) = (target.as_micros().max(1), held.work.as_micros().max(1));
        let ideal = u64::try_from(u128::from(weight) * target / took).unwrap_or(MOST);
        self.budget = ideal.clamp(self.budget / 4, self.budget * 2).clamp(LEAST, MOST);
    }

    pub(crate) fn into_locks(self) -> LockTimes {
        self.locks
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use conclave_db::Held;

    use super::{FIRST, LEAST, MOST, Pace};

    /// A disk that takes 1 ms for 100 KiB, and `commit` for each commit.
    fn held(weight: u64, commit: Duration) -> Held {
        Held { work: Duration::from_micros(weight / 102), commit }
    }

    fn settle(commit: Duration) -> (Pace, Duration) {
        let mut pace = Pace::new(Duration::from_millis(10));
        for _ in 0..20 {
            let weight = pace.budget();
            pace.took(weight, held(weight, commit));
        }
        let total = held(pace.budget(), commit).total();
        (pace, total)
    }

    #[test]
    fn chunks_find_the_size_that_fits_their_time() {
        let (mut pace, total) = settle(Duration::from_millis(1));
        assert!(total > Duration::from_millis(5) && total < Duration::from_millis(7), "{total:?}");
        // The work becomes ten times slower.
        for _ in 0..20 {
            let weight = pace.budget();
            pace.took(weight, held(weight * 10, Duration::from_millis(1)));
        }
        assert!(held(pace.budget() * 10, Duration::from_millis(1)).total() < Duration::from_millis(7));
        assert_eq!(pace.into_locks().chunks(), 40);
    }

    #[test]
    fn a_slow_disk_does_not_shrink_chunks_to_nothing() {
        let (pace, total) = settle(Duration::from_millis(20));
        assert!(held(pace.budget(), Duration::ZERO).total() > Duration::from_millis(2));
        assert!(total < Duration::from_millis(24), "{total:?}");
    }

    #[test]
    fn the_last_small_chunk_does_not_blow_up_the_next() {
        let mut pace = Pace::new(Duration::from_millis(10));
        pace.took(10, held(10, Duration::ZERO));
        assert_eq!(pace.budget(), FIRST);
        for _ in 0..100 {
            pace.took(pace.budget(), Held { work: Duration::from_secs(9), commit: Duration::ZERO });
        }
        assert_eq!(pace.budget(), LEAST);
        for _ in 0..100 {
            pace.took(pace.budget(), Held::default());
        }
        assert_eq!(pace.budget(), MOST);
    }
}
