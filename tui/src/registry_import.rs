//! Opening the registry to be written: whoever comes first takes over what the original has left, `state.json` of the
//! project and `ports.json` of the machine.
//!
//! A file that is refused is so before anything is made: a command that fails before its first write creates nothing.

use std::path::{Path, PathBuf};

use conclave_consensus::import::quoted;
use conclave_db::Db;
use conclave_db::doctor::Check;
use conclave_registry::import::{self, Kind, Observer, Report};

use crate::failure::{Doing, Failure};
use crate::machine::Machine;
use crate::project::{Environment, Project};
use crate::text::counted;

/// The folder of the original, in a project and in a home.
const FARM: &str = ".agent-farm";

/// A database that is open to be written, and what people should know of how it came to that.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) db: Db,
    pub(crate) notices: Vec<String>,
}

/// Where the original keeps the agents of this project: in our folder, or in its own.
fn state_files(project: &Project) -> Vec<PathBuf> {
    there([project.state_dir.join("state.json"), project.root.join(FARM).join("state.json")])
}

/// Where it keeps the ports of the machine.
fn ports_files(machine: &Machine, environment: &Environment) -> Vec<PathBuf> {
    let ours = machine.database().with_file_name("ports.json");
    let farm = environment.get("HOME").map(|home| Path::new(home).join(FARM).join("ports.json"));
    there(std::iter::once(ours).chain(farm))
}

fn there(files: impl IntoIterator<Item = PathBuf>) -> Vec<PathBuf> {
    files.into_iter().filter(|file| !matches!(file.try_exists(), Ok(false))).collect()
}

/// Whether there is a `ports.json` that was not taken over.
pub(crate) fn has_ports(machine: &Machine, environment: &Environment) -> bool {
    !ports_files(machine, environment).is_empty()
}

/// Whether there is a `state.json` that was not taken over.
pub(crate) fn has_agents(project: &Project) -> bool {
    !state_files(project).is_empty()
}

/// Opens the machine-wide file to be written, and takes over what is found.
pub(crate) fn open_machine(machine: &Machine, environment: &Environment) -> Result<Opened, Failure> {
    let files = ports_files(machine, environment);
    if !machine.has_state() {
        check(Kind::Ports, &files)?;
    }
    take_over(machine.open()?, Kind::Ports, &files)
}

/// Opens the project's state to be written, and takes over what is found.
pub(crate) fn open_state(project: &Project) -> Result<Opened, Failure> {
    let files = state_files(project);
    if !project.has_state() {
        check(Kind::State, &files)?;
    }
    take_over(project.open()?, Kind::State, &files)
}

/// Takes over what is found into a state that is open.
pub(crate) fn take_over_state(project: &Project, db: Db) -> Result<Vec<String>, Failure> {
    take_over(db, Kind::State, &state_files(project)).map(|opened| opened.notices)
}

/// Files that wait to be taken over, with what keeps them from it. Reads only.
pub(crate) fn waiting(project: &Project, db: Option<&Db>) -> Vec<(PathBuf, Option<Failure>)> {
    let mut waiting = Vec::new();
    for file in state_files(project) {
        match import::waits(db, Kind::State, &file) {
            Ok(false) => {}
            Ok(true) => waiting.push((file, None)),
            Err(error) => waiting.push((file, Some(Failure::from(error)))),
        }
    }
    waiting
}

/// The same as the doctor has it.
pub(crate) fn waiting_checks(project: &Project, db: Option<&Db>) -> Vec<Check> {
    const NAME: &str = "waiting-imports";
    let check = |(file, failure): (PathBuf, Option<Failure>)| match failure {
        None => Check::warn(
            NAME,
            format!("{} waits to be imported", file.display()),
            format!(
                "`conclave migrate import {}` does it, as does the next command that changes agents",
                quoted(&file.to_string_lossy())
            ),
        ),
        Some(failure) => Check::warn(
            NAME,
            format!("agents of the original cannot be imported: {}", failure.message),
            failure.hint.unwrap_or_else(|| format!("look at {}", file.display()).into()),
        ),
    };
    waiting(project, db).into_iter().map(check).collect()
}

/// A `state.json` goes to the project's state, a `ports.json` to the machine-wide file. One that is refused is so before
/// either is made.
pub(crate) fn import_file(
    project: &Project,
    machine: impl FnOnce() -> Result<Machine, Failure>,
    kind: Kind,
    file: &Path,
    dry_run: bool,
) -> Result<Report, Failure> {
    let doing = "import";
    // The machine-wide file is none of a `state.json`'s business.
    let machine = if kind == Kind::Ports { Some(machine()?) } else { None };
    let is_there = machine.as_ref().map_or_else(|| project.has_state(), Machine::has_state);
    if !is_there {
        let report = import::check(kind, file).doing(doing)?;
        if dry_run {
            return Ok(report);
        }
    }
    if dry_run {
        let db = machine.as_ref().map_or_else(|| project.open_read_only(), Machine::open_read_only)?;
        return match db {
            Some(db) => import::check_against(&db, kind, file).doing(doing),
            None => import::check(kind, file).doing(doing),
        };
    }
    let db = machine.as_ref().map_or_else(|| project.open(), Machine::open)?;
    let import = if kind == Kind::Ports { import::import_ports } else { import::import_state };
    import(&db, file).doing(doing)
}

fn check(kind: Kind, files: &[PathBuf]) -> Result<(), Failure> {
    for file in files {
        match import::check(kind, file) {
            Ok(_) => {}
            // Another process has taken it over meanwhile.
            Err(_) if matches!(file.try_exists(), Ok(false)) => {}
            Err(error) => return Err(Failure::from(error).doing(DOING)),
        }
    }
    Ok(())
}

/// What is tried; the cause names the file.
const DOING: &str = "take over what the original has left";

fn take_over(db: Db, kind: Kind, files: &[PathBuf]) -> Result<Opened, Failure> {
    let mut notices = Vec::new();
    for file in files {
        let report = import::take_over(&db, kind, file, &Observer::default()).doing(DOING)?;
        notices.extend(report.iter().flat_map(in_words));
    }
    import::finish(&db).doing(DOING)?;
    Ok(Opened { db, notices })
}

/// What is to be said of an import, a line each.
fn in_words(report: &Report) -> Vec<String> {
    let mut lines = Vec::new();
    if report.rows > 0 {
        lines.push(format!("imported {}: {}", report.source.display(), outcome(report)));
    }
    lines.extend(warnings(report));
    lines
}

/// What an import did, in one line.
pub(crate) fn outcome(report: &Report) -> String {
    let rows = match report.kind {
        Kind::State => counted(report.rows, "agent", "agents"),
        Kind::Ports => counted(report.rows, "block of ports", "blocks of ports"),
    };
    let rows = if report.already_present { "nothing new: it was imported before".to_owned() } else { rows };
    match &report.kept_as {
        Some(kept) => format!("{rows}; kept as {}", kept.display()),
        None => rows,
    }
}

/// What should be known of it, a line each.
pub(crate) fn warnings(report: &Report) -> impl Iterator<Item = String> {
    report.warnings.iter().map(|warning| format!("warning: {}: {warning}", report.source.display()))
}
