//! Counters of one open file, cheap enough to be always on.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Powers of two of a microsecond: up to 2^39 µs, six days.
const BUCKETS: usize = 40;

/// A histogram whose buckets double. Quantiles are upper bounds, exact to a factor of two.
#[derive(Debug)]
pub(crate) struct Histogram([AtomicU64; BUCKETS]);

impl Default for Histogram {
    fn default() -> Self {
        Self([const { AtomicU64::new(0) }; BUCKETS])
    }
}

impl Histogram {
    pub(crate) fn record(&self, value: u64) {
        let bucket = (u64::BITS - value.leading_zeros()) as usize;
        self.0[bucket.min(BUCKETS - 1)].fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn record_time(&self, time: Duration) {
        self.record(u64::try_from(time.as_micros()).unwrap_or(u64::MAX));
    }

    /// The upper bound of the bucket in which the given share of all values ends; 0 without values.
    pub(crate) fn quantile(&self, permille: u64) -> u64 {
        let counts: Vec<u64> = self.0.iter().map(|count| count.load(Ordering::Relaxed)).collect();
        let total: u64 = counts.iter().sum();
        let wanted = (total * permille).div_ceil(1000).max(1);
        let mut seen = 0;
        for (bucket, count) in counts.iter().enumerate() {
            seen += count;
            if *count > 0 && seen >= wanted {
                return (1_u64 << bucket) - 1;
            }
        }
        0
    }
}

/// What the writer and the readers count.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    pub(crate) commits: AtomicU64,
    pub(crate) writes: AtomicU64,
    pub(crate) failed: AtomicU64,
    pub(crate) ambiguous: AtomicU64,
    pub(crate) retries: AtomicU64,
    pub(crate) reads: AtomicU64,
    pub(crate) wal_pages: AtomicU64,
    pub(crate) checkpoints: AtomicU64,
    pub(crate) checkpoints_held_up: AtomicU64,
    pub(crate) group_size: Histogram,
    pub(crate) queue_wait: Histogram,
    pub(crate) commit_time: Histogram,
}

/// The counters at one moment. Times are microseconds; quantiles are upper bounds, exact to a factor of two.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct MetricsSnapshot {
    /// Transactions committed.
    pub commits: u64,
    /// Writes acknowledged, several to a commit.
    pub writes: u64,
    /// Writes that got an error and stored nothing; those of which nobody knows are counted below.
    pub failed: u64,
    /// Writes whose durability is unknown.
    pub ambiguous: u64,
    /// Times that BEGIN met a lock and was tried again.
    pub retries: u64,
    /// Read transactions.
    pub reads: u64,
    /// Pages in the write-ahead log after the last commit of this process.
    pub wal_pages: u64,
    /// Checkpoints run by this process.
    pub checkpoints: u64,
    /// Checkpoints that a reader's old snapshot kept from finishing.
    pub checkpoints_held_up: u64,
    /// Median number of writes in a commit.
    pub group_size_p50: u64,
    /// Median wait in the queue.
    pub queue_wait_p50: u64,
    /// 99th percentile of the wait in the queue.
    pub queue_wait_p99: u64,
    /// Median time of a COMMIT.
    pub commit_p50: u64,
    /// 99th percentile of the time of a COMMIT.
    pub commit_p99: u64,
    /// Writers waiting now.
    pub queued: usize,
    /// Readers inside a snapshot now.
    pub readers: usize,
}

impl Metrics {
    pub(crate) fn snapshot(&self, queued: usize, readers: usize) -> MetricsSnapshot {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        MetricsSnapshot {
            commits: load(&self.commits),
            writes: load(&self.writes),
            failed: load(&self.failed),
            ambiguous: load(&self.ambiguous),
            retries: load(&self.retries),
            reads: load(&self.reads),
            wal_pages: load(&self.wal_pages),
            checkpoints: load(&self.checkpoints),
            checkpoints_held_up: load(&self.checkpoints_held_up),
            group_size_p50: self.group_size.quantile(500),
            queue_wait_p50: self.queue_wait.quantile(500),
            queue_wait_p99: self.queue_wait.quantile(990),
            commit_p50: self.commit_time.quantile(500),
            commit_p99: self.commit_time.quantile(990),
            queued,
            readers,
        }
    }
}

/// Adds one, or more.
pub(crate) fn count(counter: &AtomicU64, by: usize) {
    counter.fetch_add(by as u64, Ordering::Relaxed);
}
