//! Closing.

use conclave_db::Db;

use super::attempt::Outcome;
use super::change::{Work, distinct, set_status};
use super::checks;
use super::update::{Attempt, Set};
use crate::error::{Result, TaskError};
use crate::read::TaskRow;
use crate::store::audit::Operation;
use crate::store::closing::{self, Unfinished};
use crate::store::reading;
use crate::store::tasks::Stored;
use crate::words;

const FORCE: &str = "close them first, or close it anyway: conclave task close --force";

/// How many others a refusal names.
const NAMED: usize = 5;

/// How tasks are closed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Closing {
    /// `close_reason`
    pub reason: Option<String>,
    /// What came of it.
    pub result: Option<String>,
    /// What went wrong.
    pub error: Option<String>,
    /// The number of attempts.
    pub attempt: Option<Attempt>,
    /// Also with open blockers, or as an epic with open children.
    pub force: bool,
}

/// What closing has done.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Closed {
    /// The tasks, as they are now.
    pub rows: Vec<TaskRow>,
    /// The ids that are ready now and were blocked before.
    pub ready: Vec<String>,
    /// The ids of those that were closed before: they keep their time and their reason.
    pub already: Vec<String>,
}

/// Closes tasks, all in one transaction. Refused where others that are unfinished block one, or where it is an epic with
/// open children, unless forced; others of the same call are no hindrance. One that is closed already keeps when and why
/// it was closed; a result, an error or an attempt is written nevertheless.
pub fn close(db: &Db, who: &str, ids: &[String], how: &Closing) -> Result<Closed> {
    checks::actor(who)?;
    checks::attempt(how.attempt)?;
    let (who, ids, how) = (who.to_owned(), distinct(ids), how.clone());
    let given = |text: &Option<String>| text.clone().map_or(Set::Keep, Set::To);
    let outcome = Outcome { result: given(&how.result), error: given(&how.error), attempt: how.attempt };
    db.write("task close", move |tx| {
        let mut work = Work::new(tx, &who);
        let (mut closed, mut already) = (Vec::new(), Vec::new());
        for id in &ids {
            let mut before = work.living(id)?;
            let now = work.after(&before.record);
            if before.record.projection().status.as_deref() == Some(words::CLOSED) {
                before = work.mend(&before, now)?;
                let mut edit = before.record.edit();
                outcome.apply(&mut edit, before.record.projection().attempt_count);
                let after = work.put(&before, edit, now, Operation::Updated)?;
                outcome.write(&work, &after)?;
                already.push(id.clone());
                continue;
            }
            let was = before.record.projection();
            let mut edit = before.record.edit();
            set_status(&mut edit, was, words::CLOSED, now);
            if let Some(reason) = how.reason.as_deref().filter(|reason| !reason.is_empty()) {
                edit.set_text("close_reason", reason);
            }
            outcome.apply(&mut edit, was.attempt_count);
            let after = work.put(&before, edit, now, Operation::Closed)?;
            outcome.write(&work, &after)?;
            closed.push(Stored { number: before.number, record: after });
        }
        if !how.force {
            refuse_unfinished(&work, &closed)?;
        }
        let freed = work.settle()?;
        let rows = ids.iter().map(|id| work.row(id)).collect::<Result<Vec<_>>>()?;
        let mut ready = Vec::new();
        for id in freed {
            let number = reading::number(tx, &id)?;
            if number.map_or(Ok(false), |number| reading::is_ready(tx, number, work.now_ns()))? {
                ready.push(id);
            }
        }
        Ok(Closed { rows, ready, already: already.clone() })
    })
}

/// Refuses what is closed while others hold it up, or while it is an epic with work left. Asked when all of a call are
/// closed, so that none of them holds up another; the refusal takes the whole transaction back.
pub(super) fn refuse_unfinished(work: &Work<'_, '_>, closed: &[Stored]) -> Result<()> {
    for Stored { number, record } in closed {
        let id = record.id();
        let blockers = closing::blockers(work.tx, *number)?;
        if !blockers.is_empty() {
            let why = format!("{id} waits for {}", listed(&blockers));
            return Err(TaskError::refused(why, Some(FORCE)));
        }
        if record.projection().issue_type.as_deref() == Some("epic") {
            let children = closing::open_children(work.tx, id)?;
            if !children.is_empty() {
                let why = format!("{id} is an epic with children that are not closed: {}", listed(&children));
                return Err(TaskError::refused(why, Some(FORCE)));
            }
        }
    }
    Ok(())
}

/// The first few, and how many more there are.
fn listed(all: &[Unfinished]) -> String {
    let first = all.iter().take(NAMED).map(Unfinished::words).collect::<Vec<_>>().join("; ");
    match all.len().checked_sub(NAMED) {
        None | Some(0) => first,
        Some(more) => format!("{first}; and {more} more"),
    }
}
