//! Claims: compare and set. Of any number of claimants one gets the task.

use std::time::Duration;

use conclave_db::Db;

use super::change::{Work, set_status};
use super::checks;
use crate::error::{Result, TaskError};
use crate::moment::Moment;
use crate::read::{ReadyQuery, TaskRow};
use crate::record::{Edit, Record};
use crate::store::audit::Operation;
use crate::store::reading;
use crate::store::tasks::Stored;
use crate::words;

/// A claim that was won.
#[derive(Debug, Clone, PartialEq)]
pub struct Claimed {
    /// The task as it is now.
    pub row: TaskRow,
    /// How it was won.
    pub how: How,
}

/// How a claim was won.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum How {
    /// It was free.
    Taken,
    /// The claimant had it already; a time to live is extended.
    Held,
    /// The claim of this one had expired.
    TakenOver {
        /// Who had it.
        from: String,
    },
}

/// Claims one task: it is `in_progress` and `who` is its assignee. Fails with `NotClaimable` where somebody else has it
/// (or an open task is assigned to somebody else), and where it is neither open nor held by `who`. With `ttl` the claim
/// expires then unless it is repeated; a repeated claim without one keeps what it has.
pub fn claim(db: &Db, who: &str, id: &str, ttl: Option<Duration>) -> Result<Claimed> {
    checks::actor(who)?;
    checks::ttl(ttl)?;
    let (who, id) = (who.to_owned(), id.to_owned());
    db.write("task claim", move |tx| {
        let mut work = Work::new(tx, &who);
        let before = work.any(&id)?;
        let standing = Standing::of(&before.record, &who, work.now_ns());
        let how = match standing {
            Standing::Free => How::Taken,
            Standing::Held => How::Held,
            Standing::Expired(from) => How::TakenOver { from },
            Standing::Lost(why) => return Err(TaskError::NotClaimable { id: id.clone(), why }),
        };
        take(&mut work, &before, &how, ttl, |_| {})?;
        work.settle()?;
        Ok(Claimed { row: work.row(&id)?, how })
    })
}

/// Claims the first tasks of a ready list, at most `query.limit` (one without it), in one transaction. Empty where
/// nothing is ready. Never gives what is claimed already, also not to the same one, nor an open task that is assigned to
/// somebody else.
pub fn claim_ready(db: &Db, who: &str, query: &ReadyQuery, ttl: Option<Duration>) -> Result<Vec<TaskRow>> {
    checks::actor(who)?;
    checks::ttl(ttl)?;
    let who = who.to_owned();
    let query = ReadyQuery { limit: query.limit.or(Some(1)), ..query.clone() };
    db.write("task claim ready", move |tx| {
        let mut work = Work::new(tx, &who);
        let ids = reading::claimable_ids(tx, &query, &who, work.now_ns())?;
        let mut claimed = Vec::with_capacity(ids.len());
        for id in ids {
            let before = work.any(&id)?;
            let how = match Standing::of(&before.record, &who, work.now_ns()) {
                Standing::Free => How::Taken,
                Standing::Expired(from) => How::TakenOver { from },
                Standing::Held | Standing::Lost(_) => continue,
            };
            take(&mut work, &before, &how, ttl, |_| {})?;
            claimed.push(id);
        }
        work.rows(&claimed)
    })
}

/// How a task stands to who wants it.
pub(super) enum Standing {
    /// It is open, and nobody else's.
    Free,
    /// It has it already.
    Held,
    /// The claim of this one has expired.
    Expired(String),
    /// It cannot be had: why.
    Lost(String),
}

impl Standing {
    pub(super) fn of(record: &Record, who: &str, now_ns: i64) -> Self {
        let was = record.projection();
        let holder = was.assignee.as_deref();
        if was.has_expired(now_ns) {
            // One's own is taken anew, like one that nobody's name is on.
            return holder
                .filter(|holder| *holder != who)
                .map_or(Self::Free, |holder| Self::Expired(holder.to_owned()));
        }
        match (was.status.as_deref(), holder) {
            (Some(words::OPEN), None) => Self::Free,
            (Some(words::OPEN), Some(holder)) if holder == who => Self::Free,
            (Some(words::OPEN), Some(holder)) => Self::Lost(format!("it is assigned to {holder}")),
            (Some(words::IN_PROGRESS), Some(holder)) if holder == who => Self::Held,
            (Some(words::IN_PROGRESS), Some(holder)) => {
                let until =
                    was.claim_expires_at.map(|end| format!(" until {}", end.text())).unwrap_or_default();
                Self::Lost(format!("{holder} has it{until}"))
            }
            (Some(words::TOMBSTONE), _) => Self::Lost("it is deleted".to_owned()),
            (Some(status), _) => Self::Lost(format!("its status is {status}, and not open")),
            (None, _) => Self::Lost("its status cannot be read".to_owned()),
        }
    }
}

/// Makes it `who`'s, until the time is over; `further` changes what else goes with that. Gives what it is now.
pub(super) fn take(
    work: &mut Work<'_, '_>,
    before: &Stored,
    how: &How,
    ttl: Option<Duration>,
    further: impl FnOnce(&mut Edit),
) -> Result<Record> {
    let now = work.after(&before.record);
    let mut edit = before.record.edit();
    set_status(&mut edit, before.record.projection(), words::IN_PROGRESS, now);
    edit.set_text("assignee", work.who);
    match (ttl, how) {
        (Some(ttl), _) => {
            let ttl = i64::try_from(ttl.as_millis()).unwrap_or(i64::MAX);
            // By the clock that says when it is over.
            let end = Moment::from_ms(work.tx.now_ms().saturating_add(ttl));
            edit.set_text("claim_expires_at", &end.text());
        }
        (None, How::Held) => {}
        (None, How::Taken | How::TakenOver { .. }) => _ = edit.remove("claim_expires_at"),
    }
    further(&mut edit);
    let operation =
        if matches!(how, How::TakenOver { .. }) { Operation::TakenOver } else { Operation::Claimed };
    work.put(before, edit, now, operation)
}
