//! Who is given which tasks, and how.

use std::collections::BTreeSet;
use std::time::Duration;

use conclave_consensus::agents::AgentDefinition;
use conclave_db::process;
use conclave_tasks::read::TaskRow;
use conclave_tasks::work::dispatch::{Rounds, Wanted};

use crate::failure::{Doing as _, Failure};
use crate::project::{Environment, Project};
use crate::roster;

/// The stage whose agents are given tasks.
const STAGE: &str = "work";
/// The name of whichever model serves the type of a task, where no agent is configured or installed.
const MODEL: &str = "model";
/// A label that says of which type a task is for models: `task:reasoning`.
const TYPE_LABEL: &str = "task:";

/// How often a task is given back before it is left alone.
const ROUNDS: u32 = 3;
/// The first wait of a task that failed.
const WAIT: Duration = Duration::from_secs(30);
/// The longest.
const LONGEST: Duration = Duration::from_hours(1);
/// How long a claim lives.
const CLAIM: Duration = Duration::from_mins(5);
/// Time of one attempt of a model that nobody has configured as an agent.
const TIMEOUT: Duration = Duration::from_mins(20);

/// What was asked for on the command line.
#[derive(Debug, Clone, Default)]
pub(crate) struct Asked {
    pub(crate) agents: Option<Vec<String>>,
    pub(crate) jobs: Option<usize>,
    pub(crate) labels: Vec<String>,
    pub(crate) issue_type: Option<String>,
    pub(crate) once: bool,
    pub(crate) max: Option<u64>,
    pub(crate) retry: bool,
}

/// What the dispatcher goes by.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// Who can be given tasks; at least one.
    pub(crate) agents: Vec<AgentDefinition>,
    /// What an agent is asked; all that the task says by default.
    pub(crate) prompt: Option<String>,
    /// Tasks at a time.
    pub(crate) jobs: usize,
    /// Ends when nothing is ready and nothing is in hand.
    pub(crate) once: bool,
    /// Ends after so many tasks.
    pub(crate) max: Option<u64>,
    pub(crate) rounds: Rounds,
    /// Which tasks; the agents in it are put in the order that is wanted each time.
    pub(crate) wanted: Wanted,
}

impl Plan {
    /// Refused where nobody can be given a task.
    pub(crate) fn of(project: &Project, environment: &Environment, asked: Asked) -> Result<Self, Failure> {
        let settings = &project.config.work;
        let named = asked.agents.as_deref().or(settings.agents.as_deref());
        let agents = agents(project, environment, named)?;
        let wanted = Wanted {
            labels: asked.labels,
            issue_type: asked.issue_type,
            retry: asked.retry,
            tried: BTreeSet::new(),
            agents: agents.iter().map(|agent| agent.name.clone()).collect(),
            ttl: settings.claim.unwrap_or(CLAIM),
            owner: process::current().doing("find this process")?,
        };
        let configured = settings.jobs.and_then(|jobs| usize::try_from(jobs).ok());
        Ok(Self {
            agents,
            prompt: settings.prompt.clone(),
            jobs: asked.jobs.or(configured).unwrap_or(1),
            once: asked.once,
            max: asked.max,
            rounds: Rounds {
                most: settings.max_attempts.unwrap_or(ROUNDS),
                wait: settings.wait.unwrap_or(WAIT),
                longest: LONGEST,
            },
            wanted,
        })
    }

    /// The agent of this name, as it is asked about this task: a model that serves a task type is asked for the one that
    /// the task's label names, and one that nobody has configured for the task's own type where it has no such label.
    pub(super) fn agent(&self, name: &str, row: &TaskRow) -> Option<AgentDefinition> {
        let mut agent = self.agents.iter().find(|agent| agent.name == name)?.clone();
        if let Some(route) = &mut agent.route {
            let said = row.record.projection();
            let label = said.labels.iter().find_map(|label| label.strip_prefix(TYPE_LABEL));
            if let Some(wanted) = label.filter(|label| !label.is_empty()) {
                wanted.clone_into(route);
            } else if route.is_empty() {
                said.issue_type.as_deref().unwrap_or("task").clone_into(route);
            }
        }
        Some(agent)
    }
}

/// Who is given tasks: those who are named, else all who take part in the stage; else whichever model serves the type.
fn agents(
    project: &Project,
    environment: &Environment,
    named: Option<&[String]>,
) -> Result<Vec<AgentDefinition>, Failure> {
    let has_models = !project.config.hosts.is_empty();
    let is_known = |name: &str| {
        let known = roster::known(&project.config, environment).agents;
        known.iter().any(|agent| agent.name == name)
    };
    let wants_model = match named {
        Some([one]) => one.as_str() == MODEL && !is_known(MODEL),
        Some(_) => false,
        None => roster::known(&project.config, environment).agents.is_empty(),
    };
    if has_models && wants_model {
        return Ok(vec![model()]);
    }
    roster::choose(&project.config, environment, &project.root, STAGE, named)
}

fn model() -> AgentDefinition {
    AgentDefinition {
        name: MODEL.to_owned(),
        preset: None,
        command: Vec::new(),
        model: None,
        route: Some(String::new()),
        family: None,
        role: None,
        timeout: TIMEOUT,
        retries: 0,
        env_pass: Vec::new(),
        env: Vec::new(),
        stages: Vec::new(),
    }
}
