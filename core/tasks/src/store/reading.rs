//! Rows for lists and details, and which of them are ready.

use std::sync::LazyLock;

use conclave_db::sql::{Row, ToSql};
use conclave_db::{DbError, ErrorKind, ReadConn};

use super::filter::Filter;
use super::holding::{HOLDS_ONE, recursion};
use super::predicates::{HELD_UP, ORDER, READY, WORKABLE};
use crate::error::Result;
use crate::moment::Moment;
use crate::read::{ReadyQuery, Semantics, Sort, TaskRow};
use crate::record::Record;
use crate::words::{OPEN, PARENT_CHILD};

/// How old a task may be to count as new, in nanoseconds.
const NEW: i64 = 48 * 3_600 * 1_000_000_000;

/// Now, in nanoseconds, for all predicates.
pub(crate) fn now_ns(db: &conclave_db::Db) -> i64 {
    Moment::from_ms(db.clock().wall_ms()).nanoseconds()
}

/// The task with this id as a row of a list. `now_ns`: claims that expired before are open.
pub(crate) fn row(conn: &ReadConn<'_>, id: &str, now_ns: i64) -> Result<Option<TaskRow>> {
    static SQL: LazyLock<String> = LazyLock::new(|| format!("{ROW} WHERE tasks.id = ?1"));
    found(conn, &SQL, id, now_ns)
}

/// The number of the task with this id.
pub(crate) fn number(conn: &ReadConn<'_>, id: &str) -> Result<Option<i64>> {
    Ok(conn.query_optional("SELECT number FROM tasks WHERE id = ?1", [id], |row| row.get(0))?)
}

/// Rows of tasks, in the order of the numbers given; one that is not there is left out.
pub(crate) fn rows(conn: &ReadConn<'_>, numbers: &[i64], now_ns: i64) -> Result<Vec<TaskRow>> {
    let mut rows = Vec::with_capacity(numbers.len());
    for &number in numbers {
        rows.extend(numbered(conn, number, now_ns)?);
    }
    Ok(rows)
}

/// The task with this number as a row of a list.
pub(crate) fn numbered(conn: &ReadConn<'_>, number: i64, now_ns: i64) -> Result<Option<TaskRow>> {
    static SQL: LazyLock<String> = LazyLock::new(|| format!("{ROW} WHERE tasks.number = ?1"));
    found(conn, &SQL, number, now_ns)
}

/// What a row needs beside its record.
const ROW: &str = "SELECT tasks.record, tasks.blocked,
   (SELECT count(DISTINCT edge.target) FROM task_edges AS edge JOIN tasks AS target ON target.id = edge.target
    WHERE edge.task = tasks.number),
   (SELECT count(DISTINCT edge.task) FROM task_edges AS edge WHERE edge.target = tasks.id),
   (SELECT edge.target FROM task_edges AS edge JOIN tasks AS parent ON parent.id = edge.target
    WHERE edge.task = tasks.number AND edge.kind = 'parent-child' LIMIT 1),
   tasks.number
 FROM tasks";

fn found(conn: &ReadConn<'_>, sql: &str, key: impl ToSql, now_ns: i64) -> Result<Option<TaskRow>> {
    let found = conn.query_optional(sql, [key], |row| {
        let counts: (u64, u64) = (row.get(2)?, row.get(3)?);
        let record = read(row)?.map_err(|flaw| (row.get(5).unwrap_or_default(), flaw));
        Ok((record, row.get::<_, bool>(1)?, counts, row.get::<_, Option<String>>(4)?))
    })?;
    let Some((record, blocked, (dependency_count, dependent_count), some_parent)) = found else {
        return Ok(None);
    };
    let record = record.map_err(|(number, flaw)| damaged(number, &flaw))?;
    let parent = first_parent(conn, &record, some_parent)?;
    let projection = record.projection();
    let (status, assignee, expired_claim_of) = if projection.has_expired(now_ns) {
        (Some(OPEN.to_owned()), None, projection.assignee.clone())
    } else {
        (projection.status.clone(), projection.assignee.clone(), None)
    };
    let comment_count = projection.comments.len() as u64;
    Ok(Some(TaskRow {
        record,
        status,
        assignee,
        expired_claim_of,
        blocked,
        dependency_count,
        dependent_count,
        comment_count,
        parent,
    }))
}

/// Of several parents that exist the one that the record names first.
fn first_parent(conn: &ReadConn<'_>, record: &Record, some: Option<String>) -> Result<Option<String>> {
    let named = || record.projection().dependencies.iter().filter(|edge| edge.kind == PARENT_CHILD);
    if some.is_none() || named().nth(1).is_none() {
        return Ok(some);
    }
    for edge in named() {
        if number(conn, &edge.target)?.is_some() {
            return Ok(Some(edge.target.clone()));
        }
    }
    Ok(some)
}

fn read(row: &Row<'_>) -> Result<Result<Record, crate::json::Flaw>, conclave_db::sql::Error> {
    Ok(Record::read(row.get_ref(0)?.as_blob()?))
}

/// A record was checked before it was stored: what is none now was changed by something else.
pub(crate) fn damaged(number: i64, flaw: &crate::json::Flaw) -> DbError {
    DbError::Sqlite {
        kind: ErrorKind::Corrupt,
        code: 0,
        text: format!("the record of the task with the number {number} is damaged: {flaw}"),
    }
}

