//! What an agent is.

use std::path::PathBuf;

use conclave_db::process::ProcessIdentity;

/// Which table an agent stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Leads the others.
    Architect,
    /// Builds something.
    Builder,
    /// A terminal for anything.
    Util,
    /// Shows a file to be remarked on.
    Annotation,
}

impl Kind {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Architect => "architect",
            Self::Builder => "builder",
            Self::Util => "util",
            Self::Annotation => "annotation",
        }
    }
}

/// What a builder was spawned for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum BuilderType {
    /// A spec.
    Spec,
    /// A task in words.
    Task,
    /// A protocol.
    Protocol,
    /// Nothing but a shell.
    Shell,
    /// Nothing but a worktree.
    Worktree,
    /// A bug. Only imports have it.
    Bugfix,
}

impl BuilderType {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Spec => "spec",
            Self::Task => "task",
            Self::Protocol => "protocol",
            Self::Shell => "shell",
            Self::Worktree => "worktree",
            Self::Bugfix => "bugfix",
        }
    }
}

/// What a builder says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum BuilderStatus {
    /// It has not begun.
    Spawning,
    /// It works.
    Implementing,
    /// It waits for somebody.
    Blocked,
    /// Its work waits to be looked at.
    PrReady,
    /// It is done.
    Complete,
}

impl BuilderStatus {
    /// All of them, in the order of the work.
    pub const ALL: [Self; 5] =
        [Self::Spawning, Self::Implementing, Self::Blocked, Self::PrReady, Self::Complete];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Spawning => "spawning",
            Self::Implementing => "implementing",
            Self::Blocked => "blocked",
            Self::PrReady => "pr-ready",
            Self::Complete => "complete",
        }
    }

    /// The status of this word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == word)
    }
}

/// Which agent.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// Its table.
    pub kind: Kind,
    /// Its id, or an architect's name.
    pub id: String,
}

impl std::fmt::Display for Key {
    /// `builder:0031`.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}:{}", self.kind.as_str(), self.id)
    }
}

/// How an agent's process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum End {
    /// By itself, or by a stranger's signal: somebody waited for it.
    Exited,
    /// By `conclave stop`.
    Stopped,
    /// Nobody knows: it vanished, or the machine was started anew.
    Lost,
}

/// The end of an agent's process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// How.
    pub how: End,
    /// When that was recorded, in milliseconds since 1970.
    pub at_ms: i64,
    /// What it said at its end, 128 and the number of the signal that ended it; `None` where nobody waited for it.
    pub exit_status: Option<i32>,
}

/// One agent, as its row is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agent {
    /// Which one.
    pub key: Key,
    /// Of this row alone: whoever registers the id again gets another.
    pub registration: i64,
    /// What people call it.
    pub name: String,
    /// `architect`, `util`, `annotation`, or a builder's type.
    pub type_word: String,
    /// A builder's status; `None` for others.
    pub status: Option<String>,
    /// What it says it is at.
    pub phase: Option<String>,
    /// What a task builder was given.
    pub task_text: Option<String>,
    /// The protocol of a protocol builder.
    pub protocol_name: Option<String>,
    /// The file of an annotation.
    pub file: Option<String>,
    /// Whose annotation: kind and id.
    pub parent: Option<(String, Option<String>)>,
    /// Its git worktree, absolute.
    pub worktree: Option<PathBuf>,
    /// The branch of the worktree.
    pub branch: Option<String>,
    /// The commit that the branch began at.
    pub base_commit: Option<String>,
    /// The port that it may use.
    pub port: Option<u16>,
    /// What was started, as a shell would take it; empty where nothing was.
    pub cmd: String,
    /// The pid as it stands in the row, which may be anything.
    pub pid: Option<i64>,
    /// The process, where everything that makes one is known.
    pub process: Option<ProcessIdentity>,
    /// The process that waits for it.
    pub supervisor: Option<ProcessIdentity>,
    /// The boot of its process, or the one that it was registered in; `None` where nobody knows, as of an import.
    pub boot_id: Option<String>,
    /// Its end, once recorded.
    pub ended: Option<Ended>,
    /// When it was registered, in milliseconds since 1970.
    pub started_at_ms: i64,
    /// When the row was changed last.
    pub updated_at_ms: i64,
}

/// How many agents of each kind there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Counts {
    /// Architects.
    pub architects: u64,
    /// Builders.
    pub builders: u64,
    /// Utils.
    pub utils: u64,
    /// Annotations.
    pub annotations: u64,
}
