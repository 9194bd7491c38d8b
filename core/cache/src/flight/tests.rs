use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::*;
use crate::cache::{Put, Stats};
use crate::limits::CacheLimits;
use crate::memory::MemoryCache;

const THREADS: usize = 50;

fn key() -> CacheKey {
    CacheKey::user("k").unwrap()
}

/// All threads ask at the same time; gives what each got and how often it was computed. Who computes does it until all
/// others wait for it.
fn ask_at_once(
    cache: &MemoryCache,
    compute: impl Fn() -> Result<Vec<u8>> + Sync,
) -> (Vec<thread::Result<Result<Vec<u8>>>>, usize) {
    let (begin, computed) = (Barrier::new(THREADS), AtomicUsize::new(0));
    let ask = || {
        begin.wait();
        let mut value = Vec::new();
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            get_or_compute(
                cache,
                &key(),
                || {
                    computed.fetch_add(1, Ordering::Relaxed);
                    // Each lookup of the others is a miss, after which they can only wait.
                    while cache.stats()?.misses < THREADS as u64 {
                        thread::yield_now();
                    }
                    compute()
                },
                &mut |bytes| value = bytes.to_vec(),
            )
        }));
        outcome.map(|outcome| outcome.map(|()| value))
    };
    let outcomes = thread::scope(|scope| {
        let asking: Vec<_> = (0..THREADS).map(|_| scope.spawn(ask)).collect();
        asking.into_iter().map(|asking| asking.join().unwrap()).collect()
    });
    (outcomes, computed.into_inner())
}

// cache C25
#[test]
fn fifty_threads_compute_once() {
    let cache = MemoryCache::new(CacheLimits::default());
    let (outcomes, computed) = ask_at_once(&cache, || Ok(b"value".to_vec()));
    assert_eq!(computed, 1);
    assert!(outcomes.into_iter().all(|outcome| outcome.unwrap().unwrap() == b"value"));
    let mut value = Vec::new();
    get_or_compute(&cache, &key(), || unreachable!(), &mut |bytes| value = bytes.to_vec()).unwrap();
    assert_eq!(value, b"value");
}

// cache C25
#[test]
fn a_failure_and_a_panic_are_told_to_all_who_wait() {
    for (panics, text) in [(false, "no parser"), (true, "whoever computed it panicked")] {
        let cache = MemoryCache::new(CacheLimits::default());
        let first = AtomicUsize::new(0);
        let (outcomes, computed) = ask_at_once(&cache, || {
            // Who comes so late that it has landed computes anew, and fails as well.
            first.fetch_add(1, Ordering::Relaxed);
            assert!(!panics, "a bug");
            Err(CacheError::Compute("no parser".to_owned()))
        });
        let panicked = outcomes.iter().filter(|outcome| outcome.is_err()).count();
        assert_eq!(panicked, if panics { computed } else { 0 });
        for outcome in outcomes.into_iter().flatten() {
            assert_eq!(outcome.unwrap_err().to_string(), text);
        }
        // And nobody waits for it ever after.
        get_or_compute(&cache, &key(), || Ok(Vec::new()), &mut |_| {}).unwrap();
    }
}

#[test]
fn a_value_that_cannot_be_kept_is_given_all_the_same() {
    let cache = MemoryCache::new(CacheLimits::new(1, 1).unwrap());
    let mut value = Vec::new();
    get_or_compute(&cache, &key(), || Ok(vec![7; 100]), &mut |bytes| value = bytes.to_vec()).unwrap();
    assert_eq!(value, [7; 100]);
}

#[test]
fn two_caches_compute_each_for_itself() {
    let (one, other) = (MemoryCache::new(CacheLimits::default()), MemoryCache::new(CacheLimits::default()));
    let mut values = Vec::new();
    get_or_compute(
        &one,
        &key(),
        || {
            get_or_compute(&other, &key(), || Ok(vec![2]), &mut |bytes| values.push(bytes.to_vec()))?;
            Ok(vec![1])
        },
        &mut |_| {},
    )
    .unwrap();
    assert_eq!(values, [[2]]);
}

/// A cache in which somebody else computes the same while its first miss is told, or one that keeps nothing.
#[derive(Debug)]
struct Odd {
    cache: MemoryCache,
    /// Lookups so far.
    looked: AtomicUsize,
    keeps: bool,
}

impl Odd {
    fn new(keeps: bool) -> Self {
        let cache = MemoryCache::new(CacheLimits::default());
        Self { cache, looked: AtomicUsize::new(0), keeps }
    }
}

impl Cache for Odd {
    fn get(&self, key: &CacheKey, read: &mut dyn FnMut(&[u8])) -> Result<Found> {
        let found = self.cache.get(key, read)?;
        if self.keeps && self.looked.fetch_add(1, Ordering::Relaxed) == 0 {
            get_or_compute(self, key, || Ok(b"theirs".to_vec()), &mut |_| {})?;
        }
        Ok(found)
    }

    fn put(&self, key: &CacheKey, value: &[u8]) -> Result<Put> {
        if self.keeps { self.cache.put(key, value) } else { Err(CacheError::Compute("no room".to_owned())) }
    }

    fn delete(&self, key: &CacheKey) -> Result<bool> {
        self.cache.delete(key)
    }

    fn clear(&self) -> Result<u64> {
        self.cache.clear()
    }

    fn stats(&self) -> Result<Stats> {
        self.cache.stats()
    }

    fn reset_stats(&self) -> Result<()> {
        self.cache.reset_stats()
    }

    fn flush(&self) -> Result<()> {
        self.cache.flush()
    }
}

// cache C25
#[test]
fn what_was_computed_between_look_and_boarding_is_not_computed_again() {
    let mut value = Vec::new();
    get_or_compute(&Odd::new(true), &key(), || unreachable!(), &mut |bytes| value = bytes.to_vec()).unwrap();
    assert_eq!(value, b"theirs");
}

#[test]
fn a_cache_that_cannot_be_written_is_no_failure() {
    let mut value = Vec::new();
    let compute = || Ok(b"value".to_vec());
    get_or_compute(&Odd::new(false), &key(), compute, &mut |bytes| value = bytes.to_vec()).unwrap();
    assert_eq!(value, b"value");
}
