//! The fields that are known, in the order in which a new one is put into a record.

use crate::json::Kind;

/// A field of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// The key.
    pub key: &'static str,
    /// What its value is where it is as expected; `None` for any.
    pub kind: Option<Kind>,
}

/// All fields, in the order of the table of facts 2.3 (bd's own order of members for those that bd has), ours last.
/// Ours, unknown to bd and kept by it as little as any unknown key: `result`, `last_error`, `attempt_count` (the names
/// of the original's export) and `claim_expires_at`.
pub const FIELDS: &[Field] = &[];
