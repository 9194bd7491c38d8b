//! One task, from the moment it is taken until it is out of hand.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use conclave_consensus::agents::{AgentDefinition, Away, Failed, Judged};
use conclave_consensus::child::{Capture, Stop};
use conclave_consensus::workflow::{self, Session, Single, SingleEnd};
use conclave_db::process::ProcessIdentity;
use conclave_db::{Db, ErrorKind};
use conclave_retry::ErrorClass;
use conclave_tasks::work::dispatch::{self, Came, End, OpenAttempt, Taken};
use conclave_tasks::{TaskError, TaskErrorKind};

use super::event::{Event, JobEnd, Tell};
use super::held::Held;
use super::keeping::keep;
use super::plan::Plan;
use super::storing::stored;
use super::{leftovers, prompt};

/// Bytes that are kept of each output of an agent: what is longer is no answer to a task.
const KEPT: usize = 4 << 20;
/// A signal that ends a process group, or all of a service, ends agents and their dispatcher: so much later the dispatcher
/// has heard of it, too.
const HEARD: Duration = Duration::from_millis(300);

/// What all jobs of a dispatcher share.
pub(super) struct Shared {
    pub(super) db: Db,
    pub(super) plan: Plan,
    pub(super) session: Session,
    pub(super) directory: PathBuf,
    /// Ends all jobs.
    pub(super) stop: Stop,
    pub(super) tell: Tell,
    /// The agents that are not given tasks for a while.
    pub(super) held: Held,
    /// The tasks that are in hand here.
    in_hand: Mutex<BTreeSet<String>>,
}

impl Shared {
    pub(super) fn new(
        db: Db,
        plan: Plan,
        session: Session,
        directory: PathBuf,
        stop: Stop,
        tell: Tell,
    ) -> Self {
        let held = Held::default();
        Self { db, plan, session, directory, stop, tell, held, in_hand: Mutex::default() }
    }

    pub(super) fn in_hand(&self) -> BTreeSet<String> {
        self.in_hand.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn begins(&self, task: &str) {
        self.in_hand.lock().unwrap_or_else(PoisonError::into_inner).insert(task.to_owned());
    }

    fn ends(&self, task: &str) {
        self.in_hand.lock().unwrap_or_else(PoisonError::into_inner).remove(task);
    }
}

/// A task in hand.
pub(super) struct Job {
    shared: Arc<Shared>,
    agent: AgentDefinition,
    prompt: Vec<u8>,
    attempt: OpenAttempt,
    task: String,
    title: String,
    since: Duration,
    /// Failures of this job, and those of them that ended well and brought nothing.
    failures: (u32, u32),
    error: Option<String>,
    hint: Option<String>,
}

/// What one attempt leads to.
enum Next {
    /// Another one, after this time.
    Again(Duration),
    /// The end of the job.
    Ended(Came),
}

impl Job {
    /// Of a task that was taken for one of the plan's agents.
    pub(super) fn new(shared: Arc<Shared>, taken: &Taken) -> Option<Self> {
        let agent = shared.plan.agent(&taken.attempt.agent, &taken.row)?;
        let prompt = prompt::prompt(shared.plan.prompt.as_deref(), &taken.row);
        let since = shared.db.clock().monotonic();
        Some(Self {
            agent,
            prompt,
            attempt: taken.attempt.clone(),
            task: taken.row.id().to_owned(),
            title: taken.row.title().to_owned(),
            since,
            failures: (0, 0),
            error: None,
            hint: None,
            shared,
        })
    }

    /// Works on the task until it is out of hand; first ends what lives of earlier attempts.
    pub(super) async fn work(mut self, lost: Vec<OpenAttempt>) -> Result<JobEnd, TaskError> {
        for attempt in &lost {
            leftovers::end(&self.shared.db, attempt).await;
        }
        (self.shared.tell)(Event::Given {
            task: self.task.clone(),
            title: self.title.clone(),
            agent: self.agent.name.clone(),
        });
        let came = self.attempts().await;
        self.shared.ends(&self.task);
        let took = self.shared.db.clock().monotonic().saturating_sub(self.since);
        Ok(JobEnd {
            came: came?,
            task: self.task,
            title: self.title,
            agent: self.agent.name,
            attempt: self.attempt.attempt,
            error: self.error,
            hint: self.hint,
            took,
        })
    }

