//! Agents: processes that each register their own, on ports that all share.

use std::sync::Arc;

use conclave_db::{Db, DbOptions};
use conclave_registry::agents::{self, Agent, BuilderType, Key, Kind, NewAgent, Removal, Role, Wish};
use conclave_registry::ports::{self, Block, FirstBase, Probe};
use conclave_registry::{RegistryError, RegistryErrorKind};

use super::{Work, Worker, open};
use crate::chance::Chance;
use crate::outcome::Outcome;

/// What a worker does. Everything follows from the seed, but for the port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Operation {
    /// An agent of its own; on a port, and about to be started by the worker, which never does.
    Register {
        id: String,
        port: bool,
        starts: bool,
    },
    /// What the agent says of itself.
    Phase {
        id: String,
        phase: String,
    },
    Remove {
        id: String,
    },
    /// Agents whose processes have vanished are recorded as lost.
    Lost,
}

impl Operation {
    pub(crate) fn of(worker: &Worker, number: u64) -> Self {
        let mut chance = Chance::of(worker.seed, &[worker.place, number]);
        let drawn = chance.below(20);
        if drawn < 8 {
            let (port, starts) = (chance.percent(70), chance.percent(50));
            return Self::Register { id: id_of(worker, number), port, starts };
        }
        if drawn == 19 {
            return Self::Lost;
        }
        // One of the last that it has registered.
        let first = number.saturating_sub(1 + chance.below(30));
        let earlier = (first..number).find(|earlier| registers(worker, *earlier));
        let Some(earlier) = earlier else { return Self::Lost };
        let id = id_of(worker, earlier);
        if drawn < 14 { Self::Phase { id, phase: format!("phase {number}") } } else { Self::Remove { id } }
    }
}

fn registers(worker: &Worker, number: u64) -> bool {
    Chance::of(worker.seed, &[worker.place, number]).below(20) < 8
}

fn id_of(worker: &Worker, number: u64) -> String {
    format!("b{}-{number}", worker.place)
}

/// Nothing but the database says what is taken.
#[derive(Debug)]
struct AllFree;

impl Probe for AllFree {
    fn is_free(&self, _: u16) -> Result<bool, RegistryError> {
        Ok(true)
    }
}

/// A process that registers agents.
#[derive(Debug)]
pub(crate) struct Registrar {
    worker: Worker,
    db: Db,
    block: Block,
}

impl Registrar {
    pub(crate) fn new(worker: Worker) -> Outcome<Self> {
        let db = open(&worker.folder)?;
        let schema = conclave::state::global_schema()?;
        let global = Db::open(DbOptions::new(worker.folder.join("global.db"), schema))?;
        let block = ports::block_of(&global, &worker.folder, FirstBase::USUAL)?;
        Ok(Self { worker, db, block })
    }

    fn register(&self, id: &str, port: bool, starts: bool) -> Outcome<String> {
        let new = NewAgent {
            role: Role::Builder {
                kind: BuilderType::Shell,
                id: Some(id.to_owned()),
                task_text: None,
                protocol: None,
            },
            cmd: if starts { "a program" } else { "" }.to_owned(),
            worktrees: None,
            adopt: None,
        };
        let wish = Wish { block: self.block, probe: Arc::new(AllFree) };
        match agents::register(&self.db, &new, port.then_some(&wish)) {
            Ok(agent) => Ok(agent
                .port
                .map_or_else(|| "agent-register".to_owned(), |port| format!("agent-register {port}"))),
            // A repeated operation may have been done before.
            Err(error)
                if matches!(error.kind(), RegistryErrorKind::Exhausted | RegistryErrorKind::Refused) =>
            {
                let is_there = agents::list(&self.db)?.iter().any(|agent| agent.key.id == id);
                Ok(if is_there { "agent-there" } else { "agent-none" }.to_owned())
            }
            Err(error) => Err(error.into()),
        }
    }
}

impl Work for Registrar {
    fn act(&mut self, number: u64) -> Outcome<String> {
        let found = |done: Result<(), RegistryError>, word: &str| match done {
            Err(error) if error.kind() == RegistryErrorKind::NotFound => Ok("agent-gone".to_owned()),
            done => Ok(done.map(|()| word.to_owned())?),
        };
        match Operation::of(&self.worker, number) {
            Operation::Register { id, port, starts } => self.register(&id, port, starts),
            Operation::Phase { id, phase } => found(
                agents::set(&self.db, &format!("builder:{id}"), None, Some(&phase)).map(drop),
                "agent-set",
            ),
            Operation::Remove { id } => {
                let key = Key { kind: Kind::Builder, id };
                let is_it = |agent: &Agent| agent.key == key;
                let found = agents::list(&self.db)?.into_iter().find(is_it);
                let is_gone = match found {
                    Some(agent) => !agents::remove(&self.db, &agent, Removal::Whatever)?,
                    None => true,
                };
                Ok(if is_gone { "agent-gone" } else { "agent-remove" }.to_owned())
            }
            Operation::Lost => {
                agents::note_lost(&self.db)?;
                Ok("agent-lost".to_owned())
            }
        }
    }
}
