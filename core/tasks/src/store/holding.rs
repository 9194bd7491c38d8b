//! What holds a task up: the rules of bd 0.49 and of 1.x, and the words for people.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use conclave_db::ReadConn;
use conclave_db::sql::Row;

use super::predicates::{EFFECTIVE_STATUS, FINISHED, quoted};
use crate::error::Result;
use crate::read::Blocker;
use crate::words::{
    BLOCKED, BLOCKS, CONDITIONAL_BLOCKS, DEFERRED, FAILURES, HOOKED, IN_PROGRESS, OPEN, PARENT_CHILD, PINNED,
    WAITS_FOR,
};

/// Statuses by which a blocker blocks (0.49). Whatever looks at statuses here takes all of them for the same: from one
/// to another nobody is held up or let go.
pub(super) const UNFINISHED: [&str; 5] = [OPEN, IN_PROGRESS, BLOCKED, DEFERRED, HOOKED];

/// Whether `edge` (of `task_edges`) to `target` (of `tasks`) holds its task up, by the rules of 0.49. The column
/// `tasks.blocked` is this and what it hands down to children.
pub(crate) static HOLDS: LazyLock<String> = LazyLock::new(|| {
    let any_child = format!("NOT EXISTS ({})", child(&format!("child.status IN ({})", quoted(&FINISHED))));
    rule(&format!("target.status IN ({})", quoted(&UNFINISHED)), &any_child)
});

/// The same by the rules of 1.x: whatever is not closed, pinned or gone blocks, and who waits for any child of one
/// without children does not wait.
pub(crate) static HOLDS_ONE: LazyLock<String> = LazyLock::new(|| {
    let ended = format!("child.status IN ({})", quoted(&FINISHED));
    let any_child = format!("EXISTS ({}) AND NOT EXISTS ({})", child("1"), child(&ended));
    let [closed, tombstone] = FINISHED;
    rule(&format!("target.status NOT IN ({})", quoted(&[closed, PINNED, tombstone])), &any_child)
});

/// Who is blocked, from nothing but edges and statuses. `UNION` makes every task count once, so cycles end.
pub(crate) fn recursion(holds: &str) -> String {
    format!(
        "RECURSIVE held(number) AS (
           SELECT edge.task FROM task_edges AS edge JOIN tasks AS target ON target.id = edge.target WHERE {holds}
           UNION
           SELECT edge.task FROM held JOIN tasks AS parent ON parent.number = held.number
             JOIN task_edges AS edge ON edge.target = parent.id AND edge.kind = 'parent-child'
         )"
    )
}

fn rule(unfinished: &str, any_child: &str) -> String {
    let failed = FAILURES
        .iter()
        .map(|word| format!("instr(lower(target.close_reason), {}) > 0", quoted(&[word])))
        .collect::<Vec<_>>()
        .join(" OR ");
    let unfinished_child = child(&format!("child.status NOT IN ({})", quoted(&FINISHED)));
    format!(
        "edge.kind IN ('{BLOCKS}', '{CONDITIONAL_BLOCKS}', '{WAITS_FOR}') AND CASE edge.kind
           WHEN '{BLOCKS}' THEN {unfinished}
           WHEN '{CONDITIONAL_BLOCKS}' THEN {unfinished}
             OR (target.status = 'closed' AND ifnull({failed}, 0) = 0)
           ELSE EXISTS (SELECT 1 FROM tasks AS spawner WHERE spawner.id = ifnull(edge.spawner, edge.target))
             AND CASE edge.any_child WHEN 0 THEN EXISTS ({unfinished_child}) ELSE {any_child} END
         END"
    )
}

/// Children that are waited for.
fn child(which: &str) -> String {
    format!(
        "SELECT 1 FROM task_edges AS below JOIN tasks AS child ON child.number = below.task
         WHERE below.target = ifnull(edge.spawner, edge.target) AND below.kind = 'parent-child' AND {which}"
    )
}

/// What holds this task up: edges that hold first, then parents that are held up themselves; each in the order of ids.
pub(crate) fn blockers(conn: &ReadConn<'_>, number: i64, now_ns: i64) -> Result<Vec<Blocker>> {
    static SQL: LazyLock<String> = LazyLock::new(|| {
        let status = EFFECTIVE_STATUS.replace("tasks.", "target.");
        format!(
            "SELECT edge.target, target.title, {status}, edge.kind, edge.any_child,
               ifnull(edge.spawner, edge.target), edge.kind = '{PARENT_CHILD}' AS inherited
             FROM task_edges AS edge JOIN tasks AS target ON target.id = edge.target
             WHERE edge.task = ?2 AND (({}) OR (edge.kind = '{PARENT_CHILD}' AND target.blocked = 1))
             ORDER BY inherited, edge.target, edge.kind",
            *HOLDS
        )
    });
    let mut seen = BTreeSet::new();
    let mut found = conn.query_all(&SQL, (now_ns, number), blocker)?;
    found.retain(|blocker| seen.insert((blocker.id.clone(), blocker.kind.clone())));
    Ok(found)
}

fn blocker(row: &Row<'_>) -> Result<Blocker, conclave_db::sql::Error> {
    let (id, title): (String, Option<String>) = (row.get(0)?, row.get(1)?);
    let (status, kind): (Option<String>, String) = (row.get(2)?, row.get(3)?);
    let (any_child, spawner): (bool, String) = (row.get(4)?, row.get(5)?);
    let is = status.as_deref().unwrap_or("unknown status");
    let name = title.as_deref().map(|title| format!(": {title}")).unwrap_or_default();
    let why = match kind.as_str() {
        PARENT_CHILD => format!("its parent {id} is blocked itself{name}"),
        CONDITIONAL_BLOCKS if FINISHED.contains(&is) => {
            format!("is for when {id} fails, and it did not{name}")
        }
        CONDITIONAL_BLOCKS => format!("is for when {id} fails, and it is not finished ({is}){name}"),
        WAITS_FOR if any_child => format!("waits for the first child of {spawner} to end{name}"),
        WAITS_FOR => format!("waits for all children of {spawner} to end{name}"),
        _ => format!("waits for {id} ({is}){name}"),
    };
    Ok(Blocker { id, title, status, kind, why })
}
