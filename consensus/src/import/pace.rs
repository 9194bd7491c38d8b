//! Chunks that grow and shrink with the time they take, so that the write lock is never held for long.

use std::time::Duration;

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
    pub(crate) fn took(&mut self, weight: u64, held: Duration) {
        self.locks.held.push(held);
        if weight < self.budget / 2 && held <= self.target {
            // The last rows, or few huge ones: a chunk far below its budget says little about a full one.
            return;
        }
        let (target, took) = (self.target.as_micros().max(1), held.as_micros().max(1));
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

    use super::{FIRST, LEAST, MOST, Pace};

    #[test]
    fn chunks_find_the_size_that_fits_their_time() {
        // A disk that takes 1 ms for 100 KiB.
        let time = |weight: u64| Duration::from_micros(weight / 102);
        let mut pace = Pace::new(Duration::from_millis(10));
        for _ in 0..20 {
            let weight = pace.budget();
            pace.took(weight, time(weight));
        }
        let settled = time(pace.budget());
        assert!(settled > Duration::from_millis(5) && settled < Duration::from_millis(7), "{settled:?}");
        // It becomes ten times slower.
        for _ in 0..20 {
            let weight = pace.budget();
            pace.took(weight, time(weight) * 10);
        }
        assert!(time(pace.budget()) * 10 < Duration::from_millis(7));
        assert_eq!(pace.into_locks().chunks(), 40);
    }

    #[test]
    fn the_last_small_chunk_does_not_blow_up_the_next() {
        let mut pace = Pace::new(Duration::from_millis(10));
        pace.took(10, Duration::from_micros(1));
        assert_eq!(pace.budget(), FIRST);
        for _ in 0..100 {
            pace.took(pace.budget(), Duration::from_secs(9));
        }
        assert_eq!(pace.budget(), LEAST);
        for _ in 0..100 {
            pace.took(pace.budget(), Duration::from_nanos(1));
        }
        assert_eq!(pace.budget(), MOST);
    }
}
