//! `conclave task claim`, and `conclave task ready --claim`

use std::time::Duration;

use conclave_db::Db;
use conclave_tasks::read::{self, TaskRow};
use conclave_tasks::work::{self, How};
use conclave_tasks::{TaskError, TaskErrorKind, words};

use super::args::ReadyLine;
use super::{document, existing, find, list, listing, now_ms};
use crate::cli::context::Context;
use crate::failure::{Doing, Exit, Failure};
use crate::task_words::{is_put_off, sentence};
use crate::text::visible;
use crate::times;

pub(super) fn one(context: &Context, given: &str, ttl: Option<Duration>) -> Result<Exit, Failure> {
    let db = existing(context, given)?;
    let id = find(&db, given)?;
    let claimed = work::claim(&db, &context.actor, &id, ttl)
        .map_err(|error| refused(&db, &id, error).doing("claim"))?;
    if claimed.how != How::Held {
        warn(context, &db, &claimed.row)?;
    }
    if context.output.json {
        document(context, std::slice::from_ref(&claimed.row))?;
        return Ok(Exit::Done);
    }
    let how = match &claimed.how {
        How::Taken => "claimed".to_owned(),
        How::Held => "held already, and still yours:".to_owned(),
        How::TakenOver { from } => format!("taken over from {}, whose claim had expired:", visible(from)),
    };
    let row = &claimed.row;
    context.output.print(format_args!("{how} {}: {}\n", visible(row.id()), visible(row.title())))?;
    Ok(Exit::Done)
}

/// What was asked for by name is taken, whatever keeps it back; but not without a word of that.
fn warn(context: &Context, db: &Db, row: &TaskRow) -> Result<(), Failure> {
    let id = visible(row.id());
    for blocker in read::show(db, row.id()).doing("read the task")?.blockers {
        context.output.notice(format!("{id} is blocked: it {}", sentence(&blocker.why)));
    }
    if let Some(until) = row.record.projection().defer_until.filter(|_| is_put_off(row, now_ms())) {
        context.output.notice(format!("{id} is deferred until {}", times::absolute(until.ms())));
    }
    Ok(())
}

/// Who asks for what is assigned to somebody else is told how the name goes: the ready list has such tasks.
fn refused(db: &Db, id: &str, error: TaskError) -> Failure {
    let is_lost = error.kind() == TaskErrorKind::NotClaimable;
    let failure = Failure::from(error);
    let Some(row) = read::show(db, id).ok().map(|detail| detail.row).filter(|_| is_lost) else {
        return failure;
    };
    match (row.status.as_deref(), row.assignee) {
        (Some(words::OPEN), Some(who)) => failure.hint(format!(
            "`conclave task update {id} --assignee \"\"` takes the name of {who} away; `conclave task ready` lists others"
        )),
        _ => failure,
    }
}

/// Takes the first ready tasks. Nothing to take is no failure that needs words, and exit 1 for scripts.
pub(super) fn ready(context: &Context, line: &ReadyLine) -> Result<Exit, Failure> {
    let output = &context.output;
    let rows = if context.project.has_state() {
        let db = context.open()?;
        let query = list::ready_query(line, Some(line.limit.limit.unwrap_or(1)));
        work::claim_ready(&db, &context.actor, &query, line.ttl).doing("claim")?
    } else {
        output.no_state();
        Vec::new()
    };
    if output.json {
        document(context, &rows)?;
    } else if rows.is_empty() && context.project.has_state() {
        output.notice(format!(
            "nothing is ready for {}{}",
            visible(&context.actor),
            of_others(context, line)?
        ));
    } else if !rows.is_empty() {
        output.print(listing::table(output, &rows, now_ms(), listing::State::Left))?;
    }
    Ok(if rows.is_empty() { Exit::StateSaysNo } else { Exit::Done })
}

/// How many ready tasks are kept for others: why nothing is there for one where the list is not empty.
fn of_others(context: &Context, line: &ReadyLine) -> Result<String, Failure> {
    let Some(db) = context.open_read_only()? else { return Ok(String::new()) };
    let ready = read::ready(&db, &list::ready_query(line, None)).doing("read what is ready")?;
    Ok(match ready.len() {
        0 => String::new(),
        1 => "; 1 is assigned to somebody else".to_owned(),
        number => format!("; {number} are assigned to others"),
    })
}
