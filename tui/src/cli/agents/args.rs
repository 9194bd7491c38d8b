//! The words of `conclave start`, `spawn`, `agents`, `stop` and `cleanup`, as data.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{ArgGroup, Args, Subcommand};

use crate::cli::values;

/// `conclave start`
#[derive(Debug, Args)]
pub(crate) struct Start {
    /// The architect's name
    #[arg(default_value = "main", value_parser = values::filled)]
    pub(crate) name: String,
    /// Take no port
    #[arg(long)]
    pub(crate) no_port: bool,
    /// What to run here, with the terminal; without it the architect is only registered
    #[arg(last = true, value_name = "CMD")]
    pub(crate) command: Vec<OsString>,
}

/// `conclave spawn`
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
#[derive(Debug, Args)]
pub(crate) struct Spawn {
    /// Build a spec; it gives the builder its id
    #[arg(long, value_name = "ID", value_parser = values::filled, group = "what")]
    pub(crate) spec: Option<String>,
    /// Do a task, in words
    #[arg(long, value_name = "TEXT", value_parser = values::filled, group = "what")]
    pub(crate) task: Option<String>,
    /// Follow a protocol
    #[arg(long, value_name = "NAME", value_parser = values::filled, group = "what")]
    pub(crate) protocol: Option<String>,
    /// A builder for nothing in particular
    #[arg(long, group = "what")]
    pub(crate) shell: bool,
    /// A terminal beside the builders
    #[arg(long, group = "what", conflicts_with = "worktree")]
    pub(crate) util: bool,
    /// Something that shows a file to be remarked on; the file must be there
    #[arg(long, value_name = "FILE", group = "what", conflicts_with = "worktree")]
    pub(crate) annotate: Option<PathBuf>,
    /// Whose annotation it is: architect, builder or util, and its id
    #[arg(long, value_name = "TYPE:ID", requires = "annotate")]
    pub(crate) parent: Option<String>,
    /// In a git worktree of its own, `.builders/<id>` with the branch `builder/<id>`
    #[arg(long)]
    pub(crate) worktree: bool,
    /// Take no port
    #[arg(long)]
    pub(crate) no_port: bool,
    /// Register a process that runs already; nobody waits for it, so its exit code stays unknown
    #[arg(long, value_name = "PID", conflicts_with_all = ["command", "foreground"])]
    pub(crate) pid: Option<u32>,
    /// Stay until it ends, with the terminal, and end as it does
    #[arg(long, requires = "command")]
    pub(crate) foreground: bool,
    /// What to run beside you; without it the agent is only registered
    #[arg(last = true, value_name = "CMD")]
    pub(crate) command: Vec<OsString>,
}

/// `conclave agents`, with or without a word after it
#[derive(Debug, Args)]
pub(crate) struct AgentsLine {
    #[command(subcommand)]
    pub(crate) command: Option<Agents>,
}

/// `conclave agents …`
#[derive(Debug, Subcommand)]
pub(crate) enum Agents {
    /// Say what a builder is at: its status, its phase, or both
    #[command(group = ArgGroup::new("what").args(["status", "phase"]).required(true).multiple(true))]
    Set {
        /// The agent's id, or a unique beginning of it
        #[arg(value_parser = values::filled)]
        id: String,
        /// spawning, implementing, blocked, pr-ready or complete
        #[arg(long, value_name = "STATUS", value_parser = PossibleValuesParser::new(["spawning", "implementing", "blocked", "pr-ready", "complete"]))]
        status: Option<String>,
        /// What it does just now, in a few words; empty takes it away
        #[arg(long, value_name = "TEXT")]
        phase: Option<String>,
    },
    /// Show what changed in an agent's worktree since its base
    Diff {
        /// The agent's id, or a unique beginning of it
        #[arg(value_parser = values::filled)]
        id: String,
    },
    /// Merge an agent's branch into the current one, or leave everything as it was
    Merge {
        /// The agent's id, or a unique beginning of it
        #[arg(value_parser = values::filled)]
        id: String,
        /// As one commit
        #[arg(long)]
        squash: bool,
    },
}

/// `conclave stop`
#[derive(Debug, Args)]
pub(crate) struct StopLine {
    /// The agent's id, or a unique beginning of it
    #[arg(value_parser = values::filled, conflicts_with = "all")]
    pub(crate) id: Option<String>,
    /// Every agent of this project
    #[arg(long)]
    pub(crate) all: bool,
}

/// `conclave cleanup`
#[derive(Debug, Args)]
pub(crate) struct Cleanup {
    /// The agent's id, or a unique beginning of it
    #[arg(value_parser = values::filled)]
    pub(crate) id: String,
    /// Also with uncommitted work, which is lost
    #[arg(long)]
    pub(crate) force: bool,
    /// Delete the branch too, merged or not
    #[arg(long)]
    pub(crate) delete_branch: bool,
}

impl AgentsLine {
    /// Whether it only reads.
    pub(crate) const fn reads(&self) -> bool {
        matches!(self.command, None | Some(Agents::Diff { .. }))
    }

    /// It in the words of the user, for messages.
    pub(crate) const fn name(&self) -> &'static str {
        match &self.command {
            None => "agents",
            Some(Agents::Set { .. }) => "agents set",
            Some(Agents::Diff { .. }) => "agents diff",
            Some(Agents::Merge { .. }) => "agents merge",
        }
    }
}
