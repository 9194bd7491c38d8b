//! The state of agents that must be there: looking for one makes none.

use conclave_db::Db;

use crate::cli::context::Context;
use crate::failure::Failure;
use crate::registry_import;

/// Opens the state to be written.
pub(super) fn open(context: &Context, id: &str) -> Result<Db, Failure> {
    if is_there(context) { context.open_agents() } else { Err(none(id)) }
}

/// Whether there is a state, or what one is made of.
pub(super) fn is_there(context: &Context) -> bool {
    context.project.has_state() || registry_import::has_agents(&context.project)
}

/// There is no state, and so no agent.
pub(super) fn none(id: &str) -> Failure {
    Failure::not_found(format!("no agent {id:?}: no state here")).hint("`conclave spawn` makes one")
}
