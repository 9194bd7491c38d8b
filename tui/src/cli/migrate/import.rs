//! `conclave migrate import FILE…`

use std::path::PathBuf;

use conclave_consensus::import::ImportReport;

use crate::cli::context::Context;
use crate::cli::progress::Progress;
use crate::failure::{Exit, Failure};
use crate::import::{import, in_words, options};
use crate::text::{counted, visible};

pub(super) fn run(context: &Context, files: &[PathBuf], dry_run: bool) -> Result<Exit, Failure> {
    let output = &context.output;
    let had_state = context.project.has_state();
    let mut reports: Vec<ImportReport> = Vec::new();
    for file in files {
        let file = context.environment.folder.join(file);
        let progress = Progress::new(output);
        let options = options(&context.actor, dry_run);
        let report = import(&context.project, &file, &options, &mut |at| {
            progress.at(at.done_rows, at.total_rows, at.phase);
        });
        drop(progress);
        let report = report.map_err(|failure| match reports.len() {
            0 => failure,
            done => {
                failure.hint(format!("{} before it imported", counted(done as u64, "file was", "files were")))
            }
        })?;
        if !had_state && !dry_run && reports.is_empty() {
            output.notice(format!("created {}", context.project.database.display()));
        }
        if !output.json {
            let would = if dry_run { "would import" } else { "imported" };
            output.print(format_args!("{would} {}: {}\n", visible(&report.source), in_words(&report)))?;
        }
        reports.push(report);
    }
    if output.json {
        // One file, one report; several, a list.
        match reports.as_slice() {
            [report] => output.document(report)?,
            reports => output.document(&reports)?,
        }
    }
    if !dry_run && let Ok(db) = context.project.open() {
        Context::tidy_up(&db);
    }
    Ok(Exit::Done)
}