    async fn attempts(&mut self) -> Result<Came, TaskError> {
        loop {
            let (ended, lost) = self.ask().await;
            if lost {
                // The store knows why; the attempt keeps what was printed.
                return self.finish(End::Stopped { output: printed(ended.stdout, ended.stderr) }).await;
            }
            match self.judge(ended).await? {
                Next::Ended(came) => return Ok(came),
                Next::Again(wait) => {
                    if let Some(came) = self.rest(wait).await? {
                        return Ok(came);
                    }
                }
            }
        }
    }

    /// Asks the agent once while the claim is kept; gives whether that was lost.
    async fn ask(&self) -> (SingleEnd, bool) {
        let Shared { db, session, .. } = &*self.shared;
        let single = Single {
            definition: self.agent.clone(),
            prompt: self.prompt.clone(),
            directory: self.shared.directory.clone(),
            mark: self.attempt.mark(db),
            run: format!("task {}", self.task),
            kept: KEPT,
        };
        let stop = self.shared.stop.below();
        let id = self.attempt.id;
        let started = |child: ProcessIdentity| async move {
            // Without it what is left of the process is found by its mark alone.
            if let Err(error) =
                stored(db, &self.shared.stop, move |db| dispatch::started(db, id, &child)).await
            {
                tracing::warn!(%error, "whose process it is was not stored");
            }
        };
        let mut asking = pin!(workflow::ask_once(session, single, &stop, started));
        tokio::select! {
            biased;
            ended = &mut asking => (ended, false),
            why = keep(db, id, self.shared.plan.wanted.ttl) => {
                tracing::warn!(task = %self.task, why, "a claim is lost");
                // It has somebody else by now: no time for an order.
                stop.kill();
                (asking.await, true)
            }
        }
    }

    async fn judge(&mut self, ended: SingleEnd) -> Result<Next, TaskError> {
        let SingleEnd { judged, stdout, stderr, was_ended, .. } = ended;
        let judged = if was_ended && self.is_stopping().await { None } else { judged };
        let failed = match judged {
            None => {
                return self.finish(End::Stopped { output: printed(stdout, stderr) }).await.map(Next::Ended);
            }
            Some(Judged::Answer(answer)) => {
                let text = String::from_utf8_lossy(&answer.content).into_owned();
                match self.finish(End::Answered { text }).await {
                    Ok(came) => {
                        self.error = None;
                        return Ok(Next::Ended(came));
                    }
                    // The record would be longer than a file can carry.
                    Err(error) if error.kind() == TaskErrorKind::Invalid => {
                        Failed::new(ErrorClass::Ambiguous, format!("its answer cannot be kept: {error}"))
                    }
                    // A short row may still have room.
                    Err(error) if error.kind() == TaskErrorKind::Storage(ErrorKind::Full) => {
                        let error = format!("its answer could not be stored: {error}");
                        return self.give_up(error, None).await;
                    }
                    Err(error) => return Err(error),
                }
            }
            Some(Judged::Failed(failed)) => failed,
        };
        let output = printed(stdout, stderr);
        let Failed { class, message, hint, away, .. } = failed;
        (self.error, self.hint) = (Some(message.clone()), hint);
        if let Some(away) = away.filter(|_| !self.shared.stop.is_cancelled()) {
            let end = End::PutOff { error: message, output, until: self.put_off(away) };
            return self.finish(end).await.map(Next::Ended);
        }
        let wait = workflow::wait_before_retry(&self.shared.session, &self.agent, self.failures, class);
        let Some(wait) = wait.filter(|_| !self.shared.stop.is_cancelled()) else {
            return self.give_up(message, output).await;
        };
        self.failures.0 += 1;
        self.failures.1 += u32::from(matches!(class, ErrorClass::Degraded { .. }));
        let (id, error) = (self.attempt.id, message.clone());
        let again = move |db: &Db| dispatch::again(db, id, &error, output.as_deref());
        let next = stored(&self.shared.db, &self.shared.stop, again).await?;
        match next {
            Ok(next) => {
                self.attempt = next;
                let (task, agent) = (self.task.clone(), self.agent.name.clone());
                (self.shared.tell)(Event::Again { task, agent, why: message, wait });
                Ok(Next::Again(wait))
            }
            // The attempt gets its end, and the store says why.
            Err(_) => self.finish(End::Stopped { output: None }).await.map(Next::Ended),
        }
    }

