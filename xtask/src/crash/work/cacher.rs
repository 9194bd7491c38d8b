//! The cache: small enough that entries go, and beside it one from which none does.

use std::path::{Path, PathBuf};

use conclave_cache::{Cache, CacheKey, CacheLimits, DiskCache, Found, OpenOptions, Put};

use super::{Work, Worker};
use crate::chance::Chance;
use crate::outcome::Outcome;

/// What the small one may hold.
pub(crate) const MOST_ENTRIES: u64 = 40;
pub(crate) const MOST_BYTES: u64 = 60_000;
/// The keys of the small one, which all share.
const KEYS: u64 = 120;

/// The cache that is full.
pub(crate) fn small(folder: &Path) -> PathBuf {
    folder.join("cache.db")
}

/// The cache from which nothing goes.
pub(crate) fn large(folder: &Path) -> PathBuf {
    folder.join("kept.db")
}

pub(crate) fn options_of_small() -> Outcome<OpenOptions> {
    Ok(OpenOptions { limits: CacheLimits::new(MOST_ENTRIES, MOST_BYTES)?, ..OpenOptions::default() })
}

/// A value of a key: any that was ever put says so itself, and is whole.
fn value(key: &str, noise: u64) -> Vec<u8> {
    let mut chance = Chance::of(noise, &[7]);
    let length = chance.below(4_000);
    let body: Vec<u8> = (0..length).map(|_| u8::try_from(chance.below(256)).unwrap_or(0)).collect();
    let mut value = format!("{key} {noise} ").into_bytes();
    value.extend(body);
    value
}

fn is_of(found: &[u8], key: &str) -> bool {
    let mut words = found.splitn(3, |byte| *byte == b' ');
    let (of, noise) = (words.next(), words.next());
    let noise = noise.and_then(|noise| std::str::from_utf8(noise).ok()?.parse().ok());
    of == Some(key.as_bytes()) && noise.is_some_and(|noise| value(key, noise) == found)
}

/// The key that an operation puts into the large one, where it does so.
pub(crate) fn kept(worker: &Worker, number: u64) -> Option<String> {
    let mut chance = Chance::of(worker.seed, &[worker.place, number]);
    chance.percent(30).then(|| format!("k{}-{number}", worker.place))
}

/// Looks a kept one up, as the check does.
pub(crate) fn is_kept(cache: &DiskCache, key: &str) -> Outcome<bool> {
    let mut is_whole = false;
    let found = cache.get(&CacheKey::user(key)?, &mut |found| is_whole = is_of(found, key))?;
    Ok(found == Found::Hit && is_whole)
}

/// A process that works with the cache.
#[derive(Debug)]
pub(crate) struct Cacher {
    worker: Worker,
    small: DiskCache,
    large: DiskCache,
}

impl Cacher {
    pub(crate) fn new(worker: Worker) -> Outcome<Self> {
        let small = DiskCache::open(&small(&worker.folder), options_of_small()?)?;
        let large = DiskCache::open(&large(&worker.folder), OpenOptions::default())?;
        Ok(Self { worker, small, large })
    }
}

impl Work for Cacher {
    fn act(&mut self, number: u64) -> Outcome<String> {
        if let Some(key) = kept(&self.worker, number) {
            self.large.put(&CacheKey::user(&key)?, &value(&key, number))?;
            return Ok("cache-keep".to_owned());
        }
        let mut chance = Chance::of(self.worker.seed, &[self.worker.place, number, 1]);
        let text = format!("shared-{}", chance.below(KEYS));
        let key = CacheKey::user(&text)?;
        let word = match chance.below(20) {
            0..9 => {
                let stored = self.small.put(&key, &value(&text, chance.below(1_000_000)))?;
                if matches!(stored, Put::TooLarge) { "cache-large" } else { "cache-put" }
            }
            9..16 => {
                let mut is_whole = true;
                let found = self.small.get(&key, &mut |found| is_whole = is_of(found, &text))?;
                if !is_whole {
                    return Err(format!("{text} has a value that nobody has put").into());
                }
                if found == Found::Hit { "cache-hit" } else { "cache-miss" }
            }
            16 => {
                self.small.delete(&key)?;
                "cache-delete"
            }
            17 => {
                self.small.flush()?;
                "cache-flush"
            }
            18 if chance.percent(30) => {
                self.small.clear()?;
                "cache-clear"
            }
            18 => {
                self.small.maintain()?;
                "cache-maintain"
            }
            _ => {
                let stats = self.small.stats()?;
                if stats.entries > MOST_ENTRIES || stats.bytes > MOST_BYTES {
                    return Err(format!("more than it may hold: {stats:?}").into());
                }
                "cache-stats"
            }
        };
        Ok(word.to_owned())
    }
}
