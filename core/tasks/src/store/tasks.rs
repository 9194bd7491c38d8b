//! The rows of tasks: a record and its projection, always written together.

use std::collections::BTreeSet;

use conclave_db::sql::{Error, params};
use conclave_db::{DbError, ReadConn, WriteTx};

use super::{holding, parts, reading};
use crate::error::Result;
use crate::ids;
use crate::json;
use crate::record::{Projection, Record};
use crate::words;

/// A task as it is stored.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    pub(crate) number: i64,
    pub(crate) record: Record,
}

/// What a transaction has changed, for [`super::blocked::refresh`].
#[derive(Debug, Clone, Default)]
pub(crate) struct Touched {
    /// Tasks that came, went, or have another status, close reason or other edges.
    pub(crate) ids: BTreeSet<String>,
    /// Parents of such tasks, before and after: somebody may wait for their children.
    pub(crate) parents: BTreeSet<String>,
    /// Whose words are still to be written; `None` where each is written with its task.
    pub(super) words: Option<Vec<Words>>,
}

/// Words of a task that are to be written.
#[derive(Debug, Clone)]
pub(super) enum Words {
    New(i64, Record),
    Other(i64, Record),
}

impl Words {
    fn write(&self, tx: &WriteTx<'_>) -> Result<()> {
        match self {
            Self::New(number, record) => parts::add_words(tx, *number, record),
            Self::Other(number, record) => parts::renew_words(tx, *number, record),
        }
    }
}

impl Touched {
    /// For many tasks: [`Touched::write_words`] must be called when all are written. FTS5 collects words in memory and
    /// writes them out whenever a statement begins that may be undone by itself, as one with `RETURNING` does; one by
    /// one each task would be a segment of the index, merged again and again.
    pub(crate) fn of_many() -> Self {
        Self { words: Some(Vec::new()), ..Self::default() }
    }

    /// Writes the words that were put off.
    pub(crate) fn write_words(&mut self, tx: &WriteTx<'_>) -> Result<()> {
        self.words.take().into_iter().flatten().try_for_each(|words| words.write(tx))
    }

    fn words(&mut self, tx: &WriteTx<'_>, words: Words) -> Result<()> {
        match &mut self.words {
            Some(later) => later.push(words),
            None => words.write(tx)?,
        }
        Ok(())
    }

    fn add(&mut self, projection: &Projection) {
        self.ids.insert(projection.id.clone());
        let parents = projection.dependencies.iter().filter(|edge| edge.kind == words::PARENT_CHILD);
        self.parents.extend(parents.map(|edge| edge.target.clone()));
    }
}

/// The task with this id.
pub(crate) fn find(conn: &ReadConn<'_>, id: &str) -> Result<Option<Stored>> {
    let sql = "SELECT number, record FROM tasks WHERE id = ?1";
    let found = conn.query_optional(sql, [id], |row| Ok((row.get(0)?, row.get::<_, Vec<u8>>(1)?)))?;
    let Some((number, bytes)) = found else { return Ok(None) };
    // Only somebody else's hand in the file can have done this; `doctor` names such records.
    let record = Record::read(&bytes).map_err(|flaw| reading::damaged(number, &flaw))?;
    Ok(Some(Stored { number, record }))
}

/// Where a new one is put in the order of the file.
pub(crate) fn next_place(conn: &ReadConn<'_>) -> Result<i64> {
    Ok(conn.query_row(NEXT_PLACE, [], |row| row.get(0))?)
}

/// Adds a task: its row, labels, edges, comments and words. Gives its number.
pub(crate) fn insert(tx: &WriteTx<'_>, record: &Record, place: i64, touched: &mut Touched) -> Result<i64> {
    let now = record.projection();
    let number = tx.query_row(
        "INSERT INTO tasks(id, record, place, title, status, priority, issue_type, assignee, close_reason,
                           created_at, updated_at, closed_at, defer_until, claim_expires_at,
                           pinned, ephemeral, attempt_count, oddities)
         VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)
         RETURNING number",
        params![
            now.id,
            record.bytes(),
            place,
            now.title,
            now.status,
            now.priority,
            now.issue_type,
            now.assignee,
            now.close_reason,
            parts::column(now.created_at),
            parts::column(now.updated_at),
            parts::column(now.closed_at),
            parts::column(now.defer_until),
            parts::column(now.claim_expires_at),
            now.pinned,
            now.ephemeral,
            parts::count(now.attempt_count),
            oddities(now),
        ],
        |row| row.get(0),
    )?;
    parts::insert(tx, number, record)?;
    touched.words(tx, Words::New(number, record.clone()))?;
    touched.add(now);
    Ok(number)
}

/// Puts another record in the place of one: only what differs in the projection is written.
pub(crate) fn replace(
    tx: &WriteTx<'_>,
    before: &Stored,
    record: &Record,
    touched: &mut Touched,
) -> Result<()> {
    if before.record.bytes() == record.bytes() {
        return Ok(());
    }
    let (was, now) = (before.record.projection(), record.projection());
    write_columns(tx, before.number, record)?;
    if parts::replace(tx, before.number, &before.record, record)? {
        touched.words(tx, Words::Other(before.number, record.clone()))?;
    }
    if weigh_otherwise(was.status.as_deref(), now.status.as_deref())
        || was.close_reason != now.close_reason
        || was.dependencies != now.dependencies
    {
        touched.add(was);
        touched.add(now);
    }
    Ok(())
}

