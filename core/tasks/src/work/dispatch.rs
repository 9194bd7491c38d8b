//! What the dispatcher does with tasks: takes one and records an attempt, and stores what came of it.
//!
//! A task is taken and its attempt recorded in one transaction, and the attempt's end and what becomes of the task are
//! one transaction too. So a task that is in progress for the dispatcher has one attempt without an end, and whoever has
//! ended that attempt has the task: a dispatcher that was stopped for longer than its claim lived finds its attempt
//! ended, and changes nothing of the task any more.

mod end;
mod lose;
mod take;

use std::time::Duration;

use conclave_db::process::ProcessIdentity;
use conclave_db::{Db, ReadConn};

pub use self::end::{Came, End, Rounds, again, finish};
pub use self::lose::lose;
pub use self::take::{Taken, Wanted, ready, renew, started, take};
use super::change::Work;
use crate::error::Result;
use crate::store::attempts::{self, Made};
use crate::store::tasks::Stored;
use crate::words;

/// The label of a task that has failed too often: the dispatcher leaves it alone.
pub const FAILED_LABEL: &str = "work-failed";

/// One attempt of the dispatcher: its number in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AttemptId(pub i64);

/// An attempt that has no end yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenAttempt {
    /// Which.
    pub id: AttemptId,
    /// The task.
    pub task: String,
    /// Which of the task's, from 1; one that is lost or stopped does not count.
    pub attempt: u64,
    /// Whose claim it is.
    pub who: String,
    /// Who works on the task.
    pub agent: String,
    /// Since when, milliseconds since 1970.
    pub started_at: i64,
    /// The process that dispatches it; absent where what is stored cannot be read.
    pub owner: Option<ProcessIdentity>,
    /// The process of the agent, as soon as it was there.
    pub child: Option<ProcessIdentity>,
}

impl OpenAttempt {
    /// What all processes of this attempt have in their environment, and no other's.
    pub fn mark(&self, db: &Db) -> String {
        format!("task-attempt {} of {}@{}", self.id.0, self.started_at, db.path().display())
    }
}

/// Attempts that have no end: those that are under way, and those whose dispatcher is gone. The oldest first.
pub fn open(db: &Db) -> Result<Vec<OpenAttempt>> {
    db.read(|conn| attempts::open(conn, None))
}

/// How a task stands to the dispatcher that has recorded an attempt.
enum Hold {
    /// It is its own.
    Held(Made, Stored),
    /// It is not any more: why. The attempt has no end yet.
    Lost(Made, String),
    /// The attempt has ended already.
    Ended(Made),
}

/// Whether the task of an attempt is still its dispatcher's.
fn hold(work: &Work<'_, '_>, id: AttemptId) -> Result<Option<Hold>> {
    let Some(made) = attempts::made(work.tx, id)? else { return Ok(None) };
    if made.outcome.is_some() {
        return Ok(Some(Hold::Ended(made)));
    }
    let Some(stored) = crate::store::tasks::find(work.tx, &made.task)? else {
        return Ok(Some(Hold::Lost(made, "the task is gone".to_owned())));
    };
    let was = stored.record.projection();
    let why = match (was.status.as_deref(), was.assignee.as_deref()) {
        // The dispatcher's claims always end; people's mostly do not.
        (Some(words::IN_PROGRESS), Some(holder)) if was.claim_expires_at.is_none() => {
            format!("{holder} has claimed the task for good")
        }
        (Some(words::IN_PROGRESS), Some(holder)) if holder == made.who => {
            return Ok(Some(Hold::Held(made, stored)));
        }
        (Some(words::IN_PROGRESS), Some(holder)) => format!("{holder} has the task"),
        (Some(words::TOMBSTONE), _) => "the task was deleted".to_owned(),
        (status, _) => format!("the task is {} now", status.unwrap_or("in a status that cannot be read")),
    };
    Ok(Some(Hold::Lost(made, why)))
}

/// How long a task waits after it was given back so often: `base`, doubled each time, at most `longest`.
fn wait(base: Duration, longest: Duration, given_back: u32) -> Duration {
    let factor = 1_u32.checked_shl(given_back).filter(|factor| *factor > 0).unwrap_or(u32::MAX);
    base.saturating_mul(factor).min(longest)
}

/// How often a task was given back.
fn given_back(conn: &ReadConn<'_>, task: &str) -> Result<u32> {
    attempts::given_back(conn, task)
}

#[cfg(test)]
mod tests;
