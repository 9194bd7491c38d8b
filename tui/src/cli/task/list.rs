//! `conclave task list`, `ready`, `blocked` and `search`

use std::fmt::Write as _;

use conclave_db::Db;
use conclave_tasks::read::{self, BlockedRow, ListQuery, ReadyQuery, TaskRow};
use conclave_tasks::shape;

use super::args::{ListFilter, ReadyLine};
use super::listing::{self, State};
use super::{document, find, nothing, now_ms};
use crate::cli::context::Context;
use crate::failure::{Doing, Exit, Failure};
use crate::text::visible;

pub(super) fn list(context: &Context, filter: ListFilter) -> Result<Exit, Failure> {
    let Some(db) = context.open_read_only()? else { return nothing(context) };
    let parent = filter.parent.map(|parent| find(&db, &parent)).transpose()?;
    let query = ListQuery {
        all: filter.all,
        statuses: filter.status,
        priority: filter.priority,
        types: filter.kinds,
        assignee: filter.assignee,
        labels: filter.labels,
        parent,
        ..ListQuery::default()
    };
    let rows = Wanted::new(context, filter.limit.limit);
    rows.print(context, State::Said, "no such tasks", |limit| {
        read::list(&db, &ListQuery { limit, ..query.clone() }).doing("read the tasks")
    })
}

/// The query of a ready list.
pub(super) fn ready_query(line: &ReadyLine, limit: Option<usize>) -> ReadyQuery {
    ReadyQuery {
        semantics: line.semantics(),
        sort: line.sort.into(),
        assignee: line.assignee.clone(),
        labels: line.labels.clone(),
        limit: limit.map(|limit| limit as u64),
    }
}

pub(super) fn ready(context: &Context, line: &ReadyLine) -> Result<Exit, Failure> {
    let Some(db) = context.open_read_only()? else { return nothing(context) };
    let query = ready_query(line, None);
    let rows = Wanted::new(context, line.limit.limit);
    rows.print(context, State::Left, "nothing is ready", |limit| {
        read::ready(&db, &ReadyQuery { limit, ..query.clone() }).doing("read what is ready")
    })
}

pub(super) fn search(context: &Context, words: &str, limit: Option<usize>) -> Result<Exit, Failure> {
    let Some(db) = context.open_read_only()? else { return nothing(context) };
    Wanted::new(context, limit).print(context, State::Said, "no task has these words", |limit| {
        read::search(&db, words, limit).doing("search")
    })
}

pub(super) fn blocked(context: &Context, limit: Option<usize>) -> Result<Exit, Failure> {
    let Some(db) = context.open_read_only()? else { return nothing(context) };
    let wanted = Wanted::new(context, limit);
    let read = |db: &Db, limit| read::blocked(db, limit).doing("read what is blocked");
    let (rows, more) = wanted.take(|limit| read(&db, limit))?;
    let output = &context.output;
    if output.json {
        output.document(&rows.iter().map(shape::blocked).collect::<Vec<_>>())?;
        return Ok(Exit::Done);
    }
    if rows.is_empty() {
        output.notice("nothing is blocked");
    } else {
        output.print(blocked_lines(context, &rows))?;
    }
    wanted.say_more(context, more);
    Ok(Exit::Done)
}

/// Each task with what holds it up below it.
fn blocked_lines(context: &Context, rows: &[BlockedRow]) -> String {
    let tasks: Vec<TaskRow> = rows.iter().map(|blocked| blocked.row.clone()).collect();
    let mut lines = listing::lines(&context.output, &tasks, now_ms(), State::Said).into_iter();
    let mut text: String = lines.by_ref().take(1).collect();
    for (line, blocked) in lines.zip(rows) {
        text.push_str(&line);
        for by in &blocked.by {
            let _ = writeln!(text, "    {}", visible(&by.why));
        }
    }
    text
}

/// How many entries of a list are wanted.
struct Wanted {
    limit: Option<usize>,
}

impl Wanted {
    fn new(context: &Context, given: Option<usize>) -> Self {
        Self { limit: given.or(context.output.usual_limit()) }
    }

    /// Reads one more than wanted, to know whether something is cut off.
    fn take<T>(
        &self,
        read: impl FnOnce(Option<u64>) -> Result<Vec<T>, Failure>,
    ) -> Result<(Vec<T>, bool), Failure> {
        let mut rows = read(self.limit.map(|limit| (limit as u64).saturating_add(1)))?;
        let limit = self.limit.unwrap_or(usize::MAX);
        let more = rows.len() > limit;
        rows.truncate(limit);
        Ok((rows, more))
    }

    fn say_more(&self, context: &Context, more: bool) {
        if let (true, Some(limit)) = (more, self.limit) {
            context.output.notice(format!("the first {limit} are shown; --limit N shows more"));
        }
    }

    fn print(
        &self,
        context: &Context,
        state: State,
        none: &str,
        read: impl FnOnce(Option<u64>) -> Result<Vec<TaskRow>, Failure>,
    ) -> Result<Exit, Failure> {
        let (rows, more) = self.take(read)?;
        if context.output.json {
            document(context, &rows)?;
        } else if rows.is_empty() {
            context.output.notice(none);
        } else {
            context.output.print(listing::table(&context.output, &rows, now_ms(), state))?;
        }
        if !context.output.json {
            self.say_more(context, more);
        }
        Ok(Exit::Done)
    }
}
