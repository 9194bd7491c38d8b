//! `conclave runs delete`

use conclave_consensus::runs::{self, RunId};
use conclave_db::Db;
use serde_json::json;

use crate::cli::ask;
use crate::cli::context::Context;
use crate::failure::{Doing, Exit, Failure};
use crate::find_run::find_one;
use crate::text::{counted, visible};

pub(super) fn run(context: &Context, name: &str, yes: bool) -> Result<Exit, Failure> {
    if !context.project.has_state() {
        return Err(
            Failure::not_found(format!("no run {name:?}: there is no state here")).hint("conclave init")
        );
    }
    let db = context.open()?;
    let id = find_one(&db, name)?;
    if !yes && ask::is_possible(&context.output) && !agrees(&db, id)? {
        context.output.notice("nothing is deleted");
        return Ok(Exit::StateSaysNo);
    }
    if !runs::delete(&db, id).doing(format!("delete run {id}"))? {
        return Err(Failure::not_found(format!("no run {id}: it has just been deleted")));
    }
    Context::tidy_up(&db);
    if context.output.json {
        context.output.document(&json!({ "deleted": id }))?;
    } else {
        context.output.print(format_args!("deleted run {id}\n"))?;
    }
    Ok(Exit::Done)
}

/// Asks; the safe answer is no.
fn agrees(db: &Db, id: RunId) -> Result<bool, Failure> {
    let Some(run) = runs::show(db, id).doing("read the run")? else { return Ok(true) };
    let run = run.summary;
    let question = format!(
        "Delete run {id}, {} {}, with its {}? This cannot be undone.",
        visible(&run.spec),
        visible(&run.stage),
        counted(run.output_count, "answer", "answers")
    );
    ask::agrees(&question)
}
