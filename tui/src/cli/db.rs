//! `conclave db stats|check|backup|restore|vacuum|checkpoint|convert`

use std::path::{Path, PathBuf};

use conclave_db::backup::{self, BackupOptions};
use conclave_db::checkpoint::{CheckpointMode, checkpoint};
use conclave_db::vacuum::{self, VacuumStats};
use conclave_db::{AutoVacuum, Db, ErrorKind, FileStats, Source, paths};
use serde_json::json;

use super::args::DbCommand;
use super::context::Context;
use super::doctor;
use super::progress::Progress;
use crate::failure::{Doing, Exit, Failure};
use crate::text::{count, counted, size};
use crate::times;

pub(super) fn run(context: &Context, command: DbCommand) -> Result<Exit, Failure> {
    match command {
        DbCommand::Check => doctor::run(context, doctor::Scope::State, false),
        DbCommand::Restore { from } => restore(context, from),
        // A copy of nothing is no copy that anyone could rely on.
        DbCommand::Backup { .. } if !context.project.has_state() => Err(no_state()),
        // What looks after a file makes none.
        _ if !context.project.has_state() => {
            context.output.no_state();
            if context.output.json {
                context.output.document(&json!({}))?;
            }
            Ok(Exit::Done)
        }
        DbCommand::Stats => stats(context),
        DbCommand::Backup { to, keep } => back_up(context, to, keep),
        DbCommand::Vacuum { full } => vacuum(context, full),
        DbCommand::Checkpoint { truncate } => copy_log(context, truncate),
        DbCommand::Convert => convert(context),
    }
}

fn read_only(context: &Context) -> Result<Db, Failure> {
    context.open_read_only()?.ok_or_else(no_state)
}

fn no_state() -> Failure {
    Failure::not_found("no state here").hint("conclave init")
}

fn stats(context: &Context) -> Result<Exit, Failure> {
    let stats = conclave_db::stats(&read_only(context)?).doing("read the file's numbers")?;
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

fn back_up(context: &Context, to: Option<PathBuf>, keep: usize) -> Result<Exit, Failure> {
    let db = read_only(context)?;
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

fn restore(context: &Context, from: Option<PathBuf>) -> Result<Exit, Failure> {
    let from = match from {
        Some(from) => context.environment.folder.join(from),
        None => newest_backup(&context.project.database)?,
    };
    // What cannot be read is refused before a folder is made for it.
    drop(Source::open(&from).doing("read the backup").map_err(about_backup)?);
    if !context.project.has_state() {
        paths::ensure_state_dir(&context.project.state_dir).doing("make the state folder")?;
    }
    let spinner =
        Progress::spinning(&context.output, "checking the backup, keeping what is there, restoring");
    let report =
        backup::restore(&context.project.options()?, &from).doing("restore").map_err(about_backup)?;
    drop(spinner);
    if context.output.json {
        context.output.document(&report)?;
    } else {
        context.output.print(format_args!(
            "restored {} from {}, verified\n",
            report.path.display(),
            report.from.display()
        ))?;
        if let Some(kept) = &report.kept {
            context.output.notice(format!("what was there before is kept as {}", kept.display()));
        }
    }
    Ok(Exit::Done)
}

/// What is damaged is the backup, and restoring "the newest" again would not help.
fn about_backup(failure: Failure) -> Failure {
    if failure.kind == ErrorKind::Corrupt.as_str() {
        return failure.hint("this backup is damaged; name another one: `conclave db restore FILE`");
    }
    if failure.kind == ErrorKind::Invalid.as_str() {
        return failure.hint("name a backup: `conclave db restore FILE`, or nothing for the newest one");
    }
    failure
}

/// What is refused is the name.
fn about_target(failure: Failure) -> Failure {
    if failure.kind == ErrorKind::Invalid.as_str() {
        return failure
            .hint("name a file that is not there yet, or a folder: a name with the time is made in it");
    }
    failure
}

fn newest_backup(database: &Path) -> Result<PathBuf, Failure> {
    let folder = backup::default_folder(database);
    let newest = backup::list(&folder, database).doing("look for backups")?.into_iter().next();
    newest.map(|file| file.path).ok_or_else(|| {
        Failure::not_found(format!("no backup in {}", folder.display()))
            .hint("name one: conclave db restore FILE")
    })
}

fn vacuum(context: &Context, full: bool) -> Result<Exit, Failure> {
    let db = context.open()?;
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

fn convert(context: &Context) -> Result<Exit, Failure> {
    let db = context.open()?;
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

fn copy_log(context: &Context, truncate: bool) -> Result<Exit, Failure> {
    let db = context.open()?;
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
