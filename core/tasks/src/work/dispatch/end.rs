//! What came of an attempt, and what becomes of its task.

use std::time::Duration;

use conclave_db::Db;

use super::take::of_lost;
use super::{AttemptId, FAILED_LABEL, Hold, OpenAttempt, given_back, hold, wait};
use crate::error::{Result, TaskError};
use crate::moment::Moment;
use crate::read::AttemptOutcome;
use crate::record::{Edit, Projection};
use crate::store::attempts::{self, Begun, Ended, Made};
use crate::store::audit::Operation;
use crate::store::tasks::Stored;
use crate::store::{closing, reading};
use crate::words;
use crate::work::attempt::Outcome;
use crate::work::change::{Work, set_status};
use crate::work::update::{Attempt, Set};

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// The agent answered: the task is closed with the text as its result.
    Answered {
        /// Whole, never cut here.
        text: String,
    },
    /// It failed: the task is given back with the error, and waits.
    Failed {
        /// What went wrong.
        error: String,
        /// What the agent printed.
        output: Option<String>,
        /// How often, and how long it waits.
        rounds: Rounds,
    },
    /// Nobody could take it, which is not the task's fault: it is given back, and nothing is counted.
    PutOff {
        /// Why.
        error: String,
        /// What the agent printed.
        output: Option<String>,
        /// Not to be taken before this time, milliseconds since 1970; without it, it may be taken at once.
        until: Option<i64>,
    },
    /// The dispatcher ends: the task is given back, and nothing is counted.
    Stopped {
        /// What the agent had printed.
        output: Option<String>,
    },
}

/// How often a task is given back, and how long it waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rounds {
    /// After so many it is not taken again by itself; at least 1.
    pub most: u32,
    /// The first wait; each next one is twice as long.
    pub wait: Duration,
    /// None is longer.
    pub longest: Duration,
}

/// What became of the task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Came {
    /// It is closed.
    Closed {
        /// The ids that are ready now and were blocked before.
        ready: Vec<String>,
    },
    /// It was answered, and could not be closed: it is open, with its result.
    Open {
        /// What speaks against closing it.
        why: String,
    },
    /// It is open, and not to be taken before this time, milliseconds since 1970.
    Waits {
        /// When.
        until: i64,
    },
    /// It has failed too often: it is open, with [`FAILED_LABEL`].
    GivenUp,
    /// It is open, and nothing was counted.
    PutOff {
        /// Not to be taken before this time, milliseconds since 1970; absent where it may be taken at once.
        until: Option<i64>,
    },
    /// It is open, as before.
    Returned,
    /// It was not the dispatcher's any more, and nothing of it was changed. The attempt keeps what came of it.
    Lost {
        /// Why.
        why: String,
    },
}

/// Stores how an attempt ended and what becomes of its task, in one transaction: durable when it returns. May be repeated
/// where nobody knows whether it was done: an attempt ends once.
pub fn finish(db: &Db, attempt: AttemptId, end: &End) -> Result<Came> {
    let end = end.clone();
    db.write("task attempt ended", move |tx| {
        let who = attempts::made(tx, attempt)?.map(|made| made.who).unwrap_or_default();
        let mut work = Work::new(tx, &who);
        let (made, before) = match hold(&work, attempt)? {
            None => return Ok(Came::Lost { why: "the attempt is gone".to_owned() }),
            Some(Hold::Ended(made)) => return Ok(ended_before(&work, &made)),
            Some(Hold::Lost(made, why)) => {
                let (result, output) = match &end {
                    End::Answered { text } => (Some(text.as_str()), None),
                    End::Failed { output, .. } | End::PutOff { output, .. } | End::Stopped { output } => {
                        (None, output.as_deref())
                    }
                };
                let status = work.any(&made.task).ok();
                let status = status.as_ref().and_then(|stored| stored.record.projection().status.as_deref());
                let ended = Ended { result, output, error: Some(&why), ..of_lost(status) };
                attempts::end(tx, attempt, ended)?;
                return Ok(Came::Lost { why });
            }
            Some(Hold::Held(made, before)) => (made, before),
        };
        let ending = Ending { id: attempt, made, before };
        match &end {
            End::Answered { text } => ending.answered(&mut work, text),
            End::Failed { error, output, rounds } => {
                ending.failed(&mut work, error, output.as_deref(), *rounds)
            }
            End::PutOff { error, output, until } => {
                ending.put_off(&mut work, error, output.as_deref(), *until)
            }
            End::Stopped { output } => ending.stopped(&mut work, output.as_deref()),
        }
    })
}

