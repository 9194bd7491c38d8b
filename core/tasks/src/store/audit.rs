//! The audit log and the attempts.
//!
//! Read forward the rows of a task give each of its states: `created` has every key of the first record, later rows
//! the keys that changed. An import writes no keys of what it adds: the file has them, and read backward from the
//! record as it is now the rows give what was imported.

use std::borrow::Cow;
use std::collections::HashMap;

use conclave_db::WriteTx;
use conclave_db::sql::params;

use crate::error::Result;
use crate::json::{self, Member};
use crate::record::Record;

/// What a row of the log says that was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    /// A new task.
    Created,
    /// It came out of a file.
    Imported,
    /// A later record of a file took its place.
    Replaced,
    /// Some of its fields.
    Updated,
    /// It was free, and is somebody's.
    Claimed,
    /// It is somebody else's, as a claim had expired.
    TakenOver,
    /// Closed.
    Closed,
    /// Open again.
    Reopened,
    /// A tombstone.
    Deleted,
    /// A sync took it away: it is no more in the file.
    Removed,
    /// A sync brought or changed it.
    Synced,
    /// A sync had to decide.
    Conflict,
    /// A rule that its record broke holds again.
    Mended,
}

impl Operation {
    /// The word in the log.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Imported => "imported",
            Self::Replaced => "replaced",
            Self::Updated => "updated",
            Self::Claimed => "claimed",
            Self::TakenOver => "taken_over",
            Self::Closed => "closed",
            Self::Reopened => "reopened",
            Self::Deleted => "deleted",
            Self::Removed => "removed",
            Self::Synced => "synced",
            Self::Conflict => "conflict",
            Self::Mended => "mended",
        }
    }
}

/// Writes what became of a task: the keys whose values differ, with both. `replaces` keeps the old record as a whole.
pub(crate) fn write(
    tx: &WriteTx<'_>,
    who: &str,
    operation: Operation,
    before: Option<&Record>,
    after: Option<&Record>,
    replaces: bool,
) -> Result<()> {
    let Some(record) = after.or(before) else { return Ok(()) };
    let status = |record: Option<&Record>| record.and_then(|record| record.projection().status.clone());
    // What is gone is kept as a whole anyway.
    let changes = (after.is_some() && operation != Operation::Imported).then(|| changes(before, after));
    let old_record = before.filter(|_| replaces || after.is_none()).map(Record::bytes);
    tx.execute(
        "INSERT INTO task_audit(task_id, at, who, operation, old_status, new_status, changes, old_record)
         VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        params![
            record.id(),
            tx.now_ms(),
            who,
            operation.as_str(),
            status(before),
            status(after),
            changes,
            old_record
        ],
    )?;
    Ok(())
}

/// Writes a row with changes that are JSON already, such as a conflict of a merge.
pub(crate) fn note(tx: &WriteTx<'_>, who: &str, operation: Operation, id: &str, changes: &str) -> Result<()> {
    tx.execute(
        "INSERT INTO task_audit(task_id, at, who, operation, old_status, new_status, changes)
         VALUES(?1, ?2, ?3, ?4, (SELECT status FROM tasks WHERE id = ?1), (SELECT status FROM tasks WHERE id = ?1), ?5)",
        params![id, tx.now_ms(), who, operation.as_str(), changes],
    )?;
    Ok(())
}

/// Gives all that was written of one id, also the attempts, to another: the task is called so now, and its old id is
/// another task's.
pub(crate) fn rename(tx: &WriteTx<'_>, old: &str, new: &str) -> Result<()> {
    tx.execute("UPDATE task_audit SET task_id = ?2 WHERE task_id = ?1", params![old, new])?;
    tx.execute("UPDATE task_attempts SET task_id = ?2 WHERE task_id = ?1", params![old, new])?;
    Ok(())
}

/// An attempt, with the whole of what came of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tried<'call> {
    pub(crate) attempt: u64,
    pub(crate) result: Option<&'call str>,
    pub(crate) error: Option<&'call str>,
}

/// Writes that something was tried on a task, which is now as `after` says.
pub(crate) fn attempt(tx: &WriteTx<'_>, who: &str, after: &Record, tried: Tried<'_>) -> Result<()> {
    tx.execute(
        "INSERT INTO task_attempts(task_id, attempt, at, who, status, result, error) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![
            after.id(),
            i64::try_from(tried.attempt).unwrap_or(i64::MAX),
            tx.now_ms(),
            who,
            after.projection().status,
            tried.result,
            tried.error,
        ],
    )?;
    Ok(())
}

/// `{"KEY": {"old": VALUE, "new": VALUE}}` of the keys whose values are spelled otherwise: those of the old record in
/// its order, then the new ones.
fn changes(before: Option<&Record>, after: Option<&Record>) -> String {
    let (old, new) = (members(before), members(after));
    let (old_values, new_values) = (by_key(before, &old), by_key(after, &new));
    let added = new.iter().filter(|member| !old_values.contains_key(member.key.as_str()));
    let mut changed = Vec::new();
    for key in old.iter().chain(added).map(|member| member.key.as_str()) {
        let (old, new) = (old_values.get(key), new_values.get(key));
        if old == new {
            continue;
        }
        let sides = [("old", old), ("new", new)];
        let sides = sides.iter().filter_map(|(side, value)| value.map(|value| format!("\"{side}\":{value}")));
        changed.push(format!("{}:{{{}}}", json::encode(key), sides.collect::<Vec<_>>().join(",")));
    }
    format!("{{{}}}", changed.join(","))
}

fn members(record: Option<&Record>) -> Vec<Member> {
    record.and_then(|record| json::members(record.bytes()).ok()).unwrap_or_default()
}

/// The values as they are spelled.
fn by_key<'record>(
    record: Option<&'record Record>,
    members: &'record [Member],
) -> HashMap<&'record str, Cow<'record, str>> {
    let bytes = record.map(Record::bytes).unwrap_or_default();
    let value = |member: &'record Member| bytes.get(member.span.clone()).map(String::from_utf8_lossy);
    members.iter().filter_map(|member| Some((member.key.as_str(), value(member)?))).collect()
}

#[cfg(test)]
mod tests;
