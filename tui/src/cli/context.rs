//! What every command needs: who acts, on which project, and where the output goes.

use std::path::{Path, PathBuf};

use conclave_consensus::runs::RunId;
use conclave_db::{Db, vacuum};
use conclave_registry::ports::FirstBase;

use super::args::{self, Command, Globals};
use super::output::Output;
use super::{
    agents, auto, cache, db, demo, diag, doctor, init, lease, manual, migrate, model, ports, resume, run,
    runs, spool, status, task, values, work,
};
use crate::failure::{Exit, Failure};
use crate::machine::Machine;
use crate::project::{Environment, Places, Project};
use crate::text::visible;
use crate::{logging, registry_import, ui};

/// Who acts where nobody says so.
const NOBODY: &str = "unknown";

/// One command's surroundings.
pub(crate) struct Context {
    pub(crate) output: Output,
    pub(crate) environment: Environment,
    pub(crate) project: Project,
    /// What the command line says about places.
    places: Places,
    pub(crate) actor: String,
    pub(crate) read_only: bool,
}

impl Context {
    pub(super) fn new(globals: &Globals, environment: Environment, output: Output) -> Result<Self, Failure> {
        let places = places(globals, &environment);
        let project = Project::find(&environment, &places)?;
        let actor = actor(globals, &environment)?;
        Ok(Self { output, environment, project, places, actor, read_only: globals.read_only })
    }

    /// For what the UI does as a command would, without a word on its terminal.
    pub(super) fn beside_ui(
        environment: Environment,
        places: Places,
        project: Project,
        actor: String,
    ) -> Self {
        Self { output: Output::silent(), environment, project, places, actor, read_only: false }
    }

    /// Runs one command.
    pub(super) fn run(&self, command: Command) -> Result<Exit, Failure> {
        tracing::info!(command = command.name(), actor = %self.actor, project = %self.project.root.display(), "begins");
        match command {
            Command::Init => init::run(self),
            Command::Status => status::run(self),
            Command::Demo => demo::run(self),
            Command::Run(line) => run::run(self, line),
            Command::Auto(line) => auto::run(self, line),
            Command::Resume { run } => resume::run(self, run.as_deref()),
            Command::Runs(command) => runs::run(self, command),
            Command::Task(command) => task::run(self, command),
            Command::Work(line) => work::run(self, line),
            Command::Migrate(line) => migrate::run(self, line),
            Command::Doctor { fix } => doctor::run(self, doctor::Scope::Everything, fix),
            Command::Db(line) => db::run(self, line),
            Command::Start(line) => agents::start(self, line),
            Command::Spawn(line) => agents::spawn(self, *line),
            Command::Agents(line) => agents::run(self, line),
            Command::Stop(line) => agents::stop(self, line),
            Command::Cleanup(line) => agents::clean_up(self, &line),
            Command::Ports(command) => ports::run(self, command),
            Command::Lease(command) | Command::Ai(args::Ai::Lock(command)) => Ok(lease::run(self, &command)),
            Command::Spool(command) => spool::run(self, command),
            Command::Cache(command) => cache::run(self, command),
            Command::Ask(line) => model::ask(self, *line),
            Command::Host(command) => model::host(self, &command),
            Command::Diag => diag::run(self),
            Command::Completions { shell } => manual::completions(&self.output, &shell),
            Command::Man => manual::page(&self.output),
        }
    }

    /// The machine-wide file.
    pub(crate) fn machine(&self) -> Result<Machine, Failure> {
        Machine::find(&self.environment, &self.places)
    }

    /// Opens the project's state for a command that changes the registry: what the original has left is taken over first.
    pub(crate) fn open_registry(&self) -> Result<Db, Failure> {
        if registry_import::has_ports(&self.machine()?, &self.environment) {
            self.open_machine()?;
        }
        let is_new = !self.project.has_state();
        let opened = registry_import::open_state(&self.project)?;
        if is_new {
            self.output.notice(format!("created {}", self.project.database.display()));
        }
        opened.notices.iter().for_each(|notice| self.output.notice(visible(notice)));
        Ok(opened.db)
    }

