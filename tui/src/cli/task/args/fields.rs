//! The options that say what a task is: of create, update and close.

use clap::Args;
use conclave_tasks::work::Attempt;

use super::super::values::{self, Moment, Text};
use super::Ids;

/// `conclave task create`
#[derive(Debug, Args)]
pub(crate) struct NewFields {
    /// What is to be done: 1 to 500 bytes
    #[arg(value_parser = values::title)]
    pub(crate) title: String,
    /// What it is about; of these texts one may be `-`, which reads standard input
    #[arg(short, long, value_name = "TEXT", value_parser = values::text)]
    pub(crate) description: Option<Text>,
    /// How it is to be done
    #[arg(long, value_name = "TEXT", value_parser = values::text)]
    pub(crate) design: Option<Text>,
    /// When it counts as done
    #[arg(long, value_name = "TEXT", value_parser = values::text)]
    pub(crate) acceptance: Option<Text>,
    /// Anything else
    #[arg(long, value_name = "TEXT", value_parser = values::text)]
    pub(crate) notes: Option<Text>,
    /// 0 (most urgent) to 4, or P0 to P4; 2 by default
    #[arg(short, long, value_name = "PRIORITY", value_parser = values::priority)]
    pub(crate) priority: Option<u8>,
    /// bug, feature, task, epic, chore, decision, … or one of `[tasks] types`; task by default
    #[arg(short = 't', long = "type", value_name = "TYPE", value_parser = values::word)]
    pub(crate) kind: Option<String>,
    /// Who is to do it
    #[arg(long, value_name = "NAME", value_parser = crate::cli::values::filled)]
    pub(crate) assignee: Option<String>,
    /// Labels, with commas between
    #[arg(short, long, value_name = "LABELS", value_delimiter = ',', value_parser = values::label)]
    pub(crate) labels: Vec<String>,
    /// What it depends on, as TYPE:ID with commas between; an ID alone is one that it waits for
    #[arg(long, value_name = "TYPE:ID", value_delimiter = ',', value_parser = values::dependency)]
    pub(crate) deps: Vec<(String, String)>,
    /// The task that it is a child of; its id is that of the parent with a number
    #[arg(long, value_name = "ID", value_parser = values::id)]
    pub(crate) parent: Option<String>,
    /// An id of your own, which was never given before; by default one is made
    #[arg(long, value_name = "ID", value_parser = values::id)]
    pub(crate) id: Option<String>,
    /// When it must be done: RFC 3339, a day such as 2026-12-24, or a time from now such as 7d
    #[arg(long, value_name = "TIME", value_parser = values::moment)]
    pub(crate) due: Option<Moment>,
    /// Not ready before: RFC 3339, a day such as 2026-12-24, or a time from now such as 7d
    #[arg(long, value_name = "TIME", value_parser = values::moment)]
    pub(crate) defer: Option<Moment>,
    /// Its name elsewhere, such as gh-9
    #[arg(long, value_name = "NAME", value_parser = crate::cli::values::filled)]
    pub(crate) external_ref: Option<String>,
    /// How long it will take, in minutes
    #[arg(long, value_name = "MINUTES", value_parser = values::minutes)]
    pub(crate) estimate: Option<u64>,
}

/// `conclave task update`
#[derive(Debug, Args)]
pub(crate) struct UpdateFields {
    #[command(flatten)]
    pub(crate) ids: Ids,
    #[command(flatten)]
    pub(crate) changes: Changes,
    /// Take the task, as `conclave task claim` does; goes with --ttl and nothing else
    #[arg(long, conflicts_with = "Changes")]
    pub(crate) claim: bool,
    /// The claim expires after this time (500ms, 5s, 2m, 1h, 7d) unless it is repeated; never by default
    #[arg(long, value_name = "DURATION", value_parser = crate::cli::values::time, requires = "claim")]
    pub(crate) ttl: Option<std::time::Duration>,
}