/// Stores that an attempt failed and that the next one is made at once, by the same agent: gives that. `Err` inside where
/// the task is not the dispatcher's any more: why.
pub fn again(
    db: &Db,
    attempt: AttemptId,
    error: &str,
    output: Option<&str>,
) -> Result<std::result::Result<OpenAttempt, String>> {
    let (error, output) = (error.to_owned(), output.map(str::to_owned));
    db.write("task attempt again", move |tx| {
        let open = attempts::open(tx, None)?.into_iter().find(|open| open.id == attempt);
        let Some(open) = open else {
            return Ok(Err("the claim was over, and the task was taken over".to_owned()));
        };
        let mut work = Work::new(tx, &open.who);
        let (made, before) = match hold(&work, attempt)? {
            Some(Hold::Held(made, before)) => (made, before),
            Some(Hold::Lost(_, why)) => return Ok(Err(why)),
            Some(Hold::Ended(_)) | None => return Ok(Err("the attempt has ended".to_owned())),
        };
        let Some(owner) = &open.owner else {
            return Err(TaskError::invalid("the dispatcher of the attempt cannot be read"));
        };
        let now = work.after(&before.record);
        let was = before.record.projection();
        let mut edit = before.record.edit();
        of_failure(&error).apply(&mut edit, was.attempt_count);
        let after = work.put(&before, edit, now, Operation::Updated)?;
        let ended = Ended {
            outcome: AttemptOutcome::Retried,
            status: after.projection().status.as_deref(),
            result: None,
            error: Some(&error),
            output: output.as_deref(),
            retry_at: None,
        };
        attempts::end(tx, attempt, ended)?;
        let next = attempts::begin(
            tx,
            Begun {
                task: &made.task,
                attempt: after.projection().attempt_count.saturating_add(1),
                who: &made.who,
                agent: &made.agent,
                owner,
                keeps_assignee: made.keeps_assignee,
            },
        )?;
        work.settle()?;
        let open = attempts::open(tx, Some(&made.task))?.into_iter().find(|open| open.id == next);
        Ok(open.ok_or_else(|| "the attempt is gone".to_owned()))
    })
}

/// An attempt that ends, and its task.
struct Ending {
    id: AttemptId,
    made: Made,
    before: Stored,
}

impl Ending {
    fn answered(&self, work: &mut Work<'_, '_>, text: &str) -> Result<Came> {
        let why = self.open_ends(work)?;
        let now = work.after(&self.before.record);
        let was = self.before.record.projection();
        let mut edit = self.before.record.edit();
        match &why {
            None => {
                set_status(&mut edit, was, words::CLOSED, now);
                edit.set_text("close_reason", "done");
            }
            Some(_) => self.give_back(&mut edit, was, now),
        }
        let error = why.as_ref().map(|why| format!("answered, but not closed: {why}"));
        let outcome = Outcome {
            result: Set::To(text.to_owned()),
            error: error.clone().map_or(Set::Keep, Set::To),
            attempt: Some(Attempt::Next),
        };
        outcome.apply(&mut edit, was.attempt_count);
        let operation = if why.is_none() { Operation::Closed } else { Operation::Updated };
        let after = work.put(&self.before, edit, now, operation)?;
        let ended = Ended {
            outcome: AttemptOutcome::Answered,
            status: after.projection().status.as_deref(),
            result: Some(text),
            error: error.as_deref(),
            output: None,
            retry_at: None,
        };
        attempts::end(work.tx, self.id, ended)?;
        let mut ready = Vec::new();
        for id in work.settle()? {
            let number = reading::number(work.tx, &id)?;
            if number.map_or(Ok(false), |number| reading::is_ready(work.tx, number, work.now_ns()))? {
                ready.push(id);
            }
        }
        Ok(why.map_or(Came::Closed { ready }, |why| Came::Open { why }))
    }

