//! Stops calls to a dependency that fails, and tries carefully whether it is back.
//!
//! | state | calls | leaves it |
//! |---|---|---|
//! | closed | pass and are counted | too many failures: open |
//! | open | are refused | at the first call after its time: half-open |
//! | half-open | pass, up to the probes allowed; others are refused | a success: closed; a failure: open, longer |
//! | forced open | are refused | by hand |
//! | disabled | pass and are not counted | by hand |

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::classify::{Classify, ErrorClass, PermanentReason, RetryReason};
use crate::clock::{Clock, SystemClock};
use crate::random::{Random, SystemRandom};

mod machine;
mod permit;
mod policy;
mod snapshot;
mod window;

use machine::{Admission, Machine};
pub use permit::{Permit, Verdict};
pub use policy::{BreakerPolicy, BreakerPolicyError, BreakerSettings, SlowSettings, WindowSettings};
pub use snapshot::{BreakerSnapshot, SnapshotError};

/// A circuit breaker for one dependency. Clones are the same breaker.
///
/// It never changes by itself or by being looked at: only calls, their results and commands change it. The result
/// of a call counts only if the breaker is in the state in which the call began.
///
/// ```
/// use conclave_retry::{BreakerPolicy, BreakerState, CallError, CircuitBreaker};
/// use std::io;
///
/// let breaker = CircuitBreaker::new("host a", BreakerPolicy::CONSECUTIVE);
/// for _ in 0..3 {
///     let refused = || Err::<(), _>(io::Error::from(io::ErrorKind::ConnectionRefused));
///     assert!(matches!(breaker.call(refused), Err(CallError::Failed(_))));
/// }
/// assert_eq!(breaker.state(), BreakerState::Open);
/// let call = breaker.call(|| -> io::Result<()> { unreachable!("the breaker is open") });
/// assert!(matches!(call, Err(CallError::Refused(_))));
/// ```
#[derive(Debug, Clone)]
pub struct CircuitBreaker {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    name: String,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    machine: Mutex<Machine>,
}

impl CircuitBreaker {
    /// A closed breaker with the system's clock and chance; `name` names the dependency in logs.
    pub fn new(name: impl Into<String>, policy: BreakerPolicy) -> Self {
        Self::with_sources(name, policy, Arc::new(SystemClock), Arc::new(SystemRandom))
    }

