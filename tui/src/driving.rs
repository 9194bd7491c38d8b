//! What the command line and the UI need to drive a run: a session of this project's agents, and a runtime.

use std::future::Future;

use conclave_consensus::runs::RunId;
use conclave_consensus::workflow::{Cancel, Pipeline, PipelineState, Session};

use crate::failure::Failure;
use crate::project::{Environment, Project};
use crate::roster;
use crate::text::visible;

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

/// What came of cancelling a run.
pub(crate) fn cancelled(run: RunId, came: &Cancel) -> String {
    match came {
        Cancel::Asked { pid } => {
            format!("run {run} is being cancelled: process {pid} ends its agents and closes it")
        }
        Cancel::Closed(verdict) => format!("run {run} is closed: {}, {}", verdict.status, verdict.reason),
        Cancel::AlreadyClosed => format!("run {run} was closed already"),
    }
}

/// Whether a run of this pipeline is gone on with as a step of it.
pub(crate) const fn leads_on(pipeline: &Pipeline) -> bool {
    pipeline.state.is_unfinished() && pipeline.unreadable.is_none()
}

/// What a pipeline is called in messages.
pub(crate) fn name(pipeline: &Pipeline) -> String {
    format!("the way of {} through its stages", visible(&pipeline.spec))
}

/// Where a pipeline came to rest, in a line.
pub(crate) fn rest(pipeline: &Pipeline) -> String {
    let spec = visible(&pipeline.spec);
    let reason = pipeline.reason.as_deref().map_or(String::new(), |reason| format!(": {}", visible(reason)));
    match pipeline.state {
        PipelineState::Done => format!("{spec} is through all stages{reason}"),
        PipelineState::Halted => format!("{spec} has halted{reason}"),
        PipelineState::Waiting => format!("{spec} waits for an answer{reason}"),
        PipelineState::Running | PipelineState::Replaced => format!("{spec} is not finished{reason}"),
    }
}
