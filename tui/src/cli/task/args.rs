//! The words of `conclave task …`, as data.

mod fields;
mod files;

use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand, ValueEnum};
use conclave_tasks::read::{Semantics, Sort};

pub(crate) use self::fields::{ClosingFields, NewFields, UpdateFields};
pub(crate) use self::files::{Export, Import, Merge, Sync};
use super::values::{self, Text};
use crate::cli::args::Limit;

/// `conclave task …`
#[derive(Debug, Subcommand)]
pub(crate) enum Task {
    /// Make a task; prints its id
    #[command(
        after_help = "Example: conclave task create \"Fix the import\" -p 1 -t bug -l import,data-loss"
    )]
    Create(Box<NewFields>),
    /// Change fields of tasks, all of it or nothing; an empty text clears an optional field
    #[command(after_help = "Example: conclave task update a3f8 --status in_progress --add-label import")]
    Update(Box<UpdateFields>),
    /// Take a task: only one of any number of claimants gets it
    #[command(
        after_help = "Example: conclave task claim a3f8 --ttl 30m\n\nTwo agents under one name share their claims: give each its own, with --actor or CONCLAVE_ACTOR."
    )]
    Claim {
        /// The task's id, or a unique beginning of it, with or without its prefix
        #[arg(value_parser = values::id)]
        id: String,
        #[command(flatten)]
        ttl: Ttl,
    },
    /// Close tasks; refused while others block one or children of an epic are open
    #[command(after_help = "Example: conclave task close a3f8 --reason \"fixed in 1f2e3d\"")]
    Close(Box<ClosingFields>),
    /// Open closed tasks again
    #[command(after_help = "Example: conclave task reopen a3f8 --reason \"came back\"")]
    Reopen {
        #[command(flatten)]
        ids: Ids,
        /// Why; kept in the audit log
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
    },
    /// Delete tasks: each leaves a tombstone, and its id is never given again
    #[command(after_help = "Example: conclave task delete a3f8 --reason \"made twice\"")]
    Delete {
        #[command(flatten)]
        ids: Ids,
        /// Why; kept in the tombstone
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
    },
    /// Show tasks with everything around them
    #[command(after_help = "Example: conclave task show a3f8")]
    Show {
        #[command(flatten)]
        ids: Ids,
    },
    /// List tasks by priority, then age; closed ones and tombstones only when asked for
    #[command(after_help = "Example: conclave task list --status open,in_progress --label import")]
    List(ListFilter),
    /// List the tasks that can be worked on now; with --claim take the first
    #[command(after_help = "Example: conclave task ready --claim --ttl 30m --json")]
    Ready(ReadyLine),
    /// List the tasks that others block, and why
    #[command(after_help = "Example: conclave task blocked --limit 10")]
    Blocked {
        #[command(flatten)]
        limit: Limit,
    },
    /// Count tasks
    #[command(after_help = "Example: conclave task stats --json")]
    Stats,
    /// Look for words in tasks, the best match first
    #[command(after_help = "Example: conclave task search import hides file")]
    Search {
        /// Words that must all be there; the last may be a beginning
        #[arg(required = true, value_name = "WORDS")]
        words: Vec<String>,
        #[command(flatten)]
        limit: Limit,
    },
    /// Say what depends on what
    #[command(subcommand, arg_required_else_help = false)]
    Dep(Dep),
    /// Add and remove labels
    #[command(subcommand, arg_required_else_help = false)]
    Label(Label),
    /// Comment on a task
    #[command(after_help = "Example: conclave task comment a3f8 \"the file is still there\"")]
    Comment {
        /// The task's id, or a unique beginning of it
        #[arg(value_parser = values::id)]
        id: String,
        /// The comment; `-` reads standard input
        #[arg(value_parser = values::text)]
        text: Text,
    },
    /// List what has happened to a task, the newest first
    #[command(
        after_help = "Example: conclave task audit a3f8 --limit 5\n         conclave task audit --conflicts"
    )]
    Audit {
        /// The task's id, or a unique beginning of it; the full one where the task is gone
        #[arg(value_parser = values::id, required_unless_present = "conflicts")]
        id: Option<String>,
        /// Only what syncs had to decide because both sides had changed it; of all tasks without an id
        #[arg(long)]
        conflicts: bool,
        #[command(flatten)]
        limit: Limit,
    },
    /// Import a JSONL file of tasks, all or nothing; nothing that is newer here is replaced
    #[command(after_help = "Example: conclave task import .beads/issues.jsonl --quarantine refused")]
    Import(Import),
    /// Write all tasks as JSONL, each record with the bytes it came with
    #[command(after_help = "Example: conclave task export -o .beads/issues.jsonl")]
    Export(Export),
    /// Merge a JSONL file and the store both ways; nothing is lost on either side
    #[command(after_help = "Example: conclave task sync .beads/issues.jsonl")]
    Sync(Sync),
    /// Merge three JSONL files into one, as git's merge driver; needs no state
    #[command(
        after_help = "Example: conclave task merge base.jsonl ours.jsonl theirs.jsonl -o merged.jsonl\n         conclave task merge --install"
    )]
    Merge(Merge),
    /// Print how to work with tasks, who you are, what is yours and ready; at most 2 kB
    #[command(after_help = "Example: conclave task prime --short >> AGENTS.md")]
    Prime {
        /// Only what stays true, for a file of instructions: no names, no lists
        #[arg(long)]
        short: bool,
    },
}

