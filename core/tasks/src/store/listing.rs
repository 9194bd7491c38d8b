//! The query of a list.

use conclave_db::ReadConn;
use conclave_db::sql::Value;

use super::filter::Filter;
use super::predicates::{EFFECTIVE_STATUS, EXPIRED, FINISHED, ORDER, quoted};
use crate::error::{Result, TaskError};
use crate::read::ListQuery;
use crate::words::CLOSED;

/// The numbers of a list, in its order.
pub(crate) fn numbers(conn: &ReadConn<'_>, query: &ListQuery, now_ns: i64) -> Result<Vec<i64>> {
    let mut filter = Filter::new(now_ns);
    narrow(&mut filter, query);
    let only_closed = !query.statuses.is_empty() && query.statuses.iter().all(|status| status == CLOSED);
    if let Some(after) = &query.after {
        continue_after(conn, &mut filter, after, only_closed)?;
    }
    let order =
        if only_closed { "ifnull(tasks.closed_at, -9223372036854775808) DESC, tasks.id" } else { ORDER };
    let limit = Filter::limit(query.limit);
    let sql =
        format!("SELECT tasks.number FROM tasks WHERE {} ORDER BY {order} {limit}", filter.conditions());
    Ok(conn.query_all(&sql, filter.params(), |row| row.get(0))?)
}

fn narrow(filter: &mut Filter, query: &ListQuery) {
    if !query.statuses.is_empty() {
        let statuses: Vec<String> = query.statuses.iter().map(|status| filter.bind(status.clone())).collect();
        let statuses = statuses.join(", ");
        // The stored one first, which has an index; an open one may be stored as being in progress.
        let stored = if query.statuses.iter().any(|status| status == "open") {
            format!("tasks.status IN ({statuses}, 'in_progress')")
        } else {
            format!("tasks.status IN ({statuses})")
        };
        filter.and(format!("{stored} AND ({EFFECTIVE_STATUS}) IN ({statuses})"));
    } else if !query.all {
        filter.and(format!("ifnull(tasks.status, '') NOT IN ({})", quoted(&FINISHED)));
    }
    if let Some(priority) = query.priority {
        filter.and_with("tasks.priority = {}", i64::from(priority));
    }
    if !query.types.is_empty() {
        let types: Vec<String> = query.types.iter().map(|kind| filter.bind(kind.clone())).collect();
        filter.and(format!("tasks.issue_type IN ({})", types.join(", ")));
    }
    if let Some(assignee) = &query.assignee {
        filter.and(format!("NOT {EXPIRED}"));
        filter.and_with("tasks.assignee = {}", assignee.clone());
    }
    filter.labels(&query.labels);
    if let Some(parent) = &query.parent {
        filter.and_with(
            "tasks.number IN (SELECT edge.task FROM task_edges AS edge
             WHERE edge.target = {} AND edge.kind = 'parent-child')",
            parent.clone(),
        );
    }
    if let Some(blocked) = query.blocked {
        filter.and_with("tasks.blocked = {}", i64::from(blocked));
    }
    if let Some(part) = query.containing.as_deref().filter(|part| !part.is_empty()) {
        filter.and_with(
            "(instr(lower(tasks.title), {}) > 0 OR instr(lower(tasks.id), {}) > 0)",
            part.to_ascii_lowercase(),
        );
    }
}

/// From behind a task on, whether or not it is in the list itself.
fn continue_after(conn: &ReadConn<'_>, filter: &mut Filter, after: &str, only_closed: bool) -> Result<()> {
    let found: Option<(i64, i64, i64)> = conn.query_optional(
        "SELECT ifnull(priority, 5), ifnull(created_at, 9223372036854775807),
           ifnull(closed_at, -9223372036854775808) FROM tasks WHERE id = ?1",
        [after],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    )?;
    let (priority, created, closed) = found.ok_or_else(|| TaskError::not_found(after))?;
    let id = filter.bind(Value::Text(after.to_owned()));
    if only_closed {
        let closed = filter.bind(closed);
        let key = "ifnull(tasks.closed_at, -9223372036854775808)";
        filter.and(format!("({key} < {closed} OR ({key} = {closed} AND tasks.id > {id}))"));
    } else {
        let (priority, created) = (filter.bind(priority), filter.bind(created));
        filter.and(format!("({ORDER}) > ({priority}, {created}, {id})"));
    }
    Ok(())
}
