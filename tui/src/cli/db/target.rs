//! Which file `conclave db …` is about: the project's state, or with `--global` the machine-wide file.

use std::path::Path;

use conclave_db::query::Viewer;
use conclave_db::{Db, DbOptions, ErrorKind, FileIdentity, paths};
use conclave_leases::{FenceCarry, FileGuard, LeaseErrorKind};

use crate::cli::context::Context;
use crate::failure::{Doing, Failure};
use crate::life_cycle;
use crate::machine::Machine;

/// The file that a command looks after.
pub(super) struct Target<'context> {
    pub(super) context: &'context Context,
    /// The machine-wide file; the project's without it.
    machine: Option<Machine>,
}

impl<'context> Target<'context> {
    pub(super) fn new(context: &'context Context, global: bool) -> Result<Self, Failure> {
        let machine = if global { Some(context.machine()?) } else { None };
        Ok(Self { context, machine })
    }

    pub(super) fn database(&self) -> &Path {
        self.machine.as_ref().map_or(&self.context.project.database, Machine::database)
    }

    pub(super) fn is_global(&self) -> bool {
        self.machine.is_some()
    }

    pub(super) fn has_state(&self) -> bool {
        self.machine.as_ref().map_or_else(|| self.context.project.has_state(), Machine::has_state)
    }

    /// The machine-wide file, where this is it.
    pub(super) const fn machine(&self) -> Option<&Machine> {
        self.machine.as_ref()
    }

    /// Opens it to be written; where there is none it is made.
    pub(super) fn open(&self) -> Result<Db, Failure> {
        self.machine.as_ref().map_or_else(|| self.context.open(), Machine::open)
    }

    /// Opens it to be read; without a file that is a failure.
    pub(super) fn open_read_only(&self) -> Result<Db, Failure> {
        let db = match &self.machine {
            None => self.context.open_read_only()?,
            Some(machine) => machine.open_read_only()?,
        };
        db.ok_or_else(no_state)
    }

    /// Opens it for statements of users, also with an older schema; says so where there is none.
    pub(super) fn viewer(&self) -> Result<Option<Viewer>, Failure> {
        if !self.has_state() {
            self.context.output.no_state();
            return Ok(None);
        }
        let viewer =
            Viewer::open(&self.options()?).doing("open the file").map_err(|failure| match &self.machine {
                Some(machine) => machine.way_out(failure),
                None => self.context.project.way_out(failure),
            })?;
        if viewer.is_immutable() {
            self.context.say_it_is_read_as_it_lies(viewer.path());
        }
        Ok(Some(viewer))
    }

    pub(super) fn options(&self) -> Result<DbOptions, Failure> {
        self.machine.as_ref().map_or_else(|| self.context.project.options(), Machine::options)
    }

    /// Keeps all others out who would do something with the file as a whole, until it is dropped. The folder is there.
    pub(super) fn guard(&self, operation: &str) -> Result<FileGuard, Failure> {
        self.refuse_the_machine_wide_file()?;
        life_cycle::guard(self.database(), operation)
    }

    /// The configuration may name any file as the project's state. This one is all projects'.
    pub(super) fn refuse_the_machine_wide_file(&self) -> Result<(), Failure> {
        if self.is_global() {
            return Ok(());
        }
        let machine = self.context.machine()?;
        let of = |path: &Path| FileIdentity::of(path).doing("look at the file");
        if of(machine.database())?.is_some_and(|machine| of(self.database()) == Ok(Some(machine))) {
            let path = paths::canonical_prefix(machine.database()).doing("find the machine-wide file")?;
            let text = format!("{} is the machine-wide file, not the state of a project", path.display());
            return Err(Failure::usage(text).hint("`--global` is about that file"));
        }
        Ok(())
    }

    /// How a command of `db` is written that is about this file.
    pub(super) fn in_words(&self, words: &str) -> String {
        format!("conclave db {words}{}", if self.is_global() { " --global" } else { "" })
    }

    /// What to do while somebody holds a lease of the file.
    pub(super) fn about_leases(&self, failure: Failure) -> Failure {
        if failure.kind != LeaseErrorKind::Held.as_str() {
            return failure;
        }
        let global = if self.is_global() { " --global" } else { "" };
        failure.hint(format!("wait until it ends (`conclave lease list{global}`), or end it with `--force`"))
    }

    /// Says what became of the leases of the old file.
    pub(super) fn say_what_leases_became(&self, carry: &FenceCarry) {
        for name in carry.ended() {
            self.context.output.notice(format!("ended a lease of {name}, which somebody held"));
        }
        if let Some(first) = carry.begins_anew_with() {
            let why = "the numbers of leases could not be read";
            self.context.output.notice(format!("{why}: all begin anew with {first}"));
        }
    }

    /// Makes the folder that the file lies in.
    pub(super) fn ensure_folder(&self) -> Result<(), Failure> {
        let folder = match &self.machine {
            None => &self.context.project.state_dir,
            Some(machine) => machine.database().parent().unwrap_or_else(|| Path::new(".")),
        };
        paths::ensure_state_dir(folder).doing("make the state folder").map(drop)
    }
}

/// What to do while others have the file open.
pub(super) fn about_users(failure: Failure) -> Failure {
    if failure.kind == ErrorKind::Busy.as_str() {
        return failure.hint("end them (a UI with `q`), then try again");
    }
    failure
}

pub(super) fn no_state() -> Failure {
    Failure::not_found("no state here").hint("conclave init")
}
