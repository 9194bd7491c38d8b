//! `conclave task dep add` and `conclave task dep rm`: both ends are said in words, since a mere arrow is read either
//! way.

use std::fmt::Write as _;

use conclave_tasks::TaskErrorKind;
use conclave_tasks::read;
use conclave_tasks::work::{self, Depended};
use serde_json::json;

use super::{existing, find};
use crate::cli::context::Context;
use crate::failure::{Doing, Exit, Failure};
use crate::task_words::{End, edge, named};
use crate::text::visible;

pub(super) fn add(context: &Context, issue: &str, on: &str, kind: &str) -> Result<Exit, Failure> {
    let db = existing(context, issue)?;
    let (issue, on) = (find(&db, issue)?, find(&db, on)?);
    let done = work::depend(&db, &context.actor, &issue, &on, kind).doing("add the dependency")?;
    Context::tidy_up(&db);
    if context.output.json {
        let status = if done.changed { "added" } else { "unchanged" };
        return document(context, &done, status, kind);
    }
    let before = if done.changed { "" } else { " (as before)" };
    let to = named(&done.depends_on, done.target.as_ref());
    context.output.print(format_args!(
        "{} {} {to}{before}\n",
        visible(done.issue.id()),
        edge(kind, End::Issue)
    ))?;
    Ok(Exit::Done)
}

pub(super) fn rm(context: &Context, issue: &str, on: &str, kind: Option<&str>) -> Result<Exit, Failure> {
    let db = existing(context, issue)?;
    let issue = find(&db, issue)?;
    // The other end need not exist: then it is the id as the record has it.
    let on = match read::find(&db, on) {
        Err(error) if error.kind() == TaskErrorKind::NotFound => on.to_owned(),
        found => found.doing("find the task")?,
    };
    let done = work::undepend(&db, &context.actor, &issue, &on, kind).doing("remove the dependency")?;
    Context::tidy_up(&db);
    if context.output.json {
        let kinds = done.kinds.join(",");
        return document(context, &done, "removed", kind.unwrap_or(&kinds));
    }
    let mut text = String::new();
    for kind in &done.kinds {
        let to = named(&done.depends_on, done.target.as_ref());
        let _ = writeln!(text, "no more: {} {} {to}", visible(done.issue.id()), edge(kind, End::Issue));
    }
    context.output.print(text)?;
    Ok(Exit::Done)
}

fn document(context: &Context, done: &Depended, status: &str, kind: &str) -> Result<Exit, Failure> {
    context.output.document(&json!({
        "status": status,
        "issue_id": done.issue.id(),
        "depends_on_id": done.depends_on,
        "type": kind,
        "types": done.kinds,
    }))?;
    Ok(Exit::Done)
}
