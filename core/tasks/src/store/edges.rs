//! Paths over the edges that block or inherit.

use std::collections::{HashMap, VecDeque};

use conclave_db::ReadConn;
use conclave_db::sql::params;

use super::predicates::List;
use crate::error::Result;
use crate::words;

/// The types over which a cycle would leave its tasks waiting for each other for ever.
const WAITING: List = List(&words::WAITING);

/// The ids on a shortest path from one task to another, with both ends; `None` where there is none. What no task is
/// called has no edges. Linear in the edges that can be reached: each task is looked at once.
pub(crate) fn path(conn: &ReadConn<'_>, from: &str, to: &str) -> Result<Option<Vec<String>>> {
    if !reaches(conn, from, to)? {
        return Ok(None);
    }
    let sql = format!(
        "SELECT e.target FROM tasks AS t JOIN task_edges AS e ON e.task = t.number
         WHERE t.id = ?1 AND e.kind IN {WAITING} ORDER BY e.target"
    );
    // Who led here; the first one is on a shortest path.
    let mut origins: HashMap<String, Option<String>> = HashMap::from([(from.to_owned(), None)]);
    let mut waiting = VecDeque::from([from.to_owned()]);
    while let Some(id) = waiting.pop_front() {
        if id == to {
            let origin = |id: &String| origins.get(id).cloned().flatten();
            let mut path: Vec<String> = std::iter::successors(Some(id), origin).collect();
            path.reverse();
            return Ok(Some(path));
        }
        for target in conn.query_all(&sql, [&id], |row| row.get::<_, String>(0))? {
            if !origins.contains_key(&target) {
                origins.insert(target.clone(), Some(id.clone()));
                waiting.push_back(target);
            }
        }
    }
    Ok(None)
}

/// Whether there is a path. `UNION` drops what was reached before; with `UNION ALL` each path would be walked, of which
/// a graph of diamonds has two to the power of its tasks (beads issue 4544).
fn reaches(conn: &ReadConn<'_>, from: &str, to: &str) -> Result<bool> {
    let sql = format!(
        "WITH RECURSIVE reached(id) AS (
           SELECT ?1
           UNION
           SELECT e.target FROM reached AS r JOIN tasks AS t ON t.id = r.id JOIN task_edges AS e ON e.task = t.number
           WHERE e.kind IN {WAITING}
         )
         SELECT EXISTS (SELECT 1 FROM reached WHERE id = ?2)"
    );
    Ok(conn.query_row(&sql, params![from, to], |row| row.get(0))?)
}

/// Whether any task depends on this id, which need not exist.
pub(crate) fn has_dependents(conn: &ReadConn<'_>, id: &str) -> Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM task_edges WHERE target = ?1)";
    Ok(conn.query_row(sql, [id], |row| row.get(0))?)
}
