//! What a pipeline is asked for, and how that is kept.

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::steps;
use crate::agents::{Accept, AgentDefinition};
use crate::error::{ConsensusError, Result};
use crate::runs::RunId;
use crate::stages;
use crate::store::workflow::pipelines::Stored;
use crate::workflow::RunRequest;

/// A spec, asked for from its first stage to its last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PipelineRequest {
    /// The spec.
    pub spec: String,
    /// The stage to begin with, in any spelling; its gate comes first, where it has one. The first where absent.
    pub from: Option<String>,
    /// What it is all about: stands before every step's own prompt. UTF-8, not empty.
    pub brief: Option<Vec<u8>>,
    /// Prompts by stage or gate, in any spelling; others are built in. UTF-8, not empty.
    pub prompts: BTreeMap<String, Vec<u8>>,
    /// All agents. Each takes part in the steps that it names, or in all.
    pub agents: Vec<AgentDefinition>,
    /// How many usable answers each step needs; by default all of one or two, the majority of three or more.
    pub quorum: Option<usize>,
    /// How many must agree on a field.
    pub accept: Accept,
    /// The time of each stage.
    pub stage_timeout: Duration,
    /// The time of each gate.
    pub gate_timeout: Duration,
    /// Whether the agents of a stage are asked one after the other. Those of a gate never are.
    pub sequential: bool,
    /// The folder that the agents work in.
    pub directory: PathBuf,
    /// Who asks.
    pub actor: String,
}

impl PipelineRequest {
    /// Refuses what would only be found out at a later step.
    pub(super) fn check(&self, steps: &[&str]) -> Result<()> {
        let invalid = |what: String| Err(ConsensusError::Invalid(what));
        if self.spec.is_empty() {
            return invalid("a pipeline needs a spec".to_owned());
        }
        if self.stage_timeout.is_zero() || self.gate_timeout.is_zero() {
            return invalid("a stage needs some time".to_owned());
        }
        if self.directory.to_str().is_none() {
            return invalid(format!("the folder {} has a name that is no UTF-8", self.directory.display()));
        }
        for (name, prompt) in &self.prompts {
            text(prompt, &format!("the prompt of {name}"))?;
        }
        if let Some(brief) = &self.brief {
            text(brief, "the prompt")?;
        }
        let mut names = HashSet::new();
        if let Some(twice) = self.agents.iter().find(|agent| !names.insert(agent.name.as_str())) {
            return invalid(format!("two agents are called {:?}", twice.name));
        }
        for step in steps {
            let agents = agents_of(&self.agents, step).count();
            if agents == 0 {
                return invalid(format!("no agent takes part in {step}"));
            }
            if self.quorum.is_some_and(|quorum| quorum == 0 || quorum > agents) {
                let quorum = self.quorum.unwrap_or_default();
                return invalid(format!(
                    "a quorum of {quorum} makes no sense for the {agents} agents of {step}"
                ));
            }
        }
        Ok(())
    }
}

fn text(prompt: &[u8], what: &str) -> Result<String> {
    match std::str::from_utf8(prompt) {
        Ok(text) if text.trim().is_empty() => Err(ConsensusError::Invalid(format!("{what} is empty"))),
        Ok(text) => Ok(text.to_owned()),
        Err(_) => Err(ConsensusError::Invalid(format!("{what} is no UTF-8"))),
    }
}

fn agents_of<'agents>(
    agents: &'agents [AgentDefinition],
    step: &str,
) -> impl Iterator<Item = &'agents AgentDefinition> {
    let takes_part = move |agent: &&AgentDefinition| {
        agent.stages.is_empty() || agent.stages.iter().any(|stage| stages::name(stage) == step)
    };
    agents.iter().filter(takes_part)
}

