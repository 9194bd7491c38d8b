//! `conclave cache stats [--reset]`, and the same in `status`.

use conclave_cache::{Cache as _, Stats};
use serde_json::{Value, json};

use crate::cli::context::Context;
use crate::cli::output::Output;
use crate::failure::{Doing as _, Exit, Failure};
use crate::parse_cache;
use crate::text::{count, counted, size};

pub(super) fn run(context: &Context, reset: bool) -> Result<Exit, Failure> {
    let project = &context.project;
    let output = &context.output;
    if !parse_cache::file(project).exists() {
        super::say_empty(context);
    } else if reset && let Some(cache) = parse_cache::open_existing(project)? {
        cache.reset_stats().doing("reset the cache's counters")?;
    }
    let stats = parse_cache::stats(project)?;
    if output.json {
        output.document(&shape(&stats))?;
    } else {
        output.print(page(&stats))?;
    }
    Ok(Exit::Done)
}

fn page(stats: &Stats) -> String {
    let rate = hit_rate(stats).map_or_else(|| "-".to_owned(), |rate| format!("{:.2} %", rate * 100.0));
    let lines = [
        ("entries", format!("{} of {}", count(stats.entries), count(stats.max_entries))),
        ("bytes", format!("{} of {}", size(stats.bytes), size(stats.max_bytes))),
        ("hits", count(stats.hits)),
        ("misses", count(stats.misses)),
        ("stale", count(stats.stale)),
        ("hit rate", rate),
        ("errors", count(stats.errors)),
        ("evictions", count(stats.evictions)),
    ];
    lines.iter().map(|(label, value)| format!("{label:<11}{value}\n")).collect()
}

/// How many of all lookups were hits, as a part of 1; none where nothing was looked up.
#[expect(clippy::cast_precision_loss, reason = "shown with two digits")]
fn hit_rate(stats: &Stats) -> Option<f64> {
    let lookups = stats.hits.saturating_add(stats.misses).saturating_add(stats.stale);
    (lookups > 0).then(|| stats.hits as f64 / lookups as f64)
}

fn shape(stats: &Stats) -> Value {
    json!({
        "entries": stats.entries, "bytes": stats.bytes, "hits": stats.hits, "misses": stats.misses,
        "stale": stats.stale, "errors": stats.errors, "evictions": stats.evictions,
        "max_entries": stats.max_entries, "max_bytes": stats.max_bytes, "hit_rate": hit_rate(stats),
    })
}

/// The block of `status --json`. A cache that cannot be read is no reason to keep quiet about the rest: its numbers are
/// unknown, and why is said.
pub(in crate::cli) fn object(found: &Result<Stats, Failure>) -> Value {
    match found {
        Ok(stats) => shape(stats),
        Err(failure) => json!({
            "entries": null, "bytes": null, "hits": null, "misses": null, "stale": null, "errors": null,
            "evictions": null, "max_entries": null, "max_bytes": null, "hit_rate": null,
            "error": failure.object(),
        }),
    }
}

/// The line of `status`.
pub(in crate::cli) fn line(output: &Output, found: &Result<Stats, Failure>) -> String {
    let Ok(stats) = found else { return "unknown".to_owned() };
    let mut parts = vec![counted(stats.entries, "entry", "entries"), size(stats.bytes)];
    if let Some(rate) = hit_rate(stats) {
        parts.push(format!("{:.1} % hits", rate * 100.0));
    }
    parts.join(output.sign(" · ", " - "))
}
