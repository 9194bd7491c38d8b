//! Changes of fields.

use conclave_db::Db;

use super::attempt::{self, Outcome};
use super::change::{Work, distinct, set_status};
use super::checks;
use super::close::refuse_unfinished;
use crate::error::{Result, TaskError};
use crate::moment::Moment;
use crate::read::TaskRow;
use crate::record::{Edit, Projection, Record};
use crate::store::audit::Operation;
use crate::store::tasks::Stored;
use crate::words;

/// What becomes of an optional field.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Set<T> {
    /// It stays.
    #[default]
    Keep,
    /// It is this.
    To(T),
    /// It goes.
    Clear,
}

/// A change of one task. All of it or nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Change {
    /// A known status, or one of `statuses`. `closed` sets `closed_at`, anything else takes it away; anything but
    /// `in_progress` ends a claim's time to live.
    pub status: Option<String>,
    /// Further statuses that the configuration allows.
    pub statuses: Vec<String>,
    /// 1 to 500 bytes.
    pub title: Option<String>,
    /// `description`
    pub description: Set<String>,
    /// `design`
    pub design: Set<String>,
    /// `acceptance_criteria`
    pub acceptance_criteria: Set<String>,
    /// `notes`
    pub notes: Set<String>,
    /// 0 to 4
    pub priority: Option<u8>,
    /// `issue_type`
    pub issue_type: Option<String>,
    /// Who is to do it.
    pub assignee: Set<String>,
    /// `due_at` as RFC 3339
    pub due_at: Set<String>,
    /// `defer_until` as RFC 3339
    pub defer_until: Set<String>,
    /// `external_ref`
    pub external_ref: Set<String>,
    /// `estimated_minutes`
    pub estimated_minutes: Set<u64>,
    /// What came of it: whole, never cut. Clears `last_error` unless an error comes with it.
    pub result: Set<String>,
    /// What went wrong: whole, never cut.
    pub error: Set<String>,
    /// The number of attempts; 0 resets it.
    pub attempt: Option<Attempt>,
    /// Labels to add.
    pub add_labels: Vec<String>,
    /// Labels to take away.
    pub remove_labels: Vec<String>,
    /// Labels instead of those that are there.
    pub set_labels: Option<Vec<String>>,
}

/// What becomes of the number of attempts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attempt {
    /// One more.
    Next,
    /// This many.
    Number(u64),
}

/// Changes tasks, all in one transaction; fails as a whole. Tombstones are refused. A change that changes nothing
/// leaves the record's bytes as they are and no audit row; but a `closed_at` that is missing, or of what is not closed,
/// is set right.
///
/// What is in progress is somebody's: who sets that status gets a task that has no assignee, or whose claim has expired.
/// The status `closed` is refused where [`super::close`] refuses it.
///
/// `updated_at` is the clock's time, or a millisecond after what it was where the clock is behind that: it never goes
/// back, so that who merges can take what is newer.
pub fn update(db: &Db, who: &str, ids: &[String], change: Change) -> Result<Vec<TaskRow>> {
    checks::actor(who)?;
    change.check()?;
    let (who, ids) = (who.to_owned(), distinct(ids));
    let outcome =
        Outcome { result: change.result.clone(), error: change.error.clone(), attempt: change.attempt };
    db.write("task update", move |tx| {
        let mut work = Work::new(tx, &who);
        let mut closed = Vec::new();
        for id in &ids {
            let mut before = work.living(id)?;
            let now = work.after(&before.record);
            if !change.moves(&before.record) {
                before = work.mend(&before, now)?;
            }
            let was = before.record.projection();
            let holder = was.assignee.as_deref().filter(|_| was.has_expired(work.now_ns()));
            let mut edit = before.record.edit();
            change.apply(&mut edit, &before.record, now, was.has_expired(work.now_ns()));
            let is_taken = change.give_to(&mut edit, was, &who, work.now_ns())?;
            outcome.apply(&mut edit, was.attempt_count);
            let is_anothers = is_taken && holder.is_some_and(|holder| holder != who);
            let operation = if is_anothers { Operation::TakenOver } else { Operation::Updated };
            let after = work.put(&before, edit, now, operation)?;
            outcome.write(&work, &after)?;
            let is_closed = |record: &Record| record.projection().status.as_deref() == Some(words::CLOSED);
            if is_closed(&after) && !is_closed(&before.record) {
                closed.push(Stored { number: before.number, record: after });
            }
        }
        refuse_unfinished(&work, &closed)?;
        work.rows(&ids)
    })
}