/// A request as the row keeps it: values of environments are left out, names are in their one spelling.
///
/// Rows outlive programs: a key that is new has a default, and what would be misread under an old version gets
/// another [`VERSION`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct StoredRequest {
    /// Rows without one are of version 1.
    #[serde(default = "first_version")]
    version: u32,
    /// The step that it begins with.
    pub(super) first: String,
    /// The runs that stand for the steps before.
    #[serde(default)]
    pub(super) inherited: BTreeMap<String, i64>,
    pub(super) brief: Option<String>,
    #[serde(default)]
    prompts: BTreeMap<String, String>,
    agents: Vec<AgentDefinition>,
    quorum: Option<usize>,
    #[serde(default)]
    accept: Accept,
    stage_timeout_ms: u64,
    gate_timeout_ms: u64,
    #[serde(default)]
    sequential: bool,
    directory: String,
}

/// What is written now.
const VERSION: u32 = 1;

const fn first_version() -> u32 {
    1
}

impl StoredRequest {
    /// The JSON of a request that was checked.
    pub(super) fn of(
        request: &PipelineRequest,
        first: &str,
        inherited: BTreeMap<String, i64>,
    ) -> Result<String> {
        let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX).max(1);
        let mut prompts = BTreeMap::new();
        for (name, prompt) in &request.prompts {
            prompts.insert(stages::name(name).to_owned(), text(prompt, name)?);
        }
        let stored = Self {
            version: VERSION,
            first: first.to_owned(),
            inherited,
            brief: request.brief.as_ref().map(|brief| text(brief, "the prompt")).transpose()?,
            prompts,
            agents: request.agents.clone(),
            quorum: request.quorum,
            accept: request.accept,
            stage_timeout_ms: ms(request.stage_timeout),
            gate_timeout_ms: ms(request.gate_timeout),
            sequential: request.sequential,
            directory: request.directory.to_string_lossy().into_owned(),
        };
        Ok(serde_json::json!(stored).to_string())
    }

    /// The request of a row; one that somebody has changed, or a newer program wrote, is refused.
    pub(super) fn read(stored: &Stored) -> Result<Self> {
        let unreadable = |why: String, hint| {
            ConsensusError::refused(
                format!("the request of pipeline {} cannot be read: {why}", stored.id),
                Some(hint),
            )
        };
        #[derive(Deserialize)]
        struct Versioned {
            #[serde(default = "first_version")]
            version: u32,
        }
        let of = serde_json::from_str(&stored.request).map(|Versioned { version }| version);
        if let Ok(version) = of.as_ref().copied().map_err(drop)
            && version > VERSION
        {
            let hint = "a newer Conclave goes on with it";
            return Err(unreadable(
                format!("it is of version {version}, this program knows {VERSION}"),
                hint,
            ));
        }
        let hint = "`conclave auto` with `--from` begins the spec anew";
        let read: Self =
            serde_json::from_str(&stored.request).map_err(|error| unreadable(error.to_string(), hint))?;
        if !steps::all().any(|step| step == read.first) {
            return Err(unreadable(format!("there is no step {:?}", read.first), hint));
        }
        Ok(read)
    }

    /// The run that stands for a step before the first.
    pub(super) fn inherited(&self, step: &str) -> Option<RunId> {
        self.inherited.get(step).copied().map(RunId)
    }

    /// The step's own prompt.
    pub(super) fn own_prompt(&self, spec: &str, step: &str) -> String {
        let written = self.prompts.get(step).cloned();
        written.or_else(|| stages::stage(step).map(|stage| stage.built_in_prompt(spec))).unwrap_or_default()
    }

    /// The request for the run of a step.
    pub(super) fn run(&self, pipeline: &Stored, step: &str, prompt: Vec<u8>) -> RunRequest {
        let gate = crate::gates::is_gate(step);
        RunRequest {
            spec: pipeline.spec.clone(),
            stage: step.to_owned(),
            run_key: Some(pipeline.run_key.clone()),
            prompt,
            agents: agents_of(&self.agents, step).cloned().collect(),
            quorum: self.quorum,
            accept: self.accept,
            timeout: Duration::from_millis(if gate { self.gate_timeout_ms } else { self.stage_timeout_ms }),
            sequential: self.sequential && !gate,
            gate,
            directory: PathBuf::from(&self.directory),
            actor: pipeline.actor.clone(),
        }
    }
}
