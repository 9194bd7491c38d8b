//! `conclave task …`: what agents and people do with tasks. Each file is a group of commands; everything that they
//! do they do through the public functions of `conclave_tasks`.
//!
//! What is wrong with a command line is said before a state is made for it. Ids are resolved here: the functions
//! below know full ones only.

pub(super) mod args;
mod audit;
mod claim;
mod close;
mod create;
mod depend;
mod export;
mod graph;
mod import;
mod label;
mod list;
mod listing;
mod merge;
mod prime;
mod show;
mod standard_input;
mod stats;
mod sync;
mod update;
mod values;

use std::collections::BTreeSet;

use conclave_db::Db;
use conclave_retry::{Clock as _, SystemClock};
use conclave_tasks::exchange::Limits;
use conclave_tasks::moment;
use conclave_tasks::read::{self, TaskRow};
use conclave_tasks::shape;
use serde_json::json;

use self::args::{Dep, Label, Task};
use self::values::Moment;
use super::context::Context;
use crate::failure::{Doing, Exit, Failure};

pub(super) fn run(context: &Context, command: Task) -> Result<Exit, Failure> {
    match command {
        Task::Create(new) => create::run(context, *new),
        Task::Update(line) => update::run(context, *line),
        Task::Claim { id, ttl } => claim::one(context, &id, ttl.ttl),
        Task::Close(line) => close::close(context, *line),
        Task::Reopen { ids, reason } => close::reopen(context, &ids.ids, reason.as_deref()),
        Task::Delete { ids, reason } => close::delete(context, &ids.ids, reason.as_deref()),
        Task::Show { ids } => show::run(context, &ids.ids),
        Task::List(filter) => list::list(context, filter),
        Task::Ready(line) if line.claim => claim::ready(context, &line),
        Task::Ready(line) => list::ready(context, &line),
        Task::Blocked { limit } => list::blocked(context, limit.limit),
        Task::Stats => stats::run(context),
        Task::Search { words, limit } => list::search(context, &words.join(" "), limit.limit),
        Task::Dep(Dep::Add { issue, depends_on, kind }) => depend::add(context, &issue, &depends_on, &kind),
        Task::Dep(Dep::Rm { issue, depends_on, kind }) => {
            depend::rm(context, &issue, &depends_on, kind.as_deref())
        }
        Task::Dep(Dep::Tree { id, up }) => graph::tree(context, &id, up),
        Task::Dep(Dep::Cycles) => graph::cycles(context),
        Task::Label(Label::Add { labels }) => label::label(context, &labels.id, &labels.labels, &[]),
        Task::Label(Label::Rm { labels }) => label::label(context, &labels.id, &[], &labels.labels),
        Task::Comment { id, text } => label::comment(context, &id, text),
        Task::Audit { id, conflicts, limit } => audit::run(context, id.as_deref(), conflicts, limit.limit),
        Task::Import(line) => import::run(context, &line),
        Task::Export(line) => export::run(context, &line),
        Task::Sync(line) => sync::run(context, &line),
        Task::Merge(line) => merge::run(context, line),
        Task::Prime => prime::run(context),
    }
}

/// The answer of a read command where there is no state: an empty list.
fn nothing(context: &Context) -> Result<Exit, Failure> {
    if context.output.json {
        context.output.document(&json!([]))?;
    }
    Ok(Exit::Done)
}

/// The state, for what changes a task that must be there: nothing is made for one that is not.
fn existing(context: &Context, id: &str) -> Result<Db, Failure> {
    if context.project.has_state() {
        return context.open();
    }
    Err(Failure::not_found(format!("no task {id:?}: no state here"))
        .hint("`conclave task create TITLE` makes a task, `conclave task import FILE` brings some in"))
}

/// The id that is meant.
fn find(db: &Db, given: &str) -> Result<String, Failure> {
    read::find(db, given).doing("find the task")
}

/// The ids that are meant, each once, in the order given.
fn find_all(db: &Db, given: &[String]) -> Result<Vec<String>, Failure> {
    let mut seen = BTreeSet::new();
    let mut ids = Vec::with_capacity(given.len());
    for one in given {
        let id = find(db, one)?;
        if seen.insert(id.clone()) {
            ids.push(id);
        }
    }
    Ok(ids)
}

/// The rows of tasks as the one JSON document.
fn document(context: &Context, rows: &[TaskRow]) -> Result<(), Failure> {
    context.output.document(&rows.iter().map(shape::listed).collect::<Vec<_>>())
}

/// Now, in milliseconds since 1970.
fn now_ms() -> i64 {
    SystemClock.wall_ms()
}

/// A moment of the command line as text, `None` for none.
fn moment_text(moment: &Moment) -> Option<String> {
    let distance = |duration: std::time::Duration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
    let text = |ms: i64| moment::Moment::from_ms(ms).text();
    match moment {
        Moment::Nothing => None,
        Moment::At(text) => Some(text.clone()),
        Moment::FromNow(after) => Some(text(now_ms().saturating_add(distance(*after)))),
        Moment::Ago(before) => Some(text(now_ms().saturating_sub(distance(*before)))),
    }
}

/// The limits on what is read, as configured.
fn limits(context: &Context) -> Limits {
    let usual = Limits::default();
    Limits { line_bytes: context.project.config.tasks.max_line.unwrap_or(usual.line_bytes) }
}

/// Refuses an unknown type.
fn issue_type(context: &Context, given: &str) -> Result<String, Failure> {
    let configured = context.project.config.tasks.types.as_deref().unwrap_or_default();
    values::issue_type(given, configured).map_err(|wrong| {
        Failure::usage(wrong).hint("name further types in `[tasks] types` of the configuration")
    })
}
