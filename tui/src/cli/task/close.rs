//! `conclave task close`, `reopen` and `delete`

use std::fmt::Write as _;

use conclave_tasks::shape;
use conclave_tasks::work::{self, Closed, Closing};
use serde::Serialize;
use serde_json::value::RawValue;

use super::args::ClosingFields;
use super::{document, existing, find_all, listing, standard_input};
use crate::cli::context::Context;
use crate::failure::{Doing, Exit, Failure};
use crate::text::visible;

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
    let Closed { rows, ready: unblocked, already } =
        work::close(&db, &context.actor, &ids, &how).doing("close")?;
    Context::tidy_up(&db);
    if !already.is_empty() {
        let names = already.join(", ");
        context.output.notice(format!(
            "closed already, and still with the time and reason of then: {}",
            visible(&names)
        ));
    }
    if !context.output.json {
        let mut text = listing::done("closed", &rows);
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

pub(super) fn reopen(context: &Context, given: &[String], reason: Option<&str>) -> Result<Exit, Failure> {
    let db = existing(context, first(given))?;
    let ids = find_all(&db, given)?;
    let rows = work::reopen(&db, &context.actor, &ids, reason).doing("reopen")?;
    if context.output.json {
        document(context, &rows)?;
    } else {
        context.output.print(listing::done("reopened", &rows))?;
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

fn first(given: &[String]) -> &str {
    given.first().map_or("", String::as_str)
}
