//! What has happened to a task.

use conclave_db::Db;
use conclave_db::process::ProcessIdentity;

use crate::error::{Result, TaskError};
use crate::store::{attempts, history, reading};

/// One change.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditRow {
    /// Grows with every change of any task.
    pub number: i64,
    /// The task.
    pub task_id: String,
    /// When, milliseconds since 1970.
    pub at: i64,
    /// Who.
    pub who: String,
    /// What: "created", "claimed", …
    pub operation: String,
    /// The status before, where there was one.
    pub old_status: Option<String>,
    /// The status after.
    pub new_status: Option<String>,
    /// `{"KEY": {"old": …, "new": …}}` as JSON.
    pub changes: Option<String>,
}

/// One attempt: what somebody wrote of one, or one of the dispatcher, which also has what stands from `agent` on.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct AttemptRow {
    /// Which, from 1.
    pub attempt: u64,
    /// When it was last written, milliseconds since 1970.
    pub at: i64,
    /// Who.
    pub who: String,
    /// The status after it; while it is under way, the status during it.
    pub status: Option<String>,
    /// What came of it, whole.
    pub result: Option<String>,
    /// What went wrong, whole.
    pub error: Option<String>,
    /// Whom the dispatcher gave the task.
    pub agent: Option<String>,
    /// When it was begun, milliseconds since 1970.
    pub started_at: Option<i64>,
    /// When it ended; absent while it is under way, or since its dispatcher is gone and nobody has noticed.
    pub ended_at: Option<i64>,
    /// How it ended.
    pub outcome: Option<AttemptOutcome>,
    /// What the agent printed, up to a limit, where that is not the result.
    pub output: Option<String>,
    /// When the task may be taken again, milliseconds since 1970.
    pub retry_at: Option<i64>,
    /// The process that dispatches it.
    pub owner: Option<ProcessIdentity>,
    /// The process of the agent, as soon as it is there.
    pub child: Option<ProcessIdentity>,
}

/// How an attempt of the dispatcher ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum AttemptOutcome {
    /// The agent answered.
    Answered,
    /// It failed, and the next attempt followed at once.
    Retried,
    /// It failed, and the task was given back.
    Failed,
    /// The dispatcher was told to end; or, with an error, nobody could take the task.
    Stopped,
    /// The dispatcher is gone, or somebody else has the task.
    Lost,
}

impl AttemptOutcome {
    const ALL: [Self; 5] = [Self::Answered, Self::Retried, Self::Failed, Self::Stopped, Self::Lost];

    /// The word for it in the database and in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Retried => "retried",
            Self::Failed => "failed",
            Self::Stopped => "stopped",
            Self::Lost => "lost",
        }
    }

    pub(crate) fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == word)
    }
}

/// The changes of a task, also of one that is gone, the newest first. `NotFound` where there are none.
pub fn audit(db: &Db, id: &str, limit: Option<u64>) -> Result<Vec<AuditRow>> {
    let rows = db.read(|conn| history::audit(conn, id, limit))?;
    if rows.is_empty() { Err(TaskError::not_found(id)) } else { Ok(rows) }
}

/// What merges of both sides' changes had to decide, of one task (its full id) or of all, the newest first: rows whose
/// operation is "conflict" and whose changes are `{"KEY": {"base": …, "left": …, "right": …, "decided": TEXT}}`, ours
/// on the left; the key is empty for a record as a whole.
pub fn conflicts(db: &Db, id: Option<&str>, limit: Option<u64>) -> Result<Vec<AuditRow>> {
    db.read(|conn| history::conflicts(conn, id, limit))
}

/// The attempts of a task, the newest first. `NotFound` where there are none and no such task.
pub fn attempts(db: &Db, id: &str) -> Result<Vec<AttemptRow>> {
    db.read(|conn| {
        let rows = attempts::of_task(conn, id)?;
        if rows.is_empty() && reading::number(conn, id)?.is_none() {
            return Err(TaskError::not_found(id));
        }
        Ok(rows)
    })
}

#[cfg(test)]
mod tests;
