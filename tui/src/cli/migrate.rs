//! `conclave migrate [import|status|verify|backfill]`

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use conclave_consensus::import::{ImportReport, quoted};
use conclave_consensus::migrate::{
    self, BackfillOptions, BackfillReport, BackfillStatus, Counts, Finding, MigrationStatus, NextPhase,
    VerifyReport,
};
use conclave_db::Db;
use serde::Serialize;
use serde_json::{Value, json};

use super::args::{Migrate, MigrateLine};
use super::context::Context;
use super::output::Output;
use super::progress::Progress;
use crate::attention::unfinished_imports;
use crate::failure::{Doing, Exit, Failure};
use crate::import::{import, in_words, options};
use crate::text::{count, counted, visible};
use crate::times;

pub(super) fn run(context: &Context, line: MigrateLine) -> Result<Exit, Failure> {
    match line.command {
        None => schema(context, line.dry_run),
        Some(Migrate::Import { files, dry_run }) => import_all(context, &files, dry_run || line.dry_run),
        Some(Migrate::Status) => status(context),
        Some(Migrate::Verify) => verify(context),
        Some(Migrate::Backfill { limit, dry_run }) => backfill(context, limit, dry_run || line.dry_run),
    }
}

/// To the current schema.
fn schema(context: &Context, dry_run: bool) -> Result<Exit, Failure> {
    let output = &context.output;
    if dry_run {
        let plan = Db::plan(&context.project.options()?).doing("look at the state")?;
        if output.json {
            output.document(&json!({
                "from": plan.from, "to": plan.to, "steps": plan.steps, "rewrites": plan.rewrites, "dry_run": true,
            }))?;
        } else if plan.steps.is_empty() {
            output.print(format_args!("schema {} is current\n", plan.to))?;
        } else {
            let backup = if plan.rewrites { " (a verified backup comes first)" } else { "" };
            output.print(format_args!(
                "would migrate from schema {} to {}{backup}: {}\n",
                plan.from,
                plan.to,
                plan.steps.join(", ")
            ))?;
        }
        return Ok(Exit::Done);
    }
    let db = context.open()?;
    let migrated = db.migrated();
    if output.json {
        output.document(migrated)?;
    } else if migrated.applied.is_empty() {
        output.print(format_args!("schema {} is current; nothing to do\n", migrated.to))?;
    } else {
        let steps = migrated.applied.join(", ");
        output.print(format_args!("migrated from schema {} to {}: {steps}\n", migrated.from, migrated.to))?;
    }
    let left = migrate::status(&db).map_or(0, |status| status.backfill.remaining);
    if left > 0 {
        output.notice(format!(
            "{} to copy: conclave migrate backfill",
            counted(left, "legacy row", "legacy rows")
        ));
    }
    Ok(Exit::Done)
}

/// What the JSON list says of one file.
#[derive(Serialize)]
#[serde(untagged)]
enum Entry {
    Report(Box<ImportReport>),
    Failed { source: String, error: Value },
}

