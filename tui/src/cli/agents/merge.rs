//! `conclave agents merge`

use conclave_registry::agents;
use conclave_registry::worktree::{self, Merged};
use serde_json::json;

use super::existing;
use crate::cli::context::Context;
use crate::failure::{Doing, Exit, Failure};
use crate::text::visible;

pub(super) fn run(context: &Context, id: &str, squash: bool) -> Result<Exit, Failure> {
    let db = existing::open(context, id)?;
    let agent = agents::find(&db, id).doing("find the agent")?;
    let id = &agent.key.id;
    let checkout = worktree::checkout_at(&context.project.root, &context.environment.folder);
    let merged = worktree::merge(&checkout, &agent, squash).doing(format!("merge {id}"))?;
    let Merged { commit, into, checkout, is_new } = merged;
    if context.output.json {
        context.output.document(&json!({
            "id": id,
            "commit": commit,
            "squash": squash,
            "into": into,
            "checkout": checkout.to_string_lossy(),
            "merged": is_new,
        }))?;
    } else {
        let (id, into) = (visible(id), visible(&into));
        let place = visible(&checkout.to_string_lossy()).into_owned();
        context.output.print(if is_new {
            format!("merged {id} into {into} in {place}: {commit}\n")
        } else {
            format!("nothing to merge: all of {id} is in {into} in {place} already: {commit}\n")
        })?;
    }
    Ok(Exit::Done)
}
