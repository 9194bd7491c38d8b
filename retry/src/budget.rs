//! A limit on repetitions that all callers of one dependency share.

use std::sync::atomic::{AtomicU32, Ordering};

/// A token bucket that keeps an outage from being multiplied by its callers' retries.
///
/// Each retry takes [`COST`](Self::COST) tokens; a success that needed retries puts as many back, and a success at
/// first try puts back one. So when almost nothing succeeds the bucket runs dry after 100 retries, however many
/// callers there are, and everyone makes first calls only until successes have filled it again. First calls are
/// never refused. The numbers are those of the AWS SDKs.
///
/// One budget per dependency, shared with `Arc`. Tokens are not refilled by time.
///
/// ```
/// use conclave_retry::RetryBudget;
///
/// let budget = RetryBudget::default();
/// let granted = (0..1_000).filter(|_| budget.try_spend()).count();
/// assert_eq!(granted, 100);
/// ```
#[derive(Debug)]
pub struct RetryBudget {
    capacity: u32,
    tokens: AtomicU32,
}

impl RetryBudget {
    /// Tokens of a full bucket by default.
    pub const CAPACITY: u32 = 500;
    /// Tokens that a retry takes.
    pub const COST: u32 = 5;

    /// A full bucket of `capacity` tokens; below [`COST`](Self::COST) it never allows a retry.
    pub const fn new(capacity: u32) -> Self {
        Self { capacity, tokens: AtomicU32::new(capacity) }
    }

    /// A bucket of `capacity` tokens with at most that many in it: one that was stored.
    pub fn with_tokens(capacity: u32, tokens: u32) -> Self {
        Self { capacity, tokens: AtomicU32::new(tokens.min(capacity)) }
    }

    /// Takes the tokens of one retry, or leaves the bucket as it is and says `false`.
    pub fn try_spend(&self) -> bool {
        self.change(|tokens| tokens.checked_sub(Self::COST))
    }

    /// Puts back what a success earns: [`COST`](Self::COST) after retries, else one token.
    pub fn refill(&self, after_retries: bool) {
        let earned = if after_retries { Self::COST } else { 1 };
        self.change(|tokens| {
            // Nothing to do for a full bucket, which is the usual one: no write to the shared cache line.
            (tokens < self.capacity).then(|| tokens.saturating_add(earned).min(self.capacity))
        });
    }

    /// Tokens in the bucket now.
    pub fn tokens(&self) -> u32 {
        self.tokens.load(Ordering::Relaxed)
    }

    /// Tokens of the full bucket.
    pub const fn capacity(&self) -> u32 {
        self.capacity
    }

    fn change(&self, new: impl FnMut(u32) -> Option<u32>) -> bool {
        // A lone counter orders nothing else, so relaxed is enough.
        self.tokens.fetch_update(Ordering::Relaxed, Ordering::Relaxed, new).is_ok()
    }
}

impl Default for RetryBudget {
    fn default() -> Self {
        Self::new(Self::CAPACITY)
    }
}

#[cfg(test)]
mod tests;
