//! Tasks as JSON, in the shapes of Beads (facts 2.7): the record's own members, byte for byte, with the effective
//! status and what is computed put in.
//!
//! `id`, `title`, `status`, `priority`, `issue_type`, `assignee`, `created_at`, `updated_at`, `closed_at` and `labels`
//! are always there, `null` (or `[]`) where unknown; all other keys as the record has them.

use serde_json::value::RawValue;

use crate::read::{AuditRow, BlockedRow, Detail, TaskRow, Tree};

/// An item of a list: with `dependency_count`, `dependent_count`, `comment_count`, `parent`, `blocked_by_others`
/// (whether others hold it up); `expired_claim_of` where a claim has expired.
pub fn listed(row: &TaskRow) -> Box<RawValue> {
    let _ = row;
    todo!("B3")
}

/// One task in full: `dependencies` and `dependents` are listed items with `dependency_type` (only `id` and `missing`
/// where the task does not exist), with `comments`, `blocked_by` and `ready`.
pub fn shown(detail: &Detail) -> Box<RawValue> {
    let _ = detail;
    todo!("B3")
}

/// An item of the blocked list: a listed item with `blocked_by_count`, `blocked_by` (ids) and `blocked_why` (words).
pub fn blocked(row: &BlockedRow) -> Box<RawValue> {
    let _ = row;
    todo!("B3")
}

/// A node of a tree: a listed item with `depth`, `dependency_type`, `repeated`.
pub fn node(node: &Tree) -> Box<RawValue> {
    let _ = node;
    todo!("B3")
}

/// An audit row: `number`, `task_id`, `at` (RFC 3339), `who`, `operation`, `old_status`, `new_status`, `changes`.
pub fn audited(row: &AuditRow) -> Box<RawValue> {
    let _ = row;
    todo!("B3")
}