/// `conclave task dep …`
#[derive(Debug, Subcommand)]
pub(crate) enum Dep {
    /// `ISSUE` depends on `DEPENDS_ON`: it waits for it, or is its child
    #[command(
        after_help = "Example: conclave task dep add 8d8e a3f8        (8d8e waits for a3f8)\n         conclave task dep add 8d8e 98c4 --type parent-child        (8d8e is a child of 98c4)"
    )]
    Add {
        /// The task that depends
        #[arg(value_parser = values::id)]
        issue: String,
        /// What it depends on
        #[arg(value_parser = values::id)]
        depends_on: String,
        /// The type: blocks, parent-child, conditional-blocks, waits-for, related, … or one of your own
        #[arg(long = "type", value_name = "TYPE", value_parser = values::word, default_value = "blocks")]
        kind: String,
    },
    /// `ISSUE` depends on `DEPENDS_ON` no more
    #[command(after_help = "Example: conclave task dep rm 8d8e a3f8")]
    Rm {
        /// The task that depends
        #[arg(value_parser = values::id)]
        issue: String,
        /// What it depends on; it need not exist
        #[arg(value_parser = values::id)]
        depends_on: String,
        /// Only this type; all by default
        #[arg(long = "type", value_name = "TYPE", value_parser = values::word)]
        kind: Option<String>,
    },
    /// Draw what a task depends on
    #[command(after_help = "Example: conclave task dep tree 98c4 --up")]
    Tree {
        /// The task's id, or a unique beginning of it
        #[arg(value_parser = values::id)]
        id: String,
        /// What depends on it instead
        #[arg(long)]
        up: bool,
    },
    /// List tasks that wait for each other in a circle
    #[command(after_help = "Example: conclave task dep cycles")]
    Cycles,
}

/// `conclave task label …`
#[derive(Debug, Subcommand)]
pub(crate) enum Label {
    /// Add labels to a task
    #[command(after_help = "Example: conclave task label add a3f8 import data-loss")]
    Add {
        #[command(flatten)]
        labels: Labels,
    },
    /// Take labels away from a task
    #[command(after_help = "Example: conclave task label rm a3f8 data-loss")]
    Rm {
        #[command(flatten)]
        labels: Labels,
    },
}

/// A task and labels.
#[derive(Debug, Args)]
pub(crate) struct Labels {
    /// The task's id, or a unique beginning of it
    #[arg(value_parser = values::id)]
    pub(crate) id: String,
    /// The labels, with blanks or commas between
    #[arg(required = true, value_name = "LABEL", value_delimiter = ',', value_parser = values::label)]
    pub(crate) labels: Vec<String>,
}

/// Tasks.
#[derive(Debug, Args)]
pub(crate) struct Ids {
    /// The ids of the tasks, or unique beginnings of them, with or without their prefix
    #[arg(required = true, value_name = "ID", value_parser = values::id)]
    pub(crate) ids: Vec<String>,
}

/// How long a claim holds.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Ttl {
    /// The claim expires after this time (500ms, 5s, 2m, 1h, 7d) unless it is repeated; never by default
    #[arg(long, value_name = "DURATION", value_parser = crate::cli::values::time)]
    pub(crate) ttl: Option<std::time::Duration>,
}

/// Which tasks to list. Filters hold together.
#[derive(Debug, Args)]
pub(crate) struct ListFilter {
    /// Only these statuses, with commas between; closed and tombstone only so, or with --all
    #[arg(long, value_name = "STATUSES", value_delimiter = ',', value_parser = values::word)]
    pub(crate) status: Vec<String>,
    /// Only this priority, 0 (most urgent) to 4, or P0 to P4
    #[arg(short, long, value_name = "PRIORITY", value_parser = values::priority)]
    pub(crate) priority: Option<u8>,
    /// Only these types, with commas between
    #[arg(short = 't', long = "type", value_name = "TYPES", value_delimiter = ',', value_parser = values::word)]
    pub(crate) kinds: Vec<String>,
    /// Only those of this assignee
    #[arg(long, value_name = "NAME", value_parser = crate::cli::values::filled)]
    pub(crate) assignee: Option<String>,
    /// Only those with this label; several, with commas between, must all be there
    #[arg(short, long = "label", value_name = "LABEL", value_delimiter = ',', value_parser = values::label)]
    pub(crate) labels: Vec<String>,
    /// Only children of this task
    #[arg(long, value_name = "ID", value_parser = values::id)]
    pub(crate) parent: Option<String>,
    /// Closed ones and tombstones too
    #[arg(long)]
    pub(crate) all: bool,
    #[command(flatten)]
    pub(crate) limit: Limit,
}

