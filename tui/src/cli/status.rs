//! `conclave status`: counts of everything on one screen. Parts that come with later versions count nothing.
//!
//! It answers at once however much there is: of large tables it says what costs nothing to know, and that it is
//! no exact count. `conclave migrate status` counts.

use conclave_consensus::migrate::{self, Attention, Overview};
use conclave_db::{Db, FileStats};
use conclave_tasks::read::{self, Counts};
use serde_json::{Value, json};

use super::context::Context;
use super::output::Output;
use crate::attention::attention;
use crate::failure::{Doing, Exit, Failure};
use crate::text::{count, counted, size, visible};

pub(super) fn run(context: &Context) -> Result<Exit, Failure> {
    let found = match context.open_read_only()? {
        None => None,
        Some(db) => Some(look(&db)?),
    };
    if context.output.json {
        context.output.document(&document(context, found.as_ref()))?;
    } else {
        context.output.print(page(context, found.as_ref()))?;
    }
    Ok(Exit::Done)
}

/// What there is.
struct Found {
    stats: FileStats,
    overview: Overview,
    tasks: Counts,
    attention: Vec<Attention>,
}

fn look(db: &Db) -> Result<Found, Failure> {
    let stats = conclave_db::stats(db).doing("read the file's numbers")?;
    let overview = migrate::overview(db).doing("read the counts")?;
    let tasks = read::counts(db).doing("count the tasks")?;
    let attention = attention(db)?;
    Ok(Found { stats, overview, tasks, attention })
}

fn document(context: &Context, found: Option<&Found>) -> Value {
    let path = context.project.database.to_string_lossy();
    let database = match found {
        None => json!({
            "state": "absent", "path": path, "file_bytes": 0, "wal_bytes": 0, "free_bytes": 0,
            "schema": null, "journal_mode": null, "sqlite_version": null,
        }),
        Some(Found { stats, .. }) => json!({
            "state": "ok", "path": path, "file_bytes": stats.file_bytes, "wal_bytes": stats.wal_bytes,
            "free_bytes": stats.free_bytes(), "schema": stats.user_version,
            "journal_mode": stats.journal_mode, "sqlite_version": stats.sqlite_version,
        }),
    };
    let consensus = match found {
        None => json!({
            "runs": 0, "outputs": 0, "syntheses": 0, "attempts": 0,
            "phase": null, "phase_name": null, "backfill_remaining": 0, "mismatches": 0,
            "estimated": [],
        }),
        Some(Found { overview, .. }) => json!({
            "runs": overview.counts.runs, "outputs": overview.counts.outputs,
            "syntheses": overview.counts.syntheses, "attempts": overview.counts.attempts,
            "phase": overview.phase, "phase_name": overview.phase_name,
            "backfill_remaining": overview.backfill_remaining, "mismatches": overview.mismatches,
            "estimated": overview.estimated,
        }),
    };
    json!({
        "database": database,
        "consensus": consensus,
        "tasks": found.map(|found| found.tasks).unwrap_or_default(),
        "registry": { "architects": 0, "builders": 0, "utils": 0, "annotations": 0, "ports": 0 },
        "leases": { "held": 0, "waiting": 0 },
        "spool": { "ledger": {
            "written": 0, "pending": 0, "imported": 0, "quarantined": 0,
            "dropped": {}, "reason": null, "monitors": {},
        }},
        "cache": { "entries": 0, "bytes": 0, "hits": 0, "misses": 0 },
        "hosts": [],
        "attention": found.map_or(&[][..], |found| &found.attention),
    })
}

fn page(context: &Context, found: Option<&Found>) -> String {
    let output = &context.output;
    let mut text = line("project", &context.project.root.display().to_string());
    let Some(Found { stats, overview, tasks, attention }) = found else {
        text.push_str(&line("database", "absent"));
        text.push_str(&line("consensus", &join(output, &["0 runs", "0 outputs", "0 syntheses"])));
        text.push_str(&line("tasks", &task_counts(output, Counts::default())));
        return text;
    };
    let file =
        context.project.database.strip_prefix(&context.project.root).unwrap_or(&context.project.database);
    text.push_str(&line(
        "database",
        &join(
            output,
            &[
                &file.display().to_string(),
                &size(stats.file_bytes),
                &format!("wal {}", size(stats.wal_bytes)),
                &format!("free {} %", stats.free_percent()),
                &format!("schema {}", stats.user_version),
            ],
        ),
    ));
    let counts = &overview.counts;
    let rows = |name: &str, number: u64, one: &str, many: &str| {
        let about = if overview.is_estimated(name) { "about " } else { "" };
        format!("{about}{}", counted(number, one, many))
    };
    text.push_str(&line(
        "consensus",
        &join(
            output,
            &[
                &rows("runs", counts.runs, "run", "runs"),
                &rows("outputs", counts.outputs, "output", "outputs"),
                &rows("syntheses", counts.syntheses, "synthesis", "syntheses"),
                &rows("attempts", counts.attempts, "attempt", "attempts"),
            ],
        ),
    ));
    text.push_str(&line(
        "migration",
        &join(
            output,
            &[
                &format!("phase {} {}", overview.phase, overview.phase_name),
                &copied(overview),
                &counted(overview.mismatches, "difference", "differences"),
            ],
        ),
    ));
    text.push_str(&line("tasks", &task_counts(output, *tasks)));
    if attention.is_empty() {
        text.push_str(&line("attention", "nothing needs you"));
    }
    for (at, one) in attention.iter().enumerate() {
        text.push_str(&line(if at == 0 { "attention" } else { "" }, &one.why));
        text.push_str(&line("", &format!("  {}", one.advice)));
    }
    text
}

fn task_counts(output: &Output, counts: Counts) -> String {
    let parts = [
        (counts.ready, "ready"),
        (counts.in_progress, "in progress"),
        (counts.blocked, "blocked"),
        (counts.closed, "closed"),
    ]
    .map(|(number, what)| format!("{} {what}", count(number)));
    join(output, &parts.each_ref().map(String::as_str))
}

/// How much of the legacy tables is copied.
fn copied(overview: &Overview) -> String {
    let counts = &overview.counts;
    let all = counts.legacy_artifacts.saturating_add(counts.legacy_syntheses);
    let all = all.saturating_add(counts.legacy_executions);
    let left = overview.backfill_remaining;
    match (overview.is_estimated("backfill_remaining"), left) {
        (false, _) => format!("{} of {} rows copied", count(all.saturating_sub(left)), count(all)),
        (true, 0) => format!("about {} rows, the newest are copied", count(all)),
        (true, _) => format!("about {} rows, at least {} to copy", count(all), count(left)),
    }
}

fn line(label: &str, value: &str) -> String {
    format!("{label:<11}{}\n", visible(value))
}

fn join(output: &Output, parts: &[&str]) -> String {
    parts.join(output.sign(" · ", " - "))
}
