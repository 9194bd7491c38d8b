//! Agents: their rows, and whether they live.

mod life;
mod model;
mod progress;
mod registering;
mod stop;
#[cfg(test)]
pub(crate) mod testing;

use conclave_db::Db;

pub use self::life::Life;
pub use self::model::{Agent, BuilderStatus, BuilderType, Counts, End, Ended, Key, Kind};
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
    let key = find(state, given)?.key;
    if key.kind != Kind::Builder {
        return Err(RegistryError::Refused {
            text: format!("{given} is no builder, and only builders have a status and a phase"),
            hint: None,
        });
    }
    let phase = phase.map(str::to_owned);
    state.write("say what a builder is at", move |tx| {
        let gone = || RegistryError::NotFound { what: "agent", given: key.id.clone() };
        if !rows::say(tx, &key.id, status.map(BuilderStatus::as_str), phase.as_deref())? {
            return Err(gone());
        }
        rows::one(tx, &key)?.ok_or_else(gone)
    })
}

/// Removes the row. Its processes and its worktree are the caller's business, before.
pub fn remove(state: &Db, key: &Key) -> Result<()> {
    let key = key.clone();
    state.write("remove an agent", move |tx| {
        if rows::delete(tx, &key)? {
            return Ok(());
        }
        Err(RegistryError::NotFound { what: "agent", given: key.id.clone() })
    })
}

#[cfg(test)]
mod tests;
