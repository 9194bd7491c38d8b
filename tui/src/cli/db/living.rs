//! Agents that live while the state that knows them is put away: afterwards nothing of Conclave can end them.

use std::fmt::Write as _;

use conclave_registry::agents::{self, Agent, Life};
use serde_json::{Value, json};

use super::target::Target;
use crate::failure::{Doing, Exit, Failure};
use crate::text::{counted, visible};

/// The agents of the target that live, or may. None, where the file cannot be read: it is to be put away whatever is
/// wrong with it.
pub(super) fn agents(target: &Target<'_>) -> Vec<Agent> {
    if target.is_global() {
        return Vec::new();
    }
    let listed = target.context.project.open_read_only().and_then(|db| match db {
        Some(db) => agents::list(&db).doing("read the agents"),
        None => Ok(Vec::new()),
    });
    let agents = listed.unwrap_or_else(|failure| {
        tracing::warn!(?failure, "the agents cannot be read");
        Vec::new()
    });
    agents.into_iter().filter(may_live).collect()
}

fn may_live(agent: &Agent) -> bool {
    match agent.life() {
        Life::Running | Life::Unsupervised | Life::Unknown => true,
        // Somebody is about to start it.
        Life::None => agent.supervisor.is_some(),
        Life::Ended | Life::Lost => false,
    }
}

/// They are named, and end first.
pub(super) fn refuse(target: &Target<'_>, what: &str, living: &[Agent]) -> Result<(), Failure> {
    if living.is_empty() {
        return Ok(());
    }
    let names: Vec<String> = living.iter().map(named).collect();
    let text = format!(
        "{} would run on and be known to nobody: {}",
        counted(living.len() as u64, "agent", "agents"),
        names.join(", ")
    );
    let force = target.in_words(&format!("{what} --force"));
    let hint = format!("`conclave stop --all` ends them; `{force}` leaves them alone");
    Err(Failure::new(Exit::StateSaysNo, "refused", text).hint(hint).doing(what.to_owned()))
}

/// "main (pid 12)"
fn named(agent: &Agent) -> String {
    let id = visible(&agent.key.id);
    agent.pid.map_or_else(|| id.clone().into_owned(), |pid| format!("{id} (pid {pid})"))
}

/// Says what became of them.
pub(super) fn say(target: &Target<'_>, living: &[Agent]) {
    for agent in living {
        let mut said = format!("{} runs on, and is known to nobody any more", named(agent));
        if let Some(port) = agent.port {
            let _ = write!(said, ", with the port {port} of the project's block");
        }
        // A pid alone may be anybody's by now.
        if let Some(process) = &agent.process {
            let _ = write!(said, "; `kill {}` ends it", process.pid);
        }
        if let Some(folder) = &agent.worktree {
            let _ = write!(said, "; its worktree is {}", visible(&folder.to_string_lossy()));
        }
        target.context.output.notice(said);
    }
}

/// What programs are told of them.
pub(super) fn objects(living: &[Agent]) -> Vec<Value> {
    let object = |agent: &Agent| {
        json!({
            "kind": agent.key.kind,
            "id": agent.key.id,
            "pid": agent.pid,
            "port": agent.port,
            "worktree": agent.worktree.as_ref().map(|folder| folder.to_string_lossy()),
        })
    };
    living.iter().map(object).collect()
}
