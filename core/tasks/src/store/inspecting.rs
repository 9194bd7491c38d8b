//! Whether what stands beside the records is what they say, and what is odd about them.

use std::collections::{BTreeMap, BTreeSet};

use conclave_db::sql::{Row, Value};
use conclave_db::{DbError, ReadConn};

use super::predicates::quoted;
use super::tasks::oddities;
use super::{parts, reading};
use crate::error::Result;
use crate::json::Flaw;
use crate::record::{Oddity, Projection, Record};
use crate::words::DEPENDENCY_TYPES;

/// What a look at the records has found.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// So many were looked at.
    pub(crate) looked_at: u64,
    /// Tasks whose columns, labels, edges or comments are not what the record says, or that have no words at all in the
    /// index of the search (which words it has cannot be asked: it keeps no texts): number and id.
    pub(crate) wrong: Vec<(i64, String)>,
    /// What is wrong with records that cannot be read.
    pub(crate) damaged: Vec<String>,
}

/// Reads records from this number on, in the order of numbers, and compares each with what stands beside it. Gives what
/// was found, and where to go on if there are more than `most`.
pub(crate) fn compare(conn: &ReadConn<'_>, after: i64, most: u64) -> Result<(Found, Option<i64>)> {
    let mut found = Found::default();
    let mut last = after;
    let sql = "SELECT number, id, record, title, status, priority, issue_type, assignee, close_reason,
         created_at, updated_at, closed_at, defer_until, claim_expires_at, pinned, ephemeral, attempt_count,
         oddities
       FROM tasks WHERE number > ?1 ORDER BY number LIMIT ?2";
    let most_rows = i64::try_from(most).unwrap_or(i64::MAX);
    conn.for_each(sql, [after, most_rows], |row| {
        let (number, id, record, columns) = look(row).map_err(DbError::from)?;
        found.looked_at += 1;
        last = number;
        match record {
            Err(flaw) => found.damaged.push(reading::damaged(number, &flaw).to_string()),
            Ok(record) if record.id() != id => {
                found.damaged.push(format!("the record of {id:?} is of another task, {:?}", record.id()));
            }
            Ok(record) => {
                let now = record.projection();
                let same = columns == columns_of(now) && has_parts(conn, number, now)?;
                if !same {
                    found.wrong.push((number, id));
                }
            }
        }
        Ok::<(), crate::TaskError>(())
    })?;
    let more = found.looked_at == most;
    Ok((found, more.then_some(last)))
}

/// The record of a task by its number, if it is there and can be read.
pub(crate) fn record(conn: &ReadConn<'_>, number: i64) -> Result<Option<Record>> {
    let sql = "SELECT record FROM tasks WHERE number = ?1";
    let bytes: Option<Vec<u8>> = conn.query_optional(sql, [number], |row| row.get(0))?;
    Ok(bytes.and_then(|bytes| Record::read(&bytes).ok()))
}

type Looked = (i64, String, Result<Record, Flaw>, Vec<Value>);

fn look(row: &Row<'_>) -> Result<Looked, conclave_db::sql::Error> {
    let record = Record::read(row.get_ref(2)?.as_blob()?);
    let columns = (3..18).map(|column| row.get(column)).collect::<Result<_, _>>()?;
    Ok((row.get(0)?, row.get(1)?, record, columns))
}

/// The columns of [`look`] where all is well.
fn columns_of(now: &Projection) -> Vec<Value> {
    let text = |text: &Option<String>| text.clone().map_or(Value::Null, Value::Text);
    let time = |moment| parts::column(moment).map_or(Value::Null, Value::Integer);
    vec![
        text(&now.title),
        text(&now.status),
        now.priority.map_or(Value::Null, |priority| Value::Integer(priority.into())),
        text(&now.issue_type),
        text(&now.assignee),
        text(&now.close_reason),
        time(now.created_at),
        time(now.updated_at),
        time(now.closed_at),
        time(now.defer_until),
        time(now.claim_expires_at),
        Value::Integer(now.pinned.into()),
        Value::Integer(now.ephemeral.into()),
        Value::Integer(parts::count(now.attempt_count)),
        text(&oddities(now)),
    ]
}

