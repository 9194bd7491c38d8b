//! Where chance comes from, so that tests can choose the seed.

use std::fmt::Debug;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// A source of random numbers. It spreads waits; it is not for secrets.
pub trait Random: Debug + Send + Sync + 'static {
    /// The next 64 random bits.
    fn next_u64(&self) -> u64;

    /// A duration drawn evenly from `0..=limit`, both ends included.
    ///
    /// The resolution is one nanosecond; a limit above 584 years counts as 584 years.
    fn up_to(&self, limit: Duration) -> Duration {
        let nanos = u64::try_from(limit.as_nanos()).unwrap_or(u64::MAX);
        // The upper half of a 64 × 64 bit product scales the draw to the limit without a modulo's bias.
        let scaled = (u128::from(self.next_u64()) * (u128::from(nanos) + 1)) >> 64;
        Duration::from_nanos(u64::try_from(scaled).unwrap_or(nanos))
    }
}

/// A generator per thread, seeded by the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn next_u64(&self) -> u64 {
        fastrand::u64(..)
    }
}

/// The same numbers for the same seed, as long as one thread draws.
#[derive(Debug)]
pub struct SeededRandom(Mutex<fastrand::Rng>);

impl SeededRandom {
    /// A generator that starts at `seed`.
    pub fn new(seed: u64) -> Self {
        Self(Mutex::new(fastrand::Rng::with_seed(seed)))
    }
}

impl Random for SeededRandom {
    fn next_u64(&self) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).u64(..)
    }
}

#[cfg(test)]
mod tests;
