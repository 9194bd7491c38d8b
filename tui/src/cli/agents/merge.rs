//! `conclave agents merge`

use conclave_registry::{agents, worktree};
use serde_json::json;

use super::existing;
use crate::cli::context::Context;
use crate::failure::{Doing, Exit, Failure};
use crate::text::visible;

pub(super) fn run(context: &Context, id: &str, squash: bool) -> Result<Exit, Failure> {
    let db = existing::open(context, id)?;
    let agent = agents::find(&db, id).doing("find the agent")?;
    let id = &agent.key.id;
    let commit = worktree::merge(&context.project.root, &agent, squash).doing(format!("merge {id}"))?;
    if context.output.json {
        context.output.document(&json!({ "id": id, "commit": commit, "squash": squash }))?;
    } else {
        context.output.print(format!("merged {}: {commit}\n", visible(id)))?;
    }
    Ok(Exit::Done)
}
