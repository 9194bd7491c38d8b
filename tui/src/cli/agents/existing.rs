//! The state of agents that must be there: looking for one makes none.

use conclave_db::Db;

use crate::cli::context::Context;
use crate::failure::Failure;

/// Opens the state to be written.
pub(super) fn open(context: &Context, id: &str) -> Result<Db, Failure> {
    if context.project.has_state() { context.open() } else { Err(none(id)) }
}

/// There is no state, and so no agent.
pub(super) fn none(id: &str) -> Failure {
    Failure::not_found(format!("no agent {id:?}: no state here")).hint("`conclave spawn` makes one")
}
