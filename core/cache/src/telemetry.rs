//! Who wants to know what a cache does.

use std::fmt::Debug;
use std::sync::Arc;

use crate::cache::{Cache, Found, Put, Stats};
use crate::error::Result;
use crate::key::CacheKey;

/// What happened. No path and no content stand in it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum CacheEvent {
    /// A lookup found its key.
    Hit,
    /// A lookup did not.
    Miss {
        /// Something about the same subject was there.
        stale: bool,
    },
    /// A value was put.
    Write(Put),
    /// An entry was taken out.
    Delete {
        /// It was there.
        existed: bool,
    },
    /// All entries were taken out.
    Clear {
        /// How many.
        entries: u64,
    },
    /// An operation failed.
    Error {
        /// Its kind.
        kind: &'static str,
    },
    /// The file was no cache any more, was put aside and made anew.
    CorruptionDetected,
}

impl CacheEvent {
    /// Its name, such as `ast.cache.hit`.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Hit => "ast.cache.hit",
            Self::Miss { .. } => "ast.cache.miss",
            Self::Write(_) => "ast.cache.write",
            Self::Delete { .. } => "ast.cache.delete",
            Self::Clear { .. } => "ast.cache.clear",
            Self::Error { .. } => "ast.cache.error",
            Self::CorruptionDetected => "ast.cache.corruption_detected",
        }
    }
}

/// Hears of it.
pub trait CacheObserver: Debug + Send + Sync + 'static {
    /// Called after it happened, before the operation returns.
    fn event(&self, backend: &'static str, event: &CacheEvent);
}

/// A cache with somebody who hears of each operation.
#[derive(Debug)]
pub struct Telemetry<C> {
    cache: C,
    backend: &'static str,
    observer: Arc<dyn CacheObserver>,
}

impl<C: Cache> Telemetry<C> {
    /// `backend` is what the cache really is: `memory`, `sqlite`.
    pub fn new(cache: C, backend: &'static str, observer: Arc<dyn CacheObserver>) -> Self {
        Self { cache, backend, observer }
    }
}

impl<C: Cache> Telemetry<C> {
    /// Tells what came out of an operation.
    fn tell<T>(&self, outcome: Result<T>, event: impl FnOnce(&T) -> CacheEvent) -> Result<T> {
        let event = match &outcome {
            Ok(value) => event(value),
            Err(error) => CacheEvent::Error { kind: error.kind().as_str() },
        };
        self.observer.event(self.backend, &event);
        outcome
    }

    /// Tells only what failed.
    fn tell_failure<T>(&self, outcome: Result<T>) -> Result<T> {
        outcome.inspect_err(|error| {
            self.observer.event(self.backend, &CacheEvent::Error { kind: error.kind().as_str() });
        })
    }
}

impl<C: Cache> Cache for Telemetry<C> {
    fn get(&self, key: &CacheKey, read: &mut dyn FnMut(&[u8])) -> Result<Found> {
        self.tell(self.cache.get(key, read), |found| match found {
            Found::Hit => CacheEvent::Hit,
            Found::Miss => CacheEvent::Miss { stale: false },
            Found::Stale => CacheEvent::Miss { stale: true },
        })
    }

    fn put(&self, key: &CacheKey, value: &[u8]) -> Result<Put> {
        self.tell(self.cache.put(key, value), |put| CacheEvent::Write(*put))
    }

    fn delete(&self, key: &CacheKey) -> Result<bool> {
        self.tell(self.cache.delete(key), |existed| CacheEvent::Delete { existed: *existed })
    }

    fn clear(&self) -> Result<u64> {
        self.tell(self.cache.clear(), |entries| CacheEvent::Clear { entries: *entries })
    }

    fn stats(&self) -> Result<Stats> {
        self.tell_failure(self.cache.stats())
    }

    fn reset_stats(&self) -> Result<()> {
        self.tell_failure(self.cache.reset_stats())
    }

    fn flush(&self) -> Result<()> {
        self.tell_failure(self.cache.flush())
    }
}

#[cfg(test)]
mod tests;