/// `conclave task ready`
#[derive(Debug, Args)]
pub(crate) struct ReadyLine {
    /// The order
    #[arg(long, value_name = "ORDER", value_enum, default_value_t = ReadySort::Priority)]
    pub(crate) sort: ReadySort,
    /// Whose rules hold, by the version of Beads
    #[arg(long, value_name = "VERSION", value_parser = PossibleValuesParser::new(["0.49", "1.x"]), default_value = "0.49")]
    pub(crate) semantics: String,
    /// Only those of this assignee
    #[arg(long, value_name = "NAME", value_parser = crate::cli::values::filled)]
    pub(crate) assignee: Option<String>,
    /// Only those with this label; several, with commas between, must all be there
    #[arg(short, long = "label", value_name = "LABEL", value_delimiter = ',', value_parser = values::label)]
    pub(crate) labels: Vec<String>,
    /// Take the first tasks, at most as many as --limit says (1 by default), and print them; exit 1 where there is none
    #[arg(long)]
    pub(crate) claim: bool,
    /// The claim expires after this time (500ms, 5s, 2m, 1h, 7d) unless it is repeated; never by default
    #[arg(long, value_name = "DURATION", value_parser = crate::cli::values::time, requires = "claim")]
    pub(crate) ttl: Option<std::time::Duration>,
    #[command(flatten)]
    pub(crate) limit: Limit,
}

impl ReadyLine {
    pub(crate) fn semantics(&self) -> Semantics {
        if self.semantics == "1.x" { Semantics::One } else { Semantics::Classic }
    }
}

/// The order of a ready list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReadySort {
    /// Priority, then age (with 1.x the newest first), then id
    Priority,
    /// Age, then id
    Oldest,
    /// Those of the last 48 hours by priority, then the older ones by age
    Hybrid,
}

impl From<ReadySort> for Sort {
    fn from(sort: ReadySort) -> Self {
        match sort {
            ReadySort::Priority => Self::Priority,
            ReadySort::Oldest => Self::Oldest,
            ReadySort::Hybrid => Self::Hybrid,
        }
    }
}

impl Task {
    /// Whether it only reads the state, and writes nothing else.
    pub(crate) const fn reads(&self) -> bool {
        match self {
            Self::Show { .. }
            | Self::List(_)
            | Self::Blocked { .. }
            | Self::Stats
            | Self::Search { .. }
            | Self::Dep(Dep::Tree { .. } | Dep::Cycles)
            | Self::Audit { .. }
            | Self::Prime { .. } => true,
            Self::Ready(line) => !line.claim,
            Self::Import(line) => line.dry_run,
            Self::Sync(line) => line.dry_run,
            Self::Export(line) => line.output.is_none(),
            _ => false,
        }
    }

    /// Whether it changes the state, or how git merges. An export and a merge write files, but no state.
    pub(crate) const fn changes_state(&self) -> bool {
        match self {
            Self::Export(_) => false,
            Self::Merge(line) => line.install.is_some(),
            _ => !self.reads(),
        }
    }

    /// The command in the words of the user.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Create(_) => "task create",
            Self::Update(_) => "task update",
            Self::Claim { .. } => "task claim",
            Self::Close(_) => "task close",
            Self::Reopen { .. } => "task reopen",
            Self::Delete { .. } => "task delete",
            Self::Show { .. } => "task show",
            Self::List(_) => "task list",
            Self::Ready(line) if line.claim => "task ready --claim",
            Self::Ready(_) => "task ready",
            Self::Blocked { .. } => "task blocked",
            Self::Stats => "task stats",
            Self::Search { .. } => "task search",
            Self::Dep(Dep::Add { .. }) => "task dep add",
            Self::Dep(Dep::Rm { .. }) => "task dep rm",
            Self::Dep(Dep::Tree { .. }) => "task dep tree",
            Self::Dep(Dep::Cycles) => "task dep cycles",
            Self::Label(Label::Add { .. }) => "task label add",
            Self::Label(Label::Rm { .. }) => "task label rm",
            Self::Comment { .. } => "task comment",
            Self::Audit { .. } => "task audit",
            Self::Import(_) => "task import",
            Self::Export(_) => "task export",
            Self::Sync(_) => "task sync",
            Self::Merge(line) if line.install.is_some() => "task merge --install",
            Self::Merge(_) => "task merge",
            Self::Prime { .. } => "task prime",
        }
    }
}
