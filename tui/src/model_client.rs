//! The client of the models that the configuration names.
//!
//! What all processes know of hosts stands in the machine-wide file. Where that cannot be had, the client goes on with
//! what this process finds out: to ask is worth more than to remember.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use conclave_db::Db;
use conclave_db::clock::SystemBootClock;
use conclave_llm::{Client, ClientOptions, Host, Hosts, Shared, Sources};
use conclave_retry::{SystemClock, SystemRandom, SystemSleeper};

use crate::failure::Failure;
use crate::machine::Machine;
use crate::project::{Environment, Project};

/// How long the opening of the machine-wide file is waited for, where nobody writes to it.
const PATIENCE: Duration = Duration::from_millis(100);

/// Bytes of a prompt where nobody says otherwise, as the client has it.
const LONGEST_PROMPT: u64 = 2 << 20;

/// A client, and whether it shares what it knows.
pub(crate) struct Made {
    pub(crate) client: Client,
    /// What it knows with all processes.
    shared: Shared,
    /// Why the machine-wide file could not be opened.
    unopened: Option<Failure>,
}

impl Made {
    /// What to tell once, after a call: that others do not hear of what was found out, where that is so.
    pub(crate) fn warning(&self) -> Option<String> {
        let unopened = self.unopened.as_ref().map(|failure| {
            format!("what other processes know of the hosts is not used: {}", failure.message)
        });
        unopened.or_else(|| self.shared.warning())
    }
}

/// The hosts of a project's configuration, their paths resolved.
pub(crate) fn hosts(project: &Project, environment: &Environment) -> Hosts {
    project.config.hosts.resolved(&project.root, environment.get("HOME").map(Path::new))
}

/// Every host of a project, the fallback last.
pub(crate) fn everybody(project: &Project, environment: &Environment) -> Vec<Host> {
    let hosts = hosts(project, environment);
    hosts.hosts.into_iter().chain(hosts.fallback.map(|fallback| fallback.host)).collect()
}

/// The hosts with these names, in this order.
///
/// # Errors
/// A name that nobody has.
pub(crate) fn named(
    project: &Project,
    environment: &Environment,
    names: &[String],
) -> Result<Vec<Host>, Failure> {
    if project.config.hosts.is_empty() {
        return Err(nobody(project));
    }
    let all = everybody(project, environment);
    let find = |name: &String| {
        all.iter().find(|host| host.name == *name).cloned().ok_or_else(|| {
            let known: Vec<&str> = all.iter().map(|host| host.name.as_str()).collect();
            Failure::not_found(format!("no host is called {name:?}"))
                .hint(format!("hosts: {}", known.join(", ")))
        })
    };
    names.iter().map(find).collect()
}

/// Bytes that a prompt may have.
pub(crate) fn longest_prompt(project: &Project) -> u64 {
    project.config.hosts.max_prompt_bytes().unwrap_or(LONGEST_PROMPT)
}

/// The client of a project. `writes`: whether what it finds out is kept in the machine-wide file, which is made where it
/// is missing; else (`--read-only`) in this process alone.
///
/// # Errors
/// A configuration without anybody to ask.
pub(crate) fn of(
    project: &Project,
    machine: Result<Machine, Failure>,
    environment: &Environment,
    writes: bool,
) -> Result<Made, Failure> {
    if project.config.hosts.is_empty() {
        return Err(nobody(project));
    }
    let (global, unopened) = match writes.then(|| machine.and_then(|machine| machine.open_within(PATIENCE))) {
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
    Ok(Made { client, shared, unopened })
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
