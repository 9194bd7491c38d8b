//! `conclave agents diff`

use conclave_registry::{agents, worktree};
use serde_json::json;

use super::existing;
use crate::cli::context::Context;
use crate::failure::{Doing, Exit, Failure};

pub(super) fn run(context: &Context, id: &str) -> Result<Exit, Failure> {
    let Some(db) = context.open_read_only()? else { return Err(existing::none(id)) };
    let root = &context.project.root;
    let agent = agents::find(&db, id).doing("find the agent")?;
    let what = || format!("show what {} has changed", agent.key.id);
    let base = worktree::base(root, &agent).map_err(|error| Failure::from(error).doing(what()))?;
    let is_coloured = context.output.is_coloured() && !context.output.json;
    let diff =
        worktree::diff(root, &agent, is_coloured).map_err(|error| Failure::from(error).doing(what()))?;
    if context.output.json {
        // Files may hold anything; JSON holds text.
        let diff = String::from_utf8_lossy(&diff);
        context.output.document(&json!({ "id": agent.key.id, "base": base, "diff": diff }))?;
    } else {
        context.output.bytes(&diff)?;
    }
    Ok(Exit::Done)
}
