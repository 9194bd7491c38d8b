//! How often to try, and how long to wait in between: a value that can be printed, stored and compared.

use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::millis;
use crate::random::Random;

/// How chance changes a delay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Jitter {
    /// Not at all.
    None,
    /// The delay is drawn evenly between nothing and the full delay, so that callers that failed together do not
    /// come back together.
    Full,
}

/// The numbers of a [`RetryPolicy`], not yet checked. Missing fields are those of [`RetryPolicy::DATABASE`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RetrySettings {
    /// Calls of the operation, the first one included; at least 1.
    pub max_attempts: u32,
    /// The delay before the second call, before jitter; above zero. Serialised in milliseconds.
    #[serde(rename = "base_ms", with = "millis")]
    pub base: Duration,
    /// What each delay is multiplied by to get the next; finite and at least 1.
    pub factor: f32,
    /// No delay grows above this; at least `base`. Serialised in milliseconds.
    #[serde(rename = "cap_ms", with = "millis")]
    pub cap: Duration,
    /// How chance changes the delays; never to more than `cap`.
    pub jitter: Jitter,
    /// After this time, measured from the start of the first call and work included, no further sleep begins, and
    /// the last sleep is cut to end with it. Serialised in milliseconds; none by default.
    #[serde(rename = "deadline_ms", with = "millis::optional", skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Duration>,
    /// The longest wait that the other side may ask for (`Retry-After`); above `cap` is fine. When it asks for
    /// more the operation fails at once. Serialised in milliseconds.
    #[serde(rename = "longest_asked_ms", with = "millis")]
    pub longest_asked: Duration,
}

impl Default for RetrySettings {
    fn default() -> Self {
        RetryPolicy::DATABASE.0
    }
}

/// When to try again, checked: it has at least one call and delays that do not shrink.
///
/// ```
/// use conclave_retry::{RetryPolicy, RetrySettings};
/// use std::time::Duration;
///
/// let patient = RetryPolicy::DATABASE.with_deadline(Duration::from_secs(30));
/// assert_eq!(
///     patient.to_string(),
///     "up to 6 calls, 100ms ×2 up to 10s, full jitter, waits asked for up to 60s, deadline 30s"
/// );
///
/// let settings = RetrySettings { max_attempts: 0, ..RetrySettings::default() };
/// assert!(RetryPolicy::new(settings).is_err());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "RetrySettings", into = "RetrySettings")]
pub struct RetryPolicy(RetrySettings);

impl RetryPolicy {
    /// One call: for what must not be repeated, where an executor's cancellation and telemetry are wanted anyway.
    pub const ONCE: Self = Self(RetrySettings { max_attempts: 1, ..Self::DATABASE.0 });

    /// Database work: a lock is held for milliseconds to a few seconds. Five waits of 100, 200, 400, 800 and 1600 ms
    /// before jitter outlast a slow commit and a checkpoint, and tell the caller within about three seconds else.
    pub const DATABASE: Self = Self(RetrySettings {
        max_attempts: 6,
        base: Duration::from_millis(100),
        factor: 2.0,
        cap: Duration::from_secs(10),
        jitter: Jitter::Full,
        deadline: None,
        longest_asked: Duration::from_mins(1),
    });

    /// Calls of models: each takes seconds to minutes and costs money, and there are other hosts to go to. Two
    /// repetitions catch a restarted server and a cut connection; more would only hold up the fallback.
    pub const MODEL: Self =
        Self(RetrySettings { max_attempts: 3, cap: Duration::from_secs(5), ..Self::DATABASE.0 });

    /// Checks the settings.
    pub fn new(settings: RetrySettings) -> Result<Self, PolicyError> {
        let RetrySettings { max_attempts, base, factor, cap, .. } = settings;
        if max_attempts == 0 {
            return Err(PolicyError::NoAttempts);
        }
        if base.is_zero() {
            return Err(PolicyError::NoBase);
        }
        if !(factor.is_finite() && factor >= 1.0) {
            return Err(PolicyError::Factor(factor));
        }
        if cap < base {
            return Err(PolicyError::CapBelowBase { cap, base });
        }
        Ok(Self(settings))
    }

