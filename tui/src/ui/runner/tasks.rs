//! What the reading thread reads of tasks.

use std::sync::Arc;
use std::vec::IntoIter;

use conclave_db::Db;
use conclave_db::process::{self, Liveness, ProcessIdentity};
use conclave_tasks::read::{self, Direction, ListQuery, ReadyQuery};
use conclave_tasks::work::dispatch;
use conclave_tasks::{Result, TaskErrorKind, words};

use crate::ui::effect::{Part, TaskPage};
use crate::ui::message::TasksRead;
use crate::ui::screens::tasks::task_words::is_in_no_other_list;
use crate::ui::screens::tasks::{AtWork, Counts, Detail, Row, Which, Whole};

/// Tasks that are read at once where a filter must look at each.
const SLICE: usize = 500;
/// Most tasks that a search finds.
const FOUND: u64 = 500;
/// Changes that a pane shows, and most that a page shows.
const CHANGES: (u64, u64) = (3, 500);

/// Rows of a list, in its order.
enum Source<'db> {
    /// The ready and the blocked ones are known as a whole alone, and a search is short: the rest waits here while a
    /// page is filled, as what is drawn of it.
    Whole(IntoIter<Row>),
    /// The others go on behind a task.
    Pages { db: &'db Db, status: &'static str, after: Option<String>, at_end: bool },
    /// So do those that are in no other list, which are looked for among all that live.
    Others { db: &'db Db, after: Option<String>, at_end: bool },
}

/// How many tasks each list has.
pub(super) fn counts(db: &Db) -> Result<Counts> {
    let (known, all) = (read::counts(db)?, read::stats(db)?);
    let both = ListQuery {
        statuses: vec![words::IN_PROGRESS.to_owned()],
        blocked: Some(true),
        ..ListQuery::default()
    };
    // A task that is worked on may be blocked as well.
    let both = if known.in_progress == 0 { 0 } else { read::list(db, &both)?.len() as u64 };
    let in_lists = known.ready + known.in_progress + known.blocked + known.closed;
    Ok(Counts {
        ready: known.ready,
        in_progress: known.in_progress,
        blocked: known.blocked,
        closed: known.closed,
        // The two were not read at the same instant.
        other: (all.total + both).saturating_sub(in_lists),
    })
}

impl<'db> Source<'db> {
    fn of(db: &'db Db, page: &TaskPage) -> Result<Self> {
        let after = page.after.clone();
        if let Some(words) = page.filter.search() {
            let found = read::search(db, words, Some(FOUND))?;
            return Ok(Self::whole(found.iter().map(Row::of).collect(), after.as_ref()));
        }
        // One more than is wanted tells whether something follows.
        let is_first = after.is_none() && page.filter.lets_all_through() && page.part != Part::Last;
        let limit = is_first.then(|| page.limit as u64 + 1);
        Ok(match page.which {
            Which::Ready => {
                let query = ReadyQuery { sort: page.sort, limit, ..ReadyQuery::default() };
                let rows = read::ready(db, &query)?.iter().map(Row::of).collect();
                Self::whole(rows, after.as_ref())
            }
            Which::Blocked => {
                let row = |blocked: read::BlockedRow| Row { by: blocked.by, ..Row::of(&blocked.row) };
                let rows = read::blocked(db, limit)?.into_iter().map(row).collect();
                Self::whole(rows, after.as_ref())
            }
            Which::InProgress => Self::Pages { db, status: words::IN_PROGRESS, after, at_end: false },
            Which::Closed => Self::Pages { db, status: words::CLOSED, after, at_end: false },
            Which::Other => Self::Others { db, after, at_end: false },
        })
    }

    /// What follows a task; all where it is none of them any more.
    fn whole(mut rows: Vec<Row>, after: Option<&String>) -> Self {
        if let Some(at) = after.and_then(|after| rows.iter().position(|row| row.id == *after)) {
            rows.drain(..=at);
        }
        Self::Whole(rows.into_iter())
    }

    /// The next rows, at most `limit`; and whether nothing follows them.
    fn next(&mut self, limit: usize) -> Result<(Vec<Row>, bool)> {
        match self {
            Self::Whole(rows) => {
                let next: Vec<Row> = rows.take(limit).collect();
                Ok((next, rows.as_slice().is_empty()))
            }
            Self::Pages { db, status, after, at_end } => {
                if *at_end {
                    return Ok((Vec::new(), true));
                }
                let query = ListQuery {
                    statuses: vec![(*status).to_owned()],
                    after: after.clone(),
                    limit: Some(limit.max(1) as u64),
                    ..ListQuery::default()
                };
                let found = read::list(db, &query)?;
                *at_end = found.len() < limit;
                *after = found.last().map(|row| row.id().to_owned()).or(after.take());
                Ok((found.iter().map(Row::of).collect(), *at_end))
            }
            Self::Others { db, after, at_end } => {
                if *at_end {
                    return Ok((Vec::new(), true));
                }
                let query =
                    ListQuery { after: after.clone(), limit: Some(SLICE as u64), ..ListQuery::default() };
                let found = read::list(db, &query)?;
                *at_end = found.len() < SLICE;
                *after = found.last().map(|row| row.id().to_owned()).or(after.take());
                let now = db.clock().wall_ms();
                let rows = found.iter().map(Row::of).filter(|row| is_in_no_other_list(now, row));
                Ok((rows.collect(), *at_end))
            }
        }
    }
}

