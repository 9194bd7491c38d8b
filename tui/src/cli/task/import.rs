//! `conclave task import`: the lines first, then what is refused is put aside, then the import, and the file's new
//! name last of all: whoever is killed in between has lost nothing.

mod archive;

use std::fmt::Write as _;
use std::io::Read as _;
use std::path::Path;

use conclave_tasks::exchange::{self, ImportOptions, ImportReport, Kept, Lines};
use serde_json::json;

use super::args::Import;
use super::limits;
use crate::cli::context::Context;
use crate::cli::progress::Progress;
use crate::failure::{Doing, Exit, Failure};
use crate::import::in_scratch;
use crate::text::{count, counted, visible};

/// Ids that are named of each kind; JSON has all.
const NAMED: usize = 10;

pub(super) fn run(context: &Context, line: &Import) -> Result<Exit, Failure> {
    let from_input = line.file.as_os_str() == "-";
    if line.archive && from_input {
        return Err(Failure::usage("standard input cannot be archived").hint("leave out --archive"));
    }
    let file = if from_input { line.file.clone() } else { context.environment.folder.join(&line.file) };
    let spinner = Progress::spinning(&context.output, "reading");
    let lines = read(context, &file, &line.file)?;
    drop(spinner);
    let kept = put_aside(context, line, &file, &lines)?;
    let seen = archive::Seen::of(&lines);
    let refused = lines.bad.len() as u64;
    let report = import(context, line, lines)?;
    if refused > 0 {
        say_refused(context, refused, line, kept.as_ref());
    }
    let archived = if line.archive { Some(archive::archive(&file, seen, limits(context))?) } else { None };
    if context.output.json {
        document(context, &report, kept.as_ref(), archived.as_deref())?;
    } else {
        context.output.print(page(&report))?;
    }
    if let Some(name) = archived {
        context.output.notice(format!(
            "{} is now {}",
            visible(&report.source),
            visible(&name.to_string_lossy())
        ));
    }
    Ok(Exit::Done)
}

/// Reads the lines; the file is named as it was given.
fn read(context: &Context, file: &Path, given: &Path) -> Result<Lines, Failure> {
    let limits = limits(context);
    let mut lines = if given.as_os_str() == "-" {
        exchange::read_lines(&mut std::io::stdin().lock(), given, limits).doing("import")?
    } else {
        exchange::read_file(file, limits).doing("import")?
    };
    lines.path = given.to_path_buf();
    Ok(lines)
}

/// Keeps what is refused, where that is wanted; else a refused line ends it all.
fn put_aside(context: &Context, line: &Import, file: &Path, lines: &Lines) -> Result<Option<Kept>, Failure> {
    match &line.quarantine {
        None => match lines.refuse_bad() {
            Ok(()) => Ok(None),
            Err(error) => Err(refused(context, line, Failure::from(error), lines)),
        },
        Some(_) if line.dry_run => Ok(None),
        Some(folder) => {
            let folder = context.environment.folder.join(folder);
            let source = (line.file.as_os_str() != "-").then_some(file);
            exchange::keep(lines, source, &folder).doing("keep the refused lines")
        }
    }
}

/// A file of another kind has a command of its own.
fn refused(context: &Context, line: &Import, failure: Failure, lines: &Lines) -> Failure {
    let more = lines.bad.len().saturating_sub(1) as u64;
    let mut failure = failure.doing("import");
    if more > 0 {
        let _ = write!(failure.message, " (and {} more)", counted(more, "line", "lines"));
    }
    let mut beginning = [0; 16];
    let opened = std::fs::File::open(context.environment.folder.join(&line.file));
    let is_database = opened.and_then(|mut file| file.read_exact(&mut beginning)).is_ok()
        && &beginning == b"SQLite format 3\0";
    if is_database {
        return failure.hint("this is a database: `conclave migrate import FILE` imports legacy databases");
    }
    failure
}

