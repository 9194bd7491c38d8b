//! `conclave db checkpoint`

use conclave_db::checkpoint::{CheckpointMode, checkpoint};

use super::target::Target;
use crate::failure::{Doing, Exit, Failure};
use crate::text::count;

pub(super) fn run(target: &Target<'_>, truncate: bool) -> Result<Exit, Failure> {
    let context = target.context;
    let db = target.open()?;
    let mode = if truncate { CheckpointMode::Truncate } else { CheckpointMode::Passive };
    let report = checkpoint(&db, mode).doing("checkpoint")?;
    if context.output.json {
        context.output.document(&report)?;
    } else {
        context.output.print(format_args!(
            "{} of {} pages copied\n",
            count(report.copied_pages),
            count(report.log_pages)
        ))?;
    }
    if let Some(by) = &report.held_up_by {
        context.output.notice(format!("held up by {by}"));
    }
    Ok(Exit::Done)
}
