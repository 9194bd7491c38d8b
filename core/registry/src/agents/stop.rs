//! Ending agents.

use std::time::Duration;

use conclave_db::Db;

use super::model::Agent;
use crate::error::Result;

/// How an agent is ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stopping {
    /// How long it may take after TERM before it gets KILL.
    pub grace: Duration,
}

impl Default for Stopping {
    fn default() -> Self {
        Self { grace: Duration::from_secs(10) }
    }
}

/// What became of an agent that was to be stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopped {
    /// It has ended.
    Ended,
    /// It had no process that lives.
    WasNotRunning,
    /// It is not certain whose the pid is: nothing was signalled.
    NotOurs,
}

/// TERM to the agent's group, after the grace KILL; only to a live process that matches boot, namespace, pid and start
/// time, never to pid 1 or below, to this process or to its own group. The end is recorded and durable when this returns.
pub fn stop(_state: &Db, _agent: &Agent, _how: Stopping) -> Result<Stopped> {
    todo!("R")
}
