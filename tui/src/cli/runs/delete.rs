//! `conclave runs delete`

use conclave_consensus::runs;
use serde_json::json;

use crate::cli::context::Context;
use crate::failure::{Doing, Exit, Failure};
use crate::find_run::find_one;

pub(super) fn run(context: &Context, name: &str) -> Result<Exit, Failure> {
    if !context.project.has_state() {
        return Err(
            Failure::not_found(format!("no run {name:?}: there is no state here")).hint("conclave init")
        );
    }
    let db = context.open()?;
    let id = find_one(&db, name)?;
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