fn import(context: &Context, line: &Import, lines: Lines) -> Result<ImportReport, Failure> {
    let options = ImportOptions { dry_run: line.dry_run, quarantined: line.quarantine.is_some() };
    let _spinner = Progress::spinning(&context.output, "importing");
    if !line.dry_run {
        let db = context.open()?;
        let report = exchange::import(&db, &context.actor, lines, options).doing("import")?;
        Context::tidy_up(&db);
        return Ok(report);
    }
    if let Some(db) = context.project.open_read_only()? {
        return exchange::import(&db, &context.actor, lines, options).doing("import");
    }
    let mut lines = Some(lines);
    in_scratch(&context.project, |db| {
        exchange::import(db, &context.actor, lines.take().unwrap_or_default(), options).doing("import")
    })
}

fn say_refused(context: &Context, refused: u64, line: &Import, kept: Option<&Kept>) {
    let lines = counted(refused, "line was", "lines were");
    if let Some(cut) = kept.map(|kept| kept.cut).filter(|cut| *cut > 0) {
        context.output.notice(format!(
            "of {} only the beginning could be kept: standard input cannot be read again",
            counted(cut, "line that is too long", "lines that are too long")
        ));
    }
    match kept {
        Some(kept) => context.output.notice(format!(
            "{lines} refused and kept: {}, reasons in {}",
            visible(&kept.lines.to_string_lossy()),
            visible(&kept.reasons.to_string_lossy())
        )),
        None if line.dry_run => context.output.notice(format!("{lines} to be refused and kept")),
        None => {}
    }
}

fn document(
    context: &Context,
    report: &ImportReport,
    kept: Option<&Kept>,
    archived: Option<&Path>,
) -> Result<(), Failure> {
    let mut document =
        serde_json::to_value(report).map_err(|error| Failure::internal(format!("write JSON: {error}")))?;
    if let Some(object) = document.as_object_mut() {
        let path = |path: &Path| path.to_string_lossy().into_owned();
        object.insert("kept".to_owned(), json!(kept.map(|kept| [path(&kept.lines), path(&kept.reasons)])));
        object.insert("cut".to_owned(), json!(kept.map_or(0, |kept| kept.cut)));
        object.insert("archived".to_owned(), json!(archived.map(path)));
    }
    context.output.document(&document)
}

/// The report in a few lines: the counts, then what a person may want to look at.
fn page(report: &ImportReport) -> String {
    let would = if report.dry_run { "would import" } else { "imported" };
    let mut parts = vec![
        format!("{} created", count(report.created)),
        format!("{} updated", count(report.updated)),
        format!("{} unchanged", count(report.unchanged)),
    ];
    if report.opaque > 0 {
        parts.push(format!(
            "{} kept that {} no tasks",
            counted(report.opaque, "line", "lines"),
            if report.opaque == 1 { "is" } else { "are" }
        ));
    }
    let mut text = format!("{would} {}: {}\n", visible(&report.source), parts.join(", "));
    for (what, ids) in [
        ("older than here, kept as they are here", &report.older),
        ("in conflict, kept as they are here (conclave task sync FILE merges)", &report.conflicts),
        ("several times in the file, the latest taken", &report.duplicates),
        ("edges to tasks that do not exist, kept", &report.dangling),
    ] {
        if !ids.is_empty() {
            let _ = writeln!(text, "{} {what}: {}", count(ids.len() as u64), visible(&some_of(ids)));
        }
    }
    for (reason, number) in &report.irregular {
        let _ = writeln!(
            text,
            "{}: {}",
            counted(*number, "irregular record", "irregular records"),
            visible(reason)
        );
    }
    text
}

pub(super) fn some_of(ids: &[String]) -> String {
    let mut named = ids.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    if ids.len() > NAMED {
        let _ = write!(named, " and {} more", count((ids.len() - NAMED) as u64));
    }
    named
}
