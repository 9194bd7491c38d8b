//! `conclave db …`: looking after a database file.

pub(crate) mod args;
mod reset;
mod restore;
mod target;

use std::path::PathBuf;

use conclave_db::backup::{self, BackupOptions};
use conclave_db::checkpoint::{CheckpointMode, checkpoint};
use conclave_db::vacuum::{self, VacuumStats};
use conclave_db::{AutoVacuum, ErrorKind, FileStats};
use serde_json::json;

use self::args::{DbCommand, DbLine};
use self::target::Target;
use super::context::Context;
use super::doctor;
use super::progress::Progress;
use crate::failure::{Doing, Exit, Failure};
use crate::text::{count, counted, size};
use crate::times;

pub(super) fn run(context: &Context, line: DbLine) -> Result<Exit, Failure> {
    let target = &Target::new(context, line.global)?;
    match line.command {
        // What is asked of the project's state alone.
        DbCommand::Check => doctor::run(context, doctor::Scope::State, false),
        DbCommand::Restore { from, force } => restore::run(target, from, force),
        DbCommand::Reset { force } => reset::run(target, force),
        // A copy of nothing is no copy that anyone could rely on.
        DbCommand::Backup { .. } if !target.has_state() => Err(no_state()),
        // What looks after a file makes none.
        _ if !target.has_state() => {
            context.output.no_state();
            if context.output.json {
                context.output.document(&json!({}))?;
            }
            Ok(Exit::Done)
        }
        DbCommand::SchemaVersion | DbCommand::Dump | DbCommand::Query { .. } => todo!("D"),
        DbCommand::Stats => stats(target),
        DbCommand::Backup { to, keep } => back_up(target, to, keep),
        DbCommand::Vacuum { full } => vacuum(target, full),
        DbCommand::Checkpoint { truncate } => copy_log(target, truncate),
        DbCommand::Convert => convert(target),
    }
}

fn no_state() -> Failure {
    Failure::not_found("no state here").hint("conclave init")
}

fn stats(target: &Target<'_>) -> Result<Exit, Failure> {
    let context = target.context;
    let stats = conclave_db::stats(&target.open_read_only()?).doing("read the file's numbers")?;
    if context.output.json {
        context.output.document(&stats)?;
    } else {
        context.output.print(stats_page(&stats))?;
    }
    Ok(Exit::Done)
}

fn stats_page(stats: &FileStats) -> String {
    let vacuum = match stats.auto_vacuum {
        AutoVacuum::Incremental => "incremental",
        AutoVacuum::Full => "full",
        AutoVacuum::None => "none (conversion needed: conclave db convert)",
    };
    let pages = format!("{} of {}", counted(stats.page_count, "page", "pages"), size(stats.page_size));
    let free = format!("{} ({} %)", size(stats.free_bytes()), stats.free_percent());
    [
        ("file", stats.path.display().to_string()),
        ("size", size(stats.file_bytes)),
        ("log", size(stats.wal_bytes)),
        ("pages", pages),
        ("free", free),
        ("vacuum", vacuum.to_owned()),
        (
            "journal",
            if stats.as_it_lies {
                format!("{}, read as it lies", stats.journal_mode)
            } else {
                stats.journal_mode.clone()
            },
        ),
        ("schema", stats.user_version.to_string()),
        ("SQLite", stats.sqlite_version.to_owned()),
    ]
    .map(|(label, value)| format!("{label:<9}{}\n", crate::text::visible(&value)))
    .concat()
}

fn back_up(target: &Target<'_>, to: Option<PathBuf>, keep: usize) -> Result<Exit, Failure> {
    let context = target.context;
    let db = target.open_read_only()?;
    let target = match to {
        Some(to) => context.environment.folder.join(to),
        // A slash at the end says that it is a folder, also where it is not there yet.
        None => backup::default_folder(db.path()).join(""),
    };
    let folder = if backup::is_folder(&target) { &*target } else { target.parent().unwrap_or(&target) };
    let made = !folder.exists() && folder != backup::default_folder(db.path());
    let options = BackupOptions { keep: Some(keep), ..BackupOptions::default() };
    let spinner = Progress::spinning(&context.output, "copying and checking the copy");
    let report = backup::backup(&db, &target, &options).doing("back up").map_err(about_target)?;
    drop(spinner);
    if made {
        context.output.notice(format!("made the folder {}", folder.display()));
    }
    if context.output.json {
        context.output.document(&report)?;
    } else {
        context.output.print(format_args!(
            "{}  {}, verified\n",
            report.path.display(),
            size(report.bytes)
        ))?;
        if !report.removed.is_empty() {
            context.output.notice(format!(
                "removed {}",
                counted(report.removed.len() as u64, "older backup", "older backups")
            ));
        }
    }
    Ok(Exit::Done)
}

/// What is refused is the name.
fn about_target(failure: Failure) -> Failure {
    if failure.kind == ErrorKind::Invalid.as_str() {
        return failure
            .hint("name a file that is not there yet, or a folder: a name with the time is made in it");
    }
    failure
}

fn vacuum(target: &Target<'_>, full: bool) -> Result<Exit, Failure> {
    let context = target.context;
    let db = target.open()?;
    let stats = if full {
        let _spinner = Progress::spinning(&context.output, "writing the whole file anew and checking it");
        vacuum::full(&db).doing("vacuum")?
    } else {
        let progress = Progress::new(&context.output);
        vacuum::run_until_done(&db, &mut |at| progress.at(at.freed, at.freed + at.left, "pages freed"))
            .doing("vacuum")?
    };
    report(context, &stats)
}

fn convert(target: &Target<'_>) -> Result<Exit, Failure> {
    let context = target.context;
    let db = target.open()?;
    let spinner = Progress::spinning(&context.output, "writing the whole file anew and checking it");
    let converted = vacuum::convert(&db).doing("convert")?;
    drop(spinner);
    if let Some(stats) = converted {
        return report(context, &stats);
    }
    if context.output.json {
        context.output.document(&json!({}))?;
    } else {
        context.output.print("nothing to convert: free pages can be given back already\n")?;
    }
    Ok(Exit::Done)
}

fn report(context: &Context, stats: &VacuumStats) -> Result<Exit, Failure> {
    if context.output.json {
        context.output.document(stats)?;
    } else {
        context.output.print(format_args!(
            "file and log {} before, {} after; {} given back in {}, longest stall {}\n",
            size(stats.size_before),
            size(stats.size_after),
            counted(stats.pages_freed, "free page", "free pages"),
            times::took(stats.took),
            times::took(stats.longest_stall),
        ))?;
    }
    if let Some(by) = &stats.held_up_by {
        context.output.notice(format!("held up by {by}"));
    }
    Ok(Exit::Done)
}

fn copy_log(target: &Target<'_>, truncate: bool) -> Result<Exit, Failure> {
    let context = target.context;
    let db = target.open()?;
    let mode = if truncate { CheckpointMode::Truncate } else { CheckpointMode::Passive };
    let report = checkpoint(&db, mode).doing("checkpoint")?;
    if context.output.json {
        context.output.document(&report)?;
    } else {
        context.output.print(format_args!(
            "{} of {} pages copied\n",
            count(report.copied_pages),
            count(report.log_pages)
        ))?;
    }
    if let Some(by) = &report.held_up_by {
        context.output.notice(format!("held up by {by}"));
    }
    Ok(Exit::Done)
}