/// Each file for itself: one that cannot be imported keeps no other from it. The exit code is the worst.
fn import_all(context: &Context, files: &[PathBuf], dry_run: bool) -> Result<Exit, Failure> {
    let output = &context.output;
    let mut is_new = !dry_run && !context.project.has_state();
    let mut entries = Vec::new();
    let mut exit = Exit::Done;
    for file in files {
        let file = context.environment.folder.join(file);
        let imported = import_one(context, &file, dry_run);
        if is_new && context.project.has_state() {
            output.notice(format!("created {}", context.project.database.display()));
            is_new = false;
        }
        match imported {
            Ok(report) => {
                if !output.json {
                    let would = if dry_run { "would import" } else { "imported" };
                    output.print(format_args!(
                        "{would} {}: {}\n",
                        visible(&report.source),
                        in_words(&report)
                    ))?;
                }
                entries.push(Entry::Report(Box::new(report)));
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

fn import_one(context: &Context, file: &Path, dry_run: bool) -> Result<ImportReport, Failure> {
    let mut progress = Progress::new(&context.output);
    if !dry_run {
        let again = quoted(&file.to_string_lossy());
        let kept = format!("what has arrived is kept; run `conclave migrate import {again}` to go on");
        progress = progress.if_interrupted(&context.output, kept);
    }
    let options = options(&context.actor, dry_run);
    import(&context.project, file, &options, &mut |at| {
        progress.at(at.done_rows, at.total_rows, at.phase);
    })
}

fn status(context: &Context) -> Result<Exit, Failure> {
    let output = &context.output;
    let Some(db) = context.open_read_only()? else {
        if output.json {
            output.document(&absent())?;
        }
        return Ok(Exit::Done);
    };
    let status = migrate::status(&db).doing("read the migration")?;
    if output.json {
        output.document(&status)?;
    } else {
        output.print(status_page(&status))?;
    }
    Ok(Exit::Done)
}

/// The answer where there is no state: nothing has been and nothing is to be migrated.
fn absent() -> Value {
    json!({
        "phase": null, "phase_name": null,
        "backfill": BackfillStatus { complete: true, copied: 0, remaining: 0 },
        "counts": Counts::default(),
        "mismatches": 0, "capture_triggers": false, "soak_until": null,
        "next": NextPhase { phase: None, allowed: false, missing: Vec::new() },
        "verified_at": null, "sources": [],
    })
}

fn status_page(status: &MigrationStatus) -> String {
    let mut text = format!("phase       {} {}\n", status.phase, status.phase_name);
    let backfill = &status.backfill;
    let all = backfill.copied + backfill.remaining;
    let word = if backfill.complete { "complete" } else { "not complete: conclave migrate backfill" };
    let _ = writeln!(text, "backfill    {} of {} rows, {word}", count(backfill.copied), count(all));
    let counts = &status.counts;
    let _ = writeln!(
        text,
        "legacy      {}, {}, {}",
        counted(counts.legacy_artifacts, "artifact", "artifacts"),
        counted(counts.legacy_syntheses, "synthesis", "syntheses"),
        counted(counts.legacy_executions, "execution", "executions"),
    );
    let _ = writeln!(
        text,
        "new         {}, {}, {}, {}",
        counted(counts.runs, "run", "runs"),
        counted(counts.outputs, "output", "outputs"),
        counted(counts.syntheses, "synthesis", "syntheses"),
        counted(counts.attempts, "attempt", "attempts"),
    );
    let _ = writeln!(text, "differences {}", count(status.mismatches));
    let next = match status.next.phase {
        None => "none: the end is reached".to_owned(),
        Some(phase) if status.next.allowed => format!("phase {phase}, allowed now"),
        Some(phase) => format!("phase {phase}, missing: {}", status.next.missing.join(", ")),
    };
    let _ = writeln!(text, "next        {}", visible(&next));
    text.push_str(&source_lines(status));
    text
}

/// The files that were imported, and those whose import did not end.
fn source_lines(status: &MigrationStatus) -> String {
    let mut text = String::new();
    for (at, source) in status.sources.iter().enumerate() {
        let label = if at == 0 { "sources" } else { "" };
        let when = source.finished_at.or(source.started_at).map_or("?".to_owned(), times::absolute);
        let how = match source.finished_at {
            Some(_) => format!("imported {when}"),
            None => format!("began {when}, not finished: conclave migrate import {}", quoted(&source.path)),
        };
        let _ = writeln!(text, "{label:<12}{}: {}", visible(&source.path), visible(&how));
    }
    text
}

/// What a comparison says nothing of: it compares what is here.
fn say_unfinished(output: &Output, db: &Db) {
    for import in unfinished_imports(db).unwrap_or_default() {
        output.notice(visible(&import.why));
        output.notice(format!("hint: {}", visible(&import.advice)));
    }
}

fn verify(context: &Context) -> Result<Exit, Failure> {
    let output = &context.output;
    if !context.project.has_state() {
        output.no_state();
        if output.json {
            output.document(&VerifyReport { equal: true, ..VerifyReport::default() })?;
        }
        return Ok(Exit::Done);
    }
    let Some((db, not_kept)) = context.project.open_to_keep(context.read_only)? else {
        return Ok(Exit::Done);
    };
    context.say_how_it_is_read(&db);
    if let Some(failure) = not_kept {
        output.notice(format!("what is found is not kept: {}", failure.message));
    }
    let progress = Progress::new(output);
    let report =
        migrate::verify(&db, &mut |at| progress.at(at.done_rows, at.total_rows, at.phase)).doing("verify")?;
    drop(progress);
    if output.json {
        output.document(&report)?;
    } else {
        output.print(verify_page(&report))?;
        for advice in report.advice() {
            output.notice(format!("hint: {advice}"));
        }
    }
    say_unfinished(output, &db);
    Ok(if report.equal { Exit::Done } else { Exit::StateSaysNo })
}

fn verify_page(report: &VerifyReport) -> String {
    let checked = counted(report.checked, "row", "rows");
    if report.equal {
        return format!("{checked} compared, all equal\n");
    }
    let mut text = format!("{checked} compared, {}\n", counted(report.differences, "differs", "differ"));
    for finding in &report.findings {
        text.push_str(&finding_line(finding));
    }
    let shown = report.findings.len() as u64;
    if shown < report.differences {
        let _ = writeln!(text, "and {} more", count(report.differences - shown));
    }
    text
}

fn finding_line(finding: &Finding) -> String {
    let id = |id: Option<i64>| id.map_or("-".to_owned(), |id| id.to_string());
    let legacy = finding.agent_id.clone().unwrap_or_else(|| id(finding.legacy_id));
    let field = finding.field.map_or(String::new(), |field| format!(" in {field}"));
    let text = format!(
        "{}: {} {legacy}, new {}{field}",
        finding.kind.as_str().replace('_', " "),
        finding.table,
        id(finding.output_id)
    );
    format!("{}\n", visible(&text))
}

fn backfill(context: &Context, limit: Option<u64>, dry_run: bool) -> Result<Exit, Failure> {
    let output = &context.output;
    if !context.project.has_state() {
        output.no_state();
        if output.json {
            output.document(&BackfillReport { complete: true, ..BackfillReport::default() })?;
        }
        return Ok(Exit::Done);
    }
    let db = if dry_run { context.project.open_for_dry_run()? } else { context.open()? };
    let options =
        BackfillOptions { limit, dry_run, actor: context.actor.clone(), ..BackfillOptions::default() };
    let mut progress = Progress::new(output);
    if !dry_run {
        let kept = "what is copied is kept; run `conclave migrate backfill` to go on";
        progress = progress.if_interrupted(output, kept.to_owned());
    }
    let report =
        migrate::backfill(&db, &options, &mut |at| progress.at(at.done_rows, at.total_rows, at.phase))
            .doing("backfill")?;
    drop(progress);
    if output.json {
        output.document(&report)?;
    } else if report.copied == 0 && report.updated == 0 && report.complete {
        output.print("nothing left to copy\n")?;
    } else {
        let would = if dry_run { "would copy" } else { "copied" };
        output.print(format_args!(
            "{would} {}, updated {}, {} left\n",
            counted(report.copied, "row", "rows"),
            count(report.updated),
            count(report.remaining)
        ))?;
    }
    if !dry_run {
        Context::tidy_up(&db);
    }
    Ok(Exit::Done)
}