    /// A closed breaker with its own sources of time and chance.
    pub fn with_sources(
        name: impl Into<String>,
        policy: BreakerPolicy,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Self {
        let machine = Mutex::new(Machine::new(policy.settings()));
        Self { shared: Arc::new(Shared { name: name.into(), clock, random, machine }) }
    }

    /// The name of the dependency.
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// The right to make one call now, or a refusal. Never waits.
    pub fn try_acquire(&self) -> Result<Permit, Refused> {
        let now = self.shared.clock.monotonic();
        let admission = self.with_machine(|machine| machine.admit(now))?;
        Ok(Permit::new(self.clone(), admission, now))
    }

    /// Makes a call and counts its result, if calls may be made now. A panic in it is a failure.
    pub fn call<T, E: Classify>(&self, operation: impl FnOnce() -> Result<T, E>) -> Result<T, CallError<E>> {
        let permit = self.try_acquire().map_err(CallError::Refused)?;
        let result = operation();
        permit.record(&result);
        result.map_err(CallError::Failed)
    }

    /// Awaits a call and counts its result, if calls may be made now; else it is not polled. When this future is
    /// dropped the call counts for nothing.
    pub async fn call_async<T, E: Classify>(
        &self,
        operation: impl Future<Output = Result<T, E>>,
    ) -> Result<T, CallError<E>> {
        let permit = self.try_acquire().map_err(CallError::Refused)?;
        let result = operation.await;
        permit.record(&result);
        result.map_err(CallError::Failed)
    }

    /// The state. One that is open stays so when its time is up, until a call asks.
    pub fn state(&self) -> BreakerState {
        self.with_machine(|machine| machine.state())
    }

    /// All it knows, to show or to store it.
    pub fn snapshot(&self) -> BreakerSnapshot {
        let now = self.shared.clock.monotonic();
        self.with_machine(|machine| machine.snapshot(now))
    }

    /// Takes over a state that was made `age` ago.
    ///
    /// Remaining times are cut to what the policy allows, so a wrong age locks nobody out for longer than that.
    /// Half-open becomes open with its time up. Calls that are running count if their generation is the restored one.
    pub fn restore(&self, snapshot: &BreakerSnapshot, age: Duration) -> Result<(), SnapshotError> {
        let now = self.shared.clock.monotonic();
        self.with_machine(|machine| machine.restore(snapshot, age, now))
    }

    /// Refuses all calls until [`close`](Self::close).
    pub fn force_open(&self) {
        self.with_machine(Machine::force_open);
    }

    /// Lets all calls through without counting them until [`close`](Self::close).
    pub fn disable(&self) {
        self.with_machine(Machine::disable);
    }

    /// Closes it, with all counts at zero.
    pub fn close(&self) {
        self.with_machine(Machine::close);
    }

    fn conclude(&self, admission: Admission, verdict: Verdict, started: Duration) {
        let now = self.shared.clock.monotonic();
        let took = now.saturating_sub(started);
        self.with_machine(|machine| machine.conclude(admission, verdict, took, now, &*self.shared.random));
    }

    fn with_machine<T>(&self, change: impl FnOnce(&mut Machine) -> T) -> T {
        // No caller's code runs under the lock, so a poisoned one still holds a sound machine.
        let mut machine = self.shared.machine.lock().unwrap_or_else(PoisonError::into_inner);
        let before = machine.state();
        let result = change(&mut machine);
        let after = machine.state();
        drop(machine);
        if before != after {
            tracing::info!(breaker = %self.shared.name, from = %before, to = %after, "circuit breaker changed");
        }
        result
    }
}

/// The state of a breaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BreakerState {
    /// Calls pass and are counted.
    Closed,
    /// Calls are refused until its time is up.
    Open,
    /// Few calls pass to try it out.
    HalfOpen,
    /// Calls are refused until somebody closes it.
    ForcedOpen,
    /// Calls pass uncounted until somebody closes it.
    Disabled,
}

impl BreakerState {
    /// The name in logs and stored rows; the same as the serialised one.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
            Self::ForcedOpen => "forced_open",
            Self::Disabled => "disabled",
        }
    }
}

impl fmt::Display for BreakerState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A call that was not made.
///
/// Its class is retryable, after the time that is left; one that was forced by hand is permanent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused {
    /// The state that refused it.
    pub state: BreakerState,
    /// When the next probe is due. `None` when a probe is on its way, or it was forced open.
    pub retry_in: Option<Duration>,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.state, self.retry_in) {
            (BreakerState::ForcedOpen, _) => f.write_str("not called: circuit breaker opened by hand"),
            (_, Some(left)) => write!(f, "not called: circuit breaker open for another {left:.1?}"),
            (_, None) => f.write_str("not called: circuit breaker is waiting for the result of another call"),
        }
    }
}

impl std::error::Error for Refused {}

impl Classify for Refused {
    fn classify(&self) -> ErrorClass {
        match self.state {
            BreakerState::ForcedOpen => ErrorClass::permanent(PermanentReason::Denied),
            _ => ErrorClass::Retryable { reason: RetryReason::Unavailable, after: self.retry_in },
        }
    }
}

/// A call through a breaker that was refused, or made and failed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CallError<E> {
    /// The breaker did not let it through.
    #[error(transparent)]
    Refused(Refused),
    /// It failed.
    #[error(transparent)]
    Failed(E),
}

impl<E: Classify> Classify for CallError<E> {
    fn classify(&self) -> ErrorClass {
        match self {
            Self::Refused(refused) => refused.classify(),
            Self::Failed(error) => error.classify(),
        }
    }
}

#[cfg(test)]
mod tests;
