//! Which project a command is about: its top folder, its state and its configuration.
//!
//! Looking for it changes nothing; only [`Project::open`] creates what is missing.

use std::ffi::OsString;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use conclave_consensus::migrate;
use conclave_db::{Db, DbError, DbOptions, ErrorKind as DbErrorKind, backup, ballast, paths};
use conclave_registry::ports::FirstBase;

use crate::config::{Config, Source};
use crate::failure::{Doing, Failure};
use crate::state;

/// What the process was given by its surroundings, read once.
#[derive(Debug, Clone)]
pub(crate) struct Environment {
    pub(crate) folder: PathBuf,
    variables: Vec<(OsString, OsString)>,
}

impl Environment {
    /// The surroundings of this process.
    pub(crate) fn of_process() -> Result<Self, Failure> {
        let folder =
            std::env::current_dir().map_err(|error| Failure::io("find the current folder", &error))?;
        Ok(Self { folder, variables: std::env::vars_os().collect() })
    }

    /// Other surroundings, for tests and for the demo.
    #[cfg(test)]
    pub(crate) fn new(folder: &Path, variables: &[(&str, &str)]) -> Self {
        let variables = variables.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        Self { folder: folder.to_path_buf(), variables }
    }

    /// The value of a variable; an empty one counts as absent.
    pub(crate) fn get(&self, name: &str) -> Option<&OsString> {
        let found = self.variables.iter().find(|(other, _)| other == name);
        found.map(|(_, value)| value).filter(|value| !value.is_empty())
    }

    /// The value as text, where it is text.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(|value| value.to_str())
    }

    /// Everything, for child processes.
    pub(crate) fn variables(&self) -> &[(OsString, OsString)] {
        &self.variables
    }

    /// Places outside of a project.
    pub(crate) fn places(&self) -> paths::Environment {
        paths::Environment::from_lookup(|name| self.get(name).cloned())
    }
}

/// What the command line says about places.
#[derive(Debug, Clone, Default)]
pub(crate) struct Places {
    pub(crate) state_dir: Option<PathBuf>,
    pub(crate) global_dir: Option<PathBuf>,
    pub(crate) config: Option<PathBuf>,
}

/// A project, with or without state.
#[derive(Debug, Clone)]
pub(crate) struct Project {
    /// The folder that the project is.
    pub(crate) root: PathBuf,
    /// The folder of its state; it may not be there yet.
    pub(crate) state_dir: PathBuf,
    /// The database file; it may not be there yet.
    pub(crate) database: PathBuf,
    pub(crate) config: Config,
    /// Where that was read from.
    pub(crate) source: Source,
    /// The options with which this program finds the same in any folder.
    pub(crate) options: Vec<OsString>,
}

impl Project {
    /// Finds the project of the current folder.
    pub(crate) fn find(environment: &Environment, places: &Places) -> Result<Self, Failure> {
        let (root, state_dir) = if let Some(folder) = &places.state_dir {
            let folder = environment.folder.join(folder);
            let folder = paths::canonical_prefix(&folder).doing("find the state folder")?;
            // The state lies elsewhere; the project is still the one that the folder belongs to.
            let root = paths::locate(&environment.folder).doing("find the project")?;
            (root.path().to_path_buf(), folder)
        } else {
            let root = paths::locate(&environment.folder).doing("find the project")?;
            (root.path().to_path_buf(), root.state_dir())
        };
        refuse_no_folder(&state_dir)?;
        let source = if let Some(file) = &places.config {
            Source::Named(environment.folder.join(file))
        } else {
            let mut files = vec![state_dir.join("config.toml")];
            // Without a home there is no configuration of the user's.
            files.extend(environment.places().config_file().ok());
            Source::Files(files)
        };
        let config = source.load()?;
        let database = match &config.state_path {
            Some(path) => root.join(below_home(path, environment)),
            None => state_dir.join("state.db"),
        };
        let options = options(&state_dir, &source, places, environment);
        Ok(Self { root, state_dir, database, config, source, options })
    }

