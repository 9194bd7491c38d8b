//! What a failure of a call means: one row for each class (the table of the specification, section 3).

use serde::{Deserialize, Serialize};

/// What kind of failure a request had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Refused, no route, not connected in time, no such name.
    Unreachable,
    /// This machine's network, its proxy or its certificates.
    LocalNet,
    /// The host failed.
    Fault,
    /// The host's own limit for the first byte, for silence or for the whole call.
    Timeout,
    /// The caller's deadline.
    Deadline,
    /// The caller does not want it any more.
    Cancelled,
    /// The answer ended before its marker.
    Cut,
    /// What came is no answer of this dialect.
    Garbage,
    /// It cannot take more now.
    Overloaded,
    /// The caller sends too many.
    Throttled,
    /// All hosts have as many calls as they take, for longer than the caller waits.
    Busy,
    /// Money, or the account.
    Quota,
    /// The key.
    Auth,
    /// The host is there and has not this model.
    NoModel,
    /// No such path: another dialect, or another URL.
    WrongPath,
    /// The prompt does not fit the model.
    TooLong,
    /// The request is wrong.
    BadRequest,
    /// Somewhere else; never followed.
    Redirect,
    /// An answer without text.
    Empty,
    /// The configuration of the host.
    Config,
}

/// What a class does to the host's breaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Counts {
    /// It is nothing that the host has done.
    No,
    /// One more in a row.
    Soft,
    /// Opens at once.
    Hard,
    /// One that the host is well after.
    Success,
}

/// Whether the same host is asked again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Same {
    No,
    Yes,
    /// Where it is the only candidate.
    IfAlone,
    Once,
    /// When its block is over, if that is before the deadline.
    AfterBlock,
}

/// Whether another host is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    No,
    Yes,
    /// While nothing of the answer was shown.
    IfNothingShown,
    /// One whose context is known to be larger.
    LargerContext,
}

/// What follows from a class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Consequence {
    pub(crate) counts: Counts,
    pub(crate) same: Same,
    pub(crate) next: Next,
}

impl Class {
    /// All.
    pub const ALL: [Self; 20] = [
        Self::Unreachable,
        Self::LocalNet,
        Self::Fault,
        Self::Timeout,
        Self::Deadline,
        Self::Cancelled,
        Self::Cut,
        Self::Garbage,
        Self::Overloaded,
        Self::Throttled,
        Self::Busy,
        Self::Quota,
        Self::Auth,
        Self::NoModel,
        Self::WrongPath,
        Self::TooLong,
        Self::BadRequest,
        Self::Redirect,
        Self::Empty,
        Self::Config,
    ];

    /// The word in `--json`, in `fallback.on` and in rows; the same as the serialised one.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::LocalNet => "local_net",
            Self::Fault => "fault",
            Self::Timeout => "timeout",
            Self::Deadline => "deadline",
            Self::Cancelled => "cancelled",
            Self::Cut => "cut",
            Self::Garbage => "garbage",
            Self::Overloaded => "overloaded",
            Self::Throttled => "throttled",
            Self::Busy => "busy",
            Self::Quota => "quota",
            Self::Auth => "auth",
            Self::NoModel => "no_model",
            Self::WrongPath => "wrong_path",
            Self::TooLong => "too_long",
            Self::BadRequest => "bad_request",
            Self::Redirect => "redirect",
            Self::Empty => "empty",
            Self::Config => "config",
        }
    }

    /// The class with this word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.as_str() == word)
    }

    /// Whether it is the caller's own fault: exit 2 where every candidate that was asked failed so.
    pub const fn is_callers(self) -> bool {
        matches!(self, Self::Config | Self::Auth | Self::BadRequest | Self::TooLong | Self::WrongPath)
    }

    /// What follows from it.
    pub(crate) const fn consequence(self) -> Consequence {
        use {Counts as C, Next as N, Same as S};
        let (counts, same, next) = match self {
            Self::Unreachable => (C::Hard, S::IfAlone, N::Yes),
            Self::LocalNet
            | Self::Quota
            | Self::Auth
            | Self::NoModel
            | Self::WrongPath
            | Self::Redirect
            | Self::Config
            | Self::Busy => (C::No, S::No, N::Yes),
            Self::Fault => (C::Soft, S::Yes, N::Yes),
            Self::Timeout => (C::Soft, S::No, N::IfNothingShown),
            Self::Deadline | Self::Cancelled | Self::BadRequest => (C::No, S::No, N::No),
            Self::Cut => (C::Soft, S::Once, N::IfNothingShown),
            Self::Garbage => (C::Soft, S::No, N::Yes),
            Self::Overloaded | Self::Throttled => (C::No, S::AfterBlock, N::Yes),
            Self::TooLong => (C::No, S::No, N::LargerContext),
            Self::Empty => (C::Success, S::Once, N::Yes),
        };
        Consequence { counts, same, next }
    }
}

#[cfg(test)]
mod tests;