/// Whether a task with the one status may hold up others than with the other one.
fn weigh_otherwise(was: Option<&str>, now: Option<&str>) -> bool {
    let holds = |status: Option<&str>| status.is_some_and(|status| holding::UNFINISHED.contains(&status));
    was != now && !(holds(was) && holds(now))
}

/// Writes everything beside a stored record again, whatever is there.
pub(crate) fn project(tx: &WriteTx<'_>, number: i64, record: &Record) -> Result<()> {
    write_columns(tx, number, record)?;
    parts::renew(tx, number, record)
}

fn write_columns(tx: &WriteTx<'_>, number: i64, record: &Record) -> Result<()> {
    let now = record.projection();
    tx.execute(
        "UPDATE tasks SET record = ?2, title = ?3, priority = ?4, issue_type = ?5, assignee = ?6, close_reason = ?7,
                          created_at = ?8, updated_at = ?9, closed_at = ?10, defer_until = ?11,
                          claim_expires_at = ?12, pinned = ?13, ephemeral = ?14, attempt_count = ?15,
                          oddities = ?16, status = ?17
         WHERE number = ?1",
        params![
            number,
            record.bytes(),
            now.title,
            now.priority,
            now.issue_type,
            now.assignee,
            now.close_reason,
            parts::column(now.created_at),
            parts::column(now.updated_at),
            parts::column(now.closed_at),
            parts::column(now.defer_until),
            parts::column(now.claim_expires_at),
            now.pinned,
            now.ephemeral,
            parts::count(now.attempt_count),
            oddities(now),
            now.status,
        ],
    )?;
    Ok(())
}

/// Takes a task away as a whole (only a sync does); its id is reserved for ever.
pub(crate) fn remove(tx: &WriteTx<'_>, before: &Stored, touched: &mut Touched) -> Result<()> {
    // Labels, edges and comments go with it.
    tx.execute("DELETE FROM tasks WHERE number = ?1", [before.number])?;
    parts::forget(tx, before.number)?;
    touched.add(before.record.projection());
    reserve(tx, before.record.id())
}

/// Whether an id was ever given: to a task, a tombstone, another line, or one that is reserved.
pub(crate) fn is_taken(conn: &ReadConn<'_>, id: &str) -> Result<bool> {
    let sql =
        "SELECT EXISTS (SELECT 1 FROM tasks WHERE id = ?1) OR EXISTS (SELECT 1 FROM task_lines WHERE id = ?1)
                   OR EXISTS (SELECT 1 FROM task_reserved_ids WHERE id = ?1)";
    Ok(conn.query_row(sql, [id], |row| row.get(0))?)
}

/// Reserves an id for ever.
pub(crate) fn reserve(tx: &WriteTx<'_>, id: &str) -> Result<()> {
    tx.execute("INSERT INTO task_reserved_ids(id) VALUES(?1) ON CONFLICT DO NOTHING", [id])?;
    Ok(())
}

/// Each stored id, in any order.
pub(crate) fn each_id(conn: &ReadConn<'_>, mut each: impl FnMut(&str)) -> Result<()> {
    conn.for_each("SELECT id FROM tasks", [], |row| {
        each(row.get_ref(0)?.as_str().map_err(Error::from)?);
        Ok::<_, DbError>(())
    })?;
    Ok(())
}

/// The largest number that a child of this task was ever given; 0 where there is none.
pub(crate) fn last_child(conn: &ReadConn<'_>, parent: &str) -> Result<u64> {
    let sql = "SELECT id FROM tasks WHERE id >= ?1 AND id < ?2
               UNION ALL SELECT id FROM task_lines WHERE id >= ?1 AND id < ?2
               UNION ALL SELECT id FROM task_reserved_ids WHERE id >= ?1 AND id < ?2";
    let mut last = 0;
    // Between "bd-1." and "bd-1/" is all that begins with "bd-1.".
    conn.for_each(sql, [format!("{parent}."), format!("{parent}/")], |row| {
        let id = row.get_ref(0)?.as_str().map_err(Error::from)?;
        // Of a grandchild, `bd-1.3.1`, its parent's number counts, also where that one is gone.
        let first = id.get(parent.len() + 1..).and_then(|rest| rest.split('.').next()).unwrap_or_default();
        let child = format!("{parent}.{first}");
        last = last.max(ids::child_number(&child).map_or(0, |(_, number)| number));
        Ok::<_, DbError>(())
    })?;
    Ok(last)
}

/// One more than the largest number that a comment has, whosoever. Longer numbers than can be counted on do not count.
pub(crate) fn next_comment(conn: &ReadConn<'_>) -> Result<u64> {
    Ok(conn.query_row(NEXT_COMMENT, [], |row| row.get(0))?)
}

/// What it asks is what `idx_task_comments_number` holds.
const NEXT_COMMENT: &str = "SELECT 1 + ifnull(max(CAST(comment_id AS INTEGER)), 0) FROM task_comments
   WHERE comment_id NOT GLOB '*[^0-9]*' AND length(comment_id) BETWEEN 1 AND 18";

const NEXT_PLACE: &str = "SELECT 1 + max(ifnull((SELECT max(place) FROM tasks), 0), ifnull((SELECT max(place) FROM task_lines), 0))";

/// The reasons as a JSON array, `None` where there are none.
pub(super) fn oddities(projection: &Projection) -> Option<String> {
    if projection.oddities.is_empty() {
        return None;
    }
    let reasons: Vec<String> =
        projection.oddities.iter().map(|oddity| json::encode(&oddity.reason())).collect();
    Some(format!("[{}]", reasons.join(",")))
}

#[cfg(test)]
mod tests;
