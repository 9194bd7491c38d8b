//! What the core hears.

use std::collections::BTreeMap;
use std::sync::Arc;

use conclave_consensus::gates::Gate;
use conclave_consensus::migrate::Attention;
use conclave_consensus::runs::{AgentMark, RunCursor, RunDetail, RunId, RunSummary};
use conclave_consensus::workflow::Event;
use conclave_db::vacuum::VacuumStats;
use conclave_llm::CallView;
use conclave_spool::trim::Trimmed;

use super::effect::{Part, Work, Write};
use super::keys::Key;
use super::model::CheckRow;
use super::problem::Problem;
use super::screens::form::Choice;
use super::screens::storage::{Numbers, Stores};
use super::screens::{agents, coordination, hosts, tasks};
use crate::failure::Exit;

/// Everything that can happen.
#[derive(Debug, Clone)]
pub(crate) enum Msg {
    /// What time it is, before each other message. Changes nothing that is seen by itself.
    Clock(i64),
    /// A second has passed while something runs.
    Tick,
    Key(Key),
    Paste(String),
    Resize(u16, u16),
    Focus(bool),
    Mouse(Mouse),
    /// A signal asks the program to end.
    End(Exit),
    /// A signal asks the program to stop for a while.
    Suspend,
    /// The program goes on; the screen must be drawn anew.
    Continue,
    /// Something was copied, or could not be.
    Copied(Result<String, Problem>),
    /// The state was opened, or why not.
    Opened(Opened),
    /// Someone changed the state.
    Changed,
    Page(Box<PageRead>),
    Counted {
        generation: u64,
        total: u64,
        matching: u64,
    },
    Run {
        id: RunId,
        run: Result<Option<Arc<RunDetail>>, Problem>,
    },
    /// The questions of a run that is a quality gate.
    Gate {
        id: RunId,
        gate: Option<Arc<Gate>>,
    },
    /// Who can be asked.
    Roster(Result<Vec<Choice>, Problem>),
    /// The editor has ended, with this text.
    Edited(Result<String, Problem>),
    /// A run is driven from here, or could not be begun.
    Begun(Result<RunId, Problem>),
    /// Something happened in a run that is driven from here.
    Event {
        run: RunId,
        event: Box<Event>,
    },
    /// A run is driven from here no more: what came of it, in a line.
    DriveEnded {
        run: RunId,
        /// Whether its verdict is ok.
        agreed: bool,
        outcome: Result<String, Problem>,
    },
    /// Something was done that need not please.
    News(String),
    /// Something that was asked for is done, or could not be.
    Told(Result<String, Problem>),
    /// A page of tasks.
    Tasks(Box<TasksRead>),
    TaskCounts(tasks::Counts),
    /// A task that was asked for by this id, which may be a short form; `None` where there is none.
    Task {
        asked: String,
        task: Result<Option<Arc<tasks::Detail>>, Problem>,
    },
    /// A task was changed, or could not be.
    Written {
        write: Write,
        outcome: Result<Written, Problem>,
    },
    /// The agents of the registry.
    Agents(Vec<agents::Row>),
    /// A part of an agent's log.
    Log(Box<agents::LogRead>),
    /// Something was written to the log of this agent.
    LogGrew(String),
    /// Leases, ports and architects.
    Coordination(Box<coordination::Found>),
    /// The hosts of models.
    Hosts(Box<hosts::Found>),
    /// The last calls of the host of this name, the newest first.
    Calls {
        host: String,
        calls: Result<Vec<CallView>, Problem>,
    },
    /// Something was done to a host, or could not be.
    HostDone {
        deed: hosts::Deed,
        outcome: Result<String, Problem>,
    },
    /// More has come of the question of this number.
    Answering {
        number: u64,
        piece: hosts::Piece,
    },
    /// Someone changed the machine-wide file.
    GlobalChanged,
    /// What waits for a person.
    Needs(Vec<Attention>),
    Storage(Box<Numbers>),
    /// What the spool and the cache hold.
    Stores(Box<Stores>),
    /// They may hold something else by now.
    StoresChanged,
    /// How far the work is, in its own units.
    Progress {
        done: u64,
        total: u64,
        phase: &'static str,
    },
    /// The work has ended.
    Worked {
        work: Work,
        outcome: Result<Outcome, Problem>,
    },
    /// The vacuum daemon has freed something.
    Vacuumed(Box<VacuumStats>),
    /// A read failed.
    ReadFailed(Problem),
}

/// The mouse, where it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mouse {
    WheelUp,
    WheelDown,
    Click { column: u16, row: u16 },
}

/// What opening found.
#[derive(Debug, Clone)]
pub(crate) enum Opened {
    /// There is a state, and it can be read.
    Ready { as_it_lies: bool },
    /// There is none.
    Absent,
    /// It cannot be used.
    Failed(Problem),
}

/// A page that was asked for.
#[derive(Debug, Clone)]
pub(crate) struct PageRead {
    pub(crate) generation: u64,
    pub(crate) part: Part,
    pub(crate) after: Option<RunCursor>,
    pub(crate) rows: Vec<RunSummary>,
    /// Where the agents of the rows stand.
    pub(crate) marks: BTreeMap<RunId, Vec<AgentMark>>,
    /// Whether nothing follows.
    pub(crate) at_end: bool,
    /// Where the pages before it begin, for the end of a list.
    pub(crate) before: Vec<Option<RunCursor>>,
}

/// A page of tasks that was asked for.
#[derive(Debug, Clone)]
pub(crate) struct TasksRead {
    pub(crate) generation: u64,
    pub(crate) part: Part,
    pub(crate) after: Option<String>,
    pub(crate) rows: Vec<tasks::Row>,
    /// Whether nothing follows.
    pub(crate) at_end: bool,
    /// Where the pages before it begin, for the end of a list.
    pub(crate) before: Vec<Option<String>>,
}

/// What a change of a task has brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Written {
    pub(crate) said: String,
    /// Whether it was not so before.
    pub(crate) changed: bool,
    /// The task.
    pub(crate) id: Option<String>,
}

/// What work has brought.
#[derive(Debug, Clone)]
pub(crate) enum Outcome {
    /// It is done, and this is to be said.
    Said(String),
    /// The checks.
    Checks(Vec<CheckRow>),
    /// What an agent has changed.
    Diff { text: String },
    /// What trimming would remove.
    TrimPlan(Box<Trimmed>),
    /// An agent is there.
    Spawned { id: String, said: String },
    /// Another project is shown from here on.
    Moved {
        root: String,
        database: String,
        said: String,
        /// A run that was begun there: it is driven from here, and shown.
        drive: Option<RunId>,
    },
}
