//! Agents: their rows, and whether they live.

mod life;
mod model;
mod progress;
mod registering;
mod stop;
#[cfg(test)]
pub(crate) mod testing;

use conclave_db::{Db, process};

pub use self::life::Life;
pub use self::model::{Agent, BuilderStatus, BuilderType, Counts, End, Ended, Key, Kind};
use self::progress::lose;
pub use self::progress::{ended, note_lost, started};
pub use self::registering::{NewAgent, Role, Wish, register};
pub use self::stop::{Stopped, Stopping, stop};
use crate::error::{RegistryError, Result};
use crate::store::agents as rows;

/// All agents: architects first, then the newest. Reads only.
pub fn list(state: &Db) -> Result<Vec<Agent>> {
    Ok(state.read(rows::all)?)
}

/// The agent with this id: an exact one wins, else a unique prefix (architects are never shortened), never a substring.
/// Where two of different kinds have the same id, `builder:ID` says which.
pub fn find(state: &Db, given: &str) -> Result<Agent> {
    if given.is_empty() {
        return Err(RegistryError::Invalid("the id of an agent is not empty".to_owned()));
    }
    let whole = state.read(|conn| rows::with_id(conn, given))?;
    if let [one] = whole.as_slice() {
        return Ok(one.clone());
    }
    let agents = list(state)?;
    let exact: Vec<&Agent> = agents.iter().filter(|agent| agent.key.id == given).collect();
    let exact = if exact.is_empty() {
        agents.iter().filter(|agent| agent.key.to_string() == given).collect()
    } else {
        exact
    };
    let begins = |agent: &&Agent| agent.key.kind != Kind::Architect && agent.key.id.starts_with(given);
    let found = if exact.is_empty() { agents.iter().filter(begins).collect() } else { exact };
    match found.as_slice() {
        [] => Err(RegistryError::NotFound { what: "agent", given: given.to_owned() }),
        [one] => Ok((*one).clone()),
        several => {
            let is_one_id = several.iter().all(|agent| agent.key.id == given);
            let name = |agent: &&Agent| if is_one_id { agent.key.to_string() } else { agent.key.id.clone() };
            let mut candidates: Vec<String> = several.iter().map(name).collect();
            candidates.sort();
            Err(RegistryError::Ambiguous { given: given.to_owned(), candidates })
        }
    }
}

/// How many rows of each kind there are. Reads only.
pub fn counts(state: &Db) -> Result<Counts> {
    Ok(state.read(rows::counts)?)
}

/// What an agent says of itself. Durable when this returns.
pub fn set(state: &Db, given: &str, status: Option<BuilderStatus>, phase: Option<&str>) -> Result<Agent> {
    let agent = find(state, given)?;
    if agent.key.kind != Kind::Builder {
        return Err(RegistryError::Refused {
            text: format!("{given} is no builder, and only builders have a status and a phase"),
            hint: None,
        });
    }
    let phase = phase.map(str::to_owned);
    state.write("say what a builder is at", move |tx| {
        lose(tx)?;
        let gone = || RegistryError::NotFound { what: "agent", given: agent.key.id.clone() };
        if !rows::say(tx, &agent, status.map(BuilderStatus::as_str), phase.as_deref())? {
            return Err(gone());
        }
        rows::same(tx, &agent)?.ok_or_else(gone)
    })
}

/// Which rows may be removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removal {
    /// Only of an agent that does not run, as far as can be told from here.
    Ended,
    /// Whatever it does: it will run on, and nobody will know of it.
    Whatever,
}

/// Removes the row of this very registration; gives whether it was there: somebody else may have removed it, and its id
/// may be another agent's by now, which is left alone. Its processes and its worktree are the caller's business, before.
/// Durable when this returns.
///
/// # Errors
/// Refused where it runs, or is being started by another process, and was not to be removed then.
pub fn remove(state: &Db, agent: &Agent, which: Removal) -> Result<bool> {
    let agent = agent.clone();
    let me = process::current()?;
    state.write("remove an agent", move |tx| {
        lose(tx)?;
        let Some(now) = rows::same(tx, &agent)? else { return Ok(false) };
        let runs = match now.life() {
            Life::Running | Life::Unsupervised | Life::Unknown => true,
            Life::None => now.supervisor.as_ref().is_some_and(|starts| *starts != me),
            Life::Ended | Life::Lost => false,
        };
        if runs && which == Removal::Ended {
            let id = &now.key.id;
            return Err(RegistryError::Refused {
                text: match now.pid {
                    Some(pid) => format!("{id} runs (pid {pid}), and stays in the list"),
                    None => format!("{id} is being started, and stays in the list"),
                },
                hint: Some(format!("`conclave stop {id}` ends it")),
            });
        }
        Ok(rows::delete(tx, &now)?)
    })
}

#[cfg(test)]
mod tests;
