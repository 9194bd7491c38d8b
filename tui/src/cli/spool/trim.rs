//! `conclave spool trim`: imported files go, the oldest first, until there is room.

use std::fmt::Write as _;

use conclave_spool::trim::{self, Trimmed, When};

use crate::cli::context::Context;
use crate::event_spool;
use crate::failure::{Doing as _, Exit, Failure};
use crate::text::{counted, size, visible};

pub(super) fn run(context: &Context, dry_run: bool) -> Result<Exit, Failure> {
    let spool = if dry_run {
        event_spool::of(&context.project, context.open_read_only()?)?
    } else {
        super::open_as_it_is(context)?
    };
    let trimmed = trim::trim(&spool, When::Asked, dry_run).doing("trim")?;
    if context.output.json {
        context.output.document(&trimmed)?;
    } else {
        context.output.print(text(&trimmed, dry_run))?;
    }
    if trimmed.untrimmable {
        let share = spool.options().limits.resume_pct();
        context.output.notice(format!(
            "{} are still used, {share} % of the quota or more, and nothing is left that may be trimmed: {}",
            size(trimmed.used),
            super::room(&spool, None)
        ));
    }
    Ok(Exit::Done)
}

fn text(trimmed: &Trimmed, dry_run: bool) -> String {
    let mut text = String::new();
    for file in &trimmed.files {
        let _ = writeln!(text, "{}", visible(file));
    }
    let did = if dry_run { "would trim" } else { "trimmed" };
    let files = counted(trimmed.files.len() as u64, "file", "files");
    let used = size(trimmed.used);
    let _ = writeln!(text, "{did} {files} ({}), {used} are used then", size(trimmed.bytes));
    text
}