fn has_parts(conn: &ReadConn<'_>, number: i64, now: &Projection) -> Result<bool> {
    type Text = Option<String>;
    let labels: Vec<String> =
        conn.query_all("SELECT label FROM task_labels WHERE task = ?1 ORDER BY label", [number], |row| {
            row.get(0)
        })?;
    let edges: Vec<(String, String, Text, bool)> = conn.query_all(
        "SELECT target, kind, spawner, any_child FROM task_edges WHERE task = ?1 ORDER BY target, kind",
        [number],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)),
    )?;
    let comments: Vec<(Text, Text, Text, Option<i64>)> = conn.query_all(
        "SELECT comment_id, author, body, created_at FROM task_comments WHERE task = ?1 ORDER BY position",
        [number],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)),
    )?;
    let has_words =
        conn.query_optional("SELECT 1 FROM task_search WHERE rowid = ?1", [number], |_| Ok(()))?.is_some();
    // Of several of a kind between two tasks the first one counts.
    let mut named = BTreeMap::new();
    for edge in &now.dependencies {
        named.entry((&edge.target, &edge.kind)).or_insert((&edge.spawner, edge.any_child));
    }
    let mut found = edges.iter().map(|(target, kind, spawner, any)| ((target, kind), (spawner, *any)));
    let own_labels: BTreeSet<&String> = now.labels.iter().collect();
    Ok(has_words
        && labels.iter().eq(own_labels)
        && edges.len() == named.len()
        && found.all(|(key, value)| named.get(&key) == Some(&value))
        && comments.len() == now.comments.len()
        && comments.iter().zip(&now.comments).all(|((id, author, body, created), comment)| {
            *id == comment.id
                && *author == comment.author
                && *body == comment.text
                && *created == parts::column(comment.created_at)
        }))
}

/// What breaks rules of what Conclave itself writes, with how often, the most frequent first. These statuses are allowed.
pub(crate) fn odd(conn: &ReadConn<'_>, statuses: &[String], limit: u64) -> Result<Vec<(String, u64)>> {
    let allowed: Vec<String> =
        statuses.iter().map(|status| Oddity::Status(status.clone()).reason()).collect();
    let allowed = allowed.iter().map(String::as_str).collect::<Vec<_>>();
    let sql = format!(
        "SELECT value, count(*) AS times FROM tasks JOIN json_each(tasks.oddities)
         WHERE tasks.oddities IS NOT NULL AND value NOT IN ({})
         GROUP BY value ORDER BY times DESC, value LIMIT ?1",
        quoted(&allowed)
    );
    counted(conn, &sql, limit)
}

/// Types of dependencies that nobody knows, with how often.
pub(crate) fn unknown_kinds(conn: &ReadConn<'_>, limit: u64) -> Result<Vec<(String, u64)>> {
    let sql = format!(
        "SELECT kind, count(*) AS times FROM task_edges WHERE kind NOT IN ({})
         GROUP BY kind ORDER BY times DESC, kind LIMIT ?1",
        quoted(&DEPENDENCY_TYPES)
    );
    counted(conn, &sql, limit)
}

fn counted(conn: &ReadConn<'_>, sql: &str, limit: u64) -> Result<Vec<(String, u64)>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    Ok(conn.query_all(sql, [limit], |row| Ok((row.get(0)?, row.get(1)?)))?)
}

/// How many edges lead to tasks that do not exist, and one of them: who depends, and on what.
pub(crate) fn dangling(conn: &ReadConn<'_>) -> Result<(u64, Option<(String, String)>)> {
    const NOWHERE: &str =
        "FROM task_edges AS edge WHERE NOT EXISTS (SELECT 1 FROM tasks WHERE tasks.id = edge.target)";
    let many = conn.query_row(&format!("SELECT count(*) {NOWHERE}"), (), |row| row.get(0))?;
    let sql = format!(
        "SELECT (SELECT id FROM tasks WHERE number = edge.task), edge.target {NOWHERE} ORDER BY 1, 2 LIMIT 1"
    );
    Ok((many, conn.query_optional(&sql, (), |row| Ok((row.get(0)?, row.get(1)?)))?))
}

/// How many tasks there are, tombstones too.
pub(crate) fn tasks(conn: &ReadConn<'_>) -> Result<u64> {
    Ok(conn.query_row("SELECT count(*) FROM tasks", (), |row| row.get(0))?)
}
