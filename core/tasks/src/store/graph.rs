//! Edges, for trees and cycles.

use conclave_db::{DbError, ReadConn};

use super::predicates::List;
use crate::error::Result;
use crate::words::WAITING;

/// All ids by number, in the order of ids.
pub(crate) fn tasks(conn: &ReadConn<'_>) -> Result<Vec<(i64, String)>> {
    Ok(conn.query_all("SELECT number, id FROM tasks ORDER BY id", (), |row| Ok((row.get(0)?, row.get(1)?)))?)
}

/// Every edge between tasks that exist, of the types that block or inherit, in the order of ids.
pub(crate) fn holding_edges(conn: &ReadConn<'_>, mut each: impl FnMut(i64, i64)) -> Result<()> {
    let sql = format!(
        "SELECT DISTINCT edge.task, target.number FROM task_edges AS edge
         JOIN tasks AS target ON target.id = edge.target WHERE edge.kind IN {}",
        List(&WAITING)
    );
    Ok(conn.for_each(&sql, (), |row| {
        each(row.get(0)?, row.get(1)?);
        Ok::<(), DbError>(())
    })?)
}

/// Who depends on a task: ids and types of edges, in the order of ids.
pub(crate) fn dependents(conn: &ReadConn<'_>, id: &str) -> Result<Vec<(String, String)>> {
    Ok(conn.query_all(
        "SELECT tasks.id, edge.kind FROM task_edges AS edge JOIN tasks ON tasks.number = edge.task
         WHERE edge.target = ?1 ORDER BY tasks.id, edge.kind",
        [id],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?)
}
