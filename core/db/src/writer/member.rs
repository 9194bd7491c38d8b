//! A caller inside a running group: it always gets an answer, also when its leader ends by a bug.

use std::sync::Arc;

use super::job::{Job, Terms};
use super::queue::Waiter;
use crate::error::DbError;

/// A caller whose job was taken. The leader's own job has no waiter.
#[derive(Debug)]
pub(crate) struct Member {
    waiter: Option<Arc<Waiter<Job>>>,
    pub(crate) job: Job,
    answered: bool,
}

impl Member {
    pub(crate) const fn new(waiter: Option<Arc<Waiter<Job>>>, job: Job) -> Self {
        Self { waiter, job, answered: false }
    }

    pub(crate) const fn terms(&self) -> &Terms {
        &self.job.terms
    }

    /// Answers with what the last run gave.
    pub(crate) fn answer(self) {
        self.finish(None);
    }

    /// Answers with an error of ours.
    pub(crate) fn refuse(self, error: DbError) {
        self.finish(Some(error));
    }

    fn finish(mut self, instead: Option<DbError>) {
        self.reply(instead);
    }

    fn reply(&mut self, instead: Option<DbError>) {
        self.answered = true;
        self.job.answer(instead);
        if let Some(waiter) = &self.waiter {
            waiter.answered();
        }
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        if !self.answered {
            let label = self.job.terms.label;
            let text = "the leader of its group ended by a bug".to_owned();
            self.reply(Some(DbError::Ambiguous { label, text }));
        }
    }
}