    /// The task waits for its next round, or has had the last.
    async fn give_up(&mut self, error: String, output: Option<String>) -> Result<Next, TaskError> {
        self.error = Some(error.clone());
        let end = End::Failed { error, output, rounds: self.shared.plan.rounds };
        self.finish(end).await.map(Next::Ended)
    }

    /// Whether the dispatcher is to end; one that was ended by a signal is waited for that may be on its way to both.
    async fn is_stopping(&self) -> bool {
        tokio::select! {
            biased;
            () = self.shared.stop.cancelled() => true,
            () = tokio::time::sleep(HEARD) => false,
        }
    }

    /// Until when the task is put off, since no host takes a question: not where another agent can have it at once, or where
    /// it is a matter of the next free slot. The agent gets nothing more for as long.
    fn put_off(&self, away: Away) -> Option<i64> {
        let Shared { db, plan, held, .. } = &*self.shared;
        if away.is_full {
            held.full(&self.agent.name, db.clock().monotonic());
            return None;
        }
        let now = db.clock().wall_ms();
        let left = away.until.map(|until| until.saturating_sub(now)).filter(|left| *left > 0);
        let wait = left.and_then(|left| u64::try_from(left).ok()).map(Duration::from_millis);
        let wait = wait.unwrap_or(plan.rounds.wait).min(plan.rounds.longest);
        let has_other = if self.agent.route.is_none() {
            held.away(&self.agent.name, db.clock().monotonic().saturating_add(wait));
            plan.agents.iter().any(|agent| !held.is_held(&agent.name, db.clock().monotonic()))
        } else {
            // For other types of tasks it may have somebody.
            false
        };
        let until = now.saturating_add(i64::try_from(wait.as_millis()).unwrap_or(i64::MAX));
        (!has_other).then_some(until)
    }

    /// Waits while the claim is kept; gives what came of the task where that is to be all.
    async fn rest(&mut self, wait: Duration) -> Result<Option<Came>, TaskError> {
        let ttl = self.shared.plan.wanted.ttl;
        tokio::select! {
            biased;
            () = self.shared.stop.cancelled() => {}
            _ = keep(&self.shared.db, self.attempt.id, ttl) => {}
            () = tokio::time::sleep(wait) => return Ok(None),
        }
        self.finish(End::Stopped { output: None }).await.map(Some)
    }

    async fn finish(&self, end: End) -> Result<Came, TaskError> {
        let id = self.attempt.id;
        let Shared { db, stop, .. } = &*self.shared;
        match stored(db, stop, move |db| dispatch::finish(db, id, &end)).await {
            // Nobody waits any more: the next dispatcher finds an attempt of one that is gone.
            Err(_) if stop.is_killed() => {
                Ok(Came::Lost { why: "not given back in time: the next `conclave work` does it".to_owned() })
            }
            came => came,
        }
    }
}

/// What an agent printed, for who wants to know why it failed; nothing where it printed nothing.
fn printed(stdout: Capture, stderr: Capture) -> Option<String> {
    let text = |capture: Capture| String::from_utf8_lossy(&capture.into_told()).into_owned();
    let (mut printed, errors) = (text(stdout), text(stderr));
    if !errors.trim().is_empty() {
        if !printed.is_empty() && !printed.ends_with('\n') {
            printed.push('\n');
        }
        printed.push_str("[standard error]\n");
        printed.push_str(&errors);
    }
    Some(printed).filter(|printed| !printed.trim().is_empty())
}
