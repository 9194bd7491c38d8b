//! `conclave cache get|put|delete|symbols|stats|clear|check`

pub(crate) mod args;
mod check;
mod stats;
mod symbols;
mod values;

pub(super) use self::stats::{line, object};

use self::args::Cache;
use super::context::Context;
use crate::failure::{Exit, Failure};

pub(super) fn run(context: &Context, command: Cache) -> Result<Exit, Failure> {
    match command {
        Cache::Get { key } => values::get(context, &key),
        Cache::Put { key } => values::put(context, &key),
        Cache::Delete { key } => values::delete(context, &key),
        Cache::Symbols { files } => symbols::run(context, &files),
        Cache::Stats { reset } => stats::run(context, reset),
        Cache::Clear => values::clear(context),
        Cache::Check { fix } => check::run(context, fix),
    }
}

/// Says that there is nothing to read: no state, or no cache in it yet.
fn say_empty(context: &Context) {
    if context.project.state_dir.is_dir() {
        context.output.notice("no cache here yet");
        context.output.notice("hint: conclave cache symbols FILE");
    } else {
        context.output.no_state();
    }
}
