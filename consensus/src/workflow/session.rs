//! What a drive needs beside the database.

use std::ffi::OsString;
use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use conclave_retry::{Random, RetryPolicy, RetrySettings, SystemRandom};

use super::{Event, Models};
use crate::agents::AgentDefinition;
use crate::child::Stop;
use crate::runs::RunId;
use crate::transcripts::Transcripts;
use crate::verdict::Verdict;

/// Is told what happens. It is called from tasks that drive agents: it must return soon and not panic.
pub type Observer = Arc<dyn Fn(Event) + Send + Sync>;

/// What a drive needs beside the database: what is never stored, whom to tell, when to stop.
#[derive(Clone)]
pub struct Session {
    /// The agents as the configuration has them now. Only the values of their environment are taken from here, by
    /// name; everything else stands in the roster of the run.
    pub definitions: Vec<AgentDefinition>,
    /// The environment of the caller, of which each agent gets what it may see.
    pub environment: Vec<(OsString, OsString)>,
    /// How agents that are models are asked.
    pub models: Models,
    /// What agents are started through, to have no controlling terminal: [`Command::launcher`](crate::child::Command::launcher).
    pub launcher: Vec<OsString>,
    /// Ends the agents (asked a second time: at once) and leaves the run unfinished, to be taken up again.
    pub stop: Stop,
    /// Whom to tell.
    pub observer: Observer,
    /// Where chance comes from: waits, ids of sessions.
    pub random: Arc<dyn Random>,
    /// How long to wait between the attempts of an agent. How many there may be is the agent's own `retries`.
    pub retry: RetryPolicy,
    /// Where what the agents write goes, event by event; nowhere without it.
    pub transcripts: Option<Transcripts>,
}

impl Session {
    /// With this environment, and nobody who listens.
    pub fn new(environment: Vec<(OsString, OsString)>) -> Self {
        Self {
            definitions: Vec::new(),
            environment,
            models: Models::default(),
            launcher: Vec::new(),
            stop: Stop::new(),
            observer: Arc::new(|_| {}),
            random: Arc::new(SystemRandom),
            retry: agent_retry(),
            transcripts: None,
        }
    }

    pub(super) fn tell(&self, event: Event) {
        (self.observer)(event);
    }

    /// The values that the configuration sets for this agent.
    pub(super) fn values_of(&self, agent: &str) -> Vec<(String, String)> {
        let found = self.definitions.iter().find(|definition| definition.name == agent);
        found.map(|definition| definition.env.clone()).unwrap_or_default()
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Values of environments are nobody's business.
        formatter
            .debug_struct("Session")
            .field("definitions", &self.definitions.len())
            .field("stop", &self.stop)
            .field("retry", &self.retry)
            .finish_non_exhaustive()
    }
}

/// How long to wait between the attempts of an agent that says nothing of its own: one that is asked again at once
/// mostly fails at once. A wait that it asks for may be longer, as far as the stage has the time.
pub fn agent_retry() -> RetryPolicy {
    let settings = RetrySettings {
        max_attempts: NonZeroU32::MAX.get(),
        base: Duration::from_secs(1),
        cap: Duration::from_secs(30),
        longest_asked: Duration::from_mins(15),
        ..RetryPolicy::MODEL.settings()
    };
    RetryPolicy::new(settings).unwrap_or(RetryPolicy::MODEL)
}

/// What came of a drive.
#[derive(Debug, Clone, PartialEq)]
pub struct Driven {
    /// The run.
    pub run: RunId,
    /// The verdict with which it was closed; absent where it was interrupted and is left unfinished.
    pub verdict: Option<Verdict>,
}

impl Driven {
    pub(super) fn closed(run: RunId, verdict: Verdict) -> Self {
        Self { run, verdict: Some(verdict) }
    }

    pub(super) const fn interrupted(run: RunId) -> Self {
        Self { run, verdict: None }
    }
}
