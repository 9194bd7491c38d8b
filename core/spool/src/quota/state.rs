//! The state of the quota, with its hysteresis: a function without files or clock.

use super::limits::Limits;

/// The state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum QuotaState {
    /// Everything is written as it comes.
    Normal,
    /// Flushes are put off by 300 ms.
    Soft,
    /// Nothing is written; events wait in memory, within a bound.
    Hard,
}

impl QuotaState {
    /// `normal`, `soft` or `hard`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Soft => "soft",
            Self::Hard => "hard",
        }
    }

    /// The state with this name.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        [Self::Normal, Self::Soft, Self::Hard].into_iter().find(|state| state.as_str() == name)
    }

    /// What follows on `before` (unknown for a process without history) when `used` bytes are used: soft from soft on,
    /// hard from hard on, hard is left below soft, soft below resume.
    pub fn after(before: Option<Self>, used: u64, limits: &Limits) -> Self {
        let before = before.unwrap_or(Self::Normal);
        if used >= limits.hard() || (before == Self::Hard && used >= limits.soft()) {
            Self::Hard
        } else if used >= limits.soft() || (before != Self::Normal && used >= limits.resume()) {
            Self::Soft
        } else {
            Self::Normal
        }
    }
}

/// Why nothing, or less, is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// The quota is used up.
    Quota,
    /// The disk below would have less free than is to be kept.
    KeepFree,
}

#[cfg(test)]
mod tests;
