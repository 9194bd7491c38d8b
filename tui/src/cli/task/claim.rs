//! `conclave task claim`, and `conclave task ready --claim`

use std::time::Duration;

use conclave_tasks::work::{self, How};

use super::args::ReadyLine;
use super::{document, existing, find, list, listing, now_ms};
use crate::cli::context::Context;
use crate::failure::{Doing, Exit, Failure};
use crate::text::visible;

pub(super) fn one(context: &Context, given: &str, ttl: Option<Duration>) -> Result<Exit, Failure> {
    let db = existing(context, given)?;
    let id = find(&db, given)?;
    let claimed = work::claim(&db, &context.actor, &id, ttl).doing("claim")?;
    if context.output.json {
        document(context, std::slice::from_ref(&claimed.row))?;
        return Ok(Exit::Done);
    }
    let how = match &claimed.how {
        How::Taken => "claimed".to_owned(),
        How::Held => "held already, and still yours:".to_owned(),
        How::TakenOver { from } => format!("taken over from {}, whose claim had expired:", visible(from)),
    };
    let row = &claimed.row;
    context.output.print(format_args!("{how} {}: {}\n", visible(row.id()), visible(row.title())))?;
    Ok(Exit::Done)
}

/// Takes the first ready tasks. Nothing to take is no failure that needs words, and exit 1 for scripts.
pub(super) fn ready(context: &Context, line: &ReadyLine) -> Result<Exit, Failure> {
    let output = &context.output;
    let rows = if context.project.has_state() {
        let db = context.open()?;
        let query = list::ready_query(line, Some(line.limit.limit.unwrap_or(1)));
        work::claim_ready(&db, &context.actor, &query, line.ttl).doing("claim")?
    } else {
        output.no_state();
        Vec::new()
    };
    if output.json {
        document(context, &rows)?;
    } else if rows.is_empty() {
        output.notice("nothing is ready to be claimed");
    } else {
        output.print(listing::table(output, &rows, now_ms(), listing::State::Left))?;
    }
    Ok(if rows.is_empty() { Exit::StateSaysNo } else { Exit::Done })
}