    fn failed(
        &self,
        work: &mut Work<'_, '_>,
        error: &str,
        output: Option<&str>,
        rounds: Rounds,
    ) -> Result<Came> {
        let before = given_back(work.tx, &self.made.task)?;
        let is_last = before.saturating_add(1) >= rounds.most;
        let wait = wait(rounds.wait, rounds.longest, before);
        let wait = i64::try_from(wait.as_millis()).unwrap_or(i64::MAX);
        // By the clock that says when it is over.
        let until = (!is_last).then(|| work.tx.now_ms().saturating_add(wait));
        let now = work.after(&self.before.record);
        let was = self.before.record.projection();
        let mut edit = self.before.record.edit();
        self.give_back(&mut edit, was, now);
        of_failure(error).apply(&mut edit, was.attempt_count);
        match until {
            Some(until) => _ = edit.set_text("defer_until", &Moment::from_ms(until).text()),
            None => _ = edit.add_label(FAILED_LABEL),
        }
        let after = work.put(&self.before, edit, now, Operation::Updated)?;
        let ended = Ended {
            outcome: AttemptOutcome::Failed,
            status: after.projection().status.as_deref(),
            result: None,
            error: Some(error),
            output,
            retry_at: until,
        };
        attempts::end(work.tx, self.id, ended)?;
        work.settle()?;
        Ok(until.map_or(Came::GivenUp, |until| Came::Waits { until }))
    }

    fn put_off(
        &self,
        work: &mut Work<'_, '_>,
        error: &str,
        output: Option<&str>,
        until: Option<i64>,
    ) -> Result<Came> {
        let now = work.after(&self.before.record);
        let was = self.before.record.projection();
        let mut edit = self.before.record.edit();
        self.give_back(&mut edit, was, now);
        if let Some(until) = until {
            let why = Outcome { result: Set::Keep, error: Set::To(error.to_owned()), attempt: None };
            why.apply(&mut edit, was.attempt_count);
            edit.set_text("defer_until", &Moment::from_ms(until).text());
        }
        let after = work.put(&self.before, edit, now, Operation::Updated)?;
        let ended = Ended {
            outcome: AttemptOutcome::Stopped,
            status: after.projection().status.as_deref(),
            result: None,
            error: Some(error),
            output,
            retry_at: until,
        };
        attempts::end(work.tx, self.id, ended)?;
        work.settle()?;
        Ok(Came::PutOff { until })
    }

    fn stopped(&self, work: &mut Work<'_, '_>, output: Option<&str>) -> Result<Came> {
        let now = work.after(&self.before.record);
        let mut edit = self.before.record.edit();
        self.give_back(&mut edit, self.before.record.projection(), now);
        let after = work.put(&self.before, edit, now, Operation::Updated)?;
        let ended = Ended {
            outcome: AttemptOutcome::Stopped,
            status: after.projection().status.as_deref(),
            result: None,
            error: None,
            output,
            retry_at: None,
        };
        attempts::end(work.tx, self.id, ended)?;
        work.settle()?;
        Ok(Came::Returned)
    }

    fn give_back(&self, edit: &mut Edit, was: &Projection, now: Moment) {
        set_status(edit, was, words::OPEN, now);
        if !self.made.keeps_assignee {
            edit.remove("assignee");
        }
    }

    /// What speaks against closing the task: what came up while it was worked on.
    fn open_ends(&self, work: &Work<'_, '_>) -> Result<Option<String>> {
        let blockers = closing::blockers(work.tx, self.before.number)?;
        let is_epic = self.before.record.projection().issue_type.as_deref() == Some("epic");
        let children = if is_epic { closing::open_children(work.tx, &self.made.task)? } else { Vec::new() };
        let why = blockers.first().map(|blocker| format!("it waits for {}", blocker.words()));
        let of_epic = children.first().map(|child| format!("a child is not closed: {}", child.words()));
        Ok(why.or(of_epic))
    }
}

fn of_failure(error: &str) -> Outcome {
    Outcome { result: Set::Keep, error: Set::To(error.to_owned()), attempt: Some(Attempt::Next) }
}

/// What an attempt came to that was ended before: by this call's first run, or by others.
fn ended_before(work: &Work<'_, '_>, made: &Made) -> Came {
    let task = work.any(&made.task).ok();
    let is_closed =
        task.is_some_and(|task| task.record.projection().status.as_deref() == Some(words::CLOSED));
    match (made.outcome, made.retry_at) {
        (Some(AttemptOutcome::Answered), _) if is_closed => Came::Closed { ready: Vec::new() },
        (Some(AttemptOutcome::Answered), _) => Came::Open { why: "others came up meanwhile".to_owned() },
        (Some(AttemptOutcome::Failed | AttemptOutcome::Retried), Some(until)) => Came::Waits { until },
        (Some(AttemptOutcome::Failed | AttemptOutcome::Retried), None) => Came::GivenUp,
        (Some(AttemptOutcome::Stopped), None) => Came::Returned,
        (Some(AttemptOutcome::Stopped), until) => Came::PutOff { until },
        (Some(AttemptOutcome::Lost) | None, _) => {
            Came::Lost { why: "the claim was over, and the task was taken over".to_owned() }
        }
    }
}
