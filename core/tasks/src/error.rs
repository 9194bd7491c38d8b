//! What can go wrong with tasks.
//!
//! The kinds follow what a caller does next: a state that says no, an input whose content is refused, a wrong call and
//! a failing storage are different exit codes of the command line.

use std::path::PathBuf;

use conclave_db::{DbError, ErrorKind};
use conclave_retry::{Classify, ErrorClass, PermanentReason};

/// The result of everything in this crate.
pub type Result<T, E = TaskError> = std::result::Result<T, E>;

/// What kind of failure it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TaskErrorKind {
    /// The project's own database.
    Storage(ErrorKind),
    /// No such task: the state says no.
    NotFound,
    /// A short form that several tasks have.
    Ambiguous,
    /// Somebody else has it, or it is not open: the state says no.
    NotClaimable,
    /// What was asked may not be done now: the state says no.
    Refused,
    /// The arguments make no sense.
    Invalid,
    /// The content of an input file is refused. Nothing of it was imported.
    Input,
    /// An input or output error outside of any database.
    Io,
}

impl TaskErrorKind {
    /// The kind in the words of the JSON error object.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Storage(kind) => kind.as_str(),
            Self::NotFound => "not-found",
            Self::Ambiguous => "ambiguous",
            Self::NotClaimable => "not-claimable",
            Self::Refused => "refused",
            Self::Invalid => "invalid",
            Self::Input => "input",
            Self::Io => "io",
        }
    }
}

/// A failure of this crate. Messages are fragments that fit "failed to …: {error}".
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TaskError {
    /// The project's own database failed.
    #[error(transparent)]
    Storage(#[from] DbError),
    /// No task has this id, nor one that it is short for.
    #[error("no task {id:?}")]
    NotFound {
        /// What was given.
        id: String,
    },
    /// Several tasks have ids that this is short for.
    #[error("{given:?} is short for {}{}", candidates.join(", "), and_more(*more))]
    Ambiguous {
        /// What was given.
        given: String,
        /// The ids, in their order; at most ten.
        candidates: Vec<String>,
        /// How many more there are.
        more: usize,
    },
    /// A claim that was lost. Nothing was changed.
    #[error("{id}: {why}")]
    NotClaimable {
        /// The task.
        id: String,
        /// Who has it, or why it cannot be had.
        why: String,
    },
    /// What was asked may not be done now. Nothing was changed.
    #[error("{why}")]
    Refused {
        /// Why.
        why: String,
        /// What a person can do about it.
        hint: Option<&'static str>,
    },
    /// The arguments make no sense.
    #[error("{0}")]
    Invalid(String),
    /// A line of an input file is refused. Nothing of the file was imported.
    #[error("{path}: line {line}: {cause}", path = path.display())]
    Input {
        /// The file, `-` for standard input.
        path: PathBuf,
        /// The number of the line, from 1.
        line: u64,
        /// What is wrong with it.
        cause: String,
    },
    /// An input or output error outside of any database.
    #[error("{what}: {source}")]
    Io {
        /// What was tried, with the path.
        what: String,
        /// Why it failed.
        #[source]
        source: std::io::Error,
    },
}

fn and_more(more: usize) -> String {
    if more > 0 { format!(" and {more} more") } else { String::new() }
}

impl TaskError {
    pub(crate) fn not_found(id: impl Into<String>) -> Self {
        Self::NotFound { id: id.into() }
    }

    pub(crate) fn refused(why: impl Into<String>, hint: Option<&'static str>) -> Self {
        Self::Refused { why: why.into(), hint }
    }

    pub(crate) fn invalid(why: impl Into<String>) -> Self {
        Self::Invalid(why.into())
    }

    pub(crate) fn io(what: impl Into<String>, source: std::io::Error) -> Self {
        Self::Io { what: what.into(), source }
    }

    /// What kind of failure this is.
    pub fn kind(&self) -> TaskErrorKind {
        match self {
            Self::Storage(error) => TaskErrorKind::Storage(error.kind()),
            Self::NotFound { .. } => TaskErrorKind::NotFound,
            Self::Ambiguous { .. } => TaskErrorKind::Ambiguous,
            Self::NotClaimable { .. } => TaskErrorKind::NotClaimable,
            Self::Refused { .. } => TaskErrorKind::Refused,
            Self::Invalid(_) => TaskErrorKind::Invalid,
            Self::Input { .. } => TaskErrorKind::Input,
            Self::Io { .. } => TaskErrorKind::Io,
        }
    }

    /// Whether running the whole operation again may help.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Storage(error) if error.is_retryable())
    }

    /// What a person can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Storage(error) => error.hint(),
            Self::NotFound { .. } => {
                Some("`conclave task list --all` names all; `conclave task search WORDS` looks for words")
            }
            Self::Ambiguous { .. } => Some("give more of the id"),
            Self::NotClaimable { .. } => Some("`conclave task ready` lists what can be taken"),
            Self::Refused { hint, .. } => *hint,
            Self::Input { .. } => Some(
                "mend the line, or import the good lines with --quarantine DIR, which keeps the bad ones there",
            ),
            Self::Invalid(_) | Self::Io { .. } => None,
        }
    }
}

impl Classify for TaskError {
    fn classify(&self) -> ErrorClass {
        match self {
            Self::Storage(error) => error.classify(),
            Self::NotFound { .. } => ErrorClass::permanent(PermanentReason::NotFound),
            Self::Io { .. } => ErrorClass::permanent(PermanentReason::Io),
            _ => ErrorClass::permanent(PermanentReason::InvalidInput),
        }
    }
}
