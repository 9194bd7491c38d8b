//! What happens while tasks are handed out, for whoever tells of it.

use std::sync::Arc;
use std::time::Duration;

use conclave_tasks::work::dispatch::Came;

/// Is told what happens. Called from where agents are driven: it must return soon.
pub(crate) type Tell = Arc<dyn Fn(Event) + Send + Sync>;

/// Something happened.
#[derive(Debug, Clone)]
pub(crate) enum Event {
    /// An agent was given a task.
    Given { task: String, title: String, agent: String },
    /// It failed, and is asked again after this time.
    Again { task: String, agent: String, why: String, wait: Duration },
    /// A task is out of hand.
    Ended(JobEnd),
    /// A task of a dispatcher that is gone was given back.
    TakenBack { task: String, agent: String },
    /// Nothing is ready; it is looked for again and again.
    Idle,
}

/// What came of one task.
#[derive(Debug, Clone)]
pub(crate) struct JobEnd {
    pub(crate) task: String,
    pub(crate) title: String,
    pub(crate) agent: String,
    /// The number of the task's last attempt.
    pub(crate) attempt: u64,
    pub(crate) came: Came,
    /// What went wrong last, where the agent failed or had nobody to ask, and what a person can do about it.
    pub(crate) error: Option<String>,
    pub(crate) hint: Option<String>,
    pub(crate) took: Duration,
}
