//! Taking a task, and keeping it.

use std::collections::BTreeSet;
use std::time::Duration;

use conclave_db::process::ProcessIdentity;
use conclave_db::{Db, ReadConn};

use super::{AttemptId, FAILED_LABEL, Hold, OpenAttempt, hold};
use crate::error::{Result, TaskError};
use crate::moment::Moment;
use crate::read::{AttemptOutcome, ReadyQuery, TaskRow};
use crate::store::attempts::{self, Begun, Ended, Made};
use crate::store::reading;
use crate::work::change::Work;
use crate::work::checks;
use crate::work::claim::{self, How, Standing};

/// Types that are done by doing their children.
const NOT_BY_ITSELF: &str = "epic";

/// What is wanted.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// With all of these labels.
    pub labels: Vec<String>,
    /// Of this type; without it of any but `epic`, which is done by its children.
    pub issue_type: Option<String>,
    /// Tasks that have failed too often ([`FAILED_LABEL`]) in place of all others.
    pub retry: bool,
    /// None of these: who has tried one that has failed too often leaves it alone from then on.
    pub tried: BTreeSet<String>,
    /// Who may do it, the one that is wanted most first. Of several it is not the one that has failed on it last.
    pub agents: Vec<String>,
    /// How long the claim lives.
    pub ttl: Duration,
    /// The process that dispatches.
    pub owner: ProcessIdentity,
}

impl Wanted {
    fn query(&self, limit: Option<u64>) -> ReadyQuery {
        let failed = vec![FAILED_LABEL.to_owned()];
        let mut labels = self.labels.clone();
        if self.retry {
            labels.extend(failed.clone());
        }
        ReadyQuery {
            labels,
            without_labels: if self.retry { Vec::new() } else { failed },
            issue_type: self.issue_type.clone(),
            without_types: if self.issue_type.is_some() {
                Vec::new()
            } else {
                vec![NOT_BY_ITSELF.to_owned()]
            },
            limit,
            ..ReadyQuery::default()
        }
    }

    /// The first so many that are ready.
    fn ids(&self, conn: &ReadConn<'_>, who: &str, now: i64, limit: Option<u64>) -> Result<Vec<String>> {
        if self.tried.is_empty() {
            return reading::claimable_ids(conn, &self.query(limit), who, now);
        }
        let mut ids = reading::claimable_ids(conn, &self.query(None), who, now)?;
        ids.retain(|id| !self.tried.contains(id));
        ids.truncate(limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX));
        Ok(ids)
    }

    /// Not the one that has failed last, where there is another.
    fn agent(&self, last: Option<&Made>) -> Result<String> {
        let failed = last.filter(|made| made.outcome != Some(AttemptOutcome::Answered));
        let other = |agent: &&String| failed.is_none_or(|made| made.agent != **agent);
        let agent = self.agents.iter().find(other).or_else(|| self.agents.first());
        agent.cloned().ok_or_else(|| TaskError::invalid("there is no agent to give a task to"))
    }
}

/// A task that is the dispatcher's.
#[derive(Debug, Clone)]
pub struct Taken {
    /// The task, as it is now.
    pub row: TaskRow,
    /// The attempt that is recorded. Nothing of it has been started.
    pub attempt: OpenAttempt,
    /// Earlier attempts that had no end: their claim was over, and they are lost now. What lives of them must be ended
    /// before anything is started.
    pub lost: Vec<OpenAttempt>,
}

/// The tasks that would be taken now, in their order. Nothing is changed.
pub fn ready(db: &Db, who: &str, wanted: &Wanted, limit: Option<u64>) -> Result<Vec<TaskRow>> {
    checks::actor(who)?;
    let now = reading::now_ns(db);
    db.read(|conn| {
        let ids = wanted.ids(conn, who, now, limit)?;
        let mut rows = Vec::with_capacity(ids.len());
        for id in ids {
            rows.extend(reading::row(conn, &id, now)?);
        }
        Ok(rows)
    })
}

