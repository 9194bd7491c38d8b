//! Agents that are models: how this program asks them as children of a run, and whether anybody has them.

use conclave_consensus::agents::AgentDefinition;
use conclave_consensus::workflow::Models;
use conclave_llm::{Host, KeySource};

use crate::cli;
use crate::config::Config;
use crate::model_client;
use crate::project::{Environment, Project};

/// How the children of a run ask models: with this program, in this project's configuration, with the keys that its
/// hosts need. Nothing of it is stored.
pub(crate) fn asked_by(project: &Project, environment: &Environment) -> Models {
    let program = cli::itself();
    let program =
        program.into_iter().flat_map(|program| std::iter::once(program).chain(project.options.clone()));
    let hosts = model_client::everybody(project, environment);
    let variables = hosts.into_iter().filter_map(|host| match host.key {
        Some(KeySource::Env(name)) => Some(name),
        Some(KeySource::File(_)) | None => None,
    });
    Models { program: program.collect(), variables: variables.collect() }
}

/// Why nobody can be asked for this agent, where it is a model; with what to do.
pub(crate) fn missing(agent: &AgentDefinition, config: &Config) -> Option<(String, &'static str)> {
    if !agent.is_model() {
        return None;
    }
    if config.hosts.is_empty() {
        let why = format!("{}: no host for models is configured", agent.name);
        return Some((why, "add [[hosts]] to config.toml: docs/models.md"));
    }
    let model = agent.model.as_ref()?;
    let serving = serving(agent, config);
    serving.is_empty().then(|| {
        let why = format!("{}: no host has the model {model:?}", agent.name);
        (why, "add it to the `models` of a host under [[hosts]] in config.toml")
    })
}

/// The hosts whose configuration does not say which models they have.
pub(crate) fn silent(config: &Config) -> Vec<String> {
    let hosts = config.hosts.resolved(std::path::Path::new(""), None).hosts;
    hosts.into_iter().filter(|host| host.models.is_empty()).map(|host| host.name).collect()
}

/// Whether a host lists the task type, or takes all of them: else it goes to everybody, which may be a mistake (R1).
pub(crate) fn is_served(task: &str, config: &Config) -> bool {
    let hosts = config.hosts.resolved(std::path::Path::new(""), None).hosts;
    let takes = |host: &Host| host.tasks.is_empty() || host.tasks.iter().any(|one| one == task);
    hosts.is_empty() || hosts.iter().any(takes)
}

/// The names of the hosts that may be asked for this agent, the fallback last. One that does not say which models it
/// has may have any.
pub(crate) fn serving(agent: &AgentDefinition, config: &Config) -> Vec<String> {
    let hosts = config.hosts.resolved(std::path::Path::new(""), None);
    let has = |host: &Host| match &agent.model {
        Some(model) => host.models.is_empty() || host.models.iter().any(|one| is_same(one, model)),
        None => true,
    };
    let takes = |host: &&Host| {
        agent.route.as_ref().is_none_or(|task| host.tasks.is_empty() || host.tasks.contains(task))
    };
    let able: Vec<&Host> = hosts.hosts.iter().filter(|host| has(host)).collect();
    let mut serving: Vec<&Host> = able.iter().copied().filter(takes).collect();
    if serving.is_empty() {
        // A task type that nobody takes is everybody's (R1).
        serving = able;
    }
    serving
        .into_iter()
        .chain(hosts.fallback.as_ref().map(|fallback| &fallback.host))
        .map(|host| host.name.clone())
        .collect()
}

/// Whether two names may be one model: with Ollama a name without a tag means `:latest`.
fn is_same(one: &str, other: &str) -> bool {
    one.strip_suffix(":latest").unwrap_or(one) == other.strip_suffix(":latest").unwrap_or(other)
}

#[cfg(test)]
mod tests;
