//! The work: what each process does, as a function of the seed and a number, so that the parent knows it too.
//!
//! Each kind of worker has its operations in a module of its own: what the n-th is, and doing it. What an
//! operation makes of the rows is said in [`Effect`]s, which are the parent's model.

pub(crate) mod cacher;
pub(crate) mod care;
pub(crate) mod drive;
pub(crate) mod importer;
pub(crate) mod leaser;
pub(crate) mod older;
pub(crate) mod own;
pub(crate) mod registrar;
pub(crate) mod spooler;
pub(crate) mod steps;
pub(crate) mod tasker;

use std::path::{Path, PathBuf};

use conclave_db::{Db, DbOptions};

use super::row::{Kind, Row, Run};
use crate::outcome::Outcome;

/// What an operation makes of the rows.
#[derive(Debug, Clone)]
pub(crate) enum Effect {
    /// The run is there.
    Run(Run),
    /// The row is there, unless it was before.
    Insert(Row),
    /// The row, if it is there, is this one now.
    Become(Row),
    /// The row, if it is there, has this body now.
    Rewrite { kind: Kind, name: String, body: Vec<u8> },
    /// The row is gone.
    Delete { kind: Kind, name: String },
    /// The execution, if it has not ended, has ended now.
    End { name: String, body: Vec<u8>, ended: i64 },
}

/// The kinds of workers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub(crate) enum Role {
    /// Conclave, recording runs.
    Own,
    /// A program that knows the legacy tables alone.
    Older,
    /// Somebody who moves the migration on and back.
    Migrator,
    /// Vacuum, checkpoints, backups, imports.
    Caretaker,
    /// Conclave, driving runs.
    Driver,
    /// Conclave, working with tasks.
    Tasker,
    /// Conclave, taking leases.
    Leaser,
    /// Conclave, registering agents.
    Registrar,
    /// Conclave, writing events.
    Spooler,
    /// Conclave, taking events in.
    Importer,
    /// Conclave, working with the cache.
    Cacher,
}

/// One process of the work.
#[derive(Debug, Clone)]
pub(crate) struct Worker {
    pub(crate) role: Role,
    /// Its place among all workers of the project; its choices and names follow from it.
    pub(crate) place: u64,
    pub(crate) seed: u64,
    pub(crate) folder: PathBuf,
}

impl Worker {
    /// Whether a repeated operation is told from another one: then what was under way at a kill is repeated.
    pub(crate) const fn repeats(&self) -> bool {
        matches!(self.role, Role::Own | Role::Caretaker | Role::Driver | Role::Tasker | Role::Registrar)
    }

    /// What the operation makes of the rows, all at once or, for an import, row by row.
    pub(crate) fn effects(&self, number: u64) -> Vec<Effect> {
        match self.role {
            Role::Own => own::Operation::of(self, number).effects(),
            Role::Older => {
                older::operation(self, number).1.into_iter().map(|statement| statement.effect).collect()
            }
            // The others are checked by themselves: their rows have times and numbers of their own.
            Role::Migrator
            | Role::Driver
            | Role::Tasker
            | Role::Leaser
            | Role::Registrar
            | Role::Spooler
            | Role::Importer
            | Role::Cacher => Vec::new(),
            Role::Caretaker => care::Operation::of(self, number).effects(self),
        }
    }
}

/// Does operations, one after the other; gives the words of the acknowledgement.
pub(crate) trait Work {
    fn act(&mut self, number: u64) -> Outcome<String>;
}

/// The state file of a project's folder.
pub(crate) fn state_file(folder: &Path) -> PathBuf {
    folder.join("state.db")
}

pub(crate) fn open(folder: &Path) -> Outcome<Db> {
    Ok(Db::open(DbOptions::new(state_file(folder), conclave::state::schema()?))?)
}
