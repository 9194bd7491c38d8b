//! What agents must be: as their workers have left them, and no two on one port.

use std::collections::BTreeMap;

use conclave_db::Db;
use conclave_db::foreign::Client;
use conclave_registry::agents::{self, Agent, Life};

use super::look::number;
use super::work::Worker;
use super::work::registrar::Operation;
use crate::outcome::Outcome;

/// An agent that was acknowledged.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Own {
    phase: String,
    /// The port that it was given; where it was registered again before anybody heard of it, nobody knows.
    port: Option<u16>,
    starts: bool,
}

/// Everything that was said about agents.
#[derive(Debug, Clone, Default)]
pub(crate) struct Agents {
    own: BTreeMap<String, Own>,
    /// What was under way when a worker was killed last, and is repeated: it is there wholly or not at all.
    pending: BTreeMap<u64, Operation>,
}

impl Agents {
    /// A worker has acknowledged.
    pub(crate) fn done(&mut self, worker: &Worker, number: u64, words: &[&str]) -> Outcome {
        // What was cut off and is repeated may have been done before.
        let operation = Operation::of(worker, number);
        let again = self.pending.remove(&worker.place).is_some_and(|pending| pending == operation);
        match (operation, words) {
            (Operation::Register { id, starts, .. }, ["agent-register", port @ ..]) => {
                let port = port.first().map(|port| port.parse()).transpose()?;
                self.own.insert(id, Own { phase: String::new(), port, starts });
            }
            (Operation::Register { id, starts, .. }, ["agent-there"]) if again => {
                self.own.insert(id, Own { phase: String::new(), port: None, starts });
            }
            (Operation::Phase { id, phase }, ["agent-set"]) => {
                self.own.get_mut(&id).ok_or("one that nobody has registered")?.phase = phase;
            }
            (Operation::Phase { id, .. }, ["agent-gone"]) if !self.own.contains_key(&id) => {}
            (Operation::Remove { id }, ["agent-gone"]) if again || !self.own.contains_key(&id) => {
                self.own.remove(&id);
            }
            (Operation::Remove { id }, ["agent-remove"]) => {
                self.own.remove(&id);
            }
            (Operation::Register { .. }, ["agent-none"]) | (Operation::Lost, ["agent-lost"]) => {}
            (operation, words) => return Err(format!("{operation:?}: {words:?}").into()),
        }
        Ok(())
    }

    /// A worker was killed in this operation.
    pub(crate) fn cut_off(&mut self, worker: &Worker, number: u64) {
        self.pending.insert(worker.place, Operation::of(worker, number));
    }

    /// Checks all rows; gives how many there are.
    pub(crate) fn check(&self, db: &Db, client: &Client) -> Outcome<usize> {
        let shared = "SELECT count(*) FROM (SELECT port FROM agents WHERE port IS NOT NULL GROUP BY port HAVING count(*) > 1)";
        if number(client, shared)? != 0 {
            return Err("two agents are on one port".into());
        }
        let found: BTreeMap<String, Agent> =
            agents::list(db)?.into_iter().map(|agent| (agent.key.id.clone(), agent)).collect();
        for (id, own) in &self.own {
            let pending = self.pending.values().find(|pending| is_about(pending, id));
            match found.get(id) {
                None if matches!(pending, Some(Operation::Remove { .. })) => {}
                None => return Err(format!("the acknowledged agent {id} is gone").into()),
                Some(agent) => own.compare(agent, pending)?,
            }
        }
        if let Some(id) = found.keys().find(|id| {
            !self.own.contains_key(*id) && !self.pending.values().any(|pending| is_about(pending, id))
        }) {
            return Err(format!("an agent that nobody has acknowledged: {id}").into());
        }
        agents::note_lost(db)?;
        for agent in agents::list(db)? {
            if agent.supervisor.is_some() && (agent.life() != Life::Lost || agent.port.is_some()) {
                return Err(format!("who was to start it is dead, and nobody says so: {agent:?}").into());
            }
        }
        Ok(found.len())
    }
}

fn is_about(operation: &Operation, wanted: &str) -> bool {
    match operation {
        Operation::Register { id, .. } | Operation::Phase { id, .. } | Operation::Remove { id } => {
            id == wanted
        }
        Operation::Lost => false,
    }
}

impl Own {
    fn compare(&self, agent: &Agent, pending: Option<&Operation>) -> Outcome {
        let phase = agent.phase.as_deref().unwrap_or_default();
        let is_phase = phase == self.phase
            || matches!(pending, Some(Operation::Phase { phase: other, .. }) if other == phase)
            || matches!(pending, Some(Operation::Register { .. }));
        // An end frees the port.
        let is_port =
            self.port.is_none() || agent.port == self.port || (agent.ended.is_some() && agent.port.is_none());
        if !is_phase || !is_port || agent.supervisor.is_some() != self.starts {
            return Err(format!("acknowledged {self:?}, pending {pending:?}, found {agent:?}").into());
        }
        Ok(())
    }
}
