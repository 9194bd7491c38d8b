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
/// called has no edges. Where there is none it is linear in the edges that can be reached, else in all edges: reading
/// all at once is quicker than asking for those of each task.
pub(crate) fn path(conn: &ReadConn<'_>, from: &str, to: &str) -> Result<Option<Vec<String>>> {
    if !reaches(conn, from, to)? {
        return Ok(None);
    }
    let edges = Edges::read(conn)?;
    // Who led here; the first one is on a shortest path.
    let mut origins: HashMap<&str, Option<&str>> = HashMap::from([(from, None)]);
    let mut waiting = VecDeque::from([from]);
    while let Some(id) = waiting.pop_front() {
        if id == to {
            let origin = |id: &&str| origins.get(id).copied().flatten();
            let mut path: Vec<String> = std::iter::successors(Some(id), origin).map(str::to_owned).collect();
            path.reverse();
            return Ok(Some(path));
        }
        for (_, target) in edges.of(id) {
            if !origins.contains_key(target.as_str()) {
                origins.insert(target, Some(id));
                waiting.push_back(target);
            }
        }
    }
    Ok(None)
}

/// All edges over which a task waits.
struct Edges {
    /// The number of each task.
    numbers: HashMap<String, i64>,
    /// Numbers and what they depend on, in the order of both.
    edges: Vec<(i64, String)>,
}

impl Edges {
    fn read(conn: &ReadConn<'_>) -> Result<Self> {
        let ids = conn.query_all("SELECT id, number FROM tasks", [], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let sql =
            format!("SELECT task, target FROM task_edges WHERE kind IN {WAITING} ORDER BY task, target");
        let edges = conn.query_all(&sql, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(Self { numbers: ids.into_iter().collect(), edges })
    }

    fn of(&self, id: &str) -> &[(i64, String)] {
        let Some(&number) = self.numbers.get(id) else { return &[] };
        let begin = self.edges.partition_point(|(task, _)| *task < number);
        let behind = &self.edges[begin..];
        &behind[..behind.iter().take_while(|(task, _)| *task == number).count()]
    }
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