/// Takes the first ready task for this dispatcher and records an attempt; `None` where nothing is ready. Both are durable
/// when it returns. What was left in the record of the last failure's wait goes.
pub fn take(db: &Db, who: &str, wanted: &Wanted) -> Result<Option<Taken>> {
    checks::actor(who)?;
    checks::ttl(Some(wanted.ttl))?;
    let (who, wanted) = (who.to_owned(), wanted.clone());
    db.write("task take", move |tx| {
        let mut work = Work::new(tx, &who);
        let now_ns = work.now_ns();
        let Some(id) = wanted.ids(tx, &who, now_ns, Some(1))?.pop() else {
            return Ok(None);
        };
        let before = work.any(&id)?;
        let how = match Standing::of(&before.record, &who, now_ns) {
            Standing::Free => How::Taken,
            Standing::Expired(from) => How::TakenOver { from },
            Standing::Held | Standing::Lost(_) => return Ok(None),
        };
        let lost = attempts::open(tx, Some(&id))?;
        for attempt in &lost {
            let error = Some("its claim was over, and the task was taken over");
            let ended = Ended { error, ..of_lost(before.record.projection().status.as_deref()) };
            attempts::end(tx, attempt.id, ended)?;
        }
        let was = before.record.projection();
        let last = attempts::last_made(tx, &id)?;
        let agent = wanted.agent(last.as_ref())?;
        let waited = attempts::waited_until(tx, &id)?;
        let after = claim::take(&mut work, &before, &how, Some(wanted.ttl), |edit| {
            if waited.is_some() && was.defer_until.map(Moment::ms) == waited {
                edit.remove("defer_until");
            }
            if wanted.retry {
                edit.remove_label(FAILED_LABEL);
            }
        })?;
        let attempt = attempts::begin(
            tx,
            Begun {
                task: &id,
                attempt: after.projection().attempt_count.saturating_add(1),
                who: &who,
                agent: &agent,
                owner: &wanted.owner,
                keeps_assignee: how == How::Taken && !was.has_expired(now_ns) && was.assignee.is_some(),
            },
        )?;
        work.settle()?;
        let row = work.row(&id)?;
        let attempt = attempts::open(tx, Some(&id))?.into_iter().find(|open| open.id == attempt);
        let attempt = attempt.ok_or_else(|| TaskError::not_found(id.as_str()))?;
        Ok(Some(Taken { row, attempt, lost }))
    })
}

pub(super) const fn of_lost(status: Option<&str>) -> Ended<'_> {
    Ended { outcome: AttemptOutcome::Lost, status, result: None, error: None, output: None, retry_at: None }
}

/// Stores who the agent's process is, so that it can be found when this one is gone.
pub fn started(db: &Db, attempt: AttemptId, child: &ProcessIdentity) -> Result<()> {
    let child = child.clone();
    db.write("task attempt started", move |tx| attempts::started(tx, attempt, &child))
}

/// Lets the claim live on; gives why it is lost where it is: then nothing was changed.
pub fn renew(db: &Db, attempt: AttemptId, ttl: Duration) -> Result<Option<String>> {
    checks::ttl(Some(ttl))?;
    // Most find that nothing is lost, and write; who finds that all is lost need not.
    db.write("task renew", move |tx| {
        let made = attempts::made(tx, attempt)?;
        let who = made.map(|made| made.who).unwrap_or_default();
        let mut work = Work::new(tx, &who);
        Ok(match hold(&work, attempt)? {
            None => Some("the attempt is gone".to_owned()),
            Some(Hold::Ended(_)) => Some("the claim was over, and the task was taken over".to_owned()),
            Some(Hold::Lost(_, why)) => Some(why),
            Some(Hold::Held(_, stored)) => {
                claim::take(&mut work, &stored, &How::Held, Some(ttl), |_| {})?;
                work.settle()?;
                None
            }
        })
    })
}
