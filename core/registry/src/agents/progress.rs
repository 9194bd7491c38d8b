//! What happens to the process of an agent: it is started, it ends, it is found to be gone.

use conclave_db::process::ProcessIdentity;
use conclave_db::{Db, WriteTx};

use super::life::Life;
use super::model::{Agent, End};
use crate::error::{RegistryError, Result};
use crate::store::agents as rows;

/// Notes the process of an agent that was registered, and who waits for its end. Durable when this returns; only then may
/// the process go on. Refused where the agent was ended, removed or replaced meanwhile: then it must not go on.
pub fn started(
    state: &Db,
    agent: &Agent,
    process: &ProcessIdentity,
    supervisor: &ProcessIdentity,
) -> Result<Agent> {
    let (agent, process, supervisor) = (agent.clone(), process.clone(), supervisor.clone());
    state.write("note an agent's process", move |tx| {
        let is_noted = rows::start(tx, &agent, &process, &supervisor)?;
        let now = if is_noted { rows::one(tx, &agent.key)? } else { None };
        now.ok_or_else(|| RegistryError::Refused {
            text: format!("{} was stopped or removed before it was started", agent.key.id),
            hint: None,
        })
    })
}

/// Records the end of the process that `agent` names and frees its port; gives whether the agent still has that process
/// (else nothing is changed). An end that nobody saw, `None`, is a loss and has no code. Durable when this returns.
pub fn ended(state: &Db, agent: &Agent, exit_status: Option<i32>) -> Result<bool> {
    let agent = agent.clone();
    let how = if exit_status.is_some() { End::Exited } else { End::Lost };
    state.write("record an agent's end", move |tx| Ok(rows::end(tx, &agent, how, exit_status)?))
}

/// Records the agents whose processes have vanished (or are of an older boot) as lost and frees their ports; gives them.
/// Every command that writes to the registry does so first.
pub fn note_lost(state: &Db) -> Result<Vec<Agent>> {
    // Mostly there is none, and nothing is to be written.
    if !state.read(rows::open)?.iter().any(is_newly_lost) {
        return Ok(Vec::new());
    }
    state.write("record lost agents", lose)
}

/// The same inside of a transaction.
pub(super) fn lose(tx: &WriteTx<'_>) -> Result<Vec<Agent>> {
    let mut lost = Vec::new();
    for agent in rows::open(tx)?.iter().filter(|agent| is_newly_lost(agent)) {
        if rows::end(tx, agent, End::Lost, None)? {
            lost.extend(rows::same(tx, agent)?);
        }
    }
    Ok(lost)
}

fn is_newly_lost(agent: &Agent) -> bool {
    agent.ended.is_none() && agent.life() == Life::Lost
}
