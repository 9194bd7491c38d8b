//! Who is blocked: maintained, and as the recursive query says it.
//!
//! A change touches few tasks, and `blocked` of few others follows. Taking it away is the hard half: in a cycle of
//! children two tasks could keep each other blocked for ever. So whatever may have lost its reason is freed first,
//! down to the last child, and then gets it back only from reasons that still stand.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use conclave_db::{ReadConn, WriteTx};

use super::holding::{HOLDS, recursion};
use super::tasks::Touched;
use crate::error::Result;

/// From so many touched tasks on, all are computed again by one statement.
const MANY: usize = 400;

/// Sets `blocked` for all that may have changed: the touched tasks, what depends on them, what waits for children of
/// their parents, and all children below those. Gives the ids that are blocked no more, in their order.
pub(crate) fn refresh(tx: &WriteTx<'_>, touched: &Touched) -> Result<Vec<String>> {
    if touched.ids.len() > MANY {
        return Ok(repair(tx)?.into_iter().filter(|(_, blocked)| !blocked).map(|(id, _)| id).collect());
    }
    let mut marks = Marks { conn: tx, before: BTreeMap::new(), now: BTreeMap::new() };
    let seeds = seeds(tx, touched)?;
    let mut held = BTreeSet::new();
    for &task in &seeds {
        if is_held(tx, task)? {
            held.insert(task);
        }
    }
    let freed = marks.free(&seeds, &held)?;
    marks.hold(freed.iter().chain(&seeds).copied(), &held)?;
    marks.write(tx)
}

/// Sets `blocked` for all tasks, by the recursive query. Gives how many were wrong.
pub(crate) fn rebuild(tx: &WriteTx<'_>) -> Result<u64> {
    Ok(repair(tx)?.len() as u64)
}

/// The same, with the ids that were wrong in their order and what they are now.
fn repair(tx: &WriteTx<'_>) -> Result<Vec<(String, bool)>> {
    static SQL: LazyLock<String> = LazyLock::new(|| {
        format!(
            "WITH {} UPDATE tasks SET blocked = 1 - blocked
             WHERE blocked <> (number IN (SELECT number FROM held)) RETURNING id, blocked",
            recursion(&HOLDS)
        )
    });
    let mut changed: Vec<(String, bool)> = tx.query_all(&SQL, (), |row| Ok((row.get(0)?, row.get(1)?)))?;
    changed.sort_unstable();
    Ok(changed)
}

/// Ids that the recursive query calls blocked and the column does not, or the other way round, at most `limit`.
pub(crate) fn wrong(conn: &ReadConn<'_>, limit: u64) -> Result<Vec<String>> {
    static SQL: LazyLock<String> = LazyLock::new(|| {
        format!(
            "WITH {} SELECT id FROM tasks WHERE blocked <> (number IN (SELECT number FROM held))
             ORDER BY id LIMIT ?1",
            recursion(&HOLDS)
        )
    });
    Ok(conn.query_all(&SQL, [i64::try_from(limit).unwrap_or(i64::MAX)], |row| row.get(0))?)
}

/// Tasks whose own reasons may be other ones now.
fn seeds(conn: &ReadConn<'_>, touched: &Touched) -> Result<BTreeSet<i64>> {
    let mut seeds = BTreeSet::new();
    let mut spawners = touched.parents.clone();
    for id in &touched.ids {
        seeds.extend(numbers(
            conn,
            "SELECT task FROM task_edges WHERE target = ?1
             AND kind IN ('blocks', 'conditional-blocks', 'waits-for')",
            id,
        )?);
        let number = numbers(conn, "SELECT number FROM tasks WHERE id = ?1", id)?;
        if number.is_empty() {
            // It is gone: its children may have been blocked because of it.
            let children = "SELECT task FROM task_edges WHERE target = ?1 AND kind = 'parent-child'";
            seeds.extend(numbers(conn, children, id)?);
        }
        seeds.extend(number);
        spawners.insert(id.clone());
        spawners.extend(conn.query_all(
            "SELECT edge.target FROM tasks JOIN task_edges AS edge ON edge.task = tasks.number
             WHERE tasks.id = ?1 AND edge.kind = 'parent-child'",
            [id],
            |row| row.get::<_, String>(0),
        )?);
    }
    for spawner in &spawners {
        seeds.extend(numbers(conn, "SELECT task FROM task_edges WHERE spawner = ?1", spawner)?);
    }
    Ok(seeds)
}

fn numbers(conn: &ReadConn<'_>, sql: &str, id: &str) -> Result<Vec<i64>> {
    Ok(conn.query_all(sql, [id], |row| row.get(0))?)
}

