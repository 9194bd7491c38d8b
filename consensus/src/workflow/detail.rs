//! What is known of a run that Conclave drives, beyond what every run has.

use serde::Serialize;

use conclave_db::process::{self, Liveness, ProcessIdentity};

use super::AttemptEnd;
use crate::agents::{Accept, AgentDefinition, Usage};

/// Who drives a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Owner {
    /// Nobody.
    Nobody,
    /// Somebody who has ended, without a word.
    Ended,
    /// This process.
    Here,
    /// Another process of this machine.
    Alive {
        /// Its id.
        pid: u32,
    },
    /// A process of which nothing can be said from here: it is of another container.
    Unknown {
        /// Its id there.
        pid: u32,
    },
}

impl Owner {
    /// Who that is in a row, judged now. Of what cannot be read nothing can be said.
    pub(crate) fn stored(text: Option<&str>) -> Self {
        let Some(text) = text else { return Self::Nobody };
        if let Ok(owner) = serde_json::from_str(text) {
            return Self::judge(Some(&owner));
        }
        let pid =
            serde_json::from_str(text).ok().and_then(|owner: serde_json::Value| owner.get("pid")?.as_u64());
        Self::Unknown { pid: pid.and_then(|pid| u32::try_from(pid).ok()).unwrap_or(0) }
    }

    /// Who that is, judged now.
    pub(crate) fn judge(stored: Option<&ProcessIdentity>) -> Self {
        let Some(stored) = stored else { return Self::Nobody };
        if process::current().is_ok_and(|current| current == *stored) {
            return Self::Here;
        }
        match process::liveness(stored) {
            Liveness::Alive => Self::Alive { pid: stored.pid },
            Liveness::Dead => Self::Ended,
            Liveness::Unknown => Self::Unknown { pid: stored.pid },
        }
    }

    /// Whether this process may go on with the run.
    pub const fn may_take(self) -> bool {
        matches!(self, Self::Nobody | Self::Ended | Self::Here)
    }
}

/// What a run was begun with, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RunSettings {
    /// What every agent is asked; bytes that are no UTF-8 are replaced.
    pub prompt: String,
    /// How many usable answers are needed.
    pub quorum: u32,
    /// How many must agree on a field.
    pub accept: Accept,
    /// The time of the whole stage, ms.
    pub timeout_ms: u64,
    /// Whether the agents are asked one after the other.
    pub sequential: bool,
    /// `regular_stage` or `quality_gate`.
    pub phase_type: String,
    /// The folder that the agents work in.
    pub directory: String,
    /// Who asked.
    pub actor: String,
    /// Who drives it, as far as can be told from here.
    pub owner: Owner,
    /// When it was begun, or taken up again: its time counts from there. ms.
    #[serde(serialize_with = "crate::time::serialize_known")]
    pub driven_at: i64,
    /// When somebody asked for its end before its time, ms.
    #[serde(serialize_with = "crate::time::serialize")]
    pub cancelled_at: Option<i64>,
    /// When it was closed, ms.
    #[serde(serialize_with = "crate::time::serialize")]
    pub ended_at: Option<i64>,
}

/// Where an agent of the roster stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AgentState {
    /// Not asked yet.
    Waiting,
    /// At it.
    Running,
    /// Failed, and is asked again.
    Retrying,
    /// Has answered.
    Answered,
    /// Failed for good.
    Failed,
    /// Was ended, or lost with whoever drove it: it is asked again when the run goes on.
    Left,
}

/// Who is expected to answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RosterEntry {
    /// The name, verbatim.
    pub agent: String,
    /// Whose model it is.
    pub family: Option<String>,
    /// What it is started with; without the values of its environment.
    pub definition: AgentDefinition,
    /// Where it stands.
    pub state: AgentState,
    /// How many attempts there were.
    pub attempts: u32,
    /// How many there may be; those that were lost or ended do not count.
    pub limit: u32,
    /// When the next one begins, ms.
    #[serde(serialize_with = "crate::time::serialize")]
    pub retry_at: Option<i64>,
}

/// What Conclave knows of an attempt that it drove. Nothing is known of others.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct AttemptDetails {
    /// How it ended; absent while it runs.
    pub outcome: Option<AttemptEnd>,
    /// The class of the failure: `retryable`, `permanent`, `degraded`, `ambiguous`.
    pub class: Option<String>,
    /// Its reason in one word.
    pub reason: Option<String>,
    /// What happened, in one line.
    pub message: Option<String>,
    /// What a person can do about it.
    pub hint: Option<String>,
    /// When the next attempt begins, while that is waited for; ms.
    #[serde(serialize_with = "crate::time::serialize")]
    pub retry_at: Option<i64>,
    /// Its process; it may have ended since.
    pub pid: Option<u32>,
    /// The end of what it wrote to standard error; bytes that are no UTF-8 are replaced.
    pub stderr: Option<String>,
    /// How much it wrote to standard output.
    pub stdout_bytes: Option<u64>,
    /// How much it wrote to standard error.
    pub stderr_bytes: Option<u64>,
    /// Whether more was written than is kept.
    pub truncated: bool,
    /// The agent's own name for the session.
    pub session_id: Option<String>,
    /// What it used up.
    pub usage: Usage,
}