    /// The numbers, to read them or to derive another policy.
    pub const fn settings(&self) -> RetrySettings {
        self.0
    }

    /// The same with another number of calls.
    pub const fn with_max_attempts(self, calls: NonZeroU32) -> Self {
        Self(RetrySettings { max_attempts: calls.get(), ..self.0 })
    }

    /// The same with a wall-clock deadline, counted from the start of the first call. Zero allows one call.
    pub const fn with_deadline(self, deadline: Duration) -> Self {
        Self(RetrySettings { deadline: Some(deadline), ..self.0 })
    }

    /// The same with another jitter.
    pub const fn with_jitter(self, jitter: Jitter) -> Self {
        Self(RetrySettings { jitter, ..self.0 })
    }

    /// The delays between the calls, one less than there are calls, each at most the cap.
    ///
    /// They are a [`backon::Backoff`], so they also serve where backon's own traits drive the calls.
    pub fn delays<'a>(&self, random: &'a dyn Random) -> Delays<'a> {
        let RetrySettings { max_attempts, base, factor, cap, jitter, .. } = self.0;
        let waits = usize::try_from(max_attempts - 1).unwrap_or(usize::MAX);
        let growth = ExponentialBuilder::new()
            .with_min_delay(base.saturating_mul(SCALE))
            .with_factor(factor)
            .with_max_delay(cap.saturating_mul(SCALE))
            .with_max_times(waits)
            .build();
        Delays { growth, jitter, random }
    }
}

/// Backon multiplies in seconds as `f32`, which cannot hold a tenth of a second but can hold a hundred seconds: it is
/// given milliseconds as seconds, so that 100 ms × 2 is 200 ms and not 200.000003 ms.
const SCALE: u32 = 1_000;

impl fmt::Display for RetryPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let RetrySettings { max_attempts, base, factor, cap, jitter, deadline, longest_asked } = self.0;
        let calls = if max_attempts == 1 { "call" } else { "calls" };
        let jitter = match jitter {
            Jitter::None => "no jitter",
            Jitter::Full => "full jitter",
        };
        write!(f, "up to {max_attempts} {calls}, {base:?} ×{factor} up to {cap:?}, {jitter}")?;
        write!(f, ", waits asked for up to {longest_asked:?}")?;
        match deadline {
            Some(deadline) => write!(f, ", deadline {deadline:?}"),
            None => f.write_str(", no deadline"),
        }
    }
}

impl TryFrom<RetrySettings> for RetryPolicy {
    type Error = PolicyError;

    fn try_from(settings: RetrySettings) -> Result<Self, PolicyError> {
        Self::new(settings)
    }
}

impl From<RetryPolicy> for RetrySettings {
    fn from(policy: RetryPolicy) -> Self {
        policy.0
    }
}

/// The waits of one operation, in their order.
#[derive(Debug)]
pub struct Delays<'a> {
    growth: ExponentialBackoff,
    jitter: Jitter,
    random: &'a dyn Random,
}

impl Iterator for Delays<'_> {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        let delay = self.growth.next()? / SCALE;
        Some(match self.jitter {
            Jitter::None => delay,
            Jitter::Full => self.random.up_to(delay),
        })
    }
}

/// Why settings are no policy.
#[derive(Debug, Clone, Copy, PartialEq, Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// `max_attempts` is 0.
    #[error("max_attempts counts the first call and must be at least 1")]
    NoAttempts,
    /// `base` is zero.
    #[error("the base delay must be above zero")]
    NoBase,
    /// `factor` would make delays shrink, or is no number.
    #[error("the factor must be a finite number of at least 1, not {0}")]
    Factor(f32),
    /// `cap` is below `base`.
    #[error("the cap ({cap:?}) must not be below the base delay ({base:?})")]
    CapBelowBase {
        /// The cap.
        cap: Duration,
        /// The base delay.
        base: Duration,
    },
}

#[cfg(test)]
mod tests;