/// Whether an edge of its own holds it up.
fn is_held(conn: &ReadConn<'_>, task: i64) -> Result<bool> {
    static SQL: LazyLock<String> = LazyLock::new(|| {
        format!(
            "SELECT EXISTS (SELECT 1 FROM task_edges AS edge JOIN tasks AS target ON target.id = edge.target
             WHERE edge.task = ?1 AND {})",
            *HOLDS
        )
    });
    Ok(conn.query_row(&SQL, [task], |row| row.get(0))?)
}

/// What is known of `blocked`: as it is stored, and as it should be.
struct Marks<'tx> {
    conn: &'tx ReadConn<'tx>,
    before: BTreeMap<i64, bool>,
    now: BTreeMap<i64, bool>,
}

impl Marks<'_> {
    fn is_blocked(&mut self, task: i64) -> Result<bool> {
        if let Some(&blocked) = self.now.get(&task) {
            return Ok(blocked);
        }
        let sql = "SELECT blocked FROM tasks WHERE number = ?1";
        let blocked = self.conn.query_row(sql, [task], |row| row.get(0))?;
        self.learn(task, blocked);
        Ok(blocked)
    }

    fn learn(&mut self, task: i64, blocked: bool) {
        self.before.entry(task).or_insert(blocked);
        self.now.entry(task).or_insert(blocked);
    }

    fn relatives(&mut self, sql: &str, task: i64) -> Result<Vec<i64>> {
        let found: Vec<(i64, bool)> =
            self.conn.query_all(sql, [task], |row| Ok((row.get(0)?, row.get(1)?)))?;
        for &(relative, blocked) in &found {
            self.learn(relative, blocked);
        }
        Ok(found.into_iter().map(|(relative, _)| relative).collect())
    }

    fn children(&mut self, task: i64) -> Result<Vec<i64>> {
        self.relatives(
            "SELECT child.number, child.blocked FROM tasks AS parent
             JOIN task_edges AS edge ON edge.target = parent.id AND edge.kind = 'parent-child'
             JOIN tasks AS child ON child.number = edge.task WHERE parent.number = ?1",
            task,
        )
    }

    fn has_blocked_parent(&mut self, task: i64) -> Result<bool> {
        let parents = self.relatives(
            "SELECT parent.number, parent.blocked FROM task_edges AS edge
             JOIN tasks AS parent ON parent.id = edge.target
             WHERE edge.task = ?1 AND edge.kind = 'parent-child'",
            task,
        )?;
        Ok(parents.iter().any(|parent| self.now.get(parent) == Some(&true)))
    }

    /// Frees the seeds that nothing holds, and every blocked child below that has no reason of its own. Gives them.
    fn free(&mut self, seeds: &BTreeSet<i64>, held: &BTreeSet<i64>) -> Result<Vec<i64>> {
        let mut freed = Vec::new();
        let mut waiting: Vec<i64> = seeds.iter().copied().collect();
        while let Some(task) = waiting.pop() {
            let reason = held.contains(&task) || (!seeds.contains(&task) && is_held(self.conn, task)?);
            if reason || !self.is_blocked(task)? {
                continue;
            }
            self.now.insert(task, false);
            freed.push(task);
            waiting.extend(self.children(task)?);
        }
        Ok(freed)
    }

    /// Blocks those that are held, or whose parent is blocked, and every child below.
    fn hold(&mut self, tasks: impl Iterator<Item = i64>, held: &BTreeSet<i64>) -> Result<()> {
        let mut waiting = Vec::new();
        for task in tasks {
            if !self.is_blocked(task)? && (held.contains(&task) || self.has_blocked_parent(task)?) {
                self.now.insert(task, true);
                waiting.push(task);
            }
        }
        while let Some(task) = waiting.pop() {
            for child in self.children(task)? {
                if !self.is_blocked(child)? {
                    self.now.insert(child, true);
                    waiting.push(child);
                }
            }
        }
        Ok(())
    }

    /// Stores what differs. Gives the ids that are blocked no more, in their order.
    fn write(&self, tx: &WriteTx<'_>) -> Result<Vec<String>> {
        let mut freed = Vec::new();
        for (task, &now) in &self.now {
            if self.before.get(task) == Some(&now) {
                continue;
            }
            let sql = "UPDATE tasks SET blocked = ?2 WHERE number = ?1 RETURNING id";
            let id: String = tx.query_row(sql, (task, now), |row| row.get(0))?;
            if !now {
                freed.push(id);
            }
        }
        freed.sort_unstable();
        Ok(freed)
    }
}

#[cfg(test)]
mod tests;
