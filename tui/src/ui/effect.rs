//! What the core wants to have done, as data.

use std::path::PathBuf;

use conclave_consensus::runs::{RunCursor, RunId};
use conclave_registry::agents::BuilderStatus;
use conclave_tasks::read::Sort;
use conclave_tasks::work::{Change, NewTask};

use super::filter::Filter;
use super::screens::agents::Who;
use super::screens::form::Asked;
use super::screens::spawn_form::Spawn;
use super::screens::{agents, hosts, tasks};

/// Something that only the outside can do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Effect {
    /// End the program.
    Quit,
    /// Give the terminal back and stop until SIGCONT.
    Suspend,
    /// Take the terminal again: someone else had it meanwhile.
    Retake,
    /// Send a text to the terminal's clipboard, and say of what.
    Copy { text: String, what: String },
    /// Take the mouse, or leave it.
    Mouse(bool),
    /// Look less often while nobody looks.
    Focus(bool),
    /// Read something from the database.
    Read(Read),
    /// Do something that may take long.
    Work(Work),
    /// Begin a run, and drive it.
    Begin(Box<Asked>),
    /// Go on with a run that nobody drives, and with the pipeline that it is a step of.
    GoOn(RunId),
    /// Go on with every pipeline and run that nobody drives.
    GoOnAll,
    /// Lead a spec through its stages: begin its pipeline, or go on with the one that is there.
    Auto(String),
    /// Close a run with the answers that it has.
    Cancel(RunId),
    /// Answer a question of a quality gate.
    Answer { run: RunId, issue: String, text: String },
    /// Change a task.
    Write(Write),
    /// Do something to a host of models.
    Host(hosts::Deed),
    /// Ask a model; what comes of it is told with this number.
    Ask { number: u64, asked: Box<hosts::Asked> },
    /// Take back what was asked.
    StopAsking,
    /// Let the user edit a text in the editor of the environment.
    Edit(String),
}

/// Reads; the newest of a kind makes older ones of its kind pointless.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Read {
    /// Open the state, again if need be.
    Open,
    /// A page of runs.
    Page(Page),
    /// How many runs there are, and how many the filter lets through.
    Count { generation: u64, filter: Filter },
    /// One run with everything that hangs on it.
    Run(RunId),
    /// What waits for a person.
    Needs,
    /// The numbers of the storage screen.
    Storage,
    /// What the spool and the cache hold.
    Stores,
    /// Who can be asked.
    Roster,
    /// A page of tasks.
    Tasks(TaskPage),
    /// How many tasks each list has.
    TaskCounts,
    /// One task, by its id or a short form of it; the whole of it, or what a pane shows.
    Task { id: String, whole: bool },
    /// The agents of the registry.
    Agents,
    /// A part of an agent's log; it is told when something is written to it after that.
    Log(agents::LogAsk),
    /// Leases, ports and architects.
    Coordination,
    /// The hosts of models.
    Hosts,
    /// The last calls of the host of this name.
    Calls(String),
}

/// Which tasks to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TaskPage {
    /// Answers to older generations are dropped.
    pub(crate) generation: u64,
    pub(crate) which: tasks::Which,
    /// The order of the ready list.
    pub(crate) sort: Sort,
    pub(crate) filter: tasks::Filter,
    /// After this one; from the first without it.
    pub(crate) after: Option<String>,
    pub(crate) limit: usize,
    pub(crate) part: Part,
}

/// Changes of tasks, done one after the other. Ids may be short forms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Write {
    Claim(String),
    Close {
        id: String,
        force: bool,
    },
    Reopen(String),
    Delete(String),
    /// A `blocks` edge.
    Depend {
        issue: String,
        on: String,
    },
    Create(Box<NewTask>),
    Update {
        id: String,
        change: Box<Change>,
    },
}

/// Which runs to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Page {
    /// Answers to older generations are dropped.
    pub(crate) generation: u64,
    pub(crate) filter: Filter,
    /// After this one; from the newest without it.
    pub(crate) after: Option<RunCursor>,
    pub(crate) limit: usize,
    pub(crate) part: Part,
}

/// What a page is to its window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// The window anew, from the newest on.
    First,
    /// The same window, read again.
    Again,
    /// What follows the window.
    Later,
    /// What comes before the window.
    Earlier,
    /// The end of the list.
    Last,
}

/// Work beside the reads; one at a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Work {
    Vacuum,
    Backup,
    Checkpoint,
    Doctor,
    Convert,
    Verify,
    Backfill,
    /// The next step of the migration; the last one drops the legacy tables, which the user has agreed to.
    Advance {
        confirm: bool,
    },
    RollBack,
    Repair,
    /// Beside other work: it is what stops it.
    Pause,
    Resume,
    Migrate,
    Init,
    Demo,
    Import(PathBuf),
    Export(Vec<RunId>),
    ExportNamed(String),
    Delete(RunId),
    StopAgent(Who),
    DiffAgent(Who),
    MergeAgent(Who),
    CleanUpAgent {
        who: Who,
        /// Also with uncommitted work, which is lost.
        force: bool,
    },
    Spawn(Box<Spawn>),
    SetAgent {
        /// Its id, or the beginning of it.
        id: String,
        status: BuilderStatus,
    },
    CleanUpPorts,
    /// Take what waits in the spool into the state.
    FlushSpool,
    /// See what trimming would remove. Nothing is removed.
    PlanTrim,
    TrimSpool,
    ClearCache,
    /// End what is held under a name.
    BreakLease {
        name: String,
        /// Of the whole machine.
        global: bool,
        /// Those that were shown; where others are there meanwhile, nothing is done.
        fences: Vec<u64>,
    },
}

impl Work {
    /// Which agent it is about, where it may wait for that one for long and nothing else waits for it.
    pub(crate) const fn beside(&self) -> Option<&Who> {
        match self {
            Self::StopAgent(who) | Self::MergeAgent(who) | Self::CleanUpAgent { who, .. } => Some(who),
            _ => None,
        }
    }

    /// The word before its name.
    pub(crate) const fn article(&self) -> &'static str {
        match self {
            Self::Init | Self::Import(_) | Self::Export(_) | Self::ExportNamed(_) => "An",
            _ => "A",
        }
    }

    /// What is going on, for the line that says so.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Vacuum => "vacuum",
            Self::Backup => "backup",
            Self::Checkpoint => "checkpoint",
            Self::Doctor => "doctor",
            Self::Convert => "conversion",
            Self::Verify => "verify",
            Self::Backfill => "backfill",
            Self::Advance { .. } => "step forward",
            Self::RollBack => "way back",
            Self::Repair => "repair",
            Self::Pause => "pause",
            Self::Resume => "resumption",
            Self::Migrate => "migration",
            Self::Init => "init",
            Self::Demo => "demo",
            Self::Import(_) => "import",
            Self::Export(_) | Self::ExportNamed(_) => "export",
            Self::Delete(_) => "deletion",
            Self::StopAgent(_) => "stop",
            Self::DiffAgent(_) => "diff",
            Self::MergeAgent(_) => "merge",
            Self::CleanUpAgent { .. } => "cleanup",
            Self::Spawn(_) => "spawn",
            Self::SetAgent { .. } => "change",
            Self::CleanUpPorts => "cleanup of ports",
            Self::FlushSpool => "flush of the spool",
            Self::PlanTrim => "look at the spool",
            Self::TrimSpool => "trim of the spool",
            Self::ClearCache => "clearing of the cache",
            Self::BreakLease { .. } => "release",
        }
    }
}
