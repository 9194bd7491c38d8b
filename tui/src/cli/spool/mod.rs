//! `conclave spool write|generate|flush|recover|verify|trim`

pub(crate) mod args;
mod flush;
mod generate;
mod recover;
pub(crate) mod report;
mod splitter;
mod stored;
mod trim;
mod verify;
mod write;

use conclave_db::Db;
use conclave_spool::{MonitorName, Spool as EventSpool, advice, quota};

use self::args::Spool;
use super::context::Context;
use crate::event_spool;
use crate::failure::{Doing as _, Exit, Failure};
use crate::text::visible;

pub(super) fn run(context: &Context, command: Spool) -> Result<Exit, Failure> {
    match command {
        Spool::Write { monitor, sync, wait } => write::run(context, &monitor, sync, wait),
        Spool::Generate { monitor, count } => generate::run(context, &monitor, count),
        Spool::Flush { monitor } => flush::run(context, monitor.as_deref()),
        Spool::Recover => recover::run(context),
        Spool::Verify => verify::run(context),
        Spool::Trim { dry_run } => trim::run(context, dry_run),
    }
}

/// The monitor with this name; asked before anything is made.
fn find(context: &Context, name: &str) -> Result<MonitorName, Failure> {
    let monitors = context.project.config.spool.options()?.monitors;
    monitors.find(name).doing("find the monitor").map_err(|failure| {
        let known: Vec<&str> = monitors.iter().map(MonitorName::as_str).collect();
        let known = format!("known here: {}", known.join(", "));
        let hint = failure.hint.as_ref().map_or_else(|| known.clone(), |hint| format!("{known}; {hint}"));
        failure.hint(hint)
    })
}

/// The spool to write to. Without a state that can be written it does what it can with files, and that is said.
fn open(context: &Context) -> Result<EventSpool, Failure> {
    event_spool::of(&context.project, open_state(context))
}

fn open_state(context: &Context) -> Option<Db> {
    match context.open() {
        Ok(db) => Some(db),
        Err(failure) => {
            context.output.notice(format!("warning: {}", visible(&failure.message)));
            if let Some(hint) = &failure.hint {
                context.output.notice(format!("hint: {}", visible(hint)));
            }
            None
        }
    }
}

/// The same for a command that makes no state where there is none: it can only tidy up what is there.
fn open_as_it_is(context: &Context) -> Result<EventSpool, Failure> {
    let state = if context.project.has_state() { open_state(context) } else { None };
    event_spool::of(&context.project, state)
}

/// The end of a sentence about so many files that are being written.
fn live_segments(live: u64) -> Option<String> {
    match live {
        0 => None,
        1 => Some(format!("1 segment is being written, and was left alone: {SEALED}")),
        more => Some(format!("{more} segments are being written, and were left alone: {SEALED}")),
    }
}

/// When what is being written can be imported.
const SEALED: &str = "its lines can be imported when nothing came for 1.5 s, the hour is over, it has 8 MiB, or its writer \
                      ends";

/// What makes room in the spool, in words.
fn room(spool: &EventSpool, state: Option<&Db>) -> String {
    match quota::gauge(spool, state) {
        Ok(gauge) => advice::room(spool, &gauge),
        Err(_) => "`conclave doctor` says what is wrong".to_owned(),
    }
}

/// What was recovered, in one line; `None` where there was nothing.
fn recovered_line(found: &conclave_spool::recover::Recovered) -> Option<String> {
    let segments = found.segments;
    let lines = found.lines;
    (found.found > 0).then(|| format!("Recovered {segments} temp segments ({lines} lines salvaged)."))
}
