//! `conclave spool recover`: what dead writers left becomes segments.

use conclave_spool::recover;

use super::{live_segments, recovered_line};
use crate::cli::context::Context;
use crate::failure::{Doing as _, Exit, Failure};

pub(super) fn run(context: &Context) -> Result<Exit, Failure> {
    let spool = super::open_as_it_is(context)?;
    let found = recover::recover(&spool, None).doing("recover")?;
    if context.output.json {
        context.output.document(&found)?;
    } else {
        let line = recovered_line(&found).unwrap_or_else(|| "nothing to recover".to_owned());
        context.output.print(format!("{line}\n"))?;
    }
    if let Some(live) = live_segments(found.live) {
        context.output.notice(live);
    }
    Ok(Exit::Done)
}
