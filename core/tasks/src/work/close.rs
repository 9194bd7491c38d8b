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

const FORCE: &str = "close them first, or close it anyway with --force";

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

/// Closes tasks, all in one transaction. A closed one stays as it is. Refused where others that are unfinished block
/// one, or where it is an epic with open children, unless forced. Gives the tasks, and the ids that are ready now and
/// were blocked before.
pub fn close(db: &Db, who: &str, ids: &[String], how: &Closing) -> Result<(Vec<TaskRow>, Vec<String>)> {
    checks::actor(who)?;
    checks::attempt(how.attempt)?;
    let (who, ids, how) = (who.to_owned(), distinct(ids), how.clone());
    let given = |text: &Option<String>| text.clone().map_or(Set::Keep, Set::To);
    let outcome = Outcome { result: given(&how.result), error: given(&how.error), attempt: how.attempt };
    db.write("task close", move |tx| {
        let mut work = Work::new(tx, &who);
        for id in &ids {
            let before = work.living(id)?;
            let was = before.record.projection();
            if was.status.as_deref() == Some(words::CLOSED) {
                continue;
            }
            if !how.force {
                refuse_unfinished(&work, &before, &ids)?;
            }
            let now = work.after(&before.record);
            let mut edit = before.record.edit();
            set_status(&mut edit, was, words::CLOSED, now);
            if let Some(reason) = how.reason.as_deref().filter(|reason| !reason.is_empty()) {
                edit.set_text("close_reason", reason);
            }
            outcome.apply(&mut edit, was.attempt_count);
            let after = work.put(&before, edit, now, Operation::Closed)?;
            outcome.write(&work, &after)?;
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
        Ok((rows, ready))
    })
}

/// Refuses what others hold up, and an epic with work left, but for those that are closed in the same call.
fn refuse_unfinished(work: &Work<'_, '_>, before: &Stored, ids: &[String]) -> Result<()> {
    let others = |all: Vec<Unfinished>| -> Vec<String> {
        let left = all.into_iter().filter(|other| !ids.contains(&other.id));
        left.map(|other| format!("{} ({}): {}", other.id, other.status, other.title.unwrap_or_default()))
            .collect()
    };
    let id = before.record.id();
    let blockers = others(closing::blockers(work.tx, before.number)?);
    if !blockers.is_empty() {
        let why = format!("{id} waits for {}", listed(&blockers));
        return Err(TaskError::refused(why, Some(FORCE)));
    }
    if before.record.projection().issue_type.as_deref() == Some("epic") {
        let children = others(closing::open_children(work.tx, before.number)?);
        if !children.is_empty() {
            let why = format!("{id} is an epic with children that are not closed: {}", listed(&children));
            return Err(TaskError::refused(why, Some(FORCE)));
        }
    }
    Ok(())
}

/// The first few, and how many more there are.
fn listed(all: &[String]) -> String {
    let first = all.iter().take(NAMED).cloned().collect::<Vec<_>>().join("; ");
    match all.len().checked_sub(NAMED) {
        None | Some(0) => first,
        Some(more) => format!("{first}; and {more} more"),
    }
}
