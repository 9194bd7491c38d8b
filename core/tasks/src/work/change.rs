//! One call, one transaction: records in, records out, each with its audit row, and blocked ones set right at its end.

use conclave_db::WriteTx;

use super::checks;
use crate::error::{Result, TaskError};
use crate::moment::Moment;
use crate::read::TaskRow;
use crate::record::{Edit, Oddity, Projection, Record};
use crate::store::audit::{self, Operation};
use crate::store::tasks::{Stored, Touched};
use crate::store::{blocked, reading, tasks};
use crate::words;

const NO_TOMBSTONES: &str = "a deleted task stays as it is; `conclave task create` makes a new one";

/// What one call does.
pub(super) struct Work<'tx, 'conn> {
    pub(super) tx: &'tx WriteTx<'conn>,
    pub(super) who: &'tx str,
    touched: Touched,
}

impl<'tx, 'conn> Work<'tx, 'conn> {
    pub(super) fn new(tx: &'tx WriteTx<'conn>, who: &'tx str) -> Self {
        Self { tx, who, touched: Touched::default() }
    }

    /// The task, also where it is a tombstone.
    pub(super) fn any(&self, id: &str) -> Result<Stored> {
        tasks::find(self.tx, id)?.ok_or_else(|| TaskError::not_found(id))
    }

    /// The task; a tombstone is refused.
    pub(super) fn living(&self, id: &str) -> Result<Stored> {
        let stored = self.any(id)?;
        if stored.record.projection().is_tombstone() {
            return Err(TaskError::refused(format!("{id} is deleted"), Some(NO_TOMBSTONES)));
        }
        Ok(stored)
    }

    /// Nanoseconds since 1970, as claims expire.
    pub(super) fn now_ns(&self) -> i64 {
        Moment::from_ms(self.tx.now_ms()).nanoseconds()
    }

    /// Now, but after the last change of this record, whatever the clock says: who merges takes what is newer.
    pub(super) fn after(&self, record: &Record) -> Moment {
        let now = Moment::from_ms(self.tx.now_ms());
        match record.projection().updated_at {
            Some(last) if last >= now => Moment::from_ms(last.ms().saturating_add(1)),
            _ => now,
        }
    }

    /// Stores what an edit has made of a task; nothing where it has changed nothing. A step of it that could not be done
    /// is an error.
    pub(super) fn put(
        &mut self,
        before: &Stored,
        edit: Edit,
        now: Moment,
        operation: Operation,
    ) -> Result<Record> {
        let id = before.record.id();
        let record = edit.finish(now).map_err(|flaw| TaskError::invalid(format!("{id}: {flaw}")))?;
        if record.bytes() == before.record.bytes() {
            return Ok(record);
        }
        checks::changed(&before.record, &record, operation)?;
        tasks::replace(self.tx, before, &record, &mut self.touched)?;
        audit::write(self.tx, self.who, operation, Some(&before.record), Some(&record), false)?;
        Ok(record)
    }

    /// Sets right that `closed_at` is there exactly while a task is closed, in a record that came in without: as a row
    /// of its own in the audit log. A closed one was closed when it was last changed, as far as anybody knows.
    pub(super) fn mend(&mut self, before: &Stored, now: Moment) -> Result<Stored> {
        let was = before.record.projection();
        let mut edit = before.record.edit();
        if was.oddities.contains(&Oddity::ClosedWithoutTime) {
            edit.set_text("closed_at", &was.updated_at.unwrap_or(now).text());
        } else if was.oddities.contains(&Oddity::OpenWithClosedTime) {
            edit.remove("closed_at");
        }
        let record = self.put(before, edit, now, Operation::Mended)?;
        Ok(Stored { number: before.number, record })
    }

    /// Stores a new task.
    pub(super) fn add(&mut self, record: &Record) -> Result<()> {
        checks::record(record)?;
        let place = tasks::next_place(self.tx)?;
        tasks::insert(self.tx, record, place, &mut self.touched)?;
        audit::write(self.tx, self.who, Operation::Created, None, Some(record), false)
    }

    /// Sets right who is blocked; gives the ids that are no more, in their order. The last thing before rows are read.
    pub(super) fn settle(&mut self) -> Result<Vec<String>> {
        let touched = std::mem::take(&mut self.touched);
        if touched.ids.is_empty() && touched.parents.is_empty() {
            return Ok(Vec::new());
        }
        blocked::refresh(self.tx, &touched)
    }

    /// A task as it is now.
    pub(super) fn row(&self, id: &str) -> Result<TaskRow> {
        reading::row(self.tx, id, self.now_ns())?.ok_or_else(|| TaskError::not_found(id))
    }

    /// Sets right who is blocked, and gives these tasks as they are now.
    pub(super) fn rows(&mut self, ids: &[String]) -> Result<Vec<TaskRow>> {
        self.settle()?;
        ids.iter().map(|id| self.row(id)).collect()
    }
}

/// Sets the status, and what goes with it: `closed_at` is there exactly while it is closed, why it was closed goes when
/// it is opened, and only what is in progress has a claim that can expire. What is deleted keeps when and why it was
/// closed.
pub(super) fn set_status(edit: &mut Edit, was: &Projection, status: &str, now: Moment) {
    let was_closed = was.status.as_deref() == Some(words::CLOSED);
    edit.set_text("status", status);
    match status {
        words::CLOSED if was_closed && was.closed_at.is_some() => {}
        words::CLOSED => _ = edit.set_text("closed_at", &now.text()),
        words::TOMBSTONE => {}
        _ => {
            edit.remove("closed_at");
            if was_closed {
                edit.remove("close_reason").remove("closed_by_session");
            }
        }
    }
    if status != words::IN_PROGRESS {
        edit.remove("claim_expires_at");
    }
}

/// The ids, each once, in their order.
pub(super) fn distinct(ids: &[String]) -> Vec<String> {
    let mut seen = std::collections::HashSet::new();
    ids.iter().filter(|id| seen.insert(id.as_str())).cloned().collect()
}
