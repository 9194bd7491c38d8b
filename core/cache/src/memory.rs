//! The cache in memory: weighted by bytes, and resistant to scans (TinyLFU admission, by moka).

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use moka::notification::RemovalCause;

use crate::cache::{Cache, Found, Put, Stats};
use crate::error::Result;
use crate::key::CacheKey;
use crate::limits::CacheLimits;

type Hash = [u8; 32];

/// A value, and what it is about.
#[derive(Debug, Clone)]
struct Kept {
    value: Arc<[u8]>,
    subject: Option<Hash>,
}

/// What is counted beside the entries.
#[derive(Debug, Default)]
struct Counted {
    hits: AtomicU64,
    misses: AtomicU64,
    stale: AtomicU64,
    evictions: AtomicU64,
    /// How many entries there are of each subject.
    subjects: Mutex<HashMap<Hash, u64>>,
}

impl Counted {
    fn comes(&self, kept: &Kept) {
        if let Some(subject) = kept.subject {
            *self.subjects.lock().unwrap_or_else(PoisonError::into_inner).entry(subject).or_default() += 1;
        }
    }

    fn goes(&self, kept: &Kept) {
        let Some(subject) = &kept.subject else { return };
        let mut subjects = self.subjects.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entries) = subjects.get_mut(subject) {
            *entries -= 1;
            if *entries == 0 {
                subjects.remove(subject);
            }
        }
    }

    fn has(&self, subject: &Hash) -> bool {
        self.subjects.lock().unwrap_or_else(PoisonError::into_inner).contains_key(subject)
    }
}

/// A cache that ends with its process.
///
/// Where it is full, a value that was asked for less often than those it would take the place of is not kept: a scan does
/// not wash away what is needed. It counts as evicted then. What weighs is the larger part that an entry has of the two
/// limits, so neither is ever exceeded; with values of very different sizes there may be room left.
pub struct MemoryCache {
    entries: moka::sync::Cache<Hash, Kept>,
    limits: CacheLimits,
    counted: Arc<Counted>,
}

impl fmt::Debug for MemoryCache {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("MemoryCache").field("limits", &self.limits).finish_non_exhaustive()
    }
}

impl MemoryCache {
    /// An empty one.
    pub fn new(limits: CacheLimits) -> Self {
        let counted = Arc::new(Counted::default());
        let scale = Scale::of(limits);
        let told = Arc::clone(&counted);
        let entries = moka::sync::Cache::builder()
            .max_capacity(scale.capacity)
            .weigher(move |_, kept: &Kept| scale.weigh(kept.value.len() as u64))
            .eviction_listener(move |_, kept: Kept, cause| {
                told.goes(&kept);
                if cause == RemovalCause::Size {
                    told.evictions.fetch_add(1, Ordering::Relaxed);
                }
            })
            .build();
        Self { entries, limits, counted }
    }
}

/// Weighs entries so that both limits are one.
#[derive(Debug, Clone, Copy)]
struct Scale {
    capacity: u64,
    limits: CacheLimits,
}

impl Scale {
    /// moka weighs in 32 bits. Where the product of the limits fits, weights are exact.
    fn of(limits: CacheLimits) -> Self {
        const MOST: u64 = u32::MAX as u64;
        let exact = limits.max_entries().checked_mul(limits.max_bytes()).filter(|exact| *exact <= MOST);
        // Otherwise a multiple of the entries, so that these are exact, and bytes are rounded up.
        let capacity = exact.unwrap_or_else(|| MOST - MOST % limits.max_entries().min(MOST));
        Self { capacity, limits }
    }

    fn weigh(self, bytes: u64) -> u32 {
        let part = |of: u64, all: u64| (u128::from(self.capacity) * u128::from(of)).div_ceil(u128::from(all));
        let weight = part(1, self.limits.max_entries()).max(part(bytes, self.limits.max_bytes()));
        u32::try_from(weight).unwrap_or(u32::MAX)
    }
}

impl Cache for MemoryCache {
    fn get(&self, key: &CacheKey, read: &mut dyn FnMut(&[u8])) -> Result<Found> {
        let (found, counter) = match self.entries.get(&key.hash) {
            Some(kept) => {
                read(&kept.value);
                (Found::Hit, &self.counted.hits)
            }
            None if key.subject.is_some_and(|subject| self.counted.has(&subject)) => {
                (Found::Stale, &self.counted.stale)
            }
            None => (Found::Miss, &self.counted.misses),
        };
        counter.fetch_add(1, Ordering::Relaxed);
        Ok(found)
    }

    fn put(&self, key: &CacheKey, value: &[u8]) -> Result<Put> {
        if value.len() as u64 > self.limits.max_bytes() {
            return Ok(Put::TooLarge);
        }
        let kept = Kept { value: value.into(), subject: key.subject };
        let before = self.counted.evictions.load(Ordering::Relaxed);
        self.counted.comes(&kept);
        self.entries.insert(key.hash, kept);
        // Now, not when somebody looks next: nobody is to see more than the limits allow.
        self.entries.run_pending_tasks();
        let evicted = self.counted.evictions.load(Ordering::Relaxed).saturating_sub(before);
        Ok(Put::Stored { evicted })
    }

    fn delete(&self, key: &CacheKey) -> Result<bool> {
        Ok(self.entries.remove(&key.hash).is_some())
    }

    fn clear(&self) -> Result<u64> {
        self.entries.run_pending_tasks();
        let mut removed = 0;
        for (hash, _) in &self.entries {
            removed += u64::from(self.entries.remove(&*hash).is_some());
        }
        self.entries.run_pending_tasks();
        Ok(removed)
    }

    fn stats(&self) -> Result<Stats> {
        self.entries.run_pending_tasks();
        let (mut entries, mut bytes) = (0, 0);
        for (_, kept) in &self.entries {
            entries += 1;
            bytes += kept.value.len() as u64;
        }
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Ok(Stats {
            entries,
            bytes,
            hits: count(&self.counted.hits),
            misses: count(&self.counted.misses),
            stale: count(&self.counted.stale),
            errors: 0,
            evictions: count(&self.counted.evictions),
            max_entries: self.limits.max_entries(),
            max_bytes: self.limits.max_bytes(),
        })
    }

    fn reset_stats(&self) -> Result<()> {
        let Counted { hits, misses, stale, evictions, subjects: _ } = &*self.counted;
        for counter in [hits, misses, stale, evictions] {
            counter.store(0, Ordering::Relaxed);
        }
        Ok(())
    }

    fn flush(&self) -> Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