    /// Whom the project's block of ports belongs to: its folder; where the state lies elsewhere, as `--state-dir` says, the
    /// folder of the state, since the agents of each state know nothing of the ports of another one.
    pub(crate) fn owner(&self) -> &Path {
        let is_usual = self.state_dir.file_name().is_some_and(|name| name == paths::STATE_DIR)
            && self.state_dir.parent() == Some(&self.root);
        if is_usual { &self.root } else { &self.state_dir }
    }

    /// Where blocks of ports begin: `CONCLAVE_BASE_PORT`, else `[ports] base`, else the usual one.
    pub(crate) fn first_base(&self, environment: &Environment) -> Result<FirstBase, Failure> {
        let Some(base) = environment.get("CONCLAVE_BASE_PORT") else {
            return Ok(self.config.first_base.unwrap_or_default());
        };
        let base = base.to_string_lossy();
        FirstBase::parse(&base)
            .map_err(|wrong| Failure::configuration(format!("CONCLAVE_BASE_PORT: {wrong}")))
    }

    /// Reads again who can be asked, and what: somebody may have written that since. Where the state lies stays.
    pub(crate) fn read_agents_again(&mut self) -> Result<(), Failure> {
        let config = self.source.load()?;
        (self.config.agents, self.config.prompts) = (config.agents, config.prompts);
        self.config.hosts = config.hosts;
        Ok(())
    }

    /// Whether there is a database to read. One that its maker has not finished is none yet; of one that cannot
    /// be used, opening says why.
    pub(crate) fn has_state(&self) -> bool {
        match std::fs::metadata(&self.database) {
            Ok(_) => {
                let unfinished = self.options().and_then(|options| Ok(Db::is_unfinished(&options)?));
                !unfinished.unwrap_or(false)
            }
            Err(error) => error.kind() != std::io::ErrorKind::NotFound,
        }
    }

    /// Opens the state to be read; `None` where there is none. Creates and changes nothing.
    pub(crate) fn open_read_only(&self) -> Result<Option<Db>, Failure> {
        if !self.has_state() {
            return Ok(None);
        }
        Db::open_read_only(self.options()?)
            .doing("open the state")
            .map_err(|failure| self.way_out(failure))
            .map(Some)
    }

    /// Opens the state to be written, creating it where it is missing.
    pub(crate) fn open(&self) -> Result<Db, Failure> {
        paths::ensure_state_dir(&self.state_dir).doing("make the state folder")?;
        let db =
            Db::open(self.options()?).doing("open the state").map_err(|failure| self.way_out(failure))?;
        if let Err(error) = ballast::ensure(&db) {
            // Missing, it costs the last writes on a full disk; nobody is to be turned away for it now.
            tracing::warn!(%error, "no ballast");
        }
        if let Err(error) = migrate::notice(&db, "conclave") {
            tracing::warn!(%error, "looking for legacy tables that are back");
        }
        Ok(db)
    }

    /// What to do about a state that is no database any more: this is the project's own file, so it may be replaced.
    pub(crate) fn way_out(&self, failure: Failure) -> Failure {
        way_out(failure, &self.database, "")
    }

    /// Opens the state to look it over and to keep what is found, where that is wanted and possible; with it why
    /// nothing can be kept. `None` where there is no state. One that must be migrated first is refused, as by
    /// everything that reads.
    pub(crate) fn open_to_keep(&self, read_only: bool) -> Result<Option<(Db, Option<Failure>)>, Failure> {
        let Some(reader) = self.open_read_only()? else { return Ok(None) };
        if read_only {
            return Ok(Some((reader, None)));
        }
        Ok(Some(match self.open() {
            Ok(db) => (db, None),
            Err(failure) => (reader, Some(failure)),
        }))
    }

    /// Opens a state that is there for a dry run, which writes to temporary tables alone. One that would have to be
    /// migrated first is refused, as by everything that reads.
    pub(crate) fn open_for_dry_run(&self) -> Result<Db, Failure> {
        drop(Db::open_read_only(self.options()?).doing("open the state")?);
        Db::open(self.options()?).doing("open the state")
    }

