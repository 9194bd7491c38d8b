//! `conclave agents set`

use conclave_registry::agents::{self, BuilderStatus};

use super::{existing, list};
use crate::cli::context::Context;
use crate::failure::{Doing, Exit, Failure};
use crate::text::visible;

pub(super) fn run(
    context: &Context,
    id: &str,
    status: Option<&str>,
    phase: Option<&str>,
) -> Result<Exit, Failure> {
    let db = existing::open(context, id)?;
    let status = status.and_then(BuilderStatus::parse);
    let agent = agents::set(&db, id, status, phase).doing("say what the agent is at")?;
    if context.output.json {
        context.output.document(&list::object(&agent))?;
        return Ok(Exit::Done);
    }
    let phase = agent.phase.as_deref().filter(|phase| !phase.is_empty());
    let phase = phase.map(|phase| format!(", {}", visible(phase))).unwrap_or_default();
    let status = agent.status.as_deref().unwrap_or_default();
    context.output.print(format!("{}: {status}{phase}\n", visible(&agent.key.id)))?;
    Ok(Exit::Done)
}
