//! What can go wrong, with its kind, its exit and a hint.

pub(crate) mod text;

use conclave_db::DbError;
use conclave_retry::{Classify, ErrorClass, PermanentReason, RetryReason};
use thiserror::Error;

use crate::answer::{AttemptReport, Skipped};
use crate::class::Class;

/// The result of everything in this crate.
pub type Result<T, E = LlmError> = std::result::Result<T, E>;

/// What kind of failure it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LlmErrorKind {
    /// The question or the configuration of hosts makes no sense (exit 2).
    Invalid,
    /// No host may be asked now: all are open, blocked, full or without the model (exit 1).
    Unavailable,
    /// The caller's own fault at every host that was asked (exit 2).
    Refused,
    /// Every candidate failed (exit 3).
    Failed,
    /// The caller's deadline (exit 4).
    Deadline,
    /// The caller does not want it any more (exit 130).
    Cancelled,
    /// The machine-wide file, for commands that need it (exit 3).
    Storage,
}

impl LlmErrorKind {
    /// The word in `--json`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::Unavailable => "unavailable",
            Self::Refused => "refused",
            Self::Failed => "all-failed",
            Self::Deadline => "deadline",
            Self::Cancelled => "interrupted",
            Self::Storage => "storage",
        }
    }
}

/// Nobody answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    /// What it comes to.
    pub kind: LlmErrorKind,
    /// Every request that was sent, in order.
    pub attempts: Vec<AttemptReport>,
    /// Every host that was passed over, in order.
    pub skipped: Vec<Skipped>,
    /// The longest part of an answer that came (R7).
    pub partial: String,
    /// The class that decided, where one did.
    pub class: Option<Class>,
    /// When a host may be asked again at the earliest, wall clock, ms since 1970.
    pub retry_at: Option<i64>,
    /// What to do.
    pub hint: Option<String>,
}

/// An error of this crate. No message holds a key.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LlmError {
    /// The question, or what the configuration says of hosts.
    #[error("{message}")]
    Invalid {
        /// What is wrong.
        message: String,
        /// What to do.
        hint: Option<String>,
    },
    /// Nobody answered: every host with why, one a line.
    #[error("{}", .0.text())]
    Failed(Box<Failed>),
    /// The machine-wide file.
    #[error(transparent)]
    Storage(#[from] DbError),
}

impl LlmError {
    /// A question or a configuration that makes no sense.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::Invalid { message: message.into(), hint: None }
    }

    /// What kind of failure it is.
    pub fn kind(&self) -> LlmErrorKind {
        match self {
            Self::Invalid { .. } => LlmErrorKind::Invalid,
            Self::Failed(failed) => failed.kind,
            Self::Storage(_) => LlmErrorKind::Storage,
        }
    }

    /// What to do about it, where that is known.
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::Invalid { hint, .. } => hint.as_deref(),
            Self::Failed(failed) => failed.hint.as_deref(),
            Self::Storage(error) => error.hint(),
        }
    }
}

impl Classify for LlmError {
    fn classify(&self) -> ErrorClass {
        match self {
            Self::Storage(error) => error.classify(),
            _ => match self.kind() {
                // Whoever retries this again multiplies what was retried already; after a while it may help.
                LlmErrorKind::Unavailable | LlmErrorKind::Failed => {
                    ErrorClass::retryable(RetryReason::Unavailable)
                }
                LlmErrorKind::Deadline => ErrorClass::retryable(RetryReason::Timeout),
                _ => ErrorClass::permanent(PermanentReason::InvalidInput),
            },
        }
    }
}
