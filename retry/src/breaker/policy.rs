//! When a breaker opens, for how long, and how it is tried out again.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::millis;

/// The numbers of a [`BreakerPolicy`], not yet checked. Missing fields are those of [`BreakerPolicy::CONSECUTIVE`].
///
/// `consecutive` and `window` may both be set: then the one that is reached first opens the breaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BreakerSettings {
    /// Failures in a row that open it; at least 1.
    pub consecutive: Option<u32>,
    /// Shares of the latest calls that open it.
    pub window: Option<WindowSettings>,
    /// How long it stays open the first time, exactly; above zero. Serialised in milliseconds.
    #[serde(rename = "open_for_ms", with = "millis")]
    pub open_for: Duration,
    /// Each opening in a row is twice as long as the one before, up to this. Serialised in milliseconds.
    #[serde(rename = "open_limit_ms", with = "millis")]
    pub open_limit: Duration,
    /// By how much chance lengthens the second and later openings in a row, at most, so that processes do not probe
    /// in step; 0 to 100. The limit holds for the sum.
    pub open_jitter_percent: u32,
    /// Calls that are let through at once to try it out; at least 1.
    pub probes: u32,
    /// After this time without a failure the failures in a row are forgotten, after this time without any call the
    /// window; above zero. Serialised in milliseconds.
    #[serde(rename = "idle_ms", with = "millis")]
    pub idle: Duration,
}

/// A sliding window over the latest calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WindowSettings {
    /// Calls that are looked at.
    pub size: u32,
    /// With fewer calls than this the window decides nothing; from 1 to `size`.
    pub minimum: u32,
    /// The share of failures that opens it, reached or passed; 1 to 100.
    pub failure_percent: u32,
    /// Slow calls, if they count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slow: Option<SlowSettings>,
}

/// What is slow, and how much of it is too much.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SlowSettings {
    /// A call that takes longer than this is slow, whether it succeeds or fails. Serialised in milliseconds.
    #[serde(rename = "over_ms", with = "millis")]
    pub over: Duration,
    /// The share of slow calls that opens the breaker, reached or passed; 1 to 100.
    pub percent: u32,
}

impl Default for BreakerSettings {
    fn default() -> Self {
        BreakerPolicy::CONSECUTIVE.0
    }
}

/// When a breaker opens and closes, checked: something opens it, and it does not stay open for ever.
///
/// ```
/// use conclave_retry::{BreakerPolicy, BreakerSettings};
///
/// let settings = BreakerSettings { probes: 2, ..BreakerPolicy::SHARE.settings() };
/// assert!(BreakerPolicy::new(settings).is_ok());
/// assert!(BreakerPolicy::new(BreakerSettings { probes: 0, ..settings }).is_err());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "BreakerSettings", into = "BreakerSettings")]
pub struct BreakerPolicy(BreakerSettings);

impl BreakerPolicy {
    /// Three failures in a row: for dependencies with few calls, where a share of many would come too late. One
    /// failure is chance, two may be; at 30 s a restarted server is met soon, and 5 min bound what an outage costs.
    pub const CONSECUTIVE: Self = Self(BreakerSettings {
        consecutive: Some(3),
        window: None,
        open_for: Duration::from_secs(30),
        open_limit: Duration::from_mins(5),
        open_jitter_percent: 10,
        probes: 1,
        idle: Duration::from_mins(5),
    });

    /// Half of the last 100 calls, at least 10: for dependencies with many concurrent calls, where three failures
    /// in a row are nothing and half of the calls are an outage.
    pub const SHARE: Self = Self(BreakerSettings {
        consecutive: None,
        window: Some(WindowSettings { size: 100, minimum: 10, failure_percent: 50, slow: None }),
        ..Self::CONSECUTIVE.0
    });

    /// Hosts of models: as three in a row, but a host that fails takes minutes to come back, and another one is
    /// asked in the meantime.
    pub const HOST: Self = Self(BreakerSettings {
        open_for: Duration::from_mins(5),
        open_limit: Duration::from_hours(1),
        ..Self::CONSECUTIVE.0
    });

    /// Checks the settings.
    pub fn new(settings: BreakerSettings) -> Result<Self, BreakerPolicyError> {
        let percent = |percent: u32| (1..=100).contains(&percent);
        match settings.window {
            None if settings.consecutive.is_none() => return Err(BreakerPolicyError::NeverOpens),
            Some(window) if !(1..=window.size).contains(&window.minimum) => {
                return Err(BreakerPolicyError::Window);
            }
            Some(window) if !percent(window.failure_percent) => return Err(BreakerPolicyError::Percent),
            Some(WindowSettings { slow: Some(slow), .. }) if !percent(slow.percent) => {
                return Err(BreakerPolicyError::Percent);
            }
            _ => {}
        }
        if settings.consecutive == Some(0) || settings.probes == 0 {
            return Err(BreakerPolicyError::Zero);
        }
        if settings.open_jitter_percent > 100 {
            return Err(BreakerPolicyError::Percent);
        }
        if settings.open_for.is_zero() || settings.idle.is_zero() || settings.open_limit < settings.open_for {
            return Err(BreakerPolicyError::Time);
        }
        Ok(Self(settings))
    }

    /// The numbers, to read them or to derive another policy.
    pub const fn settings(&self) -> BreakerSettings {
        self.0
    }
}

impl TryFrom<BreakerSettings> for BreakerPolicy {
    type Error = BreakerPolicyError;

    fn try_from(settings: BreakerSettings) -> Result<Self, BreakerPolicyError> {
        Self::new(settings)
    }
}

impl From<BreakerPolicy> for BreakerSettings {
    fn from(policy: BreakerPolicy) -> Self {
        policy.0
    }
}

/// Why settings are no policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum BreakerPolicyError {
    /// Neither `consecutive` nor `window` is set.
    #[error("one of consecutive and window must be set, or nothing opens the breaker")]
    NeverOpens,
    /// `consecutive` or `probes` is 0.
    #[error("consecutive and probes must be at least 1")]
    Zero,
    /// `minimum` is not in the window.
    #[error("the minimum of a window must be from 1 to its size")]
    Window,
    /// A share is not a percentage.
    #[error("shares must be from 1 to 100 percent, and jitter at most 100")]
    Percent,
    /// A time is zero, or the limit below the first opening.
    #[error("open_for and idle must be above zero, and open_limit not below open_for")]
    Time,
}
