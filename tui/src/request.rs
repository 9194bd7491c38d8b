//! What is asked of whom, with what the project says where nobody says otherwise: for the command line, the UI and
//! the demo. Refused before anything is made.

use std::collections::BTreeMap;
use std::time::Duration;

use conclave_consensus::agents::Accept;
use conclave_consensus::canonical;
use conclave_consensus::stages::{self, GATES, STAGES};
use conclave_consensus::workflow::{PipelineRequest, RunRequest};

use crate::failure::Failure;
use crate::project::{Environment, Project};
use crate::{prompts, roster};

/// The time of a whole stage where nobody says otherwise.
const STAGE_TIME: Duration = Duration::from_mins(30);
/// The same of a quality gate.
const GATE_TIME: Duration = Duration::from_mins(5);

/// One stage of a spec, and what is said of how it is asked.
#[derive(Debug, Default)]
pub(crate) struct Ask {
    pub(crate) spec: String,
    pub(crate) stage: String,
    /// The stage's own prompt where absent.
    pub(crate) prompt: Option<Vec<u8>>,
    /// Everybody who takes part in the stage where absent.
    pub(crate) agents: Option<Vec<String>>,
    pub(crate) quorum: Option<usize>,
    pub(crate) accept: Accept,
    /// The time of the whole stage; that of its kind where absent.
    pub(crate) timeout: Option<Duration>,
    pub(crate) sequential: bool,
    pub(crate) run_key: Option<String>,
}

/// A run of one stage.
pub(crate) fn of_stage(
    project: &Project,
    environment: &Environment,
    actor: &str,
    ask: Ask,
) -> Result<RunRequest, Failure> {
    let known = stages::stage(&ask.stage);
    let stage = known.map_or_else(|| canonical::stage(&ask.stage), |stage| stage.name);
    let gate = known.is_some_and(stages::Stage::is_gate);
    let prompt = match ask.prompt {
        Some(prompt) => prompt,
        None => prompts::of_stage(project, &ask.spec, stage)?,
    };
    let agents = roster::choose(&project.config, environment, &project.root, stage, ask.agents.as_deref())?;
    if let Some(quorum) = ask.quorum.filter(|quorum| *quorum > agents.len()) {
        let asked = agents.len();
        return Err(Failure::usage(format!("--quorum {quorum}: only {asked} are asked"))
            .hint("ask more agents, or leave it out: the majority of three or more is enough"));
    }
    Ok(RunRequest {
        stage: stage.to_owned(),
        spec: ask.spec,
        run_key: ask.run_key,
        prompt,
        agents,
        quorum: ask.quorum,
        accept: ask.accept,
        timeout: ask.timeout.unwrap_or(if gate { GATE_TIME } else { STAGE_TIME }),
        sequential: ask.sequential,
        gate,
        directory: project.root.clone(),
        actor: actor.to_owned(),
    })
}

/// A spec on its way through its stages, from this one on or from the first.
pub(crate) fn of_pipeline(
    project: &Project,
    environment: &Environment,
    actor: &str,
    spec: &str,
    from: Option<String>,
    brief: Option<Vec<u8>>,
) -> Result<PipelineRequest, Failure> {
    let mut written = BTreeMap::new();
    for stage in STAGES.iter().chain(&GATES) {
        let prompt = match project.config.prompts.get(stage.name) {
            Some(prompt) => Some(prompt.clone().into_bytes()),
            None => prompts::of_project(project, stage.name)?,
        };
        written.extend(prompt.map(|prompt| (stage.name.to_owned(), prompt)));
    }
    Ok(PipelineRequest {
        spec: spec.to_owned(),
        from,
        brief,
        prompts: written,
        agents: roster::all(&project.config, environment, &project.root)?,
        quorum: None,
        accept: Accept::default(),
        stage_timeout: STAGE_TIME,
        gate_timeout: GATE_TIME,
        sequential: false,
        directory: project.root.clone(),
        actor: actor.to_owned(),
    })
}
