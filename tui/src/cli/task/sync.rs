//! `conclave task sync`

use std::fmt::Write as _;
use std::path::Path;

use conclave_db::Db;
use conclave_tasks::exchange::{self, SyncOptions, SyncReport};
use conclave_tasks::merge::MergeOptions;

use super::args::Sync;
use super::import::some_of;
use super::merge::conflict_lines;
use super::{limits, now_ms};
use crate::cli::context::Context;
use crate::cli::progress::Progress;
use crate::failure::{Doing, Exit, Failure};
use crate::import::in_scratch;
use crate::text::{count, counted, visible};

/// How records are merged here: as configured, unless the command line says more.
pub(super) fn merge_options(context: &Context, concat: bool) -> MergeOptions {
    let settings = &context.project.config.tasks;
    let usual = MergeOptions::new(now_ms());
    MergeOptions {
        tombstone_days: settings.tombstone_days.unwrap_or(usual.tombstone_days),
        concat: concat || settings.concat.unwrap_or(usual.concat),
        line_bytes: limits(context).line_bytes,
        ..usual
    }
}

pub(super) fn run(context: &Context, line: &Sync) -> Result<Exit, Failure> {
    let file = context.environment.folder.join(&line.file);
    let MergeOptions { tombstone_days, concat, .. } = merge_options(context, line.concat);
    let options = SyncOptions {
        tombstone_days,
        concat,
        limits: limits(context),
        order: line.order.into(),
        dry_run: line.dry_run,
        force: line.force,
    };
    let sync = |db: &Db| exchange::sync(db, &context.actor, &file, &options).doing("sync");
    let spinner = Progress::spinning(&context.output, "merging");
    if !context.project.has_state() {
        refuse_unreadable(context, &file)?;
    }
    let report = if line.dry_run {
        match context.project.open_read_only()? {
            Some(db) => sync(&db)?,
            None => in_scratch(&context.project, sync)?,
        }
    } else {
        let db = context.open()?;
        let report = sync(&db)?;
        Context::tidy_up(&db);
        report
    };
    drop(spinner);
    if context.output.json {
        context.output.document(&report)?;
    } else {
        context.output.print(page(&report))?;
        say_duplicates(context, &report.path, &report.duplicates);
        if !report.conflicts.is_empty() {
            context.output.notice(format!(
                "{}, decided by the rules and kept in the audit log:",
                counted(report.conflicts.len() as u64, "conflict", "conflicts")
            ));
            context.output.notice(conflict_lines(&report.conflicts));
        }
    }
    Ok(Exit::Done)
}

/// A file that is refused gets no state made for it, and neither does one that is not there.
fn refuse_unreadable(context: &Context, file: &Path) -> Result<(), Failure> {
    exchange::read_file(file, limits(context)).doing("sync")?.refuse_bad().doing("sync")
}

/// Ids that stood several times in what was merged.
pub(super) fn say_duplicates(context: &Context, file: &str, ids: &[String]) {
    if !ids.is_empty() {
        context.output.notice(format!(
            "{}: {} several times in one file, the latest taken: {}",
            visible(file),
            counted(ids.len() as u64, "id stood", "ids stood"),
            visible(&some_of(ids))
        ));
    }
}

fn page(report: &SyncReport) -> String {
    let would = if report.dry_run { "would sync" } else { "synced" };
    let mut text = format!("{would} {}: ", visible(&report.path));
    if report.created + report.updated + report.removed + report.written == 0 {
        text.push_str("nothing to do");
    } else {
        let _ = write!(
            text,
            "here {} created, {} updated, {} removed; in the file {}",
            count(report.created),
            count(report.updated),
            count(report.removed),
            counted(report.written, "line changed", "lines changed")
        );
    }
    let _ = writeln!(text, "; {} in it", counted(report.records, "record", "records"));
    text
}
