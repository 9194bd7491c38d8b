//! Numbers, by the same predicates as the lists.

use std::sync::LazyLock;

use conclave_db::ReadConn;

use super::predicates::{EFFECTIVE_STATUS, HELD_UP, NEVER, READY};
use crate::error::Result;
use crate::read::{Counts, Stats};

/// All numbers, in one look at the table and one at the epics.
pub(crate) fn stats(conn: &ReadConn<'_>, now_ns: i64) -> Result<Stats> {
    static SQL: LazyLock<String> = LazyLock::new(|| {
        format!(
            "WITH known AS (
               SELECT {EFFECTIVE_STATUS} AS status, tasks.status <> 'tombstone' OR tasks.status IS NULL AS lives,
                 {HELD_UP} AS held_up, {READY} AS ready, pinned, {NEVER} AS never,
                 ifnull(tasks.defer_until > ?1, 0) AS put_off,
                 CASE tasks.status WHEN 'closed' THEN 1.0 * closed_at - created_at END AS lead
               FROM tasks
             )
             SELECT count(*) FILTER (WHERE lives),
               count(*) FILTER (WHERE status = 'open'), count(*) FILTER (WHERE status = 'in_progress'),
               count(*) FILTER (WHERE status = 'closed'), count(*) FILTER (WHERE held_up),
               count(*) FILTER (WHERE status = 'deferred'), count(*) FILTER (WHERE ready),
               count(*) FILTER (WHERE status = 'tombstone'),
               count(*) FILTER (WHERE lives AND (status = 'pinned' OR pinned = 1)),
               count(*) FILTER (WHERE ifnull(status, '')
                 NOT IN ('open', 'in_progress', 'closed', 'deferred', 'tombstone', 'pinned')),
               avg(lead) / 3.6e12,
               count(*) FILTER (WHERE status = 'open' AND never AND NOT held_up),
               count(*) FILTER (WHERE status = 'open' AND put_off AND NOT never AND NOT held_up)
             FROM known",
            HELD_UP = *HELD_UP,
            NEVER = *NEVER,
            READY = *READY
        )
    });
    let mut stats = conn.query_row(&SQL, [now_ns], |row| {
        Ok(Stats {
            total: row.get(0)?,
            open: row.get(1)?,
            in_progress: row.get(2)?,
            closed: row.get(3)?,
            blocked: row.get(4)?,
            deferred: row.get(5)?,
            ready: row.get(6)?,
            tombstone: row.get(7)?,
            pinned: row.get(8)?,
            other: row.get(9)?,
            epics_eligible_for_closure: 0,
            average_lead_time_hours: row.get(10)?,
            never_ready: row.get(11)?,
            deferred_by_date: row.get(12)?,
        })
    })?;
    stats.epics_eligible_for_closure = eligible_epics(conn, now_ns)?;
    Ok(stats)
}

fn eligible_epics(conn: &ReadConn<'_>, now_ns: i64) -> Result<u64> {
    const CHILDREN: &str = "SELECT 1 FROM task_edges AS edge JOIN tasks AS child ON child.number = edge.task
       WHERE edge.target = tasks.id AND edge.kind = 'parent-child'";
    let sql = format!(
        "SELECT count(*) FROM tasks
         WHERE tasks.status IN ('open', 'in_progress') AND ({EFFECTIVE_STATUS}) = 'open' AND tasks.issue_type = 'epic'
           AND EXISTS ({CHILDREN} AND child.status = 'closed')
           AND NOT EXISTS ({CHILDREN} AND ifnull(child.status, '') NOT IN ('closed', 'tombstone'))"
    );
    Ok(conn.query_row(&sql, [now_ns], |row| row.get(0))?)
}

/// What a first screen shows. Each is a walk along an index.
pub(crate) fn counts(conn: &ReadConn<'_>, now_ns: i64) -> Result<Counts> {
    static SQL: LazyLock<String> = LazyLock::new(|| {
        format!(
            "SELECT (SELECT count(*) FROM tasks INDEXED BY idx_tasks_ready WHERE {}),
               (SELECT count(*) FROM tasks
                WHERE tasks.status = 'in_progress' AND ({EFFECTIVE_STATUS}) = 'in_progress'),
               (SELECT count(*) FROM tasks WHERE {}),
               (SELECT count(*) FROM tasks WHERE tasks.status = 'closed')",
            *READY, *HELD_UP
        )
    });
    Ok(conn.query_row(&SQL, [now_ns], |row| {
        Ok(Counts { ready: row.get(0)?, in_progress: row.get(1)?, blocked: row.get(2)?, closed: row.get(3)? })
    })?)
}
