//! The state of agents that must be there: looking for one makes none.

use conclave_db::Db;

use crate::cli::context::Context;
use crate::failure::Failure;
use crate::registry_import;

/// Opens the state to be written.
pub(super) fn open(context: &Context, id: &str) -> Result<Db, Failure> {
    if is_there(context) { open_all_the_same(context) } else { Err(none(id)) }
}

/// The same where there is one. A file of the original that cannot be taken over, or a machine-wide file that cannot be
/// opened, does not keep anybody from ending agents that are in the state.
pub(super) fn open_all_the_same(context: &Context) -> Result<Db, Failure> {
    match context.open_registry() {
        Err(failure) if context.project.has_state() => {
            let db = context.project.open()?;
            context.output.complain(&failure);
            context.output.notice("that changes nothing about the agents that are in the state: going on");
            Ok(db)
        }
        opened => opened,
    }
}

/// Whether there is a state, or what one is made of.
pub(super) fn is_there(context: &Context) -> bool {
    context.project.has_state() || registry_import::has_agents(&context.project)
}

/// There is no state, and so no agent.
pub(super) fn none(id: &str) -> Failure {
    Failure::not_found(format!("no agent {id:?}: no state here")).hint("`conclave spawn` makes one")
}
