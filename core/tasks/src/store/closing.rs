//! What speaks against closing a task: others that are not finished.

use conclave_db::ReadConn;

use crate::error::Result;

/// A task that is not finished.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unfinished {
    pub(crate) id: String,
    pub(crate) status: String,
    pub(crate) title: Option<String>,
}

/// What a task waits for itself (not what its parents wait for) and is unfinished, by the rules of bd 0.49, in the
/// order of ids: targets of `blocks` and `conditional-blocks`, and unfinished children of whom it waits for.
pub(crate) fn blockers(conn: &ReadConn<'_>, number: i64) -> Result<Vec<Unfinished>> {
    unfinished(
        conn,
        "SELECT b.id, b.status, b.title
         FROM task_edges AS e JOIN tasks AS b ON b.id = e.target
         WHERE e.task = ?1 AND e.kind IN ('blocks', 'conditional-blocks')
           AND b.status IN ('open', 'in_progress', 'blocked', 'deferred', 'hooked')
         UNION
         SELECT c.id, c.status, c.title
         FROM task_edges AS e
         JOIN task_edges AS p ON p.target = ifnull(e.spawner, e.target) AND p.kind = 'parent-child'
         JOIN tasks AS c ON c.number = p.task
         WHERE e.task = ?1 AND e.kind = 'waits-for' AND c.status NOT IN ('closed', 'tombstone')
           AND NOT (e.any_child AND EXISTS (
             SELECT 1 FROM task_edges AS o JOIN tasks AS d ON d.number = o.task
             WHERE o.target = ifnull(e.spawner, e.target) AND o.kind = 'parent-child'
               AND d.status IN ('closed', 'tombstone')))
         ORDER BY 1",
        number,
    )
}

/// Children that are not finished, in the order of ids.
pub(crate) fn open_children(conn: &ReadConn<'_>, number: i64) -> Result<Vec<Unfinished>> {
    unfinished(
        conn,
        "SELECT c.id, c.status, c.title
         FROM tasks AS t
         JOIN task_edges AS p ON p.target = t.id AND p.kind = 'parent-child'
         JOIN tasks AS c ON c.number = p.task
         WHERE t.number = ?1 AND c.status NOT IN ('closed', 'tombstone')
         ORDER BY 1",
        number,
    )
}

fn unfinished(conn: &ReadConn<'_>, sql: &str, number: i64) -> Result<Vec<Unfinished>> {
    let rows = conn.query_all(sql, [number], |row| {
        Ok(Unfinished { id: row.get(0)?, status: row.get(1)?, title: row.get(2)? })
    })?;
    Ok(rows)
}
