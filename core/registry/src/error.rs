//! What can go wrong in the registry. The kinds follow what a caller does next.

use std::path::PathBuf;

use conclave_db::{DbError, ErrorKind};
use conclave_retry::{Classify, ErrorClass, PermanentReason};

/// The result of everything in this crate.
pub type Result<T, E = RegistryError> = std::result::Result<T, E>;

/// What kind of failure it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RegistryErrorKind {
    /// A database of ours.
    Storage(ErrorKind),
    /// No such agent, block or project: the state says no.
    NotFound,
    /// A short form that several have.
    Ambiguous,
    /// What was asked may not be done now, or is there already: the state says no.
    Refused,
    /// Work that is not committed is in the way: the state says no. Force passes over it, and loses it.
    Uncommitted,
    /// No block or port is left: the state says no.
    Exhausted,
    /// The arguments make no sense.
    Invalid,
    /// The content of an input file is refused. Nothing of it was imported.
    Input,
    /// A command that was run (git, setup, teardown) failed: the state says no.
    Command,
    /// Input or output failed outside of any database.
    Io,
}

impl RegistryErrorKind {
    /// The kind in the words of the JSON error object.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Storage(kind) => kind.as_str(),
            Self::NotFound => "not-found",
            Self::Ambiguous => "ambiguous",
            Self::Refused => "refused",
            Self::Uncommitted => "uncommitted",
            Self::Exhausted => "exhausted",
            Self::Invalid => "invalid",
            Self::Input => "input",
            Self::Command => "command",
            Self::Io => "io",
        }
    }

    /// The kind of a word that [`RegistryErrorKind::as_str`] gave: one of a database, or one of this crate.
    pub(crate) fn of(storage: bool, word: &str) -> Option<Self> {
        if storage {
            return ErrorKind::ALL.into_iter().find(|kind| kind.as_str() == word).map(Self::Storage);
        }
        let own = [
            Self::NotFound,
            Self::Ambiguous,
            Self::Refused,
            Self::Exhausted,
            Self::Uncommitted,
            Self::Invalid,
            Self::Input,
            Self::Command,
            Self::Io,
        ];
        own.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// A failure of this crate. Messages are fragments that fit "failed to …: {error}".
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RegistryError {
    /// A database of ours failed.
    #[error(transparent)]
    Storage(#[from] DbError),
    /// Nothing has this name.
    #[error("no {what} {given:?}")]
    NotFound {
        /// What was looked for, such as "agent".
        what: &'static str,
        /// What was given.
        given: String,
    },
    /// Several have names that this is short for.
    #[error("{given:?} is short for {}", candidates.join(", "))]
    Ambiguous {
        /// What was given.
        given: String,
        /// All of them, in their order.
        candidates: Vec<String>,
    },
    /// The state says no.
    #[error("{text}")]
    Refused {
        /// Why.
        text: String,
        /// What to do.
        hint: Option<String>,
    },
    /// Work that is not committed would be lost.
    #[error("{text}")]
    Uncommitted {
        /// What is not committed, and where.
        text: String,
        /// What to do.
        hint: String,
    },
    /// Nothing is left.
    #[error("{text}")]
    Exhausted {
        /// Of what, and how many there are.
        text: String,
        /// What to do.
        hint: &'static str,
    },
    /// The call makes no sense.
    #[error("{0}")]
    Invalid(String),
    /// The content of an input file is refused.
    #[error("{path}: {text}", path = path.display())]
    Input {
        /// The file.
        path: PathBuf,
        /// Where and why: line, record, field.
        text: String,
        /// What to do; every instruction works when it is followed.
        hint: String,
    },
    /// A command that was run failed.
    #[error("{what}: {said}")]
    Command {
        /// What was tried.
        what: String,
        /// What the command said, on one line.
        said: String,
        /// What to do.
        hint: Option<String>,
    },
    /// What another process of ours failed of, as it told it.
    #[error("{text}")]
    Told {
        /// Its kind there.
        kind: RegistryErrorKind,
        /// Its message.
        text: String,
        /// What to do.
        hint: Option<String>,
    },
    /// Input or output failed.
    #[error("{what}: {source}")]
    Io {
        /// What was tried, with the file.
        what: String,
        /// The system's error.
        source: std::io::Error,
    },
}

impl RegistryError {
    /// What kind of failure it is.
    pub fn kind(&self) -> RegistryErrorKind {
        match self {
            Self::Storage(error) => RegistryErrorKind::Storage(error.kind()),
            Self::NotFound { .. } => RegistryErrorKind::NotFound,
            Self::Ambiguous { .. } => RegistryErrorKind::Ambiguous,
            Self::Refused { .. } => RegistryErrorKind::Refused,
            Self::Uncommitted { .. } => RegistryErrorKind::Uncommitted,
            Self::Exhausted { .. } => RegistryErrorKind::Exhausted,
            Self::Invalid(_) => RegistryErrorKind::Invalid,
            Self::Input { .. } => RegistryErrorKind::Input,
            Self::Command { .. } => RegistryErrorKind::Command,
            Self::Told { kind, .. } => *kind,
            Self::Io { .. } => RegistryErrorKind::Io,
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::Storage(error) => error.hint(),
            Self::Refused { hint, .. } | Self::Command { hint, .. } | Self::Told { hint, .. } => {
                hint.as_deref()
            }
            Self::Exhausted { hint, .. } => Some(hint),
            Self::Input { hint, .. } | Self::Uncommitted { hint, .. } => Some(hint),
            Self::NotFound { what: "agent", .. } => Some("`conclave agents` lists them"),
            _ => None,
        }
    }

    pub(crate) fn io(what: impl Into<String>, source: std::io::Error) -> Self {
        Self::Io { what: what.into(), source }
    }
}

impl Classify for RegistryError {
    fn classify(&self) -> ErrorClass {
        match self {
            Self::Storage(error) => error.classify(),
            Self::NotFound { .. } => ErrorClass::permanent(PermanentReason::NotFound),
            Self::Io { .. } => ErrorClass::permanent(PermanentReason::Io),
            _ => ErrorClass::permanent(PermanentReason::InvalidInput),
        }
    }
}
