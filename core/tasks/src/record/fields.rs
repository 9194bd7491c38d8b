//! The fields that are known, in the order in which a new one is put into a record.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::json::Kind;

/// A field of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// The key.
    pub key: &'static str,
    /// What its value is where it is as expected; `None` for any.
    pub kind: Option<Kind>,
}

const fn field(key: &'static str, kind: Kind) -> Field {
    Field { key, kind: Some(kind) }
}

use Kind::{Array, Boolean, Number, Text};

/// All fields, in the order of the table of facts 2.3 (bd's own order of members for those that bd has), ours last.
/// Ours, unknown to bd and kept by it as little as any unknown key: `result`, `last_error`, `attempt_count` (the names
/// of the original's export) and `claim_expires_at`.
pub const FIELDS: &[Field] = &[
    field("_type", Text),
    field("id", Text),
    field("content_hash", Text),
    field("title", Text),
    field("description", Text),
    field("design", Text),
    field("acceptance_criteria", Text),
    field("notes", Text),
    field("spec_id", Text),
    field("status", Text),
    field("priority", Number),
    field("issue_type", Text),
    field("type", Text),
    field("assignee", Text),
    field("owner", Text),
    field("estimated_minutes", Number),
    field("created_at", Text),
    field("created_by", Text),
    field("updated_at", Text),
    field("closed_at", Text),
    field("close_reason", Text),
    field("closed_by_session", Text),
    field("started_at", Text),
    field("due_at", Text),
    field("defer_until", Text),
    field("external_ref", Text),
    field("source_system", Text),
    Field { key: "metadata", kind: None },
    field("compaction_level", Number),
    field("compacted_at", Text),
    field("compacted_at_commit", Text),
    field("original_size", Number),
    field("source_repo", Text),
    field("labels", Array),
    field("dependencies", Array),
    field("comments", Array),
    field("deleted_at", Text),
    field("deleted_by", Text),
    field("delete_reason", Text),
    field("original_type", Text),
    field("sender", Text),
    field("ephemeral", Boolean),
    field("wisp", Boolean),
    field("wisp_type", Text),
    field("no_history", Boolean),
    field("replies_to", Text),
    field("relates_to", Array),
    field("duplicate_of", Text),
    field("superseded_by", Text),
    field("pinned", Boolean),
    field("is_template", Boolean),
    field("bonded_from", Array),
    Field { key: "creator", kind: None },
    field("validations", Array),
    field("quality_score", Number),
    field("crystallizes", Boolean),
    field("await_type", Text),
    field("await_id", Text),
    field("timeout", Number),
    field("waiters", Array),
    field("holder", Text),
    field("source_formula", Text),
    field("source_location", Text),
    field("hook_bead", Text),
    field("role_bead", Text),
    field("agent_state", Text),
    field("last_activity", Text),
    field("role_type", Text),
    field("rig", Text),
    field("mol_type", Text),
    field("work_type", Text),
    field("event_kind", Text),
    field("actor", Text),
    field("target", Text),
    field("payload", Text),
    field("dependency_count", Number),
    field("dependent_count", Number),
    field("comment_count", Number),
    field("parent", Text),
    field("_deleted", Boolean),
    field("_deleted_at", Text),
    field("result", Text),
    field("last_error", Text),
    field("attempt_count", Number),
    field("claim_expires_at", Text),
];

/// The fields whose text is a moment.
pub(super) const TIMES: [&str; 11] = [
    "created_at",
    "updated_at",
    "closed_at",
    "started_at",
    "due_at",
    "defer_until",
    "compacted_at",
    "deleted_at",
    "_deleted_at",
    "last_activity",
    "claim_expires_at",
];

/// A field and what reading a record asks about it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known {
    /// The field.
    pub(super) field: &'static Field,
    /// Where it stands in [`FIELDS`].
    pub(super) place: usize,
    /// Whether it is one of [`TIMES`].
    pub(super) is_time: bool,
}

/// What is known about a key.
pub(super) fn known(key: &str) -> Option<Known> {
    static KNOWN: LazyLock<HashMap<&str, Known>> = LazyLock::new(|| {
        let known = |(place, field): (usize, &'static Field)| {
            (field.key, Known { field, place, is_time: TIMES.contains(&field.key) })
        };
        FIELDS.iter().enumerate().map(known).collect()
    });
    KNOWN.get(key).copied()
}

/// Where a key stands among others in a record that Conclave writes: unknown ones last.
pub(super) fn place(key: &str) -> usize {
    known(key).map_or(FIELDS.len(), |known| known.place)
}
