//! Tasks as JSON, in the shapes of Beads (facts 2.7): the record's own members, byte for byte, with the effective
//! status and what is computed put in.
//!
//! `id`, `title`, `status`, `priority`, `issue_type`, `assignee`, `created_at`, `updated_at`, `closed_at` and `labels`
//! are always there, `null` (or `[]`) where unknown; all other keys as the record has them. What is computed replaces
//! a member of the same name: no key is there twice.

mod splice;

use serde_json::value::RawValue;

use self::splice::Splice;
use crate::json::encode;
use crate::moment::Moment;
use crate::read::{
    AttemptOutcome, AttemptRow, AuditRow, BlockedRow, Blocker, Detail, Neighbour, TaskRow, Tree,
};
use crate::words::TOMBSTONE;

/// An item of a list: with `dependency_count`, `dependent_count`, `comment_count`, `parent` (`null` without one),
/// `blocked_by_others` (whether others hold it up); `expired_claim_of` where a claim has expired.
pub fn listed(row: &TaskRow) -> Box<RawValue> {
    item(row).finish()
}

/// One task in full: `dependencies` and `dependents` are listed items with `dependency_type` (only `id` and `missing`
/// where the task does not exist), with `comments`, `blocked_by` (ids), `blocked_why` (words), `ready` and `attempts`, the
/// newest first.
pub fn shown(detail: &Detail) -> Box<RawValue> {
    let mut item = item(&detail.row);
    item.set("dependencies", array(detail.dependencies.iter().map(neighbour)));
    item.set("dependents", array(detail.dependents.iter().map(neighbour)));
    item.fill("comments", "[]");
    held_up(&mut item, &detail.blockers);
    item.set("ready", detail.ready.to_string());
    item.set("attempts", array(detail.attempts.iter().map(attempt)));
    item.finish()
}

/// An attempt. Of one that was written by hand all from `agent` on is `null`; `pid` is the dispatcher's process.
fn attempt(row: &AttemptRow) -> String {
    let mut item = Splice::empty();
    item.set("attempt", row.attempt.to_string());
    item.set("at", time(Some(row.at)));
    item.set("who", encode(&row.who));
    for (key, text) in
        [("status", &row.status), ("result", &row.result), ("error", &row.error), ("agent", &row.agent)]
    {
        item.set(key, text_or_null(text.as_deref()));
    }
    item.set("outcome", text_or_null(row.outcome.map(AttemptOutcome::as_str)));
    for (key, at) in [("started_at", row.started_at), ("ended_at", row.ended_at), ("retry_at", row.retry_at)]
    {
        item.set(key, time(at));
    }
    item.set("output", text_or_null(row.output.as_deref()));
    item.set("pid", row.owner.as_ref().map_or_else(|| "null".to_owned(), |owner| owner.pid.to_string()));
    item.into_json()
}

fn time(at: Option<i64>) -> String {
    at.map_or_else(|| "null".to_owned(), |at| encode(&Moment::from_ms(at).text()))
}

/// An item of the blocked list: a listed item with `blocked_by_count`, `blocked_by` (ids) and `blocked_why` (words).
pub fn blocked(row: &BlockedRow) -> Box<RawValue> {
    let mut item = item(&row.row);
    item.set("blocked_by_count", row.by.len().to_string());
    held_up(&mut item, &row.by);
    item.finish()
}

/// A node of a tree: a listed item (only `id` and `missing` where the task does not exist) with `depth`,
/// `dependency_type`, `repeated`. Of one that is repeated only `id`, `title` and `status`: a dense graph has a node for
/// each edge.
pub fn node(node: &Tree) -> Box<RawValue> {
    let mut item = match &node.row {
        Some(row) if node.repeated => {
            let mut item = Splice::empty();
            item.set("id", encode(&node.id));
            item.set("title", text_or_null(row.record.projection().title.as_deref()));
            item.set("status", text_or_null(row.status.as_deref()));
            item
        }
        row => item_or_missing(&node.id, row.as_ref()),
    };
    item.set("depth", node.depth.to_string());
    item.set("dependency_type", text_or_null(node.kind.as_deref()));
    item.set("repeated", node.repeated.to_string());
    item.finish()
}

/// An audit row: `number`, `task_id`, `at` (RFC 3339), `who`, `operation`, `old_status`, `new_status`, `changes`.
pub fn audited(row: &AuditRow) -> Box<RawValue> {
    let changes = row.changes.as_deref();
    let is_json = changes.is_some_and(|changes| crate::json::check(changes.as_bytes()).is_ok());
    let changes = if is_json { changes.unwrap_or("null").to_owned() } else { text_or_null(changes) };
    let mut item = Splice::empty();
    item.set("number", row.number.to_string());
    item.set("task_id", encode(&row.task_id));
    item.set("at", encode(&Moment::from_ms(row.at).text()));
    item.set("who", encode(&row.who));
    item.set("operation", encode(&row.operation));
    item.set("old_status", text_or_null(row.old_status.as_deref()));
    item.set("new_status", text_or_null(row.new_status.as_deref()));
    item.set("changes", changes);
    item.finish()
}

fn item(row: &TaskRow) -> Splice<'_> {
    let projection = row.record.projection();
    let mut item = Splice::of(row.record.bytes());
    item.fill("title", "null");
    // A status that is there and holds keeps its spelling.
    let stored = projection.status.as_deref();
    if row.status.as_deref() != stored || !item.has("status") || stored.is_none_or(|is| is == TOMBSTONE) {
        item.set("status", text_or_null(row.status.as_deref()));
    }
    let priority = projection.priority.map_or_else(|| "null".to_owned(), |priority| priority.to_string());
    item.fill("priority", &priority);
    item.fill("issue_type", &text_or_null(projection.issue_type.as_deref()));
    if let Some(expired) = &row.expired_claim_of {
        item.set("assignee", "null".to_owned());
        item.set("expired_claim_of", encode(expired));
    } else {
        item.fill("assignee", "null");
        item.replace("expired_claim_of", "null");
    }
    for key in ["created_at", "updated_at", "closed_at"] {
        item.fill(key, "null");
    }
    item.fill("labels", "[]");
    item.set("dependency_count", row.dependency_count.to_string());
    item.set("dependent_count", row.dependent_count.to_string());
    item.set("comment_count", row.comment_count.to_string());
    item.set("parent", text_or_null(row.parent.as_deref()));
    item.set("blocked_by_others", row.blocked.to_string());
    item
}

fn item_or_missing<'row>(id: &str, row: Option<&'row TaskRow>) -> Splice<'row> {
    if let Some(row) = row {
        return item(row);
    }
    let mut missing = Splice::empty();
    missing.set("id", encode(id));
    missing.set("missing", "true".to_owned());
    missing
}

fn neighbour(neighbour: &Neighbour) -> String {
    let mut item = item_or_missing(&neighbour.id, neighbour.row.as_ref());
    item.set("dependency_type", encode(&neighbour.kind));
    item.into_json()
}

fn held_up(item: &mut Splice<'_>, by: &[Blocker]) {
    item.set("blocked_by", array(by.iter().map(|blocker| encode(&blocker.id))));
    item.set("blocked_why", array(by.iter().map(|blocker| encode(&blocker.why))));
}

fn array(elements: impl Iterator<Item = String>) -> String {
    format!("[{}]", elements.collect::<Vec<_>>().join(","))
}

fn text_or_null(text: Option<&str>) -> String {
    text.map_or_else(|| "null".to_owned(), encode)
}

#[cfg(test)]
mod tests;
