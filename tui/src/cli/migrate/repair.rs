//! `conclave migrate repair`

use std::fmt::Write as _;

use conclave_consensus::migrate::{self, RepairOptions, RepairReport};

use super::existing;
use super::verify::finding_in_words;
use crate::cli::context::Context;
use crate::cli::progress::Progress;
use crate::failure::{Doing, Exit, Failure};
use crate::text::{count, counted};

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
        context.output.print(page(&report))?;
        if let Some(advice) = report.advice() {
            context.output.notice(format!("hint: {advice}"));
        }
    }
    Ok(if report.left == 0 || dry_run { Exit::Done } else { Exit::StateSaysNo })
}

fn page(report: &RepairReport) -> String {
    let would = if report.dry_run { "would make" } else { "made" };
    let mut text = match (report.found, report.repaired) {
        (0, _) => "nothing differs\n".to_owned(),
        (_, rows) => format!("{would} {} equal, {} left\n", counted(rows, "row", "rows"), count(report.left)),
    };
    for row in &report.rows {
        let _ = writeln!(text, "{}: {}", finding_in_words(&row.finding), row.done);
    }
    let shown = report.rows.len() as u64;
    if shown < report.repaired {
        let _ = writeln!(text, "and {} more", count(report.repaired - shown));
    }
    text
}
