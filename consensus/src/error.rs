//! What can go wrong with runs, with an import and with a migration.
//!
//! The kinds follow what a caller does next: storage failures, an input that cannot be read, an input whose
//! content is refused, and states that say no are different exit codes of the command line.

use std::path::PathBuf;

use conclave_db::{DbError, ErrorKind};
use conclave_retry::{Classify, ErrorClass, PermanentReason};

use crate::migrate::Finding;

/// The result of everything in this crate.
pub type Result<T, E = ConsensusError> = std::result::Result<T, E>;

/// What kind of failure it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConsensusErrorKind {
    /// The project's own database.
    Storage(ErrorKind),
    /// The input file: missing, a folder, unreadable, no database, damaged.
    Source(ErrorKind),
    /// The input file is a database, but its content is refused.
    SourceRefused,
    /// The input file is the state file itself: the state says no.
    SourceIsState,
    /// The input file changed while it was read.
    SourceChanged,
    /// What was copied does not compare equal to its source.
    Differs,
    /// The two sides of a write did not come out equal: nothing of it is stored.
    SidesDiffer,
    /// No such run or attempt: the state says no.
    NotFound,
    /// The arguments make no sense.
    Invalid,
    /// An input or output error outside of any database.
    Io,
}

impl ConsensusErrorKind {
    /// The kind in the words of the JSON error object.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Storage(kind) | Self::Source(kind) => kind.as_str(),
            Self::SourceRefused => "source-refused",
            Self::SourceIsState => "source-is-state",
            Self::SourceChanged => "source-changed",
            Self::Differs => "differs",
            Self::SidesDiffer => "sides-differ",
            Self::NotFound => "not-found",
            Self::Invalid => "invalid",
            Self::Io => "io",
        }
    }
}

/// A failure of this crate. Messages are fragments that fit "failed to …: {error}".
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConsensusError {
    /// The project's own database failed.
    #[error(transparent)]
    Storage(#[from] DbError),
    /// The input file cannot be read as a database. It was not touched.
    #[error("{0}")]
    Source(#[source] DbError),
    /// The input file is a database that this program does not import. It was not touched.
    #[error("{path}: {what}", path = path.display())]
    SourceRefused {
        /// The file.
        path: PathBuf,
        /// Why.
        what: String,
    },
    /// The input file is the state file itself, under this or another name.
    #[error("{path}: is the state file itself", path = path.display())]
    SourceIsState {
        /// The file.
        path: PathBuf,
    },
    /// The input file changed while it was read as one that nobody writes.
    #[error("{path}: changed while it was read", path = path.display())]
    SourceChanged {
        /// The file.
        path: PathBuf,
    },
    /// Rows that were copied do not compare equal to their source.
    #[error("{rows} copied rows differ from {what}")]
    Differs {
        /// How many rows.
        rows: u64,
        /// What they were compared with.
        what: String,
    },
    /// The legacy row and the new row of one write did not come out equal, or one of them was refused. Neither
    /// is stored; the difference is kept among the findings.
    #[error("{} and its new counterpart would differ in {}: nothing was written", .0.finding.table, .0.what())]
    SidesDiffer(Box<Difference>),
    /// Nothing has this name.
    #[error("no {what} {name:?}")]
    NotFound {
        /// What was looked for: "run", "attempt".
        what: &'static str,
        /// The name that was given.
        name: String,
    },
    /// The arguments make no sense.
    #[error("{0}")]
    Invalid(String),
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

/// How the two sides of one write differ.
#[derive(Debug)]
pub struct Difference {
    /// The row, with the keys that it had before it was taken back, and the first field that differs.
    pub finding: Finding,
    /// All fields that differ.
    pub fields: Vec<&'static str>,
    /// Why one side refused its row, if it did.
    pub refused: Option<DbError>,
}

impl Difference {
    fn what(&self) -> String {
        match &self.refused {
            Some(error) => format!("all ({error})"),
            None if self.fields.is_empty() => "all".to_owned(),
            None => self.fields.join(", "),
        }
    }
}

impl ConsensusError {
    pub(crate) fn io(what: impl Into<String>, source: std::io::Error) -> Self {
        Self::Io { what: what.into(), source }
    }

    /// What kind of failure this is.
    pub fn kind(&self) -> ConsensusErrorKind {
        match self {
            Self::Storage(error) => ConsensusErrorKind::Storage(error.kind()),
            Self::Source(error) => ConsensusErrorKind::Source(error.kind()),
            Self::SourceRefused { .. } => ConsensusErrorKind::SourceRefused,
            Self::SourceIsState { .. } => ConsensusErrorKind::SourceIsState,
            Self::SourceChanged { .. } => ConsensusErrorKind::SourceChanged,
            Self::Differs { .. } => ConsensusErrorKind::Differs,
            Self::SidesDiffer(_) => ConsensusErrorKind::SidesDiffer,
            Self::NotFound { .. } => ConsensusErrorKind::NotFound,
            Self::Invalid(_) => ConsensusErrorKind::Invalid,
            Self::Io { .. } => ConsensusErrorKind::Io,
        }
    }

    /// Whether running the whole operation again may help.
    pub fn is_retryable(&self) -> bool {
        self.classify().is_retryable()
    }

    /// What a person can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Storage(error) => error.hint(),
            Self::Source(error) => source_hint(error),
            Self::SourceRefused { .. } => {
                Some("name a database that holds consensus_artifacts or consensus_runs")
            }
            Self::SourceIsState { .. } => Some("its rows are taken over by `conclave migrate backfill`"),
            Self::SourceChanged { .. } => Some("import it again: what has arrived is kept"),
            Self::Differs { .. } => Some("run `conclave migrate verify` to see which"),
            Self::SidesDiffer(_) => Some("`conclave migrate verify` compares both sides as a whole"),
            Self::NotFound { what: "run", .. } => Some("`conclave runs list` shows what is there"),
            _ => None,
        }
    }
}

/// What the storage advises is about the project's own state, which is well: following it would put a backup in
/// its place.
fn source_hint(error: &DbError) -> Option<&'static str> {
    match error.kind() {
        ErrorKind::Corrupt => {
            Some("this input file is damaged; import another copy of it; your own state is untouched")
        }
        ErrorKind::Busy => Some("another program holds the input file; try again when it has ended"),
        ErrorKind::Foreign | ErrorKind::Newer | ErrorKind::NeedsMigration | ErrorKind::NeedsConversion => {
            None
        }
        ErrorKind::Io => Some("check the disk that the input file lies on"),
        _ => error.hint(),
    }
}

impl Classify for ConsensusError {
    fn classify(&self) -> ErrorClass {
        match self {
            Self::Storage(error) | Self::Source(error) => error.classify(),
            Self::NotFound { .. } => ErrorClass::permanent(PermanentReason::NotFound),
            Self::Io { .. } => ErrorClass::permanent(PermanentReason::Io),
            _ => ErrorClass::permanent(PermanentReason::InvalidInput),
        }
    }
}