    /// Makes the state folder and a commented `config.toml`, where they are missing. Gives what it made.
    pub(crate) fn init(&self) -> Result<Vec<PathBuf>, Failure> {
        let mut made = Vec::new();
        if paths::ensure_state_dir(&self.state_dir).doing("make the state folder")?.created {
            made.push(self.state_dir.clone());
        }
        let file = self.state_dir.join("config.toml");
        if create_new(&file, crate::config::COMMENTED)? {
            made.push(file);
        }
        Ok(made)
    }

    /// How the database of this project is opened.
    pub(crate) fn options(&self) -> Result<DbOptions, Failure> {
        Ok(DbOptions::new(&self.database, state::schema()?))
    }
}

/// The options that name these places.
fn options(state_dir: &Path, source: &Source, places: &Places, environment: &Environment) -> Vec<OsString> {
    let mut options = vec!["--state-dir".into(), state_dir.into()];
    if let Source::Named(file) = source {
        options.extend(["--config".into(), file.into()]);
    }
    let global = places.global_dir.as_ref().map(|folder| environment.folder.join(folder).into_os_string());
    if let Some(folder) = global.or_else(|| environment.get("CONCLAVE_GLOBAL_DIR").cloned()) {
        options.extend(["--global-dir".into(), folder]);
    }
    options
}

/// Before the configuration is looked for in it: the place is wrong, not the configuration.
fn refuse_no_folder(state_dir: &Path) -> Result<(), Failure> {
    if std::fs::metadata(state_dir).is_ok_and(|found| !found.is_dir()) {
        let error = DbError::file(DbErrorKind::CannotOpen, state_dir, "is no folder");
        return Err(Failure::from(error)
            .doing("find the state folder")
            .hint("name a folder with `--state-dir`"));
    }
    Ok(())
}

fn below_home(path: &Path, environment: &Environment) -> PathBuf {
    match (path.strip_prefix("~"), environment.get("HOME")) {
        (Ok(rest), Some(home)) => Path::new(home).join(rest),
        _ => path.to_path_buf(),
    }
}

/// Writes a file that must not be there yet; gives whether it was written. It gets its name when it is whole
/// and durable: whoever is killed before leaves none, and not an empty one that nobody would ever fill.
fn create_new(path: &Path, text: &str) -> Result<bool, Failure> {
    if path.symlink_metadata().is_ok() {
        return Ok(false);
    }
    match create_whole(path, text) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(Failure::io(format!("write {}", path.display()), &error)),
    }
}

/// Writes a new file, 0600, which gets its name when it is whole and durable; a file that is there is left alone
/// (`AlreadyExists`).
pub(crate) fn create_whole(path: &Path, text: &str) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    // tempfile makes it 0600.
    let mut file = tempfile::Builder::new().prefix(".conclave-").suffix(".tmp").tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist_noclobber(path).map_err(|error| error.error)?;
    std::fs::File::open(folder)?.sync_all()
}

/// What to do about a file of ours that is no database any more; `global` is what the commands end with that are about
/// it.
pub(crate) fn way_out(failure: Failure, database: &Path, global: &str) -> Failure {
    let broken = [DbErrorKind::NotADatabase, DbErrorKind::Corrupt];
    if !broken.iter().any(|kind| kind.as_str() == failure.kind) {
        return failure;
    }
    let folder = backup::default_folder(database);
    let backups = backup::list(&folder, database).unwrap_or_default();
    if backups.is_empty() {
        return failure.hint(format!(
            "`conclave db restore FILE{global}` puts a backup in its place, and there is none in {}; without one \
             `conclave db reset --force{global}` keeps what is there aside and begins anew",
            folder.display()
        ));
    }
    failure.hint(format!(
        "`conclave db restore{global}` puts the newest backup in its place; what is there is kept"
    ))
}

#[cfg(test)]
mod tests;
