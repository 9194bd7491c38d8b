//! `conclave spool generate`: sample events.

use conclave_retry::SystemClock;
use conclave_spool::generate::Sample;

use super::stored::{Stored, tell};
use super::write::PATIENCE;
use crate::cli::context::Context;
use crate::failure::{Doing as _, Exit, Failure};
use crate::text::counted;

pub(super) fn run(context: &Context, monitor: &str, count: u64) -> Result<Exit, Failure> {
    let monitor = super::find(context, monitor)?;
    let spool = super::open(context)?;
    let mut writer = spool.writer(&monitor, PATIENCE).doing("store events")?;
    let mut sample = Sample::of(&monitor, &SystemClock);
    let mut error = None;
    for _ in 0..count {
        // What cannot be written waits in memory, and is tried again.
        if let Err(failed) = writer.append(sample.line(&SystemClock).as_bytes()) {
            error = Some(failed);
        }
    }
    let (finished, failed) = writer.end();
    let error = failed.or_else(|| error.filter(|_| finished.dropped > 0));
    let text = format!("generated {} of {monitor}\n", counted(finished.durable, "event", "events"));
    tell(context, &spool, &monitor, Stored { finished, error, too_long: 0 }, Some(text))
}
