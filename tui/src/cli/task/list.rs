//! `conclave task list`, `ready`, `blocked` and `search`

use conclave_db::Db;
use conclave_tasks::read::{self, BlockedRow, ListQuery, ReadyQuery, TaskRow};
use conclave_tasks::{shape, words};

use super::args::{ListFilter, ReadyLine};
use super::listing::{self, State};
use super::values::TYPES;
use super::{document, find, nothing, now_ms};
use crate::cli::context::Context;
use crate::failure::{Doing, Exit, Failure};
use crate::text::{counted, visible, wrapped};

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
    let wanted = Wanted::new(context, filter.limit.limit);
    let rows = wanted.print(context, State::Said, "no such tasks", |limit| {
        read::list(&db, &ListQuery { limit, ..query.clone() }).doing("read the tasks")
    })?;
    if rows.is_empty() {
        say_unknown(context, &db, &query)?;
    }
    Ok(Exit::Done)
}

/// Which words of a filter nothing has at all: a mistyped one finds as little as one of which all is done.
fn say_unknown(context: &Context, db: &Db, query: &ListQuery) -> Result<(), Failure> {
    let one = |what: &'static str, word: &str, query: ListQuery| (what, word.to_owned(), query);
    let statuses = query
        .statuses
        .iter()
        .map(|word| one("status", word, ListQuery { statuses: vec![word.clone()], ..ListQuery::default() }));
    let kinds = query.types.iter().map(|word| {
        one("type", word, ListQuery { types: vec![word.clone()], all: true, ..ListQuery::default() })
    });
    let labels = query.labels.iter().map(|word| {
        one("label", word, ListQuery { labels: vec![word.clone()], all: true, ..ListQuery::default() })
    });
    for (what, word, query) in statuses.chain(kinds).chain(labels) {
        let query = ListQuery { limit: Some(1), ..query };
        if read::list(db, &query).doing("read the tasks")?.is_empty() {
            context.output.notice(format!(
                "no task has the {what} {}{}",
                visible(&word),
                known(context, what)
            ));
        }
    }
    Ok(())
}

/// The words that there are, where they are few.
fn known(context: &Context, what: &str) -> String {
    let own = &context.project.config.tasks;
    let (known, own) = match what {
        "status" => (&words::STATUSES[..], &own.statuses),
        "type" => (&TYPES[..], &own.types),
        _ => return String::new(),
    };
    let own = own.iter().flatten().map(String::as_str);
    format!("; there are {}", known.iter().copied().chain(own).collect::<Vec<_>>().join(", "))
}

/// The query of a ready list.
pub(super) fn ready_query(line: &ReadyLine, limit: Option<usize>) -> ReadyQuery {
    ReadyQuery {
        semantics: line.semantics(),
        sort: line.sort.into(),
        assignee: line.assignee.clone(),
        labels: line.labels.clone(),
        limit: limit.map(|limit| limit as u64),
        ..ReadyQuery::default()
    }
}

pub(super) fn ready(context: &Context, line: &ReadyLine) -> Result<Exit, Failure> {
    let Some(db) = context.open_read_only()? else { return nothing(context) };
    let query = ready_query(line, None);
    let wanted = Wanted::new(context, line.limit.limit);
    let rows = wanted.print(context, State::Left, "nothing is ready", |limit| {
        read::ready(&db, &ReadyQuery { limit, ..query.clone() }).doing("read what is ready")
    })?;
    if rows.is_empty() {
        let labels = ListQuery { labels: line.labels.clone(), ..ListQuery::default() };
        say_unknown(context, &db, &labels)?;
    }
    let is_of_others = |row: &&TaskRow| row.assignee.as_ref().is_some_and(|who| *who != context.actor);
    let others = rows.iter().filter(is_of_others).count() as u64;
    if others > 0 && line.assignee.is_none() && !context.output.json {
        let tasks = counted(others, "of these tasks is", "of these tasks are");
        context
            .output
            .notice(format!("{tasks} assigned to others (see \"who\"), and can be claimed by nobody else"));
        context.output.notice("hint: conclave task update ID --assignee \"\" takes the name away");
    }
    Ok(Exit::Done)
}

pub(super) fn search(context: &Context, text: &str, limit: Option<usize>) -> Result<Exit, Failure> {
    let Some(db) = context.open_read_only()? else { return nothing(context) };
    Wanted::new(context, limit).print(context, State::Said, "no task has these words", |limit| {
        read::search(&db, text, limit).doing("search")
    })?;
    Ok(Exit::Done)
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
            let why = format!("    {}", visible(&by.why));
            text.push_str(&wrapped(&why, context.output.columns, "      "));
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

    /// Prints the entries, and gives them.
    fn print(
        &self,
        context: &Context,
        state: State,
        none: &str,
        read: impl FnOnce(Option<u64>) -> Result<Vec<TaskRow>, Failure>,
    ) -> Result<Vec<TaskRow>, Failure> {
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
        Ok(rows)
    }
}
