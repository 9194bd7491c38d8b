//! What a cache is.

use std::fmt::Debug;

use crate::error::Result;
use crate::key::CacheKey;

/// What became of a value that was put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// It is there; so many others had to go.
    Stored {
        /// Entries that were evicted.
        evicted: u64,
    },
    /// It is larger than the whole cache may be. Nothing was changed.
    TooLarge,
}

/// The counters of a cache, since they were reset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct Stats {
    /// Entries.
    pub entries: u64,
    /// Bytes of their values.
    pub bytes: u64,
    /// Lookups that found their key.
    pub hits: u64,
    /// Lookups that did not, nothing about the same subject being there.
    pub misses: u64,
    /// Lookups that did not, though there was an entry of other content, or of an older maker, about the same subject.
    pub stale: u64,
    /// Entries that could not be read, and were taken for missing.
    pub errors: u64,
    /// Entries that had to go for others.
    pub evictions: u64,
    /// The limit on entries.
    pub max_entries: u64,
    /// The limit on bytes.
    pub max_bytes: u64,
}

/// How a lookup ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// The key is there, and was read.
    Hit,
    /// Nothing about the subject is there.
    Miss,
    /// Something about the subject is there, of other content or an older maker.
    Stale,
}

/// A cache of bytes by key.
pub trait Cache: Debug + Send + Sync {
    /// Looks a key up, and where it is there gives its value to `read`, in place, once. Counts; writes nothing.
    ///
    /// # Errors
    /// What the store says. A damaged entry is no error: it is a miss, counted as an error.
    fn get(&self, key: &CacheKey, read: &mut dyn FnMut(&[u8])) -> Result<Found>;

    /// Puts a value in, in place of one with this key, and evicts what is needed least where there is no room, and no
    /// more than that. Other threads, and processes where it is shared, find it when this returns. Whether it survives a power
    /// cut is not said: it can be made again.
    ///
    /// # Errors
    /// What the store says; then nothing is changed, or, where that cannot be known, all of it. A value that is too large is
    /// no error.
    fn put(&self, key: &CacheKey, value: &[u8]) -> Result<Put>;

    /// Takes an entry out; whether it was there. Nobody finds it any more when this returns.
    ///
    /// # Errors
    /// What the store says.
    fn delete(&self, key: &CacheKey) -> Result<bool>;

    /// Takes all entries out; how many there were. Counters stay. Nobody finds any of them when this returns.
    ///
    /// # Errors
    /// What the store says, and where it is shared that somebody else is about the life of its file.
    fn clear(&self) -> Result<u64>;

    /// The counters, those of all processes together where they are shared, without what other processes keep back.
    ///
    /// # Errors
    /// What the store says.
    fn stats(&self) -> Result<Stats>;

    /// Sets the counters (not entries and bytes) to zero. What other processes keep back comes on top later.
    ///
    /// # Errors
    /// What the store says.
    fn reset_stats(&self) -> Result<()>;

    /// Writes what is kept back: counters and recency. Called now and then by itself, and when the cache is dropped.
    ///
    /// # Errors
    /// What the store says; then it is kept back still.
    fn flush(&self) -> Result<()>;
}
