//! One task, from the moment it is taken until it is out of hand.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use conclave_consensus::agents::{AgentDefinition, Failed, Judged};
use conclave_consensus::child::{Capture, Stop};
use conclave_consensus::workflow::{self, Session, Single, SingleEnd};
use conclave_db::Db;
use conclave_db::process::ProcessIdentity;
use conclave_retry::ErrorClass;
use conclave_tasks::work::dispatch::{self, Came, End, OpenAttempt, Taken};
use conclave_tasks::{TaskError, TaskErrorKind};

use super::event::{Event, JobEnd, Tell};
use super::keeping::keep;
use super::plan::Plan;
use super::storing::stored;
use super::{leftovers, prompt};

/// Bytes that are kept of each output of an agent: what is longer is no answer to a task.
const KEPT: usize = 4 << 20;

/// What all jobs of a dispatcher share.
pub(super) struct Shared {
    pub(super) db: Db,
    pub(super) plan: Plan,
    pub(super) session: Session,
    pub(super) directory: PathBuf,
    /// Ends all jobs.
    pub(super) stop: Stop,
    pub(super) tell: Tell,
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
        Self { db, plan, session, directory, stop, tell, in_hand: Mutex::default() }
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
            if let Err(error) = stored(db, move |db| dispatch::started(db, id, &child)).await {
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
        let SingleEnd { judged, stdout, stderr, .. } = ended;
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
                    Err(error) => return Err(error),
                }
            }
            Some(Judged::Failed(failed)) => failed,
        };
        let output = printed(stdout, stderr);
        let Failed { class, message, hint, .. } = failed;
        (self.error, self.hint) = (Some(message.clone()), hint);
        let wait = workflow::wait_before_retry(&self.shared.session, &self.agent, self.failures, class);
        let Some(wait) = wait.filter(|_| !self.shared.stop.is_cancelled()) else {
            let end = End::Failed { error: message, output, rounds: self.shared.plan.rounds };
            return self.finish(end).await.map(Next::Ended);
        };
        self.failures.0 += 1;
        self.failures.1 += u32::from(matches!(class, ErrorClass::Degraded { .. }));
        let (id, error) = (self.attempt.id, message.clone());
        let next =
            stored(&self.shared.db, move |db| dispatch::again(db, id, &error, output.as_deref())).await?;
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
        stored(&self.shared.db, move |db| dispatch::finish(db, id, &end)).await
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
