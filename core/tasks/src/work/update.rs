//! Changes of fields.

use conclave_db::Db;

use crate::error::Result;
use crate::read::TaskRow;

/// What becomes of an optional field.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Set<T> {
    /// It stays.
    #[default]
    Keep,
    /// It is this.
    To(T),
    /// It goes.
    Clear,
}

/// A change of one task. All of it or nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Change {
    /// A known status, or one of `statuses`. `closed` sets `closed_at`, anything else takes it away; anything but
    /// `in_progress` ends a claim's time to live.
    pub status: Option<String>,
    /// Further statuses that the configuration allows.
    pub statuses: Vec<String>,
    /// 1 to 500 bytes.
    pub title: Option<String>,
    /// `description`
    pub description: Set<String>,
    /// `design`
    pub design: Set<String>,
    /// `acceptance_criteria`
    pub acceptance_criteria: Set<String>,
    /// `notes`
    pub notes: Set<String>,
    /// 0 to 4
    pub priority: Option<u8>,
    /// `issue_type`
    pub issue_type: Option<String>,
    /// Who is to do it.
    pub assignee: Set<String>,
    /// `due_at` as RFC 3339
    pub due_at: Set<String>,
    /// `defer_until` as RFC 3339
    pub defer_until: Set<String>,
    /// `external_ref`
    pub external_ref: Set<String>,
    /// `estimated_minutes`
    pub estimated_minutes: Set<u64>,
    /// What came of it: whole, never cut. Clears `last_error` unless an error comes with it.
    pub result: Set<String>,
    /// What went wrong: whole, never cut.
    pub error: Set<String>,
    /// The number of attempts; 0 resets it.
    pub attempt: Option<Attempt>,
    /// Labels to add.
    pub add_labels: Vec<String>,
    /// Labels to take away.
    pub remove_labels: Vec<String>,
    /// Labels instead of those that are there.
    pub set_labels: Option<Vec<String>>,
}

/// What becomes of the number of attempts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attempt {
    /// One more.
    Next,
    /// This many.
    Number(u64),
}

/// Changes tasks, all in one transaction; fails as a whole. Tombstones are refused. A change that changes nothing
/// leaves the record's bytes as they are and no audit row.
pub fn update(db: &Db, who: &str, ids: &[String], change: Change) -> Result<Vec<TaskRow>> {
    let _ = (db, who, ids, change);
    todo!("B2")
}
