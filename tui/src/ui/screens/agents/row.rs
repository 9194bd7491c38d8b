//! What the screen knows of an agent.

use std::path::Path;

use conclave_consensus::runs::RunId;
use conclave_registry::agents::{Agent, End, Key, Kind, Life};

/// Most characters of a text that are kept.
const LONGEST: usize = 2_000;

/// Where an agent comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The registry has it.
    Registered(Kind),
    /// It answers in a run that is driven from here.
    Run(RunId),
}

/// One registration of an agent: an id may be given again, to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Who {
    pub(crate) key: Key,
    /// When it was registered, in milliseconds since 1970.
    pub(crate) started: i64,
}

impl Who {
    pub(crate) fn id(&self) -> &str {
        &self.key.id
    }
}

/// An agent in the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) origin: Origin,
    pub(crate) id: String,
    /// `architect`, `util`, `annotation`, a builder's type, or the number of a run.
    pub(crate) type_word: String,
    pub(crate) life: Life,
    /// What it says of itself.
    pub(crate) status: Option<String>,
    pub(crate) phase: Option<String>,
    /// What it was given: a task, a protocol, a file.
    pub(crate) given: Option<String>,
    pub(crate) pid: Option<i64>,
    pub(crate) port: Option<u16>,
    /// Its folder, from the project's on; empty where it has none of its own.
    pub(crate) place: String,
    pub(crate) branch: Option<String>,
    pub(crate) cmd: String,
    /// Milliseconds since 1970.
    pub(crate) started: i64,
    pub(crate) ended: Option<Ended>,
}

/// How and when an agent ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ended {
    pub(crate) how: End,
    /// Milliseconds since 1970.
    pub(crate) at: i64,
    pub(crate) exit_status: Option<i32>,
}

impl Row {
    /// What is drawn of an agent. Looks whether its process lives.
    pub(crate) fn of(agent: &Agent, root: &Path) -> Self {
        let kept = |text: &String| text.chars().take(LONGEST).collect::<String>();
        let given = agent.task_text.as_ref().or(agent.protocol_name.as_ref()).or(agent.file.as_ref());
        let place =
            |folder: &std::path::PathBuf| folder.strip_prefix(root).unwrap_or(folder).display().to_string();
        Self {
            origin: Origin::Registered(agent.key.kind),
            id: agent.key.id.clone(),
            type_word: agent.type_word.clone(),
            life: agent.life(),
            status: agent.status.clone(),
            phase: agent.phase.as_ref().filter(|phase| !phase.is_empty()).map(kept),
            given: given.map(kept),
            pid: agent.pid,
            port: agent.port,
            place: agent.worktree.as_ref().map(place).unwrap_or_default(),
            branch: agent.branch.clone(),
            cmd: kept(&agent.cmd),
            started: agent.started_at_ms,
            ended: agent.ended.as_ref().map(|ended| Ended {
                how: ended.how,
                at: ended.at_ms,
                exit_status: ended.exit_status,
            }),
        }
    }

    /// Whether it runs, as far as anybody knows: its times change.
    pub(crate) const fn lives(&self) -> bool {
        matches!(self.life, Life::Running | Life::Unsupervised)
    }

    /// Whether it runs or may do so where it cannot be seen from here.
    pub(crate) const fn may_live(&self) -> bool {
        self.lives() || matches!(self.life, Life::Unknown)
    }

    /// Whether the registry has it.
    pub(crate) const fn is_registered(&self) -> bool {
        matches!(self.origin, Origin::Registered(_))
    }

    /// Which registration it is, where the registry has it.
    pub(crate) fn who(&self) -> Option<Who> {
        match self.origin {
            Origin::Registered(kind) => {
                Some(Who { key: Key { kind, id: self.id.clone() }, started: self.started })
            }
            Origin::Run(_) => None,
        }
    }

    /// Whether it is the same agent as another row, which may be older.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.origin == other.origin && self.id == other.id
    }

    /// The word of the filter for where it comes from.
    pub(crate) const fn kind_word(&self) -> &'static str {
        match self.origin {
            Origin::Registered(kind) => kind.as_str(),
            Origin::Run(_) => "run",
        }
    }
}
