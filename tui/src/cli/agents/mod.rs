//! `conclave start`, `spawn`, `agents`, `stop` and `cleanup`: agents and their worktrees.

pub(crate) mod args;
mod clean_up;
mod diff;
mod existing;
mod list;
mod merge;
mod set;
mod spawn;
mod start;
mod starting;
mod stop;

use conclave_registry::agents::Agent;

pub(crate) use self::args::Spawn as SpawnLine;
use self::args::{Agents, AgentsLine, Cleanup, Spawn, Start, StopLine};
use super::context::Context;
use crate::failure::{Exit, Failure};
use crate::project::{Environment, Places, Project};

pub(super) fn run(context: &Context, line: AgentsLine) -> Result<Exit, Failure> {
    match line.command {
        None => list::run(context),
        Some(Agents::Set { id, status, phase }) => {
            set::run(context, &id, status.as_deref(), phase.as_deref())
        }
        Some(Agents::Diff { id }) => diff::run(context, &id),
        Some(Agents::Merge { id, squash }) => merge::run(context, &id, squash),
    }
}

pub(super) fn start(context: &Context, line: Start) -> Result<Exit, Failure> {
    start::run(context, line)
}

pub(super) fn spawn(context: &Context, line: Spawn) -> Result<Exit, Failure> {
    spawn::run(context, line)
}

/// What `conclave spawn` does, in the background, for the UI: without a word on its terminal.
pub(crate) fn spawn_beside_ui(
    environment: Environment,
    places: Places,
    project: Project,
    actor: String,
    line: Spawn,
) -> Result<Agent, Failure> {
    let context = Context::beside_ui(environment, places, project, actor);
    spawn::begin(&context, line).map(|(agent, _log)| agent)
}

pub(super) fn stop(context: &Context, line: StopLine) -> Result<Exit, Failure> {
    stop::run(context, line)
}

pub(super) fn clean_up(context: &Context, line: &Cleanup) -> Result<Exit, Failure> {
    clean_up::run(context, line)
}
