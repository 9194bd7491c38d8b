//! `conclave migrate import FILE…`

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};

use conclave_consensus::import::{ImportReport, quoted};
use conclave_registry::import::{self as registry, Kind, Report};
use conclave_tasks::record::{self, Line};
use serde::Serialize;
use serde_json::Value;

use crate::cli::context::Context;
use crate::cli::output::Output;
use crate::cli::progress::Progress;
use crate::failure::{Exit, Failure};
use crate::import::{import, in_words, options};
use crate::registry_import::{import_file, outcome, warnings};
use crate::text::visible;

/// What a file of task records is for.
const TASKS: &str = "this is a file of tasks: `conclave task import FILE` imports it";
/// Bytes of a file that are looked at for that.
const LOOKED_AT: u64 = 1024 * 1024;

/// What the JSON list says of one file.
#[derive(Serialize)]
#[serde(untagged)]
enum Entry {
    Report(Box<ImportReport>),
    Registry(Report),
    Failed { source: String, error: Value },
}

/// Each file for itself: one that cannot be imported keeps no other from it. The exit code is the worst.
pub(super) fn run(context: &Context, files: &[PathBuf], dry_run: bool) -> Result<Exit, Failure> {
    let output = &context.output;
    let mut is_new = !dry_run && !context.project.has_state();
    let mut entries = Vec::new();
    let mut exit = Exit::Done;
    // All are looked at before a database is open: to look at a database of ours and close it again would drop its locks.
    let files: Vec<(PathBuf, Option<Kind>)> = files
        .iter()
        .map(|file| context.environment.folder.join(file))
        .map(|file| (file.clone(), registry::kind_of(&file).unwrap_or_default()))
        .collect();
    for (file, kind) in &files {
        let imported = match kind {
            Some(kind) => {
                import_file(&context.project, || context.machine(), *kind, file, dry_run).map(Entry::Registry)
            }
            None => import_one(context, file, dry_run).map(|report| Entry::Report(Box::new(report))),
        };
        if is_new && context.project.has_state() {
            output.notice(format!("created {}", context.project.database.display()));
            is_new = false;
        }
        match imported {
            Ok(entry) => {
                entry.tell(output, dry_run)?;
                entries.push(entry);
            }
            // As any other command.
            Err(failure) if files.len() == 1 || failure.exit == Exit::Interrupted => return Err(failure),
            Err(failure) => {
                output.complain(&failure);
                exit = exit.worse(failure.exit);
                let source = file.to_string_lossy().into_owned();
                entries.push(Entry::Failed { source, error: failure.object() });
            }
        }
    }
    if output.json {
        // One file, one report; several, a list.
        match entries.as_slice() {
            [entry] => output.document(entry)?,
            entries => output.document(&entries)?,
        }
    }
    if !dry_run
        && context.project.has_state()
        && let Ok(db) = context.project.open()
    {
        Context::tidy_up(&db);
    }
    Ok(exit)
}

impl Entry {
    /// Says it to people.
    fn tell(&self, output: &Output, dry_run: bool) -> Result<(), Failure> {
        let (source, outcome) = match self {
            Self::Report(report) => (report.source.clone(), in_words(report)),
            Self::Registry(report) => {
                warnings(report).for_each(|warning| output.notice(visible(&warning)));
                (report.source.to_string_lossy().into_owned(), outcome(report))
            }
            Self::Failed { .. } => return Ok(()),
        };
        if output.json {
            return Ok(());
        }
        let would = if dry_run { "would import" } else { "imported" };
        output.print(format_args!("{would} {}: {}\n", visible(&source), visible(&outcome)))
    }
}

fn import_one(context: &Context, file: &Path, dry_run: bool) -> Result<ImportReport, Failure> {
    let mut progress = Progress::new(&context.output);
    if !dry_run {
        let again = quoted(&file.to_string_lossy());
        let kept = format!("what has arrived is kept; run `conclave migrate import {again}` to go on");
        progress = progress.if_interrupted(&context.output, kept);
    }
    let options = options(&context.actor, dry_run);
    let imported = import(&context.project, file, &options, &mut |at| {
        progress.at(at.done_rows, at.total_rows, at.phase);
    });
    imported.map_err(|failure| if holds_tasks(file) { failure.hint(TASKS) } else { failure })
}

/// Whether it is a file of task records: its first line that is not blank is one.
fn holds_tasks(file: &Path) -> bool {
    let Ok(file) = std::fs::File::open(file).map(|file| file.take(LOOKED_AT)) else { return false };
    let mut lines = BufReader::new(file).split(b'\n').map_while(Result::ok);
    let first = lines.find(|line| !line.trim_ascii().is_empty()).unwrap_or_default();
    let first = first.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&first);
    matches!(record::parse(first.trim_ascii()), Ok(Line::Task(_)))
}
