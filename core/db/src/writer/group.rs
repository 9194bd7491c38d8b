//! One group: several callers' closures in one transaction, one commit, and only then the answers.

use std::path::Path;
use std::time::Duration;

use rusqlite::ffi;

use super::connection::WriteConnection;
use super::gather::Gather;
use super::job::{Job, Ran};
use super::member::Member;
use super::queue::Queue;
use crate::error::{DbError, ErrorKind, Result};
use crate::metrics::{Metrics, count};
use crate::options::Durability;

/// A group takes nobody in after this time: those inside wait for their answer.
const GROUP_TIME: Duration = Duration::from_millis(10);
/// Nor beyond this number.
const GROUP_SIZE: usize = 256;
/// A closure that runs longer holds up everyone else, and is named.
const SLOW: Duration = Duration::from_millis(100);
/// How often a leader that waits for SQLite's lock looks for others whose time is up.
const SLICE: Duration = Duration::from_millis(250);

/// A group that has ended, whose callers are yet to be told: those who are durable now, and those whose closure
/// failed after it had seen what the others did.
#[derive(Debug)]
pub(crate) struct Committed(Vec<Member>);

impl Committed {
    pub(crate) fn answer(self) {
        for member in self.0 {
            member.answer();
        }
    }
}

/// How a closure's run left the transaction.
enum After {
    Succeeded,
    Failed,
    /// SQLite has ended the whole transaction, with everything of the other members in it.
    TransactionGone(Ran),
}

/// Runs one group on the leader's thread.
pub(crate) struct Group<'run> {
    /// The file, for messages.
    pub(crate) path: &'run Path,
    pub(crate) write: &'run mut WriteConnection,
    pub(crate) queue: &'run Queue<Job>,
    pub(crate) gather: &'run mut Gather,
    pub(crate) metrics: &'run Metrics,
    /// The monotonic scale of deadlines.
    pub(crate) now: &'run dyn Fn() -> Duration,
    /// Called when a write met a full disk.
    pub(crate) on_full: &'run dyn Fn(),
}

