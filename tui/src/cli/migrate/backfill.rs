//! `conclave migrate backfill [--limit N]`

use std::time::Duration;

use conclave_consensus::migrate::{self, BackfillOptions, BackfillReport};

use crate::cli::context::Context;
use crate::cli::progress::Progress;
use crate::failure::{Doing, Exit, Failure};
use crate::text::{count, counted, size};
use crate::times;

pub(super) fn run(context: &Context, limit: Option<u64>, dry_run: bool) -> Result<Exit, Failure> {
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
        let cost = match (report.estimated_ms, report.disk_bytes) {
            (Some(ms), Some(bytes)) => {
                format!(", about {}, {} on the disk", times::took(Duration::from_millis(ms)), size(bytes))
            }
            _ => String::new(),
        };
        output.print(format_args!(
            "{would} {}, updated {}, {} left{cost}\n",
            counted(report.copied, "row", "rows"),
            count(report.updated),
            count(report.remaining)
        ))?;
        if let Some(advice) = report.advice() {
            output.notice(format!("hint: {advice}"));
        }
    }
    if !dry_run {
        Context::tidy_up(&db);
    }
    Ok(Exit::Done)
}