    /// The same for a command that looks after agents that are there: what cannot be taken over is said, and keeps nobody
    /// from ending them.
    pub(crate) fn open_agents(&self) -> Result<Db, Failure> {
        let say = |failure: &Failure| {
            self.output.notice(format!("warning: {}", visible(&failure.message)));
            if let Some(hint) = &failure.hint {
                self.output.notice(format!("hint: {}", visible(hint)));
            }
        };
        if !self.project.has_state() {
            return self.open_registry();
        }
        let machine = self.machine().and_then(|machine| {
            let is_waiting = registry_import::has_ports(&machine, &self.environment);
            if is_waiting { self.open_machine().map(drop) } else { Ok(()) }
        });
        if let Err(failure) = machine {
            say(&failure);
        }
        // Without a state that can be opened nothing can be done at all.
        let db = self.project.open()?;
        match registry_import::take_over_state(&self.project, db.clone()) {
            Ok(notices) => notices.iter().for_each(|notice| self.output.notice(visible(notice))),
            Err(failure) => say(&failure),
        }
        Ok(db)
    }

    /// The same of the machine-wide file.
    pub(crate) fn open_machine(&self) -> Result<Db, Failure> {
        let opened = registry_import::open_machine(&self.machine()?, &self.environment)?;
        opened.notices.iter().for_each(|notice| self.output.notice(visible(notice)));
        Ok(opened.db)
    }

    /// Where blocks of ports begin: `CONCLAVE_BASE_PORT`, else `[ports] base`, else the usual one.
    pub(crate) fn first_base(&self) -> Result<FirstBase, Failure> {
        self.project.first_base(&self.environment)
    }

    /// Opens the UI on a project, and on a run that it is to drive.
    pub(crate) fn show(&self, project: Project, drive: Option<RunId>) -> Result<Exit, Failure> {
        ui::run(ui::Wanted {
            environment: self.environment.clone(),
            project,
            places: self.places.clone(),
            actor: self.actor.clone(),
            read_only: self.read_only,
            colour: self.output.is_coloured(),
            drive,
        })
    }

    /// After work that may have freed pages: one slice of a vacuum, where one is due. Nothing is said of it.
    pub(crate) fn tidy_up(db: &Db) {
        if let Err(error) = vacuum::slice_when_due(db) {
            tracing::warn!(%error, "one slice of a vacuum");
        }
    }

    /// Opens the state to be read; says so where there is none.
    pub(crate) fn open_read_only(&self) -> Result<Option<Db>, Failure> {
        let db = self.project.open_read_only()?;
        match &db {
            None => self.output.no_state(),
            Some(db) => self.say_how_it_is_read(db),
        }
        Ok(db)
    }

    /// Says it where changes of others cannot be seen.
    pub(crate) fn say_how_it_is_read(&self, db: &Db) {
        if db.is_immutable() {
            self.say_it_is_read_as_it_lies(db.path());
        }
    }

    /// Says that changes of others cannot be seen.
    pub(crate) fn say_it_is_read_as_it_lies(&self, path: &Path) {
        self.output.notice(format!("{}: read as it lies: its folder cannot be written", path.display()));
    }

    /// Opens the state to be written; where there is none it is made, and that is said.
    pub(crate) fn open(&self) -> Result<Db, Failure> {
        let is_new = !self.project.has_state();
        let db = self.project.open()?;
        if is_new {
            self.output.notice(format!("created {}", self.project.database.display()));
        }
        Ok(db)
    }
}

/// The command line first, then the environment.
fn places(globals: &Globals, environment: &Environment) -> Places {
    let from = |name: &str| environment.get(name).map(PathBuf::from);
    Places {
        state_dir: globals.state_dir.clone().or_else(|| from("CONCLAVE_STATE_DIR")),
        global_dir: globals.global_dir.clone(),
        config: globals.config.clone(),
    }
}

/// Who acts. A name that was chosen must be valid; a login name that is not counts as none.
fn actor(globals: &Globals, environment: &Environment) -> Result<String, Failure> {
    if let Some(name) = &globals.actor {
        return Ok(name.clone());
    }
    if let Some(name) = environment.get("CONCLAVE_ACTOR") {
        let name = name.to_string_lossy();
        return values::actor(&name)
            .map_err(|wrong| Failure::configuration(format!("CONCLAVE_ACTOR={name:?}: {wrong}")));
    }
    Ok(environment
        .text("USER")
        .and_then(|name| values::actor(name).ok())
        .unwrap_or_else(|| NOBODY.to_owned()))
}

/// Without a command: the terminal UI, which needs a terminal.
pub(super) fn terminal_ui(
    globals: &Globals,
    environment: Environment,
    output: &Output,
) -> Result<Exit, Failure> {
    let context = Context::new(globals, environment, output.clone())?;
    ui::refuse_without_terminal(&context.environment)?;
    logging::start(
        logging::Wanted { verbose: globals.verbose, stderr: false, reads: false },
        &context.environment,
    )?;
    context.show(context.project.clone(), None)
}
