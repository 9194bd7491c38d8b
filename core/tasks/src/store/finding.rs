//! From what people type to tasks: ids and words.

use conclave_db::{DbError, ReadConn};

use crate::error::Result;

/// All ids with whether they are tombstones, in their order, each handed to `each`.
pub(crate) fn each_id(conn: &ReadConn<'_>, mut each: impl FnMut(&str, bool)) -> Result<()> {
    let sql = "SELECT id, ifnull(status, '') = 'tombstone' FROM tasks ORDER BY id";
    Ok(conn.for_each(sql, (), |row| {
        each(row.get_ref(0)?.as_str().map_err(conclave_db::sql::Error::from)?, row.get(1)?);
        Ok::<(), DbError>(())
    })?)
}

/// Numbers of tasks that a query of FTS5 finds, the best first.
pub(crate) fn search(conn: &ReadConn<'_>, query: &str, limit: Option<u64>) -> Result<Vec<i64>> {
    let limit = limit.map_or(-1, |limit| i64::try_from(limit).unwrap_or(i64::MAX));
    Ok(conn.query_all(
        "SELECT tasks.number FROM task_search JOIN tasks ON tasks.number = task_search.rowid
         WHERE task_search MATCH ?1 AND ifnull(tasks.status, '') <> 'tombstone'
         ORDER BY bm25(task_search), tasks.id LIMIT ?2",
        (query, limit),
        |row| row.get(0),
    )?)
}
