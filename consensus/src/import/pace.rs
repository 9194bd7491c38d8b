//! Chunks that grow and shrink with the time they take, so that the write lock is never held for long.

use std::time::Duration;

use conclave_db::Held;

/// The first chunk: small, since nothing is known of the disk yet.
const FIRST: u64 = 64 * 1024;
/// The most that one chunk's work is allowed to take on a slow disk: nobody waits longer than 50 ms for an
/// import, and as little as the disk allows for what goes on in the background.
const MOST_WORK: Duration = Duration::from_millis(15);
const MOST_BACKGROUND_WORK: Duration = Duration::from_millis(3);
/// How much longer a chunk of an import may take while nobody else writes.
const ALONE: u32 = 2;
/// For how many chunks another's commit is remembered.
const REMEMBER: u32 = 64;
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
    /// How much longer a chunk may take while nobody else writes.
    alone: u32,
    /// What its work may take where the commit takes all of the time.
    most_work: Duration,
    /// What a commit takes, as of late.
    commit: Duration,
    /// Chunks to go in which others are expected to write.
    beside_others: u32,
    /// The last `data_version`, which changes when another connection commits.
    version: Option<i64>,
    budget: u64,
    /// Whether chunks may double whenever the last one was fast: what follows may be slow again. In the background
    /// they do so only until the first that was too large.
    doubles: bool,
    locks: LockTimes,
}

impl Pace {
    /// Aims below `chunk_time`, since commits differ in time; alone at twice as much, since somebody waits for
    /// the import.
    pub(crate) fn of_import(chunk_time: Duration) -> Self {
        Self::new(chunk_time * 3 / 5, ALONE, MOST_WORK)
    }

    /// Aims far enough below `chunk_time` that hardly a chunk takes longer, whether others write or not.
    pub(crate) fn in_background(chunk_time: Duration) -> Self {
        Self::new(chunk_time / 2, 1, MOST_BACKGROUND_WORK)
    }

    fn new(target: Duration, alone: u32, most_work: Duration) -> Self {
        Self {
            target,
            alone,
            most_work,
            commit: Duration::ZERO,
            beside_others: 0,
            version: None,
            budget: FIRST,
            doubles: true,
            locks: LockTimes::default(),
        }
    }

    pub(crate) const fn budget(&self) -> u64 {
        self.budget
    }

    /// The file's `data_version` now.
    pub(crate) fn saw(&mut self, version: i64) {
        if self.version.replace(version).is_some_and(|before| before != version) {
            if self.beside_others == 0 {
                // At once, not over the next few chunks: someone waits.
                self.budget = (self.budget / u64::from(self.alone)).max(LEAST);
            }
            self.beside_others = REMEMBER;
        }
    }

    /// Whether another connection has committed of late.
    pub(crate) const fn is_beside_others(&self) -> bool {
        self.beside_others > 0
    }

    /// A chunk of this weight held the lock for `held`.
    pub(crate) fn took(&mut self, weight: u64, held: Held) {
        self.locks.held.push(held.total());
        // The disk's own time for a commit does not shrink with the chunk: on a slow disk work may take as long
        // as the commit, or chunks would end at one row each.
        self.commit = (self.commit * 3 + held.commit) / 4;
        let wanted = if self.beside_others > 0 { self.target } else { self.target * self.alone };
        self.beside_others = self.beside_others.saturating_sub(1);
        let target = wanted.saturating_sub(self.commit).max(self.commit.min(self.most_work));
        if weight < self.budget / 2 && held.work <= target {
            // The last rows, or few huge ones: a chunk far below its budget says little about a full one.
            return;
        }
        let (target, took) = (target.as_micros().max(1), held.work.as_micros().max(1));
        let ideal = u64::try_from(u128::from(weight) * target / took).unwrap_or(MOST);
        self.doubles &= self.alone > 1 || ideal >= self.budget;
        let most = if self.doubles { self.budget * 2 } else { self.budget + self.budget.div_ceil(8) };
        self.budget = ideal.clamp(self.budget / 4, most).clamp(LEAST, MOST);
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
        let mut pace = Pace::of_import(Duration::from_millis(10));
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
        assert!(total > Duration::from_millis(10) && total < Duration::from_millis(13), "{total:?}");
        // Somebody else writes: half of that, from the next chunk on.
        pace.saw(1);
        pace.saw(2);
        let total = held(pace.budget(), Duration::from_millis(1)).total();
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
        assert!(held(pace.budget(), Duration::ZERO).total() > Duration::from_millis(12));
        assert!(total < Duration::from_millis(36), "{total:?}");
    }

    #[test]
    fn work_in_the_background_takes_no_more_time_alone() {
        for commit in [1, 4, 20].map(Duration::from_millis) {
            let mut pace = Pace::in_background(Duration::from_millis(10));
            for _ in 0..20 {
                let weight = pace.budget();
                pace.took(weight, held(weight, commit));
            }
            let total = held(pace.budget(), commit).total();
            assert!(total < commit.max(Duration::from_millis(3)) + Duration::from_millis(4), "{total:?}");
        }
    }

    /// A disk that is now and then fast for a moment: the chunk after it would be far too large.
    #[test]
    fn one_fast_chunk_in_the_background_does_not_double_the_next() {
        let commit = Duration::from_millis(1);
        let mut pace = Pace::in_background(Duration::from_millis(10));
        for _ in 0..20 {
            pace.took(pace.budget(), held(pace.budget(), commit));
        }
        pace.took(pace.budget(), held(pace.budget() * 2, commit));
        for _ in 0..20 {
            pace.took(pace.budget(), held(pace.budget(), commit));
        }
        let settled = pace.budget();
        pace.took(settled, held(settled / 10, commit));
        assert_eq!(pace.budget(), settled + settled.div_ceil(8));
        // Chunks of an import follow at once: somebody waits for it.
        let mut pace = settle(commit).0;
        let settled = pace.budget();
        pace.took(settled, held(settled / 10, commit));
        assert_eq!(pace.budget(), settled * 2);
    }

    #[test]
    fn the_last_small_chunk_does_not_blow_up_the_next() {
        let mut pace = Pace::of_import(Duration::from_millis(10));
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