/// What becomes of a task.
#[derive(Debug, Args)]
pub(crate) struct Changes {
    /// open, `in_progress`, blocked, deferred, closed, pinned, hooked, or one of `[tasks] statuses`
    #[arg(short, long, value_name = "STATUS", value_parser = values::word)]
    pub(crate) status: Option<String>,
    /// 0 (most urgent) to 4, or P0 to P4
    #[arg(short, long, value_name = "PRIORITY", value_parser = values::priority)]
    pub(crate) priority: Option<u8>,
    /// What is to be done: 1 to 500 bytes
    #[arg(long, value_name = "TEXT", value_parser = values::title)]
    pub(crate) title: Option<String>,
    /// What it is about; of these texts one may be `-`, which reads standard input
    #[arg(short, long, value_name = "TEXT", value_parser = values::text)]
    pub(crate) description: Option<Text>,
    /// How it is to be done
    #[arg(long, value_name = "TEXT", value_parser = values::text)]
    pub(crate) design: Option<Text>,
    /// When it counts as done
    #[arg(long, value_name = "TEXT", value_parser = values::text)]
    pub(crate) acceptance: Option<Text>,
    /// Anything else
    #[arg(long, value_name = "TEXT", value_parser = values::text)]
    pub(crate) notes: Option<Text>,
    /// bug, feature, task, epic, chore, decision, … or one of `[tasks] types`
    #[arg(short = 't', long = "type", value_name = "TYPE", value_parser = values::word)]
    pub(crate) kind: Option<String>,
    /// Who is to do it
    #[arg(long, value_name = "NAME")]
    pub(crate) assignee: Option<String>,
    /// When it must be done: RFC 3339, a day such as 2026-12-24, or a time from now such as 7d
    #[arg(long, value_name = "TIME", value_parser = values::moment)]
    pub(crate) due: Option<Moment>,
    /// Not ready before: RFC 3339, a day such as 2026-12-24, or a time from now such as 7d
    #[arg(long, value_name = "TIME", value_parser = values::moment)]
    pub(crate) defer: Option<Moment>,
    /// Its name elsewhere, such as gh-9
    #[arg(long, value_name = "NAME")]
    pub(crate) external_ref: Option<String>,
    /// How long it will take, in minutes
    #[arg(long, value_name = "MINUTES", value_parser = values::minutes_or_nothing)]
    pub(crate) estimate: Option<values::Minutes>,
    /// What came of it, kept whole; clears the error unless one comes with it
    #[arg(long, value_name = "TEXT", value_parser = values::text)]
    pub(crate) result: Option<Text>,
    /// What went wrong, kept whole
    #[arg(long, value_name = "TEXT", value_parser = values::text)]
    pub(crate) error: Option<Text>,
    /// One more attempt, or this many in all; 0 resets them
    #[arg(long, value_name = "N", num_args = 0..=1, default_missing_value = "next", value_parser = values::attempt)]
    pub(crate) attempt: Option<Attempt>,
    /// Add labels, with commas between
    #[arg(long = "add-label", value_name = "LABEL", value_delimiter = ',', value_parser = values::label)]
    pub(crate) add_labels: Vec<String>,
    /// Take labels away, with commas between
    #[arg(long = "remove-label", value_name = "LABEL", value_delimiter = ',', value_parser = values::label)]
    pub(crate) remove_labels: Vec<String>,
    /// The labels from now on, with commas between; an empty text takes all away
    #[arg(
        long,
        value_name = "LABELS",
        value_parser = values::labels,
        conflicts_with_all = ["add_labels", "remove_labels"]
    )]
    pub(crate) set_labels: Option<values::LabelList>,
}

/// `conclave task close`
#[derive(Debug, Args)]
pub(crate) struct ClosingFields {
    #[command(flatten)]
    pub(crate) ids: Ids,
    /// Why; words such as failed, cancelled or wontfix let tasks begin that wait for a failure
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
    /// What came of it, kept whole; of these texts one may be `-`, which reads standard input
    #[arg(long, value_name = "TEXT", value_parser = values::text)]
    pub(crate) result: Option<Text>,
    /// What went wrong, kept whole
    #[arg(long, value_name = "TEXT", value_parser = values::text)]
    pub(crate) error: Option<Text>,
    /// One more attempt, or this many in all
    #[arg(long, value_name = "N", num_args = 0..=1, default_missing_value = "next", value_parser = values::attempt)]
    pub(crate) attempt: Option<Attempt>,
    /// Also while others block it, or as an epic with open children
    #[arg(long)]
    pub(crate) force: bool,
    /// With --json: an object with what was closed, and which tasks are ready now that were blocked
    #[arg(long)]
    pub(crate) suggest_next: bool,
}
