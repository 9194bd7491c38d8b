//! `conclave migrate advance` and `conclave migrate rollback`

use std::fmt::Write as _;
use std::time::Duration;

use conclave_consensus::migrate::{self, AdvanceOptions, RollbackOptions, StepReport};

use super::existing;
use crate::cli::context::Context;
use crate::cli::progress::Progress;
use crate::failure::{Doing, Exit, Failure};
use crate::text::{counted, size, visible};
use crate::times;

/// How the next step is to be taken.
#[derive(Debug, Clone, Copy)]
pub(super) struct Forward {
    pub(super) to: Option<u8>,
    pub(super) skip_soak: bool,
    pub(super) confirm: bool,
    pub(super) dry_run: bool,
}

pub(super) fn advance(context: &Context, forward: Forward) -> Result<Exit, Failure> {
    let db = existing(context, forward.dry_run)?;
    let options = AdvanceOptions {
        to: forward.to,
        skip_soak: forward.skip_soak,
        confirm: forward.confirm,
        dry_run: forward.dry_run,
        actor: context.actor.clone(),
        soak: context.project.config.soak(),
    };
    let progress = Progress::new(&context.output);
    let report = migrate::advance(&db, &options, &mut |at| {
        progress.at(at.done_rows, at.total_rows, at.phase);
    });
    drop(progress);
    let report = report.doing("advance")?;
    tell(context, &report, &format!("compared, {}", report.found()))?;
    if !forward.dry_run {
        Context::tidy_up(&db);
    }
    Ok(if report.allowed { Exit::Done } else { Exit::StateSaysNo })
}

pub(super) fn rollback(context: &Context, to: Option<u8>, dry_run: bool) -> Result<Exit, Failure> {
    let db = existing(context, dry_run)?;
    let options =
        RollbackOptions { to, dry_run, actor: context.actor.clone(), soak: context.project.config.soak() };
    let progress = Progress::new(&context.output);
    let report = migrate::rollback(&db, &options, &mut |at| {
        progress.at(at.done_rows, at.total_rows, at.phase);
    });
    drop(progress);
    let report = report.doing("roll back")?;
    tell(context, &report, "copied back")?;
    Ok(Exit::Done)
}

fn tell(context: &Context, report: &StepReport, what: &str) -> Result<(), Failure> {
    if context.output.json {
        return context.output.document(report);
    }
    let text = if report.dry_run { plan(report) } else { done(report, what) };
    context.output.print(text)
}

fn done(report: &StepReport, what: &str) -> String {
    let mut text = format!("phase {} {}, was {}", report.phase, report.phase_name, report.from);
    if report.rows > 0 {
        let _ = write!(text, "; {} {what}", counted(report.rows, "row", "rows"));
    }
    if report.skipped_soak {
        text.push_str("; without its soak, which is recorded");
    }
    text.push('\n');
    if let Some(backup) = &report.backup {
        let _ = writeln!(text, "backup {}", visible(&backup.to_string_lossy()));
    }
    text
}

fn plan(report: &StepReport) -> String {
    let mut text = format!("would go from phase {} to {} {}\n", report.from, report.phase, report.phase_name);
    for step in &report.steps {
        let _ = writeln!(text, "  {step}");
    }
    let _ = write!(text, "{}", counted(report.rows, "row", "rows"));
    if let Some(ms) = report.estimated_ms {
        let _ = write!(text, ", about {}", times::took(Duration::from_millis(ms)));
    }
    let _ = writeln!(text, ", {} on the disk", size(report.disk_bytes));
    if let Some(back) = &report.back {
        for line in &back.stays {
            let _ = writeln!(text, "stays in the new tables: {}", visible(line));
        }
    }
    if !report.missing.is_empty() {
        let _ = writeln!(text, "missing: {}", report.missing.join(", "));
    }
    text
}
