//! What Conclave itself writes obeys more than what it keeps.

use std::time::Duration;

use super::update::Attempt;
use crate::error::{Result, TaskError};
use crate::exchange::Limits;
use crate::moment::Moment;
use crate::record::Record;
use crate::store::audit::Operation;
use crate::words;

/// Bytes that a status, a claim, or who and when, add to a record, and more.
const OF_A_STATUS: u64 = 4096;

/// Who acts must have a name.
pub(super) fn actor(who: &str) -> Result<()> {
    if who.trim().is_empty() {
        return Err(TaskError::invalid("who does this has no name"));
    }
    Ok(())
}

/// A text of so many bytes.
fn sized(what: &str, text: &str, most: usize) -> Result<()> {
    match text.len() {
        0 => Err(TaskError::invalid(format!("{what} is empty"))),
        size if size > most => {
            Err(TaskError::invalid(format!("{what} has {size} bytes; at most {most} are kept")))
        }
        _ => Ok(()),
    }
}

pub(super) fn title(title: &str) -> Result<()> {
    if !title.is_empty() && title.trim().is_empty() {
        return Err(TaskError::invalid("the title is blank"));
    }
    sized("the title", title, 500)
}

pub(super) fn priority(priority: u8) -> Result<()> {
    if priority > 4 {
        return Err(TaskError::invalid(format!("priority {priority} is none of 0 (most urgent) to 4")));
    }
    Ok(())
}

/// A status that is known, or that the configuration names. Tombstones are made by deleting.
pub(super) fn status(status: &str, further: &[String]) -> Result<()> {
    sized("the status", status, 50)?;
    if status == words::TOMBSTONE {
        return Err(TaskError::invalid("a task gets the status tombstone by being deleted"));
    }
    if words::STATUSES.contains(&status) || further.iter().any(|one| one == status) {
        return Ok(());
    }
    let known = words::STATUSES.iter().copied().filter(|known| *known != words::TOMBSTONE);
    let known: Vec<&str> = known.chain(further.iter().map(String::as_str)).collect();
    Err(TaskError::invalid(format!("no status {status:?}: there are {}", known.join(", "))))
}

pub(super) fn issue_type(issue_type: &str) -> Result<()> {
    sized("the type", issue_type, 50)
}

pub(super) fn kind(kind: &str) -> Result<()> {
    sized("the type of the dependency", kind, 50)
}

pub(super) fn assignee(assignee: &str) -> Result<()> {
    sized("the assignee", assignee, 255)
}

pub(super) fn labels(labels: &[String]) -> Result<()> {
    labels.iter().try_for_each(|label| {
        if !label.is_empty() && label.trim().is_empty() {
            return Err(TaskError::invalid("a label is blank"));
        }
        sized("a label", label, 255)
    })
}

pub(super) fn time(key: &str, text: &str) -> Result<()> {
    if Moment::parse(text).is_none() {
        let why = format!("{key} {text:?} is no time like 2026-01-02T03:04:05Z");
        return Err(TaskError::invalid(why));
    }
    Ok(())
}

/// An id of one's own.
pub(super) fn id(id: &str) -> Result<()> {
    sized("the id", id, 255)?;
    if id.chars().any(|character| character.is_whitespace() || character.is_control()) {
        return Err(TaskError::invalid(format!("the id {id:?} has blanks or control characters")));
    }
    Ok(())
}

/// What is stored can be written to a file, and that file can be read again.
pub(super) fn record(record: &Record) -> Result<()> {
    sized_record(record, Limits::default().line_bytes)
}

/// The same of a record that has changed. Work goes on in every task: one that came in longer can be changed, and what
/// a claim or a status adds is let in, for it is short. A tombstone always is.
pub(super) fn changed(before: &Record, after: &Record, operation: Operation) -> Result<()> {
    let most = Limits::default().line_bytes;
    let (was, is) = (before.bytes().len() as u64, after.bytes().len() as u64);
    if is <= was || was > most || operation == Operation::Deleted {
        return Ok(());
    }
    let moves = matches!(operation, Operation::Claimed | Operation::TakenOver | Operation::Mended)
        || before.projection().status != after.projection().status;
    sized_record(after, most + if moves { OF_A_STATUS } else { 0 })
}

fn sized_record(record: &Record, most: u64) -> Result<()> {
    let (id, size) = (record.id(), record.bytes().len());
    if size as u64 <= most {
        return Ok(());
    }
    Err(TaskError::invalid(format!("{id} would have {size} bytes; a line of a file has at most {most}")))
}

pub(super) fn attempt(attempt: Option<Attempt>) -> Result<()> {
    match attempt {
        Some(Attempt::Number(number)) if i64::try_from(number).is_err() => {
            Err(TaskError::invalid(format!("{number} attempts are more than can be counted")))
        }
        _ => Ok(()),
    }
}

/// A claim lasts some time.
pub(super) fn ttl(ttl: Option<Duration>) -> Result<()> {
    match ttl {
        Some(ttl) if ttl.as_millis() == 0 => {
            Err(TaskError::invalid("a claim must last at least a millisecond"))
        }
        _ => Ok(()),
    }
}
