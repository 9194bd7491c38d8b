//! Making a row, with its port, in one transaction.

mod ids;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use conclave_db::process::{self, ProcessIdentity};
use conclave_db::{Db, WriteTx};

use self::ids::Stem;
use super::life::Life;
use super::model::{Agent, BuilderType, Key, Kind};
use super::progress::lose;
use crate::error::{RegistryError, Result};
use crate::ports::{self, Block, PortRole, Probe};
use crate::store::agents::{self as rows, Draft};

/// What kind of agent, with what only that kind has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    /// By its name.
    Architect {
        /// `main` where nobody says.
        name: String,
    },
    /// For something.
    Builder {
        /// What for.
        kind: BuilderType,
        /// The id; made up where it is not given.
        id: Option<String>,
        /// What it is to do, in words.
        task_text: Option<String>,
        /// The protocol.
        protocol: Option<String>,
    },
    /// For anything.
    Util,
    /// For a file.
    Annotation {
        /// Which.
        file: PathBuf,
        /// Whose: kind and id.
        parent: Option<(String, String)>,
    },
}

/// An agent to be registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAgent {
    /// What kind.
    pub role: Role,
    /// What it will run, for people; empty where nothing is to be started. Where something is, this process stands in
    /// the row as the one that starts it: should it die before, the agent is lost.
    pub cmd: String,
    /// Where its worktree will be made: the folder of the builders' worktrees; none is wanted without it.
    pub worktrees: Option<PathBuf>,
    /// A live process to be adopted.
    pub adopt: Option<u32>,
}

/// A port that is wanted.
#[derive(Debug, Clone)]
pub struct Wish {
    /// Of this block.
    pub block: Block,
    /// What says whether one is free.
    pub probe: Arc<dyn Probe>,
}

/// Makes the row, with a port of its role's range where one is wished for: rows of all tables are read, ports probed and
/// the row inserted in ONE write transaction. Durable when this returns. An agent of this id that lives is refused; one
/// that has ended is replaced, unless it still has a worktree.
pub fn register(state: &Db, new: &NewAgent, port: Option<&Wish>) -> Result<Agent> {
    let plan = Plan::of(new)?;
    let wish = port.cloned();
    state.write("register an agent", move |tx| plan.carry_out(tx, wish.as_ref()))
}

/// What is to be written, as far as it can be known before the transaction.
#[derive(Debug, Clone)]
struct Plan {
    stem: Stem,
    role: PortRole,
    draft: Draft,
    worktrees: Option<PathBuf>,
}

impl Plan {
    fn of(new: &NewAgent) -> Result<Self> {
        let process = new.adopt.map(adopted).transpose()?;
        let is_to_run = process.is_none() && !new.cmd.is_empty();
        let registrar = process::current()?;
        let supervisor = is_to_run.then(|| registrar.clone());
        let mut draft = Draft {
            // The id comes from the stem.
            key: Key { kind: Kind::Architect, id: String::new() },
            name: String::new(),
            type_word: BuilderType::Spec.as_str(),
            task_text: None,
            protocol_name: None,
            file: String::new(),
            parent: (Kind::Architect.as_str().to_owned(), None),
            cmd: new.cmd.clone(),
            port: None,
            process,
            supervisor,
            registrar,
        };
        let (stem, role) = match &new.role {
            Role::Architect { name } => {
                ids::check("the name of an architect", name)?;
                (Stem::Given(name.clone()), PortRole::Architect)
            }
            Role::Builder { kind, id, task_text, protocol } => {
                draft.key.kind = Kind::Builder;
                draft.type_word = kind.as_str();
                draft.task_text.clone_from(task_text);
                draft.protocol_name.clone_from(protocol);
                draft.name = builder_name(*kind, task_text.as_deref(), protocol.as_deref());
                (ids::of_builder(*kind, id.as_deref(), protocol.as_deref())?, PortRole::Builder)
            }
            Role::Util => {
                draft.key.kind = Kind::Util;
                draft.name = if new.cmd.is_empty() { "util".to_owned() } else { new.cmd.clone() };
                (Stem::MadeUp("U".to_owned()), PortRole::Util)
            }
            Role::Annotation { file, parent } => {
                draft.key.kind = Kind::Annotation;
                draft.file = file.to_str().map(str::to_owned).ok_or_else(|| {
                    RegistryError::Invalid(format!("{}: its name is no UTF-8", file.display()))
                })?;
                if let Some((kind, id)) = parent {
                    draft.parent = (kind.clone(), Some(id.clone()));
                }
                (Stem::MadeUp("A".to_owned()), PortRole::Annotation)
            }
        };
        Ok(Self { stem, role, draft, worktrees: new.worktrees.clone() })
    }

