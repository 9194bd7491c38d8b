//! `conclave migrate repair`

use conclave_consensus::migrate::{self, RepairOptions, ReversePlan};

use super::existing;
use crate::cli::context::Context;
use crate::cli::progress::Progress;
use crate::failure::{Doing, Exit, Failure};
use crate::text::counted;

pub(super) fn run(context: &Context, dry_run: bool) -> Result<Exit, Failure> {
    let db = existing(context, dry_run)?;
    let options = RepairOptions { dry_run, actor: context.actor.clone() };
    let progress = Progress::new(&context.output);
    let report = migrate::repair(&db, &options, &mut |at| progress.at(at.done_rows, at.total_rows, at.phase));
    drop(progress);
    let report = report.doing("repair")?;
    if context.output.json {
        context.output.document(&report)?;
    } else {
        let would = if dry_run { "would repair" } else { "repaired" };
        context.output.print(format_args!("{would} {}\n", counted(report.repaired, "row", "rows")))?;
    }
    Ok(Exit::Done)
}

/// What the way back leaves in the new tables, in words.
pub(super) fn lines_of(plan: &ReversePlan) -> Vec<String> {
    plan.stays.clone()
}
