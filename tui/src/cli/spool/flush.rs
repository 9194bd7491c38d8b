//! `conclave spool flush`: recover, import, trim.

use std::fmt::Write as _;
use std::time::Duration;

use conclave_retry::{Clock as _, SystemClock};
use conclave_spool::import::{self, Flushed, Unknown};
use serde_json::{Value, json};

use super::{live_segments, recovered_line};
use crate::cli::context::Context;
use crate::cli::output::Output;
use crate::cli::progress::Progress;
use crate::event_spool;
use crate::failure::{Doing as _, Exit, Failure};
use crate::text::{counted, visible};

pub(super) fn run(context: &Context, monitor: Option<&str>) -> Result<Exit, Failure> {
    let only = monitor.map(|name| super::find(context, name)).transpose()?;
    let db = context.open()?;
    let spool = event_spool::of(&context.project, Some(db.clone()))?;
    let begun = SystemClock.monotonic();
    let spinner = Progress::spinning(&context.output, "importing").if_interrupted(
        &context.output,
        "what is imported stays; `conclave spool flush` goes on with the rest".to_owned(),
    );
    let flushed = import::flush(&spool, &db, only.as_ref()).doing("flush")?;
    drop(spinner);
    let took = SystemClock.monotonic().saturating_sub(begun);

    let failure = failure(&flushed);
    let output = &context.output;
    if output.json {
        output.document(&document(&flushed, failure.as_ref()))?;
    } else {
        output.print(text(&flushed, took))?;
    }
    say(output, &flushed);
    if flushed.trimmed.untrimmable {
        let help = super::room(&spool, Some(&db));
        output.notice(format!("the quota is not kept, and nothing is left that may be trimmed: {help}"));
    }
    if let Some(failure) = &failure {
        output.complain(failure);
    }
    Ok(failure.map_or(Exit::Done, |failure| failure.exit))
}

/// Files that are still pending although they were to be imported.
fn failure(flushed: &Flushed) -> Option<Failure> {
    if flushed.deferred > 0 {
        let files = counted(flushed.deferred, "file was", "files were");
        let message = format!("flush: {files} put off: the state could not be written");
        return Some(
            Failure::new(Exit::Storage, "deferred", message)
                .hint("`conclave spool flush` again; `conclave doctor` says who holds the state"),
        );
    }
    let first = flushed.errors.first()?;
    let more = match flushed.errors.len() {
        1 => String::new(),
        all => format!(" (and {} more)", all - 1),
    };
    Some(Failure::new(Exit::Storage, "io", format!("flush: {first}{more}")))
}

/// What the text has no line for.
fn say(output: &Output, flushed: &Flushed) {
    if let Some(live) = live_segments(flushed.recovered.live) {
        output.notice(live);
    }
    if flushed.quarantined > 0 {
        let lines = counted(flushed.quarantined, "line is", "lines are");
        output.notice(format!(
            "warning: {lines} in quarantine, and no events: below _quarantine in the spool rejected lines stand with the reasons in \
             *.rej.ndjson, and damaged files lie as they were found"
        ));
        output.notice("hint: docs/spool.md says how rejected lines come back when the cause is mended");
    }
    if flushed.missing > 0 {
        let events = counted(flushed.missing, "event", "events");
        output.notice(format!(
            "warning: {events} of pending files that somebody removed: counted as dropped (missing)"
        ));
    }
    for Unknown { monitor, files } in &flushed.unknown {
        let files = counted(*files, "file was", "files were");
        output.notice(format!("warning: {files} left alone: no monitor {monitor} is known"));
        output.notice(format!("hint: `[spool] monitors = [\"{monitor}\"]` makes it known"));
    }
    if !flushed.trimmed.files.is_empty() {
        let files = counted(flushed.trimmed.files.len() as u64, "imported file", "imported files");
        output.notice(format!("trimmed {files} ({} bytes)", flushed.trimmed.bytes));
    }
}

fn document(flushed: &Flushed, failure: Option<&Failure>) -> Value {
    let monitors: serde_json::Map<String, Value> = flushed
        .monitors
        .iter()
        .map(|one| (one.monitor.to_string(), json!({ "files": one.files, "imported": one.imported })))
        .collect();
    let unknown: serde_json::Map<String, Value> =
        flushed.unknown.iter().map(|one| (one.monitor.to_string(), json!(one.files))).collect();
    let mut document = json!({
        "files": flushed.files, "imported": flushed.imported, "duplicates": flushed.duplicates,
        "quarantined": flushed.quarantined, "deferred": flushed.deferred, "errors": flushed.errors,
        "missing": flushed.missing, "unknown": unknown, "monitors": monitors, "recovered": flushed.recovered, "trimmed": flushed.trimmed,
    });
    if let (Some(failure), Some(object)) = (failure, document.as_object_mut()) {
        object.insert("error".to_owned(), failure.object());
    }
    document
}

/// In the words of the original.
fn text(flushed: &Flushed, took: Duration) -> String {
    let mut text = String::new();
    if let Some(recovered) = recovered_line(&flushed.recovered) {
        let _ = writeln!(text, "{recovered}");
    }
    let _ = writeln!(text, "[OK] Import completed:");
    let _ = writeln!(text, "Files processed: {}", flushed.files);
    let _ = writeln!(text, "Events imported: {}", flushed.imported);
    let _ = writeln!(text, "Duplicates skipped: {}", flushed.duplicates);
    let _ = writeln!(text, "Invalid events: {}", flushed.quarantined);
    let _ = writeln!(text, "Duration: {:.2}s", took.as_secs_f64());
    let throughput = per_minute(flushed.imported, took);
    if throughput > 0 {
        let _ = writeln!(text, "Throughput: {throughput} events/min");
    }
    let failed = flushed.errors.len() as u64 + flushed.deferred;
    if failed > 0 {
        let _ = writeln!(text, "[WARN] Files with errors: {failed}");
    }
    if !flushed.monitors.is_empty() {
        let _ = writeln!(text, "Per-monitor breakdown:");
        for one in &flushed.monitors {
            let throughput = per_minute(one.imported, took);
            let _ = writeln!(
                text,
                "  {}: {} files, {} events, {throughput} events/min",
                visible(one.monitor.as_str()),
                one.files,
                one.imported
            );
        }
    }
    text
}

fn per_minute(events: u64, took: Duration) -> u64 {
    let ms = took.as_millis().max(1);
    u64::try_from(u128::from(events) * 60_000 / ms).unwrap_or(u64::MAX)
}
