//! Making a row, with its port, in one transaction.

use std::path::PathBuf;

use conclave_db::Db;

use super::model::{Agent, BuilderType};
use crate::error::Result;
use crate::ports::{Block, Probe};

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
    /// What it will run, for people.
    pub cmd: String,
    /// Where its worktree will be made: the folder of the builders' worktrees; none is wanted without it.
    pub worktrees: Option<PathBuf>,
    /// A live process to be adopted.
    pub adopt: Option<u32>,
}

/// A port that is wanted.
#[derive(Debug)]
pub struct Wish<'wish> {
    /// Of this block.
    pub block: Block,
    /// What says whether one is free.
    pub probe: &'wish dyn Probe,
}

/// Makes the row, with a port of its role's range where one is wished for: rows of all tables are read, ports probed and
/// the row inserted in ONE write transaction. Durable when this returns. An agent of this id that lives is refused; one
/// that has ended is replaced, unless it still has a worktree.
pub fn register(_state: &Db, _new: &NewAgent, _port: Option<&Wish<'_>>) -> Result<Agent> {
    todo!("R")
}
