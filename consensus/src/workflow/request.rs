//! What is asked for.

use std::path::PathBuf;
use std::time::Duration;

use crate::agents::{Accept, AgentDefinition};

/// One stage, asked of several agents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunRequest {
    /// The spec.
    pub spec: String,
    /// The stage, in either spelling.
    pub stage: String,
    /// The run's key; made up where absent.
    pub run_key: Option<String>,
    /// What every agent is asked, before its role. Not empty.
    pub prompt: Vec<u8>,
    /// Whom: the roster, in order. Not empty; the names are different.
    pub agents: Vec<AgentDefinition>,
    /// How many usable answers are needed; by default all of one or two, the majority of three or more.
    pub quorum: Option<usize>,
    /// How many must agree on a field.
    pub accept: Accept,
    /// The wall-clock time of the whole stage.
    pub timeout: Duration,
    /// One after the other, each with the earlier answers; else all at once.
    pub sequential: bool,
    /// Whether it is a quality gate, whatever its name; a stage that is known as one always is.
    pub gate: bool,
    /// The folder that the agents work in.
    pub directory: PathBuf,
    /// Who asks.
    pub actor: String,
}
