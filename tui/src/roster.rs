//! Whom a run asks: the configured agents, or those that are installed.

use std::ffi::OsStr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use conclave_consensus::agents::{self, AgentDefinition};
use conclave_consensus::names;

use crate::config::Config;
use crate::failure::Failure;
use crate::model_agents;
use crate::project::Environment;

/// Everybody who can be asked, and whether the configuration names them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) agents: Vec<AgentDefinition>,
    /// Whether they stand in the configuration; else they are the presets that were found on PATH.
    pub(crate) configured: bool,
}

/// The configured agents; without any the presets whose programs are on PATH.
pub(crate) fn known(config: &Config, environment: &Environment) -> Known {
    if let Some(agents) = config.agents.as_ref().filter(|agents| !agents.is_empty()) {
        return Known { agents: agents.clone(), configured: true };
    }
    let path = environment.get("PATH").cloned().unwrap_or_default();
    let found = agents::installed(&path).into_iter().map(|(preset, _)| preset.definition()).collect();
    Known { agents: found, configured: false }
}

/// The agents for a stage, in canonical form: all that take part in it, or those that are named, of which each must
/// be known. Every one is installed.
pub(crate) fn choose(
    config: &Config,
    environment: &Environment,
    folder: &Path,
    stage: &str,
    named: Option<&[String]>,
) -> Result<Vec<AgentDefinition>, Failure> {
    let known = known(config, environment);
    if known.agents.is_empty() && named.is_none() {
        return Err(nobody());
    }
    let chosen = if let Some(names) = named {
        by_name(&known, names)?
    } else {
        let takes_part =
            |agent: &AgentDefinition| agent.stages.is_empty() || agent.stages.iter().any(|one| one == stage);
        let all: Vec<_> = known.agents.iter().filter(|agent| takes_part(agent)).cloned().collect();
        if all.is_empty() {
            return Err(Failure::configuration(format!("no agent is configured for the stage {stage:?}"))
                .hint("add the stage to an agent's `stages`, or name agents with --agents"));
        }
        all
    };
    refuse_missing(&chosen, config, environment, folder)?;
    Ok(chosen)
}

/// Everybody, installed every one: a pipeline takes of them who takes part in each stage.
pub(crate) fn all(
    config: &Config,
    environment: &Environment,
    folder: &Path,
) -> Result<Vec<AgentDefinition>, Failure> {
    let known = known(config, environment);
    if known.agents.is_empty() {
        return Err(nobody());
    }
    refuse_missing(&known.agents, config, environment, folder)?;
    Ok(known.agents)
}

/// Refuses agents whose programs are not there, and models that nobody has, before anything is started.
pub(crate) fn refuse_missing(
    agents: &[AgentDefinition],
    config: &Config,
    environment: &Environment,
    folder: &Path,
) -> Result<(), Failure> {
    let missing: Vec<String> = agents
        .iter()
        .filter_map(|agent| {
            let program = agent.command.first()?;
            let lacks = find_program(program, environment, folder).is_none();
            lacks.then(|| format!("{} ({program:?})", agent.name))
        })
        .collect();
    if missing.is_empty() {
        return match agents.iter().find_map(|agent| model_agents::missing(agent, config)) {
            Some((why, hint)) => Err(Failure::configuration(why).hint(hint)),
            None => Ok(()),
        };
    }
    Err(Failure::new(
        crate::failure::Exit::Usage,
        "not-installed",
        format!("not installed: {}", missing.join(", ")),
    )
    .hint("install the program, or mend the agent's `command`; --agents chooses others"))
}

/// The file of a program, as a child process would find it.
pub(crate) fn find_program(program: &str, environment: &Environment, folder: &Path) -> Option<PathBuf> {
    let runs = |file: &Path| {
        std::fs::metadata(file).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
    };
    if program.contains('/') {
        return Some(folder.join(program)).filter(|file| runs(file));
    }
    let path = environment.get("PATH").map_or(OsStr::new("/usr/bin:/bin"), |path| path.as_os_str());
    std::env::split_paths(path).map(|entry| folder.join(entry).join(program)).find(|file| runs(file))
}

fn by_name(known: &Known, names: &[String]) -> Result<Vec<AgentDefinition>, Failure> {
    let mut chosen: Vec<AgentDefinition> = Vec::new();
    for name in names {
        let name = name.trim();
        let of_name: Vec<&AgentDefinition> = known
            .agents
            .iter()
            .filter(|agent| agent.name == name || names::without_copy(&agent.name) == name)
            .collect();
        if of_name.is_empty() {
            return Err(unknown(known, name));
        }
        for agent in of_name {
            if chosen.iter().any(|other| other.name == agent.name) {
                return Err(Failure::usage(format!("--agents names {:?} twice", agent.name))
                    .hint("`copies = N` in the configuration asks one agent several times"));
            }
            chosen.push(agent.clone());
        }
    }
    Ok(chosen)
}

fn unknown(known: &Known, name: &str) -> Failure {
    if !known.configured && agents::preset(name).is_some() {
        return Failure::new(crate::failure::Exit::Usage, "not-installed", format!("not installed: {name}"))
            .hint("put its program on PATH, or configure it with a `command` of your own");
    }
    let names: Vec<&str> = known.agents.iter().map(|agent| agent.name.as_str()).collect();
    let failure = Failure::usage(format!("--agents: no agent {name:?}"));
    if names.is_empty() { nobody() } else { failure.hint(format!("known: {}", names.join(", "))) }
}

/// Nobody can be asked.
fn nobody() -> Failure {
    let presets: Vec<&str> = agents::PRESETS.iter().map(|preset| preset.name).collect();
    Failure::configuration(format!(
        "no agents: none is configured, and none of {} is on PATH",
        presets.join(", ")
    ))
    .hint("`conclave demo` shows a run without any; `conclave init` writes a config.toml that says how to add [[agents]]")
}

#[cfg(test)]
mod tests;
