//! `conclave status`: counts of everything on one screen. Parts that come with later versions count nothing.

use conclave_consensus::migrate::{self, Attention, MigrationStatus};
use conclave_db::{Db, FileStats};
use serde_json::{Value, json};

use super::context::Context;
use super::output::Output;
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
    migration: MigrationStatus,
    attention: Vec<Attention>,
}

fn look(db: &Db) -> Result<Found, Failure> {
    let stats = conclave_db::stats(db).doing("read the file's numbers")?;
    let migration = migrate::status(db).doing("read the counts")?;
    let attention = migrate::attention(db).doing("read what needs you")?;
    Ok(Found { stats, migration, attention })
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
        }),
        Some(Found { migration, .. }) => json!({
            "runs": migration.counts.runs, "outputs": migration.counts.outputs,
            "syntheses": migration.counts.syntheses, "attempts": migration.counts.attempts,
            "phase": migration.phase, "phase_name": migration.phase_name,
            "backfill_remaining": migration.backfill.remaining, "mismatches": migration.mismatches,
        }),
    };
    json!({
        "database": database,
        "consensus": consensus,
        "tasks": { "ready": 0, "in_progress": 0, "blocked": 0, "closed": 0 },
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
    let Some(Found { stats, migration, attention }) = found else {
        text.push_str(&line("database", "absent"));
        text.push_str(&line("consensus", &join(output, &["0 runs", "0 outputs", "0 syntheses"])));
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
    let counts = &migration.counts;
    text.push_str(&line(
        "consensus",
        &join(
            output,
            &[
                &counted(counts.runs, "run", "runs"),
                &counted(counts.outputs, "output", "outputs"),
                &counted(counts.syntheses, "synthesis", "syntheses"),
                &counted(counts.attempts, "attempt", "attempts"),
            ],
        ),
    ));
    let all = migration.backfill.copied + migration.backfill.remaining;
    text.push_str(&line(
        "migration",
        &join(
            output,
            &[
                &format!("phase {} {}", migration.phase, migration.phase_name),
                &format!("{} of {} rows copied", count(migration.backfill.copied), count(all)),
                &counted(migration.mismatches, "difference", "differences"),
            ],
        ),
    ));
    if attention.is_empty() {
        text.push_str(&line("attention", "nothing needs you"));
    }
    for entry in attention {
        text.push_str(&line("attention", &format!("{}: {}", entry.why, entry.hint)));
    }
    text
}

fn line(label: &str, value: &str) -> String {
    format!("{label:<11}{}\n", visible(value))
}

fn join(output: &Output, parts: &[&str]) -> String {
    parts.join(output.sign(" · ", " - "))
}
