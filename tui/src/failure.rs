//! The one place that decides which failure ends with which exit code, message and hint.
//!
//! Everything that a command may meet becomes a [`Failure`]; the libraries' error kinds are mapped here and
//! nowhere else, so that the same cause has the same exit code in every command.

use std::borrow::Cow;
use std::io;

use conclave_cache::{CacheError, CacheErrorKind};
use conclave_consensus::{ConsensusError, ConsensusErrorKind};
use conclave_db::query::QueryError;
use conclave_db::{DbError, ErrorKind};
use conclave_leases::{LeaseError, LeaseErrorKind};
use conclave_llm::{LlmError, LlmErrorKind};
use conclave_registry::{RegistryError, RegistryErrorKind};
use conclave_spool::{SpoolError, SpoolErrorKind};
use conclave_tasks::{TaskError, TaskErrorKind};
use serde_json::{Map, Value, json};

/// How a command ends, as the shell sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done.
    Done,
    /// The state says no: a difference found, a check failed, an id that does not exist.
    StateSaysNo,
    /// The command line or the configuration is wrong.
    Usage,
    /// Storage, input or output failed.
    Storage,
    /// A wait was over.
    WaitOver,
    /// Ended by Ctrl-C.
    Interrupted,
    /// As the child did that was waited for.
    Child(u8),
    /// Ended by a signal that asks a program to end: 128 and its number.
    Signal(u8),
}

impl Exit {
    /// The number that the process ends with.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::StateSaysNo => 1,
            Self::Usage => 2,
            Self::Storage => 3,
            Self::WaitOver => 4,
            Self::Interrupted => 130,
            Self::Child(code) => code,
            Self::Signal(number) => 128_u8.saturating_add(number),
        }
    }

    /// Of the ends of two parts of one command the one that it ends with itself.
    pub(crate) const fn worse(self, other: Self) -> Self {
        if other.code() > self.code() { other } else { self }
    }
}

/// Why a command did not end well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    /// The kind in the words of the JSON error object.
    pub(crate) kind: &'static str,
    pub(crate) exit: Exit,
    /// `what failed: cause`.
    pub(crate) message: String,
    pub(crate) hint: Option<Cow<'static, str>>,
    /// Nothing is printed: nobody reads any more.
    pub(crate) silent: bool,
    /// What happened one after the other, where one line does not hold it.
    pub(crate) story: Option<Box<Story>>,
}

/// What stands behind a failure that has several causes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Story {
    /// For people, one after the other.
    pub(crate) lines: Vec<String>,
    /// For programs: keys beside those of every error object.
    pub(crate) fields: Map<String, Value>,
}

impl Failure {
    pub(crate) fn new(exit: Exit, kind: &'static str, message: impl Into<String>) -> Self {
        Self { kind, exit, message: message.into(), hint: None, silent: false, story: None }
    }

    /// The command line is wrong.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, "usage", message)
    }

    /// The configuration is wrong.
    pub(crate) fn configuration(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, "configuration", message)
    }

    /// A name or number that nothing has.
    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(Exit::StateSaysNo, "not-found", message)
    }

    /// A write command under `--read-only`.
    pub(crate) fn read_only(command: &str) -> Self {
        Self::new(Exit::Usage, "read-only", format!("read-only: {command} would change the state"))
            .hint("leave out --read-only")
    }

    /// Reading or writing a file failed.
    pub(crate) fn io(what: impl std::fmt::Display, error: &io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::closed_pipe();
        }
        Self::new(Exit::Storage, "io", format!("{what}: {error}"))
    }

    /// The reader of standard output is gone: the end, and not a failure that anyone wants to hear of.
    pub(crate) fn closed_pipe() -> Self {
        Self { silent: true, ..Self::new(Exit::Done, "closed-pipe", "nobody reads the output") }
    }

    /// A defect of this program.
    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self::new(Exit::Storage, "internal", format!("internal error: {}", message.into()))
            .hint("acknowledged data is safe; please report this with the log (~/.local/state/conclave/log/conclave.log)")
    }

    pub(crate) fn hint(mut self, hint: impl Into<Cow<'static, str>>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// What JSON says of it.
    pub(crate) fn object(&self) -> Value {
        let mut object = json!({ "kind": self.kind, "message": self.message, "hint": self.hint });
        if let (Some(story), Some(object)) = (&self.story, object.as_object_mut()) {
            object.extend(story.fields.clone());
        }
        object
    }

    /// Puts what was tried before the cause.
    pub(crate) fn doing(mut self, what: impl std::fmt::Display) -> Self {
        if !self.silent {
            self.message = format!("{what}: {}", self.message);
        }
        self
    }
}

