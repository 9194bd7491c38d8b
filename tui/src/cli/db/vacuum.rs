//! `conclave db vacuum`, and `convert`, after which slices of it are possible.

use conclave_db::vacuum::{self, VacuumStats};
use serde_json::json;

use super::target::Target;
use crate::cli::context::Context;
use crate::cli::progress::Progress;
use crate::failure::{Doing, Exit, Failure};
use crate::text::{counted, size};
use crate::times;

pub(super) fn run(target: &Target<'_>, full: bool) -> Result<Exit, Failure> {
    let context = target.context;
    target.refuse_the_machine_wide_file()?;
    // A file that is refused gets nothing put beside it, no lock file either.
    let db = target.open()?;
    let _guard = target.guard(if full { "db vacuum --full" } else { "db vacuum" })?;
    let stats = if full {
        let _spinner = Progress::spinning(&context.output, "writing the whole file anew and checking it");
        vacuum::full(&db).doing("vacuum")?
    } else {
        let progress = Progress::new(&context.output);
        vacuum::run_until_done(&db, &mut |at| progress.at(at.freed, at.freed + at.left, "pages freed"))
            .doing("vacuum")?
    };
    report(context, &stats)
}

pub(super) fn convert(target: &Target<'_>) -> Result<Exit, Failure> {
    let context = target.context;
    target.refuse_the_machine_wide_file()?;
    let db = target.open()?;
    let _guard = target.guard("db convert")?;
    let spinner = Progress::spinning(&context.output, "writing the whole file anew and checking it");
    let converted = vacuum::convert(&db).doing("convert")?;
    drop(spinner);
    if let Some(stats) = converted {
        return report(context, &stats);
    }
    if context.output.json {
        context.output.document(&json!({}))?;
    } else {
        context.output.print("nothing to convert: free pages can be given back already\n")?;
    }
    Ok(Exit::Done)
}

fn report(context: &Context, stats: &VacuumStats) -> Result<Exit, Failure> {
    if context.output.json {
        context.output.document(stats)?;
    } else {
        context.output.print(format_args!(
            "file and log {} before, {} after; {} given back in {}, longest stall {}\n",
            size(stats.size_before),
            size(stats.size_after),
            counted(stats.pages_freed, "free page", "free pages"),
            times::took(stats.took),
            times::took(stats.longest_stall),
        ))?;
    }
    if let Some(by) = &stats.held_up_by {
        context.output.notice(format!("held up by {by}"));
    }
    Ok(Exit::Done)
}
