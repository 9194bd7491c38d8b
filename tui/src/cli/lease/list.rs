//! `conclave lease list`: a line for each grant, the newest first; a name that is only awaited has one too.

use std::cmp::Reverse;

use conclave_leases::{Lease, Mode, Status};
use serde_json::{Value, json};

use super::args::ListLine;
use super::refusal::Refusal;
use super::{shape, target};
use crate::cli::context::Context;
use crate::cli::table::{Column, Table, left, right};
use crate::failure::Exit;
use crate::text::{fit, visible};
use crate::times;

const COLUMNS: &[Column] =
    &[left("name"), left("mode"), left("holder"), right("fence"), right("ends in"), left("waiting")];

/// A line of the list: a grant of a name, or the name alone.
type Row<'status> = (&'status Status, Option<&'status Lease>);

pub(super) fn run(context: &Context, line: &ListLine) -> Result<Exit, Refusal> {
    let found = match target::open_read_only(context, line.place)? {
        None => Vec::new(),
        Some((leases, _)) => leases.list()?,
    };
    let mut rows: Vec<Row<'_>> = found.iter().flat_map(rows_of).collect();
    rows.sort_by_key(|row| Reverse(since(row)));
    let all = rows.len();
    rows.truncate(line.limit.limit.or(context.output.usual_limit()).unwrap_or(usize::MAX));
    if context.output.json {
        context.output.document(&rows.iter().map(object).collect::<Vec<_>>())?;
    } else if rows.is_empty() {
        context.output.notice("nothing is held");
    } else {
        let widest = context.output.columns.map_or(usize::MAX, |edge| (edge / 3).max(12));
        let cells: Vec<_> = rows.iter().map(|row| cells(row, widest)).collect();
        context.output.print(Table::new(COLUMNS, context.output.columns).lines(&cells, true))?;
        if rows.len() < all {
            let shown = rows.len();
            context.output.notice(format!("the newest {shown} are shown; --limit N shows more"));
        }
    }
    Ok(Exit::Done)
}

fn rows_of(status: &Status) -> Vec<Row<'_>> {
    if status.leases.is_empty() {
        return vec![(status, None)];
    }
    status.leases.iter().map(|lease| (status, Some(lease))).collect()
}

fn since((status, lease): &Row<'_>) -> i64 {
    let waits = || status.waiters.first().map(|waiter| waiter.since_utc_ms);
    lease.map(|lease| lease.acquired_utc_ms).or_else(waits).unwrap_or_default()
}

/// Those who wait do so for the name: with several grants each has them.
fn object((status, lease): &Row<'_>) -> Value {
    let nobody = || {
        let unknown = json!({
            "mode": null, "holder_id": null, "fence": null, "acquired_utc_ms": null,
            "expires_utc_ms": null, "remaining_ms": null, "expired": null, "pid": null, "bound_pid": null,
        });
        unknown.as_object().cloned().unwrap_or_default()
    };
    let mut object = lease.map_or_else(nobody, shape::grant);
    object.insert("name".to_owned(), json!(status.name));
    object.insert("waiters".to_owned(), shape::waiters(&status.waiters));
    Value::Object(object)
}

/// On a terminal a name has its part of the line and no more: the end of the others would be cut off for all rows.
fn cells((status, lease): &Row<'_>, widest: usize) -> Vec<String> {
    let name = fit(&visible(status.name.as_str()), widest).into_owned();
    let waiting: Vec<&str> = status.waiters.iter().map(|waiter| waiter.holder.as_str()).collect();
    let waiting = waiting.join(" ");
    let Some(lease) = lease else {
        return vec![name, "-".into(), "-".into(), "-".into(), "-".into(), waiting];
    };
    let mode = match lease.mode {
        Mode::Exclusive => "exclusive",
        Mode::Shared => "shared",
    };
    let ends = if lease.expired {
        "over".to_owned()
    } else {
        times::clock(i64::try_from(lease.remaining.as_millis()).unwrap_or(i64::MAX))
    };
    vec![name, mode.into(), lease.holder.to_string(), lease.fence.to_string(), ends, waiting]
}
