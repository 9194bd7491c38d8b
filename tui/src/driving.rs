//! What the command line and the UI need to drive a run: a session of this project's agents, and a runtime.

use std::future::Future;

use conclave_consensus::workflow::Session;

use crate::failure::Failure;
use crate::project::{Environment, Project};
use crate::roster;

/// A session that knows the agents of the project and tells nobody; its caller sets observer and interrupt.
pub(crate) fn session(project: &Project, environment: &Environment) -> Session {
    let mut session = Session::new(environment.variables().to_vec());
    session.definitions = roster::known(&project.config, environment).agents;
    session
}

/// Waits for asynchronous work in a runtime of its own: only runs need one.
pub(crate) fn complete<F: Future>(work: F) -> Result<F::Output, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::io("start the runtime", &error))?;
    Ok(runtime.block_on(work))
}