/// Whether a task is ready by the rules of 0.49.
pub(crate) fn is_ready(conn: &ReadConn<'_>, number: i64, now_ns: i64) -> Result<bool> {
    let sql = format!("SELECT EXISTS (SELECT 1 FROM tasks WHERE tasks.number = ?2 AND {})", *READY);
    Ok(conn.query_row(&sql, (now_ns, number), |row| row.get(0))?)
}

/// The ids of a ready list, in its order, without open tasks that are assigned to somebody else than `who`.
pub(crate) fn claimable_ids(
    conn: &ReadConn<'_>,
    query: &ReadyQuery,
    who: &str,
    now_ns: i64,
) -> Result<Vec<String>> {
    select_ready(conn, "tasks.id", query, Some(who), now_ns)
}

/// The numbers of a ready list, in its order.
pub(crate) fn ready_numbers(conn: &ReadConn<'_>, query: &ReadyQuery, now_ns: i64) -> Result<Vec<i64>> {
    select_ready(conn, "tasks.number", query, None, now_ns)
}

fn select_ready<T: conclave_db::sql::FromSql>(
    conn: &ReadConn<'_>,
    column: &str,
    query: &ReadyQuery,
    claimant: Option<&str>,
    now_ns: i64,
) -> Result<Vec<T>> {
    let (sql, filter) = ready_sql(column, query, claimant, now_ns);
    Ok(conn.query_all(&sql, filter.params(), |row| row.get(0))?)
}

/// The query of a ready list.
fn ready_sql(column: &str, query: &ReadyQuery, claimant: Option<&str>, now_ns: i64) -> (String, Filter) {
    let mut filter = Filter::new(now_ns);
    let classic = query.semantics == Semantics::Classic;
    filter.and(if classic { READY.as_str() } else { WORKABLE.as_str() });
    if !classic {
        filter.and("tasks.number NOT IN (SELECT number FROM held)");
        filter.and("tasks.number NOT IN (SELECT number FROM put_off)");
    }
    // Of an expired claim nobody is the assignee.
    if let Some(assignee) = &query.assignee {
        filter.and_with("tasks.status = 'open' AND tasks.assignee = {}", assignee.clone());
    }
    if let Some(who) = claimant {
        filter.and_with(
            "(tasks.status <> 'open' OR tasks.assignee IS NULL OR tasks.assignee = {})",
            who.to_owned(),
        );
    }
    filter.labels(&query.labels);
    for label in &query.without_labels {
        filter.and_with(
            "NOT EXISTS (SELECT 1 FROM task_labels WHERE task_labels.task = tasks.number AND label = {})",
            label.clone(),
        );
    }
    if let Some(issue_type) = &query.issue_type {
        filter.and_with("tasks.issue_type = {}", issue_type.clone());
    }
    for issue_type in &query.without_types {
        filter.and_with("ifnull(tasks.issue_type, '') <> {}", issue_type.clone());
    }
    let order = match query.sort {
        Sort::Priority if classic => ORDER.to_owned(),
        Sort::Priority => {
            "ifnull(tasks.priority, 5), tasks.created_at IS NULL, tasks.created_at DESC, tasks.id".into()
        }
        Sort::Oldest => "ifnull(tasks.created_at, 9223372036854775807), tasks.id".into(),
        Sort::Hybrid => {
            let is_new =
                format!("ifnull(tasks.created_at >= {}, 0)", filter.bind(now_ns.saturating_sub(NEW)));
            format!(
                "{is_new} DESC, iif({is_new}, ifnull(tasks.priority, 5), 0),
                 ifnull(tasks.created_at, 9223372036854775807), tasks.id"
            )
        }
    };
    let limit = Filter::limit(query.limit);
    // Named, so that no statistics lead anywhere else: its first tasks are the answer, and none is sorted.
    let table = if classic { "tasks INDEXED BY idx_tasks_ready" } else { "tasks" };
    let with = if classic { String::new() } else { format!("WITH {}, {PUT_OFF}", recursion(&HOLDS_ONE)) };
    let conditions = filter.conditions();
    (format!("{with} SELECT {column} FROM {table} WHERE {conditions} ORDER BY {order} {limit}"), filter)
}

/// Of 1.x: all below a task that is deferred.
const PUT_OFF: &str = "put_off(number) AS (
   SELECT edge.task FROM tasks AS parent
     JOIN task_edges AS edge ON edge.target = parent.id AND edge.kind = 'parent-child'
     WHERE parent.status = 'deferred' OR parent.defer_until > ?1
   UNION
   SELECT edge.task FROM put_off JOIN tasks AS parent ON parent.number = put_off.number
     JOIN task_edges AS edge ON edge.target = parent.id AND edge.kind = 'parent-child'
 )";

/// The numbers of the blocked list, in the order of lists.
pub(crate) fn blocked_numbers(conn: &ReadConn<'_>, limit: Option<u64>, now_ns: i64) -> Result<Vec<i64>> {
    let mut filter = Filter::new(now_ns);
    filter.and(HELD_UP.as_str());
    let limit = Filter::limit(limit);
    let sql =
        format!("SELECT tasks.number FROM tasks WHERE {} ORDER BY {ORDER} {limit}", filter.conditions());
    Ok(conn.query_all(&sql, filter.params(), |row| row.get(0))?)
}

#[cfg(test)]
mod tests;