/// Whether it still runs, or may.
fn is_there(process: &ProcessIdentity) -> bool {
    process::liveness(process) != Liveness::Dead
}

/// Adds to tasks in progress what `conclave work` does with them.
fn add_work(db: &Db, rows: &mut [Row]) -> Result<()> {
    if !rows.iter().any(|row| row.status.as_deref() == Some(words::IN_PROGRESS)) {
        return Ok(());
    }
    let open = dispatch::open(db)?;
    for row in rows.iter_mut().filter(|row| row.status.as_deref() == Some(words::IN_PROGRESS)) {
        let attempt = open.iter().rfind(|attempt| attempt.task == row.id);
        row.at_work = attempt.map(|attempt| AtWork::of(attempt, is_there));
    }
    Ok(())
}

/// Reads a page; `None` when another question has come meanwhile.
pub(super) fn page(db: &Db, page: &TaskPage, is_old: &dyn Fn() -> bool) -> Result<Option<TasksRead>> {
    if is_old() {
        return Ok(None);
    }
    let mut source = Source::of(db, page)?;
    let mut read = match page.part {
        Part::Last => last(&mut source, page, is_old),
        _ => matching(&mut source, page, is_old),
    }?;
    if let Some(read) = &mut read {
        add_work(db, &mut read.rows)?;
    }
    Ok(read)
}

/// Reads on until the page is full.
fn matching(
    source: &mut Source<'_>,
    page: &TaskPage,
    is_old: &dyn Fn() -> bool,
) -> Result<Option<TasksRead>> {
    let all = page.filter.lets_all_through();
    let mut rows = Vec::new();
    let at_end = loop {
        if is_old() {
            return Ok(None);
        }
        let wanted = if all { page.limit.saturating_sub(rows.len()) } else { SLICE };
        let (found, is_last) = source.next(wanted)?;
        let matches = found.into_iter().filter(|row| all || page.filter.matches(row));
        let matches: Vec<Row> = matches.collect();
        let left_over = rows.len() + matches.len() > page.limit;
        rows.extend(matches);
        rows.truncate(page.limit);
        // What was read beyond the page is read again with the next one.
        if rows.len() >= page.limit || is_last {
            break is_last && !left_over;
        }
    };
    let (generation, part, after) = (page.generation, page.part, page.after.clone());
    Ok(Some(TasksRead { generation, part, after, rows, at_end, before: Vec::new() }))
}

/// Goes to the end of the list, remembering where its pages begin.
fn last(source: &mut Source<'_>, page: &TaskPage, is_old: &dyn Fn() -> bool) -> Result<Option<TasksRead>> {
    let mut before = vec![None];
    let mut kept: Vec<Row> = Vec::new();
    loop {
        if is_old() {
            return Ok(None);
        }
        let (found, is_last) = source.next(SLICE)?;
        kept.extend(found.into_iter().filter(|row| page.filter.matches(row)));
        while kept.len() > 2 * page.limit {
            before.push(kept.get(page.limit - 1).map(|row| row.id.clone()));
            kept.drain(..page.limit);
        }
        if is_last {
            break;
        }
    }
    let after = before.pop().flatten();
    let (generation, part) = (page.generation, page.part);
    Ok(Some(TasksRead { generation, part, after, rows: kept, at_end: true, before }))
}

/// One task, by its id or a short form of it; `None` where there is none.
pub(super) fn task(db: &Db, id: &str, whole: bool) -> Result<Option<Arc<Detail>>> {
    let is_missing = |error: &conclave_tasks::TaskError| error.kind() == TaskErrorKind::NotFound;
    let found = match read::show(db, id) {
        Err(error) if is_missing(&error) => read::find(db, id).and_then(|id| read::show(db, &id)),
        other => other,
    };
    let found = match found {
        Err(error) if is_missing(&error) => return Ok(None),
        other => other?,
    };
    let id = found.row.id();
    let most = if whole { CHANGES.1 } else { CHANGES.0 };
    let audit = match read::audit(db, id, Some(most)) {
        // A task that came before there was an audit log has no changes.
        Err(error) if is_missing(&error) => Vec::new(),
        other => other?,
    };
    let mut detail = Detail::of(&found, audit, is_there);
    if whole {
        let down = read::tree(db, id, Direction::Down)?;
        let up = read::tree(db, id, Direction::Up)?;
        detail.whole = Some(Whole::of(&found.row, &down, &up, found.attempts.clone()));
    }
    Ok(Some(Arc::new(detail)))
}

#[cfg(test)]
mod tests;
