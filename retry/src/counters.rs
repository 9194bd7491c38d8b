//! How operations ended, in numbers.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::millis;
use crate::observe::{Observer, Outcome, Report, Stop};

/// An observer that counts. One may serve any number of operations and threads.
///
/// ```
/// use conclave_retry::{Counters, Retry, RetryPolicy};
/// use std::io;
/// use std::sync::Arc;
///
/// let counters = Arc::new(Counters::new());
/// let retry = Retry::new("read the list", RetryPolicy::DATABASE).observer(counters.clone());
/// let list = retry.run(|_| Ok::<_, io::Error>("a, b"));
/// assert!(list.is_ok());
/// assert_eq!(counters.snapshot().first_try, 1);
/// ```
#[derive(Debug, Default)]
pub struct Counters(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    totals: CounterSnapshot,
    /// With static names, so that counting allocates only for a reason that is new; `totals` has none.
    by_reason: BTreeMap<&'static str, u64>,
}

/// The counts at one moment; all of them belong together.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct CounterSnapshot {
    /// Operations that succeeded with their first call.
    pub first_try: u64,
    /// Operations that succeeded with a later call.
    pub after_retries: u64,
    /// Operations whose partial result was accepted.
    pub degraded: u64,
    /// Operations that used up their calls, or were asked to wait longer than they may.
    pub exhausted: u64,
    /// Operations that ran into their deadline.
    pub deadline: u64,
    /// Operations that could not retry because the shared budget was empty.
    pub budget: u64,
    /// Operations that ended with a permanent error.
    pub permanent: u64,
    /// Operations of which nobody knows whether they happened.
    pub ambiguous: u64,
    /// Operations that were cancelled.
    pub cancelled: u64,
    /// Waits that were begun, one for each retry. A cancelled wait counts, though no call follows it.
    pub retries: u64,
    /// The sum of these waits as planned; serialised in milliseconds.
    #[serde(rename = "waits_ms", with = "millis")]
    pub waits: Duration,
    /// Failed attempts by the reason of their class.
    pub by_reason: BTreeMap<String, u64>,
}

impl Counters {
    /// All counts at zero.
    pub fn new() -> Self {
        Self::default()
    }

    /// The counts now.
    pub fn snapshot(&self) -> CounterSnapshot {
        let counts = self.counts();
        let by_reason =
            counts.by_reason.iter().map(|(reason, count)| ((*reason).to_owned(), *count)).collect();
        CounterSnapshot { by_reason, ..counts.totals.clone() }
    }

    /// The counts now, and zero from here on: to add them to stored ones without counting anything twice.
    pub fn take(&self) -> CounterSnapshot {
        let Counts { totals, by_reason } = std::mem::take(&mut *self.counts());
        let by_reason = by_reason.into_iter().map(|(reason, count)| (reason.to_owned(), count)).collect();
        CounterSnapshot { by_reason, ..totals }
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for Counters {
    fn observe(&self, report: &Report<'_>) {
        let mut counts = self.counts();
        if let Some(class) = report.class {
            *counts.by_reason.entry(class.reason()).or_default() += 1;
        }
        let totals = &mut counts.totals;
        let ended = match report.outcome {
            Outcome::Succeeded if report.attempt == 1 => &mut totals.first_try,
            Outcome::Succeeded => &mut totals.after_retries,
            Outcome::Retrying { sleep } => {
                totals.waits = totals.waits.saturating_add(sleep);
                &mut totals.retries
            }
            Outcome::Accepted | Outcome::GaveUp(Stop::Degraded { .. }) => &mut totals.degraded,
            Outcome::GaveUp(Stop::Attempts | Stop::AskedWait(_)) => &mut totals.exhausted,
            Outcome::GaveUp(Stop::Deadline) => &mut totals.deadline,
            Outcome::GaveUp(Stop::Budget) => &mut totals.budget,
            Outcome::GaveUp(Stop::Permanent) => &mut totals.permanent,
            Outcome::GaveUp(Stop::Ambiguous) => &mut totals.ambiguous,
            Outcome::GaveUp(Stop::Cancelled) => &mut totals.cancelled,
        };
        *ended += 1;
    }
}

impl CounterSnapshot {
    /// Operations that have ended, in whatever way.
    pub fn operations(&self) -> u64 {
        let succeeded = self.first_try + self.after_retries + self.degraded;
        let gave_up = self.exhausted + self.deadline + self.budget;
        succeeded + gave_up + self.permanent + self.ambiguous + self.cancelled
    }

    /// Adds the counts of another time or process.
    pub fn add(&mut self, other: &Self) {
        self.first_try += other.first_try;
        self.after_retries += other.after_retries;
        self.degraded += other.degraded;
        self.exhausted += other.exhausted;
        self.deadline += other.deadline;
        self.budget += other.budget;
        self.permanent += other.permanent;
        self.ambiguous += other.ambiguous;
        self.cancelled += other.cancelled;
        self.retries += other.retries;
        self.waits = self.waits.saturating_add(other.waits);
        for (reason, count) in &other.by_reason {
            *self.by_reason.entry(reason.clone()).or_default() += count;
        }
    }
}

#[cfg(test)]
mod tests;
