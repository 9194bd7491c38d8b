//! Importing legacy files, for the command line and the UI alike.
//!
//! A file that cannot be imported is refused before the project gets any state: a command that fails before
//! its first write creates nothing.

use std::path::Path;

use conclave_consensus::import::{ImportOptions, ImportReport, Progress, check_source, import_file};
use conclave_db::{Db, DbOptions};

use crate::failure::{Doing, Failure};
use crate::project::Project;
use crate::text::{count, counted, size};

/// How this program imports.
pub(crate) fn options(actor: &str, dry_run: bool) -> ImportOptions {
    ImportOptions { actor: actor.to_owned(), dry_run, ..ImportOptions::default() }
}

/// Imports one file into the project, which gets its state by that where it has none.
pub(crate) fn import(
    project: &Project,
    file: &Path,
    options: &ImportOptions,
    progress: &mut dyn FnMut(Progress),
) -> Result<ImportReport, Failure> {
    // The cause names the file.
    let doing = "import";
    if project.has_state() {
        let db = if options.dry_run { project.open_for_dry_run()? } else { project.open()? };
        return import_file(&db, file, options, progress).doing(doing);
    }
    check_source(file).doing(doing)?;
    if options.dry_run {
        return in_scratch(project, |db| import_file(db, file, options, progress).doing(doing));
    }
    let db = project.open()?;
    import_file(&db, file, options, progress).doing(doing)
}

/// Runs something on a state that is thrown away.
pub(crate) fn in_scratch<T>(
    project: &Project,
    action: impl FnOnce(&Db) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let folder = tempfile::Builder::new()
        .prefix("conclave-dry-run-")
        .tempdir()
        .map_err(|error| Failure::io("make a temporary folder", &error))?;
    let options = DbOptions::new(folder.path().join("state.db"), crate::state::schema()?);
    tracing::debug!(project = %project.root.display(), "a dry run without state: in a temporary one");
    action(&Db::open(options).doing("open a temporary state")?)
}

/// The report in one line.
pub(crate) fn in_words(report: &ImportReport) -> String {
    if report.rows > 0 && report.already_present == report.rows {
        let rows = match report.rows {
            1 => "its row was".to_owned(),
            rows => format!("all {} rows were", count(rows)),
        };
        let (runs, outputs) =
            (counted(report.runs, "run", "runs"), counted(report.outputs, "output", "outputs"));
        return format!("nothing new: {rows} here before ({runs}, {outputs})");
    }
    let mut parts = vec![
        counted(report.runs, "run", "runs"),
        counted(report.outputs, "output", "outputs"),
        counted(report.syntheses, "synthesis", "syntheses"),
    ];
    if report.executions > 0 {
        parts.push(counted(report.executions, "execution", "executions"));
    }
    for (number, what) in [
        (report.invalid_json, "without valid JSON"),
        (report.unknown_times, "without a known time"),
        (report.duplicates, "further answers of an agent in the same run"),
        (report.already_present, "here before"),
        (report.updated, "updated"),
        (report.refused, "refused"),
    ] {
        if number > 0 {
            parts.push(format!("{} {what}", count(number)));
        }
    }
    format!("{} ({})", parts.join(", "), size(report.bytes))
}
