//! The loop: slots that are free are filled with ready tasks.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use conclave_consensus::child::Stop;
use conclave_consensus::workflow::Session;
use conclave_db::Db;
use conclave_tasks::TaskError;
use conclave_tasks::work::dispatch::{self, Came, Taken, Wanted};
use tokio::task::JoinSet;

use super::event::{Event, JobEnd, Tell};
use super::job::{Job, Shared};
use super::leftovers;
use super::plan::Plan;
use super::storing::stored;
use crate::project::Project;

/// How often it is looked for tasks that have become ready elsewhere.
const LOOK: Duration = Duration::from_millis(500);
/// How often it is looked for dispatchers that are gone.
const CARE: Duration = Duration::from_secs(5);

/// What a dispatcher has done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Dispatched {
    /// Closed.
    pub(crate) done: u64,
    /// Given back with an error, put off, or answered and not closed.
    pub(crate) failed: u64,
    /// Given back as they were.
    pub(crate) returned: u64,
    /// Somebody else had them in the end.
    pub(crate) lost: u64,
}

impl Dispatched {
    fn count(&mut self, end: &JobEnd) {
        match end.came {
            Came::Closed { .. } => self.done += 1,
            Came::Open { .. } | Came::Waits { .. } | Came::GivenUp | Came::PutOff { until: Some(_) } => {
                self.failed += 1;
            }
            Came::Returned | Came::PutOff { until: None } => self.returned += 1,
            Came::Lost { .. } => self.lost += 1,
        }
    }
}

/// Hands out tasks until the plan is fulfilled or somebody asks for the end; then all agents have ended, and every task
/// that was taken is closed or given back. Fails where something cannot be stored: the agents have ended then, too, and
/// what could not be given back is found by the next dispatcher.
pub(crate) async fn dispatch(
    db: &Db,
    project: &Project,
    session: Session,
    who: &str,
    plan: Plan,
    stop: Stop,
    tell: Tell,
) -> Result<Dispatched, TaskError> {
    let shared = Arc::new(Shared::new(db.clone(), plan, session, project.root.clone(), stop, tell));
    let mut queue = Queue {
        who: who.to_owned(),
        jobs: JoinSet::new(),
        busy: BTreeMap::new(),
        taken: 0,
        tried: BTreeSet::new(),
        dispatched: Dispatched::default(),
        failure: None,
        shared,
    };
    queue.run().await;
    queue.failure.map_or(Ok(queue.dispatched), Err)
}

struct Queue {
    who: String,
    shared: Arc<Shared>,
    jobs: JoinSet<Result<JobEnd, TaskError>>,
    /// How many tasks each agent has.
    busy: BTreeMap<String, usize>,
    taken: u64,
    /// Of those that have failed too often, which are tried once more.
    tried: BTreeSet<String>,
    dispatched: Dispatched,
    /// The first one. Nothing is taken any more.
    failure: Option<TaskError>,
}

impl Queue {
    async fn run(&mut self) {
        let clock = Arc::clone(self.shared.db.clock());
        let mut cared: Option<Duration> = None;
        let mut was_idle = false;
        loop {
            if !self.is_ending() && cared.is_none_or(|last| clock.monotonic().saturating_sub(last) >= CARE) {
                self.care().await;
                cared = Some(clock.monotonic());
            }
            let nothing_ready = self.fill().await;
            if self.jobs.is_empty() && (self.is_ending() || (self.shared.plan.once && nothing_ready)) {
                return;
            }
            let is_idle = self.jobs.is_empty() && nothing_ready;
            if is_idle && !was_idle {
                (self.shared.tell)(Event::Idle);
            }
            was_idle = is_idle;
            let (stop, ending) = (self.shared.stop.clone(), self.is_ending());
            tokio::select! {
                biased;
                Some(ended) = self.jobs.join_next() => {
                    // Its answer was stored, or will not be.
                    let ended = ended.unwrap_or_else(|error| {
                        let message = error.to_string();
                        Err(conclave_db::DbError::Panicked { label: "dispatch", message }.into())
                    });
                    self.ended(ended);
                }
                () = stop.cancelled(), if !ending => {}
                () = tokio::time::sleep(LOOK), if !ending => {}
            }
        }
    }

