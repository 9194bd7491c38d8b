//! What was tried, and what came of it: the record has the last result and error and how many attempts there were;
//! the table of attempts has each of them, whole.

use super::change::Work;
use super::update::{Attempt, Set};
use crate::error::Result;
use crate::record::{Edit, Record};
use crate::store::audit::{self, Tried};

/// What a call says of an attempt.
#[derive(Debug, Clone, Default)]
pub(super) struct Outcome {
    pub(super) result: Set<String>,
    pub(super) error: Set<String>,
    pub(super) attempt: Option<Attempt>,
}

impl Outcome {
    /// Sets the fields of the record. A result without an error is a success: the last error goes.
    pub(super) fn apply(&self, edit: &mut Edit, attempts: u64) {
        optional(edit, "result", &self.result);
        match (&self.error, &self.result) {
            (Set::Keep, Set::To(_)) => optional(edit, "last_error", &Set::Clear),
            (error, _) => optional(edit, "last_error", error),
        }
        match self.attempt {
            Some(Attempt::Next) => number(edit, attempts.saturating_add(1)),
            Some(Attempt::Number(given)) => number(edit, given),
            None => {}
        }
    }

    /// Writes the row of the attempt, where the call says anything of one. A result without a number belongs to the
    /// attempt that is counted already, or is the first. To count from 0 again is no attempt.
    pub(super) fn write(&self, work: &Work<'_, '_>, after: &Record) -> Result<()> {
        let result = self.result.given().map(String::as_str);
        let error = self.error.given().map(String::as_str);
        let is_reset = matches!(self.attempt, None | Some(Attempt::Number(0)));
        if result.is_none() && error.is_none() && is_reset {
            return Ok(());
        }
        let attempt = after.projection().attempt_count.max(1);
        audit::attempt(work.tx, work.who, after, Tried { attempt, result, error })
    }
}

/// Sets a text or takes it away; an empty one is none.
pub(super) fn optional(edit: &mut Edit, key: &str, set: &Set<String>) {
    match set {
        Set::To(text) if !text.is_empty() => edit.set_text(key, text),
        Set::To(_) | Set::Clear => edit.remove(key),
        Set::Keep => return,
    };
}

fn number(edit: &mut Edit, attempts: u64) {
    edit.set("attempt_count", attempts.to_string().as_bytes());
}
