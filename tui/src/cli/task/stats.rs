//! `conclave task stats`

use std::fmt::Write as _;

use conclave_tasks::read::{self, Stats};
use serde_json::json;

use crate::cli::context::Context;
use crate::failure::{Doing, Exit, Failure};
use crate::text::count;

pub(super) fn run(context: &Context) -> Result<Exit, Failure> {
    let stats = match context.open_read_only()? {
        None => Stats::default(),
        Some(db) => read::stats(&db).doing("count the tasks")?,
    };
    if context.output.json {
        context.output.document(&json!({ "summary": stats }))?;
    } else {
        context.output.print(page(&stats))?;
    }
    Ok(Exit::Done)
}

fn page(stats: &Stats) -> String {
    let mut text = String::new();
    for (label, number) in [
        ("ready", stats.ready),
        ("in progress", stats.in_progress),
        ("blocked", stats.blocked),
        ("open", stats.open),
        ("open, deferred by date", stats.deferred_by_date),
        ("open, but never ready", stats.never_ready),
        ("deferred", stats.deferred),
        ("pinned", stats.pinned),
        ("other", stats.other),
        ("closed", stats.closed),
        ("total", stats.total),
        ("deleted", stats.tombstone),
        ("epics to close", stats.epics_eligible_for_closure),
    ] {
        let _ = writeln!(text, "{label:<24}{:>9}", count(number));
    }
    if let Some(hours) = stats.average_lead_time_hours {
        let _ = writeln!(text, "{:<24}{hours:>9.1} h", "lead time");
    }
    text
}