    /// Whether nothing is taken any more.
    fn is_ending(&self) -> bool {
        let is_enough = self.shared.plan.max.is_some_and(|max| self.taken >= max);
        is_enough || self.failure.is_some() || self.shared.stop.is_cancelled()
    }

    fn fail(&mut self, error: TaskError) {
        if self.shared.stop.is_killed() {
            tracing::warn!(%error, "not stored in time");
        } else if self.failure.is_none() {
            self.failure = Some(error);
            // What the others answer could not be stored either.
            self.shared.stop.cancel();
        }
    }

    async fn care(&mut self) {
        let shared = Arc::clone(&self.shared);
        let in_hand = || shared.in_hand();
        let me = &shared.plan.wanted.owner;
        if let Err(error) =
            leftovers::take_back(&shared.db, &self.who, me, in_hand, &shared.tell, &shared.stop).await
        {
            self.fail(error);
        }
    }

    /// Fills the free slots; gives whether nothing more was ready.
    async fn fill(&mut self) -> bool {
        while !self.is_ending() && self.jobs.len() < self.shared.plan.jobs {
            let agents = self.least_busy();
            if agents.is_empty() {
                // Those who wait for a slot will have one.
                return !self.is_anybody_full();
            }
            match self.take(agents).await {
                Ok(Some(taken)) => self.begin(taken),
                Ok(None) => return true,
                Err(error) => self.fail(error),
            }
        }
        false
    }

    /// Takes the next task. It is looked first: an empty queue costs no turn at writing.
    async fn take(&self, agents: Vec<String>) -> Result<Option<Taken>, TaskError> {
        let wanted = Wanted { agents, tried: self.tried.clone(), ..self.shared.plan.wanted.clone() };
        let who = self.who.clone();
        stored(&self.shared.db, &self.shared.stop, move |db| {
            if dispatch::ready(db, &who, &wanted, Some(1))?.is_empty() {
                return Ok(None);
            }
            dispatch::take(db, &who, &wanted)
        })
        .await
    }

    /// The agents that can be given a task, those with the fewest first.
    fn least_busy(&self) -> Vec<String> {
        let now = self.shared.db.clock().monotonic();
        let mut agents = self.shared.plan.wanted.agents.clone();
        agents.retain(|agent| !self.shared.held.is_held(agent, now));
        agents.sort_by_key(|agent| self.busy.get(agent).copied().unwrap_or_default());
        agents
    }

    fn is_anybody_full(&self) -> bool {
        let now = self.shared.db.clock().monotonic();
        self.shared.plan.wanted.agents.iter().any(|agent| self.shared.held.is_full(agent, now))
    }

    fn begin(&mut self, taken: Taken) {
        self.taken += 1;
        if self.shared.plan.wanted.retry {
            self.tried.insert(taken.row.id().to_owned());
        }
        self.shared.begins(taken.row.id());
        *self.busy.entry(taken.attempt.agent.clone()).or_default() += 1;
        // It was taken for one of the plan's agents.
        if let Some(job) = Job::new(Arc::clone(&self.shared), &taken) {
            self.jobs.spawn(job.work(taken.lost));
        }
    }

    fn ended(&mut self, ended: Result<JobEnd, TaskError>) {
        match ended {
            Ok(end) => {
                if let Some(busy) = self.busy.get_mut(&end.agent) {
                    *busy = busy.saturating_sub(1);
                }
                if end.came == (Came::PutOff { until: None }) {
                    // It comes again.
                    self.taken = self.taken.saturating_sub(1);
                }
                self.dispatched.count(&end);
                (self.shared.tell)(Event::Ended(end));
            }
            Err(error) => self.fail(error),
        }
    }
}
