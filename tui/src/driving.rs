//! What the command line and the UI need to drive a run: a session of this project's agents, and a runtime.

use std::fs::File;
use std::future::Future;
use std::sync::{Mutex, PoisonError};

use conclave_consensus::child::{self, Stop};
use conclave_consensus::runs::RunId;
use conclave_consensus::transcripts::Transcripts;
use conclave_consensus::workflow::{Cancel, Pipeline, PipelineState, Session};
use conclave_db::Db;

use crate::cli;
use crate::event_spool;
use crate::failure::{Exit, Failure};
use crate::model_agents;
use crate::project::{Environment, Project};
use crate::roster;
use crate::text::{count, counted, visible};

/// A session that knows the agents of the project and tells nobody; its caller sets observer and interrupt.
pub(crate) fn session(project: &Project, environment: &Environment) -> Session {
    let mut session = Session::new(environment.variables().to_vec());
    session.launcher = cli::launcher();
    session.models = model_agents::asked_by(project, environment);
    session.definitions = roster::known(&project.config, environment).agents;
    session
}

/// Has what the agents print spooled, where the configuration says so; `db` is the state that the run is stored in. Gives
/// what is to be said where that cannot be: no run is refused for it.
pub(crate) fn transcribe(session: &mut Session, project: &Project, db: &Db) -> Option<String> {
    if project.config.spool.transcripts != Some(true) {
        return None;
    }
    match event_spool::of(project, Some(db.clone())) {
        Ok(spool) => {
            session.transcripts = Some(Transcripts::new(spool));
            None
        }
        Err(failure) => Some(format!("what the agents print is not spooled: {}", visible(&failure.message))),
    }
}

/// Writes what of it still waits, when the agents have ended. Gives what is to be said where some of it was not kept.
pub(crate) fn transcribed(session: &Session) -> Option<String> {
    let kept = session.transcripts.as_ref()?.finish();
    if kept.dropped == 0 {
        return None;
    }
    let all = counted(kept.stored.saturating_add(kept.dropped), "event", "events");
    let why = kept.problem.unwrap_or_else(|| "`conclave diag` says how full the spool is".to_owned());
    Some(format!(
        "{} of {all} of what the agents print were not spooled: {}",
        count(kept.dropped),
        visible(&why)
    ))
}

/// File descriptors that a run needs beside those of the database: for the runtime, and to start an agent.
const OF_RUNTIME: usize = 32;
/// The same with the database.
const OF_RUN: usize = OF_RUNTIME + 16;

/// Refuses to begin a run where it would end for want of file descriptors.
pub(crate) fn refuse_few_descriptors() -> Result<(), Failure> {
    refuse_without_descriptors(OF_RUN)
}

/// Refuses where not so many can be opened, which is tried.
fn refuse_without_descriptors(wanted: usize) -> Result<(), Failure> {
    const NOTHING: &str = "/dev/null";
    // Those who try at once would be in each other's way.
    static TRYING: Mutex<()> = Mutex::new(());
    let _trying = TRYING.lock().unwrap_or_else(PoisonError::into_inner);
    let mut open = Vec::with_capacity(wanted);
    while open.len() < wanted {
        match File::open(NOTHING) {
            Ok(file) => open.push(file),
            Err(error) if child::is_exhausted(&error) => {
                let free = open.len();
                let text =
                    format!("too few file descriptors: {free} are free, a run needs {wanted}: {error}");
                return Err(Failure::new(Exit::Storage, "io", text).hint("raise the limit: `ulimit -n 1024`"));
            }
            Err(error) => return Err(Failure::io(format!("open {NOTHING}"), &error)),
        }
    }
    Ok(())
}

/// Waits for asynchronous work in a runtime of its own: only runs need one.
pub(crate) fn complete<F: Future>(work: F) -> Result<F::Output, Failure> {
    complete_until(work, &Stop::new())
}

/// The same; where `stop` was asked for twice, nobody waits for writes that the work has given up.
pub(crate) fn complete_until<F: Future>(work: F, stop: &Stop) -> Result<F::Output, Failure> {
    // The runtime would end in a panic.
    refuse_without_descriptors(OF_RUNTIME)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::io("start the runtime", &error))?;
    let came = runtime.block_on(work);
    if stop.is_killed() {
        runtime.shutdown_background();
    }
    Ok(came)
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
