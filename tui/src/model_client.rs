//! The client of the models that the configuration names.
//!
//! What all processes know of hosts stands in the machine-wide file. Where that cannot be had, the client goes on with
//! what this process finds out: to ask is worth more than to remember.

use std::path::Path;
use std::sync::Arc;

use conclave_db::Db;
use conclave_db::clock::SystemBootClock;
use conclave_llm::{Client, ClientOptions, Hosts, Shared, Sources};
use conclave_retry::{SystemClock, SystemRandom, SystemSleeper};

use crate::failure::Failure;
use crate::machine::Machine;
use crate::project::{Environment, Project};

/// A client, and why it remembers nothing, where that is so.
pub(crate) struct Made {
    pub(crate) client: Client,
    /// What it knows with all processes; it may have a warning after a call.
    pub(crate) shared: Shared,
    /// Why the machine-wide file could not be opened.
    pub(crate) unshared: Option<Failure>,
}

/// The hosts of a project's configuration, their paths resolved.
pub(crate) fn hosts(project: &Project, environment: &Environment) -> Hosts {
    project.config.hosts.resolved(&project.root, environment.get("HOME").map(Path::new))
}

/// The client of a project. `writes`: whether what it finds out is kept in the machine-wide file, which is made where it
/// is missing; else (`--read-only`) in this process alone.
///
/// # Errors
/// A configuration without anybody to ask.
pub(crate) fn of(
    project: &Project,
    machine: &Machine,
    environment: &Environment,
    writes: bool,
) -> Result<Made, Failure> {
    if project.config.hosts.is_empty() {
        return Err(nobody(project));
    }
    let (global, unshared) = match writes.then(|| machine.open()) {
        None => (None, None),
        Some(Ok(db)) => (Some(db), None),
        Some(Err(failure)) => (None, Some(failure)),
    };
    let shared = shared(global);
    let client = Client::new(
        hosts(project, environment),
        shared.clone(),
        sources(environment),
        ClientOptions::default(),
    );
    Ok(Made { client, shared, unshared })
}

/// What all processes know, over this file or in this process alone.
fn shared(global: Option<Db>) -> Shared {
    Shared::new(global, Arc::new(SystemClock), Arc::new(SystemBootClock), Arc::new(SystemRandom))
}

fn sources(environment: &Environment) -> Sources {
    let environment = environment.clone();
    Sources {
        clock: Arc::new(SystemClock),
        sleeper: Arc::new(SystemSleeper),
        random: Arc::new(SystemRandom),
        environment: Arc::new(move |name| environment.get(name).cloned()),
    }
}

/// Nobody can be asked.
pub(crate) fn nobody(project: &Project) -> Failure {
    let file = project.state_dir.join("config.toml");
    Failure::configuration("no model host is configured").hint(format!(
        "write one into {}: [[hosts]] with name, url and dialect (\"ollama\", \"openai\" or \"anthropic\")",
        file.display()
    ))
}
