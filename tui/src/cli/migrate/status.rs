//! `conclave migrate status`

use std::fmt::Write as _;

use conclave_consensus::import::quoted;
use conclave_consensus::migrate::{self, MigrationStatus};
use serde_json::Value;

use crate::cli::context::Context;
use crate::failure::{Doing, Exit, Failure};
use crate::text::{count, counted, visible};
use crate::times;

pub(super) fn run(context: &Context) -> Result<Exit, Failure> {
    let output = &context.output;
    let Some(db) = context.open_read_only()? else {
        if output.json {
            output.document(&absent()?)?;
        }
        return Ok(Exit::Done);
    };
    let status = migrate::status_with(&db, &context.project.config.soak()).doing("read the migration")?;
    if output.json {
        output.document(&status)?;
    } else {
        output.print(status_page(&status))?;
    }
    Ok(Exit::Done)
}

/// The answer where there is no state: nothing has been and nothing is to be migrated.
fn absent() -> Result<Value, Failure> {
    let mut status = MigrationStatus::default();
    status.backfill.complete = true;
    let mut value = serde_json::to_value(status).map_err(|error| Failure::internal(error.to_string()))?;
    (value["phase"], value["phase_name"]) = (Value::Null, Value::Null);
    Ok(value)
}

fn status_page(status: &MigrationStatus) -> String {
    let mut text = format!("phase       {} {}\n", status.phase, status.phase_name);
    let backfill = &status.backfill;
    let all = backfill.copied + backfill.remaining;
    let word = if backfill.complete {
        "complete"
    } else if backfill.remaining <= status.refused {
        "the new tables cannot hold the rest: conclave migrate verify says why"
    } else {
        "not complete: conclave migrate backfill"
    };
    let _ = writeln!(text, "backfill    {} of {} rows, {word}", count(backfill.copied), count(all));
    if let Some(cursor) = cursor(status) {
        let _ = writeln!(text, "            {cursor}");
    }
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
    let _ = writeln!(text, "differences {}{}", count(status.mismatches), compared(status));
    for (label, line) in [
        ("capture", capture(status)),
        ("soak", soak(status)),
        ("older", older(status)),
        ("backup", backup(status)),
        ("paused", paused(status)),
    ] {
        if let Some(line) = line {
            let _ = writeln!(text, "{label:<12}{}", visible(&line));
        }
    }
    let next = match status.next.phase {
        None => "none: the end is reached".to_owned(),
        Some(5) if status.next.allowed => "phase 5, allowed now with --confirm".to_owned(),
        Some(phase) if status.next.allowed => format!("phase {phase}, allowed now"),
        Some(phase) => format!("phase {phase}, missing: {}", status.next.missing.join(", ")),
    };
    let _ = writeln!(text, "next        {}", visible(&next));
    text.push_str(&source_lines(status));
    text
}

/// Where a backfill that has begun and not ended goes on.
fn cursor(status: &MigrationStatus) -> Option<String> {
    let cursor = &status.backfill.cursor;
    let behind: Vec<String> =
        [("artifact", cursor.artifacts), ("synthesis", cursor.syntheses), ("execution", cursor.executions)]
            .into_iter()
            .filter_map(|(kind, id)| Some(format!("{kind} {}", id?)))
            .collect();
    (!status.backfill.complete && !behind.is_empty()).then(|| format!("goes on behind {}", behind.join(", ")))
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

fn compared(status: &MigrationStatus) -> String {
    status.verified_at.map_or(String::new(), |at| format!(", both sides compared {}", times::absolute(at)))
}

fn capture(status: &MigrationStatus) -> Option<String> {
    if status.legacy_tables_returned && !status.capture_triggers {
        let back = "an older program has made its tables again: conclave migrate backfill takes them over";
        return Some(back.into());
    }
    if status.capture_broken {
        return Some("triggers are missing or changed: conclave doctor --fix".into());
    }
    status.capture_triggers.then(|| "triggers on the legacy tables are on".into())
}

fn soak(status: &MigrationStatus) -> Option<String> {
    let soak = status.soak.as_ref()?;
    let since = times::absolute(soak.since?);
    Some(if soak.passed {
        format!("passed, since {since}")
    } else {
        format!("since {since}, until {}", times::absolute(soak.ends_at?))
    })
}

fn older(status: &MigrationStatus) -> Option<String> {
    let older = &status.older_program;
    let last = times::absolute(older.last_at?);
    let version = older.sqlite_version.as_deref().unwrap_or("unknown");
    let mut text = format!(
        "{} by older programs, the last {last} with SQLite {version}",
        counted(older.writes, "write", "writes")
    );
    if older.writing && status.phase >= 4 {
        text.push_str("; an older program is still writing");
    }
    if older.wal_reset_bug {
        text.push_str("; that SQLite has the WAL-reset bug and can damage the file: 3.51.3 has not");
    }
    Some(text)
}

fn backup(status: &MigrationStatus) -> Option<String> {
    let backup = status.backup.as_ref()?;
    Some(format!("{}, verified, {}", times::absolute(backup.taken_at?), backup.path.display()))
}

fn paused(status: &MigrationStatus) -> Option<String> {
    let paused = status.paused.as_ref()?;
    Some(format!("by {} {}: conclave migrate resume", paused.by, times::absolute(paused.at)))
}