impl From<TaskError> for Failure {
    fn from(error: TaskError) -> Self {
        let error = match error {
            TaskError::Storage(error) => return error.into(),
            TaskError::Io { what, source } => return Self::io(what, &source),
            other => other,
        };
        let kind = error.kind();
        let exit = match kind {
            TaskErrorKind::NotFound | TaskErrorKind::NotClaimable | TaskErrorKind::Refused => {
                Exit::StateSaysNo
            }
            TaskErrorKind::Ambiguous | TaskErrorKind::Invalid | TaskErrorKind::Input => Exit::Usage,
            _ => Exit::Storage,
        };
        let failure = Self::new(exit, kind.as_str(), error.to_string());
        match error.hint() {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}

impl From<LeaseError> for Failure {
    fn from(error: LeaseError) -> Self {
        let error = match error {
            LeaseError::Storage(error) => return error.into(),
            LeaseError::Io { what, source } => return Self::io(what, &source),
            other => other,
        };
        let kind = error.kind();
        let exit = match kind {
            LeaseErrorKind::Held
            | LeaseErrorKind::NotOwner
            | LeaseErrorKind::NotFound
            | LeaseErrorKind::Expired
            | LeaseErrorKind::StaleFence => Exit::StateSaysNo,
            LeaseErrorKind::WaitTimeout => Exit::WaitOver,
            LeaseErrorKind::InvalidName
            | LeaseErrorKind::InvalidHolder
            | LeaseErrorKind::InvalidTtl
            | LeaseErrorKind::InvalidToken
            | LeaseErrorKind::Invalid => Exit::Usage,
            LeaseErrorKind::Interrupted => Exit::Interrupted,
            _ => Exit::Storage,
        };
        let failure = Self::new(exit, kind.as_str(), error.to_string());
        match error.hint().map(str::to_owned) {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}

impl From<RegistryError> for Failure {
    fn from(error: RegistryError) -> Self {
        let error = match error {
            RegistryError::Storage(error) => return error.into(),
            RegistryError::Io { what, source } => return Self::io(what, &source),
            other => other,
        };
        let kind = error.kind();
        let exit = match kind {
            RegistryErrorKind::NotFound
            | RegistryErrorKind::Refused
            | RegistryErrorKind::Uncommitted
            | RegistryErrorKind::Exhausted
            | RegistryErrorKind::Command => Exit::StateSaysNo,
            RegistryErrorKind::Ambiguous | RegistryErrorKind::Invalid | RegistryErrorKind::Input => {
                Exit::Usage
            }
            _ => Exit::Storage,
        };
        let failure = Self::new(exit, kind.as_str(), error.to_string());
        match error.hint().map(str::to_owned) {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}

impl From<SpoolError> for Failure {
    fn from(error: SpoolError) -> Self {
        let error = match error {
            SpoolError::Storage(error) => return error.into(),
            other => other,
        };
        let kind = error.kind();
        let exit = match kind {
            SpoolErrorKind::InvalidMonitor => Exit::Usage,
            SpoolErrorKind::InvalidSetting => {
                return Self::configuration(format!("configuration: spool.{error}"))
                    .hint("mend this key, or leave it out: every setting has a default");
            }
            SpoolErrorKind::MonitorBusy => Exit::StateSaysNo,
            _ => Exit::Storage,
        };
        let failure = Self::new(exit, kind.as_str(), error.to_string());
        match error.hint().map(str::to_owned) {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}

impl From<CacheError> for Failure {
    fn from(error: CacheError) -> Self {
        // What to do about a file that may be begun anew is another thing than about one that may not.
        let hint = error.hint().map(str::to_owned);
        let error = match error {
            CacheError::Storage(error) => {
                let failure = Self::from(error);
                return Self { hint: hint.map(Cow::Owned), ..failure };
            }
            other => other,
        };
        let kind = error.kind();
        let exit = if kind == CacheErrorKind::Invalid { Exit::Usage } else { Exit::Storage };
        let failure = Self::new(exit, kind.as_str(), error.to_string());
        match hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}

impl From<LlmError> for Failure {
    fn from(error: LlmError) -> Self {
        let error = match error {
            LlmError::Storage(error) => return error.into(),
            other => other,
        };
        let kind = error.kind();
        let exit = match kind {
            LlmErrorKind::Invalid | LlmErrorKind::Refused => Exit::Usage,
            LlmErrorKind::Unavailable => Exit::StateSaysNo,
            LlmErrorKind::Deadline => Exit::WaitOver,
            LlmErrorKind::Cancelled => Exit::Interrupted,
            _ => Exit::Storage,
        };
        // The first line says what it comes to, the others what happened at each host.
        let text = error.to_string();
        let mut lines = text.lines().map(str::to_owned);
        let mut failure = Self::new(exit, kind.as_str(), lines.next().unwrap_or_default());
        failure.hint = error.hint().map(|hint| Cow::Owned(hint.to_owned()));
        if let LlmError::Failed(failed) = &error {
            let fields = json!({
                "class": failed.class,
                "attempts": failed.attempts,
                "skipped": failed.skipped,
                "partial": failed.partial,
                "retry_at": failed.retry_at,
            });
            let fields = fields.as_object().cloned().unwrap_or_default();
            failure.story = Some(Box::new(Story { lines: lines.collect(), fields }));
        }
        failure
    }
}

impl From<DbError> for Failure {
    fn from(error: DbError) -> Self {
        let kind = error.kind();
        let exit = match kind {
            ErrorKind::Interrupted => Exit::Interrupted,
            // Whatever else is wrong with a file or with what reads it: the storage's, not the caller's.
            _ => Exit::Storage,
        };
        let failure = Self::new(exit, kind.as_str(), error.to_string());
        match error.hint() {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}

impl From<QueryError> for Failure {
    fn from(error: QueryError) -> Self {
        let (exit, kind) = match error {
            QueryError::Storage(error) => return error.into(),
            QueryError::Refused(_) => (Exit::Usage, "refused"),
            QueryError::Wrong(_) => (Exit::Usage, "statement"),
            QueryError::TimedOut(_) => (Exit::WaitOver, "timeout"),
        };
        let failure = Self::new(exit, kind, error.to_string());
        match error.hint() {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}

impl From<ConsensusError> for Failure {
    fn from(error: ConsensusError) -> Self {
        let kind = error.kind();
        let exit = match kind {
            ConsensusErrorKind::Storage(ErrorKind::Interrupted) => Exit::Interrupted,
            // An input file whose content is refused is the caller's to change.
            ConsensusErrorKind::SourceRefused | ConsensusErrorKind::Invalid => Exit::Usage,
            ConsensusErrorKind::SourceIsState
            | ConsensusErrorKind::NotFound
            | ConsensusErrorKind::Unsettled
            | ConsensusErrorKind::Differs
            | ConsensusErrorKind::SidesDiffer
            | ConsensusErrorKind::Refused
            | ConsensusErrorKind::Paused => Exit::StateSaysNo,
            _ => Exit::Storage,
        };
        let failure = Self::new(exit, kind.as_str(), error.to_string());
        match error.hint() {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}

/// Says what was tried when it fails.
pub(crate) trait Doing<T> {
    /// Turns the error into a [`Failure`] whose message begins with `what`.
    fn doing(self, what: impl std::fmt::Display) -> Result<T, Failure>;
}

impl<T, E: Into<Failure>> Doing<T> for Result<T, E> {
    fn doing(self, what: impl std::fmt::Display) -> Result<T, Failure> {
        self.map_err(|error| error.into().doing(what))
    }
}
