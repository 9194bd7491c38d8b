//! `conclave task close`, `reopen` and `delete`

use std::fmt::Write as _;

use conclave_db::Db;
use conclave_tasks::read::{self, TaskRow};
use conclave_tasks::work::{self, Closed, Closing};
use conclave_tasks::{shape, words};
use serde::Serialize;
use serde_json::value::RawValue;

use super::args::ClosingFields;
use super::{document, existing, find_all, listing, standard_input};
use crate::cli::context::Context;
use crate::failure::{Doing, Exit, Failure};
use crate::text::visible;
use crate::times;

/// What was closed, and what is ready by that.
#[derive(Serialize)]
struct Next {
    closed: Vec<Box<RawValue>>,
    unblocked: Vec<String>,
}

pub(super) fn close(context: &Context, line: ClosingFields) -> Result<Exit, Failure> {
    let [result, error] = standard_input::resolve([("--result", line.result), ("--error", line.error)])?;
    let how = Closing { reason: line.reason, result, error, attempt: line.attempt, force: line.force };
    let given = line.ids.ids;
    let db = existing(context, first(&given))?;
    let ids = find_all(&db, &given)?;
    let before = standing(&db, &ids)?;
    let Closed { rows, ready: unblocked, already } =
        work::close(&db, &context.actor, &ids, &how).doing("close")?;
    Context::tidy_up(&db);
    for was in before.iter().filter(|was| !already.iter().any(|id| id == was.id())) {
        say_whose(context, was);
    }
    if !context.output.json {
        let mut text: String = rows.iter().map(|row| closing(row, &already)).collect();
        if !unblocked.is_empty() {
            let _ = writeln!(text, "ready now: {}", visible(&unblocked.join(", ")));
        }
        context.output.print(text)?;
    } else if line.suggest_next {
        let closed: Vec<_> = rows.iter().map(shape::listed).collect();
        context.output.document(&Next { closed, unblocked })?;
    } else {
        document(context, &rows)?;
    }
    Ok(Exit::Done)
}

/// What was done with a task, as the transaction that closed it saw: others may have been faster than a look before it.
fn closing(row: &TaskRow, already: &[String]) -> String {
    let was_closed = already.iter().any(|id| id == row.id());
    let done = if was_closed { "was closed already:" } else { "closed" };
    listing::done(done, std::slice::from_ref(row))
}

pub(super) fn reopen(context: &Context, given: &[String], reason: Option<&str>) -> Result<Exit, Failure> {
    let db = existing(context, first(given))?;
    let ids = find_all(&db, given)?;
    let before = standing(&db, &ids)?;
    let rows = work::reopen(&db, &context.actor, &ids, reason).doing("reopen")?;
    if context.output.json {
        document(context, &rows)?;
    } else {
        context.output.print(each(&rows, &before, |was| match was.status.as_deref() {
            _ if is_closed(was) => "reopened",
            Some(words::OPEN) => "was open already:",
            _ => "was not closed:",
        }))?;
    }
    Ok(Exit::Done)
}

pub(super) fn delete(context: &Context, given: &[String], reason: Option<&str>) -> Result<Exit, Failure> {
    let db = existing(context, first(given))?;
    let ids = find_all(&db, given)?;
    let rows = work::delete(&db, &context.actor, &ids, reason).doing("delete")?;
    Context::tidy_up(&db);
    if context.output.json {
        document(context, &rows)?;
    } else {
        context.output.print(listing::done("deleted", &rows))?;
    }
    Ok(Exit::Done)
}

/// The tasks as they are before they are changed.
fn standing(db: &Db, ids: &[String]) -> Result<Vec<TaskRow>, Failure> {
    ids.iter().map(|id| Ok(read::show(db, id).doing("read the task")?.row)).collect()
}

fn is_closed(row: &TaskRow) -> bool {
    row.status.as_deref() == Some(words::CLOSED)
}

/// What was done with each, by how it was before.
fn each(rows: &[TaskRow], before: &[TaskRow], done: impl Fn(&TaskRow) -> &'static str) -> String {
    rows.iter().zip(before).map(|(row, was)| listing::done(done(was), std::slice::from_ref(row))).collect()
}

/// Whoever closes what somebody else works on should know.
fn say_whose(context: &Context, was: &TaskRow) {
    let Some(who) = was.assignee.as_deref().filter(|who| *who != context.actor) else { return };
    if was.status.as_deref() == Some(words::IN_PROGRESS) {
        let end = was.record.projection().claim_expires_at;
        let until = end.map(|end| format!(" until {}", times::absolute(end.ms()))).unwrap_or_default();
        context.output.notice(format!("{} was claimed by {}{until}", visible(was.id()), visible(who)));
    }
}

fn first(given: &[String]) -> &str {
    given.first().map_or("", String::as_str)
}