impl Group<'_> {
    /// Runs `first` and what joins it. Gives those who are durable now; everyone else has been answered.
    pub(crate) fn run(&mut self, first: Member) -> Option<Committed> {
        let level = first.terms().durability;
        if let Err(error) = self.write.set_durability(level).and_then(|()| self.begin(&first.job)) {
            self.refuse(first, error);
            return None;
        }
        let begun = (self.now)();
        let mut members: Vec<Member> = Vec::new();
        let mut succeeded = 0;
        let mut paused = false;
        let mut next = Some(first);
        while let Some(mut member) = next.take() {
            self.metrics.queue_wait.record_time(begun.saturating_sub(member.terms().queued_at));
            let alone = members.is_empty();
            match self.run_inside(&mut member.job, alone) {
                Ok(After::Succeeded) => {
                    succeeded += 1;
                    members.push(member);
                }
                // Its error may rest on what others did before it, so it is told after their commit.
                Ok(After::Failed) if !alone => members.push(member),
                Ok(After::Failed) => {
                    self.answer_failed(member);
                    if self.write.restart().is_err() {
                        // Nobody else is inside; the next leader waits for the lock properly.
                        return None;
                    }
                }
                Ok(After::TransactionGone(ran)) if alone => {
                    self.answer_gone(member, ran);
                    return None;
                }
                Ok(After::TransactionGone(_)) | Err(_) => {
                    members.push(member);
                    self.one_by_one(members);
                    return None;
                }
            }
            if members.len() < GROUP_SIZE && (self.now)().saturating_sub(begun) < GROUP_TIME {
                next = self.next(level, members.len(), &mut paused);
            }
        }
        if members.is_empty() {
            self.write.settle();
            return None;
        }
        let size = members.len();
        let started = (self.now)();
        let committed = self.commit(members, succeeded);
        self.gather.committed(paused, size, self.queue.len(), (self.now)().saturating_sub(started));
        committed
    }

    /// The next to join: who is queued, or who comes while it is worth waiting.
    fn next(&self, level: Durability, members: usize, paused: &mut bool) -> Option<Member> {
        let join = || {
            let joins = self.queue.take(|job| job.terms.durability <= level);
            joins.map(|(waiter, job)| Member::new(Some(waiter), job))
        };
        if let Some(member) = join() {
            return Some(member);
        }
        let pause = self.gather.pause(members);
        if pause.is_zero() || *paused && self.gather.is_complete(members) {
            return None;
        }
        *paused = true;
        let until = (self.now)() + pause;
        while (self.now)() < until {
            if self.queue.len() > 0 {
                return join();
            }
            std::thread::yield_now();
        }
        None
    }

    /// BEGIN IMMEDIATE until the deadline of the one who leads. SQLite's own handler does the waiting.
    fn begin(&mut self, first: &Job) -> Result<()> {
        self.write.settle();
        let started = (self.now)();
        loop {
            let left = first.terms.deadline.saturating_sub((self.now)());
            let error = match self.write.begin(left.min(SLICE)) {
                Ok(()) => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Busy => error,
                Err(error) => return Err(error),
            };
            count(&self.metrics.retries, 1);
            self.refuse_overdue(&error);
            if first.terms.deadline <= (self.now)() {
                let waited = (self.now)().saturating_sub(started);
                return Err(DbError::Busy { text: self.named(&error), waited });
            }
        }
    }

    /// The error with the file that it is about.
    fn named(&self, error: &DbError) -> String {
        format!("{}: {error}", self.path.display())
    }

    fn refuse_overdue(&self, cause: &DbError) {
        let now = (self.now)();
        for (waiter, job) in self.queue.take_overdue(|job| job.terms.deadline <= now) {
            let waited = now.saturating_sub(job.terms.queued_at);
            self.refuse(Member::new(Some(waiter), job), DbError::Busy { text: self.named(cause), waited });
        }
    }

    /// Runs one closure. The first of a transaction needs no savepoint: nobody else loses by its failure.
    fn run_inside(&mut self, job: &mut Job, alone: bool) -> Result<After> {
        if !alone {
            self.write.savepoint()?;
        }
        let started = (self.now)();
        let ran = self.write.run(job);
        let took = (self.now)().saturating_sub(started);
        if took >= SLOW {
            tracing::warn!(label = job.terms.label, ?took, "slow write: everyone else waited");
        }
        if ran.seen == Some(ErrorKind::Full) {
            (self.on_full)();
        }
        if self.write.is_autocommit() {
            return Ok(After::TransactionGone(ran));
        }
        if !alone {
            self.write.end_savepoint(ran.succeeded)?;
        }
        Ok(if ran.succeeded { After::Succeeded } else { After::Failed })
    }

    /// COMMIT, and what its failure means.
    fn commit(&mut self, mut members: Vec<Member>, succeeded: usize) -> Option<Committed> {
        let started = (self.now)();
        let committed = self.write.commit();
        self.metrics.commit_time.record_time((self.now)().saturating_sub(started));
        let Err(error) = committed else {
            count(&self.metrics.commits, 1);
            count(&self.metrics.writes, succeeded);
            count(&self.metrics.failed, members.len() - succeeded);
            self.metrics.group_size.record(members.len() as u64);
            tracing::trace!(members = members.len(), "committed");
            return Some(Committed(members));
        };
        // SQLite keeps the transaction open only where nothing of it was written.
        let still_open = !self.write.is_autocommit();
        self.write.settle();
        if error.kind() == ErrorKind::Full {
            (self.on_full)();
        }
        let refused = matches!(error.kind(), ErrorKind::Constraint | ErrorKind::Busy | ErrorKind::Full);
        if !(still_open && refused) {
            count(&self.metrics.ambiguous, members.len());
            for member in members {
                let label = member.terms().label;
                member.refuse(DbError::Ambiguous { label, text: error.to_string() });
            }
        } else if error.kind() == ErrorKind::Busy {
            // No closure is to blame, and each of them alone would wait as long again.
            for member in members {
                let waited = (self.now)().saturating_sub(member.terms().queued_at);
                self.refuse(member, DbError::Busy { text: self.named(&error), waited });
            }
        } else if members.len() > 1 {
            self.one_by_one(members);
        } else if let Some(member) = members.pop() {
            self.refuse(member, error);
        }
        None
    }

    /// Runs each member again in a transaction of its own, so that only the guilty one gets the error.
    fn one_by_one(&mut self, members: Vec<Member>) {
        tracing::debug!(
            members = members.len(),
            "a group failed as a whole; running its closures one by one"
        );
        for mut member in members {
            if let Err(error) = self.begin(&member.job) {
                self.refuse(member, error);
                continue;
            }
            match self.run_inside(&mut member.job, true) {
                Ok(After::Succeeded) => {
                    if let Some(committed) = self.commit(vec![member], 1) {
                        committed.answer();
                    }
                }
                Ok(After::Failed) => self.answer_failed(member),
                Ok(After::TransactionGone(ran)) => self.answer_gone(member, ran),
                Err(error) => self.refuse(member, error),
            }
            self.write.settle();
        }
    }

    fn refuse(&self, member: Member, error: DbError) {
        count(&self.metrics.failed, 1);
        member.refuse(error);
    }

    /// The closure's own error is the answer.
    fn answer_failed(&self, member: Member) {
        count(&self.metrics.failed, 1);
        member.answer();
    }

    /// The closure's own error is the answer, unless it swallowed the one that ended its transaction.
    fn answer_gone(&self, member: Member, ran: Ran) {
        if !ran.succeeded {
            return self.answer_failed(member);
        }
        let kind = ran.seen.unwrap_or(ErrorKind::Interrupted);
        let text = "SQLite ended the transaction inside the closure".to_owned();
        self.refuse(member, DbError::Sqlite { kind, code: ffi::SQLITE_ABORT_ROLLBACK, text });
    }
}