impl<T> Set<T> {
    /// What it is set to.
    pub fn given(&self) -> Option<&T> {
        match self {
            Self::To(value) => Some(value),
            Self::Keep | Self::Clear => None,
        }
    }
}

impl Set<String> {
    /// Whether it takes the value away; an empty text is none.
    fn is_cleared(&self) -> bool {
        matches!(self, Self::Clear) || self.given().is_some_and(String::is_empty)
    }
}

impl Change {
    fn check(&self) -> Result<()> {
        if let Some(status) = &self.status {
            checks::status(status, &self.statuses)?;
        }
        self.title.as_deref().map_or(Ok(()), checks::title)?;
        self.priority.map_or(Ok(()), checks::priority)?;
        self.issue_type.as_deref().map_or(Ok(()), checks::issue_type)?;
        self.assignee
            .given()
            .filter(|name| !name.is_empty())
            .map_or(Ok(()), |name| checks::assignee(name))?;
        for (key, time) in [("due_at", &self.due_at), ("defer_until", &self.defer_until)] {
            time.given().filter(|text| !text.is_empty()).map_or(Ok(()), |text| checks::time(key, text))?;
        }
        checks::labels(&self.add_labels)?;
        checks::labels(&self.remove_labels)?;
        checks::labels(self.set_labels.as_deref().unwrap_or_default())?;
        if self.set_labels.is_some() && !(self.add_labels.is_empty() && self.remove_labels.is_empty()) {
            return Err(TaskError::invalid("labels are either set as a whole, or added and taken away"));
        }
        checks::attempt(self.attempt)
    }

    /// Whether it sets another status than a record has.
    fn moves(&self, record: &Record) -> bool {
        self.status.is_some() && self.status != record.projection().status
    }

    /// Sees to it that what is in progress is somebody's: `true` where it is `who`'s by that.
    fn give_to(&self, edit: &mut Edit, was: &Projection, who: &str, now_ns: i64) -> Result<bool> {
        let is_free = was.assignee.is_none() || was.has_expired(now_ns);
        let is_cleared = self.assignee.is_cleared();
        match self.status.as_deref() {
            Some(words::IN_PROGRESS) if is_cleared => {}
            Some(words::IN_PROGRESS) if is_free && self.assignee == Set::Keep => {
                edit.set_text("assignee", who);
                return Ok(true);
            }
            None if is_cleared && !is_free && was.status.as_deref() == Some(words::IN_PROGRESS) => {}
            _ => return Ok(false),
        }
        let hint = "`conclave task update ID --status open --assignee ''` gives a task back";
        Err(TaskError::refused(format!("{} is to be in progress, and nobody's", was.id), Some(hint)))
    }

    /// What becomes of one record, but for what was tried.
    fn apply(&self, edit: &mut Edit, before: &Record, now: Moment, expired: bool) {
        let was = before.projection();
        if expired && (self.status.is_some() || self.assignee != Set::Keep) {
            // The claim is over: what is changed is the open task of nobody that every read shows.
            set_status(edit, was, words::OPEN, now);
            edit.remove("assignee");
        }
        if let Some(status) = &self.status {
            set_status(edit, was, status, now);
        }
        if let Some(title) = &self.title {
            edit.set_text("title", title);
        }
        if let Some(priority) = self.priority {
            edit.set("priority", priority.to_string().as_bytes());
        }
        if let Some(issue_type) = &self.issue_type {
            edit.set_text("issue_type", issue_type);
        }
        for (key, set) in [
            ("description", &self.description),
            ("design", &self.design),
            ("acceptance_criteria", &self.acceptance_criteria),
            ("notes", &self.notes),
            ("assignee", &self.assignee),
            ("due_at", &self.due_at),
            ("defer_until", &self.defer_until),
            ("external_ref", &self.external_ref),
        ] {
            attempt::optional(edit, key, set);
        }
        match self.estimated_minutes {
            Set::Keep => {}
            Set::To(minutes) => _ = edit.set("estimated_minutes", minutes.to_string().as_bytes()),
            Set::Clear => _ = edit.remove("estimated_minutes"),
        }
        match &self.set_labels {
            Some(wanted) => _ = edit.set_labels(wanted),
            None => _ = edit.change_labels(&self.add_labels, &self.remove_labels),
        }
    }
}