    fn carry_out(&self, tx: &WriteTx<'_>, wish: Option<&Wish>) -> Result<Agent> {
        // What they had may be had again.
        lose(tx)?;
        let mut draft = self.draft.clone();
        if let Some(process) = &draft.process {
            refuse_twice(&rows::open(tx)?, process)?;
        }
        draft.key.id = match &self.stem {
            Stem::Given(id) => id.clone(),
            Stem::MadeUp(stem) => ids::make_up(stem, &rows::all(tx)?, self.worktrees.as_deref())?,
        };
        for other in rows::with_id(tx, &draft.key.id)? {
            make_room(&other, &draft)?;
            rows::delete(tx, &other)?;
        }
        if let (Kind::Annotation, (kind, Some(id))) = (draft.key.kind, &draft.parent)
            && !rows::with_id(tx, id)?.iter().any(|other| other.key.kind.as_str() == kind)
        {
            return Err(RegistryError::NotFound { what: "agent", given: format!("{kind}:{id}") });
        }
        if draft.name.is_empty() {
            draft.name.clone_from(&draft.key.id);
        }
        draft.port = wish.map(|wish| ports::choose(tx, wish.block, self.role, &*wish.probe)).transpose()?;
        rows::insert(tx, &draft)?;
        let gone = || RegistryError::NotFound { what: "agent", given: draft.key.id.clone() };
        rows::one(tx, &draft.key)?.ok_or_else(gone)
    }
}

/// A process that is to be adopted: who it is, so that nobody who gets its number later is taken for it.
fn adopted(pid: u32) -> Result<ProcessIdentity> {
    if pid <= 1 || pid == std::process::id() {
        return Err(RegistryError::Invalid(format!("process {pid} cannot be an agent")));
    }
    process::of(pid)?
        .ok_or_else(|| RegistryError::Refused { text: format!("no process {pid} runs"), hint: None })
}

fn refuse_twice(others: &[Agent], process: &ProcessIdentity) -> Result<()> {
    let is_it = |other: &&Agent| other.ended.is_none() && other.process.as_ref() == Some(process);
    others.iter().find(is_it).map_or(Ok(()), |other| {
        Err(RegistryError::Refused {
            text: format!("process {} is {} already", process.pid, other.key),
            hint: None,
        })
    })
}

/// Whether the row of an agent with the same id may go.
fn make_room(old: &Agent, new: &Draft) -> Result<()> {
    let id = &old.key.id;
    let refuse = |text: String, hint: String| Err(RegistryError::Refused { text, hint: Some(hint) });
    if old.key.kind != new.key.kind {
        return refuse(
            format!("there is {} with this id already", old.key),
            "another id tells them apart".to_owned(),
        );
    }
    let name = || format!("{} {id}", old.key.kind.as_str());
    let pid = || old.pid.unwrap_or_default();
    match old.life() {
        Life::Running | Life::Unsupervised => refuse(
            format!("{} is already running (pid {})", name(), pid()),
            format!("`conclave stop {id}` ends it"),
        ),
        Life::Unknown => refuse(
            format!("{} is already running, as far as can be told from here (pid {})", name(), pid()),
            // Of a pid alone nobody is signalled; a process that is not ours to judge keeps its row.
            if old.process.is_none() {
                format!("`conclave stop {id}` forgets its process")
            } else {
                format!("end it where it runs; `conclave cleanup {id} --force` removes it from the list")
            },
        ),
        Life::None if old.supervisor.is_some() => {
            refuse(format!("{} is just being started", name()), format!("`conclave stop {id}` ends it"))
        }
        // Registering an architect again changes nothing that anybody said of it.
        Life::None if old.key.kind == Kind::Architect => Ok(()),
        Life::None => {
            refuse(format!("{} is registered already", name()), format!("`conclave stop {id}` ends that"))
        }
        Life::Ended | Life::Lost => match &old.worktree {
            Some(worktree) => refuse(
                format!("{} has ended, and its worktree {} is still there", name(), worktree.display()),
                format!(
                    "`conclave agents diff {id}` shows what is in it, `conclave cleanup {id}` removes it"
                ),
            ),
            None => Ok(()),
        },
    }
}

/// What people call a builder; empty: as its id.
fn builder_name(kind: BuilderType, task_text: Option<&str>, protocol: Option<&str>) -> String {
    const LONGEST: usize = 60;
    match (kind, task_text, protocol) {
        (BuilderType::Task, Some(text), _) => {
            let first = text.lines().next().unwrap_or_default().trim();
            let cut: String = first.chars().take(LONGEST).collect();
            let more = if cut.len() < first.len() { "…" } else { "" };
            format!("Task: {cut}{more}")
        }
        (BuilderType::Protocol, _, Some(protocol)) => format!("Protocol: {protocol}"),
        _ => String::new(),
    }
}

/// The folder of a builder's worktree.
pub(crate) fn folder_of(worktrees: &Path, id: &str) -> PathBuf {
    worktrees.join(id)
}

#[cfg(test)]
mod tests;
