//! Comments.

use conclave_db::Db;

use super::change::Work;
use super::checks;
use crate::error::{Result, TaskError};
use crate::ids::{self, Seed};
use crate::json;
use crate::moment::Moment;
use crate::read::TaskRow;
use crate::record::{Edit, Record};
use crate::store::audit::Operation;
use crate::store::tasks;

/// Adds a comment to a task. An empty text is refused.
pub fn comment(db: &Db, who: &str, id: &str, text: &str) -> Result<TaskRow> {
    checks::actor(who)?;
    if text.trim().is_empty() {
        return Err(TaskError::invalid("the comment is empty"));
    }
    let (who, id, text) = (who.to_owned(), id.to_owned(), text.to_owned());
    db.write("task comment", move |tx| {
        let mut work = Work::new(tx, &who);
        let before = work.living(&id)?;
        let now = work.after(&before.record);
        let mut edit = before.record.edit();
        add(&work, &mut edit, &before.record, &text, now)?;
        work.put(&before, edit, now, Operation::Updated)?;
        work.settle()?;
        work.row(&id)
    })
}

/// Puts a comment behind those of a record. Its id is one more than the largest number of the store; where the ids of
/// the record are texts, as those of bd 1.x, it is a hash, which no other clone gives to another comment.
pub(super) fn add(
    work: &Work<'_, '_>,
    edit: &mut Edit,
    record: &Record,
    text: &str,
    now: Moment,
) -> Result<()> {
    let comments = &record.projection().comments;
    let are_texts =
        comments.iter().any(|comment| comment.id.as_deref().is_some_and(|id| id.starts_with('"')));
    let id = if are_texts {
        let place = format!("{}/{}", record.id(), comments.len());
        let created_ns = i128::from(now.nanoseconds());
        let seed = Seed { title: text, description: &place, creator: work.who, created_ns };
        json::encode(&ids::hashed("c", &seed, *ids::LENGTHS.end(), 0))
    } else {
        tasks::next_comment(work.tx)?.to_string()
    };
    edit.add_comment(id.as_bytes(), work.who, text, now);
    Ok(())
}
