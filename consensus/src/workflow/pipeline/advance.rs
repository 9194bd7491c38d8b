//! From step to step, until the pipeline rests.

use conclave_db::{Db, ReadConn, process};

use super::request::StoredRequest;
use super::{PipelineEnd, PipelineId, PipelineState, prompt, show, steps};
use crate::error::{ConsensusError, Result};
use crate::gates::{self, GateState};
use crate::runs::{RunId, RunStatus};
use crate::store::workflow::pipelines::{self as store, Stored, Taken};
use crate::store::workflow::{self as runs, gates as stored_gates};
use crate::verdict::Verdict;
use crate::workflow::driving::{Driveable, Driving};
use crate::workflow::writing::write;
use crate::workflow::{Owner, Session, begin, cancel, drive};

/// Where the way goes after a step.
enum Next {
    On,
    Rest(PipelineState, String),
}

/// Goes through the steps of a pipeline until it is done, halts, waits for a person, or is interrupted. Each step
/// is durable before the next begins. One that has ended is told as it is.
///
/// # Errors
///
/// [`ConsensusError::NotFound`] without such a pipeline, [`ConsensusError::Refused`] where another live process
/// drives it or the run it is at, and failures of the storage: it can be driven again then, and goes on.
pub async fn drive_pipeline(db: &Db, id: PipelineId, session: &Session) -> Result<PipelineEnd> {
    let _driving = Driving::begin(db, Driveable::Pipeline(id))?;
    let me = process::current()?;
    let taken = write(db, "take pipeline", move |tx| {
        let taken = store::take(tx, id, &me)?;
        Ok((taken, store::find(tx, id)?))
    });
    let (taken, found) = taken.await?;
    let not_found = || ConsensusError::NotFound { what: "pipeline", name: id.to_string() };
    let pipeline = found.ok_or_else(not_found)?;
    match taken {
        Taken::Ours => {}
        Taken::Refused(Owner::Alive { pid } | Owner::Unknown { pid }) => {
            return Err(super::driven_elsewhere(id, pid));
        }
        Taken::Refused(_) => return Err(ConsensusError::refused(format!("pipeline {id} is taken"), None)),
        Taken::Ended => return ended(db, id, &StoredRequest::read(&pipeline)?).await,
    }
    let outcome = match StoredRequest::read(&pipeline) {
        Ok(request) => go(db, &pipeline, &request, session).await,
        Err(error) => Err(error),
    };
    let (state, reason) = match &outcome {
        Ok((rest, _)) => rest.clone(),
        Err(_) => (PipelineState::Running, None),
    };
    let rested = write(db, "rest pipeline", move |tx| store::rest(tx, id, state, reason.as_deref())).await;
    let (_, verdict) = outcome?;
    rested?;
    told(db, id, verdict).await
}

type Rest = ((PipelineState, Option<String>), Option<Verdict>);

async fn go(db: &Db, pipeline: &Stored, request: &StoredRequest, session: &Session) -> Result<Rest> {
    let spec = pipeline.spec.clone();
    for run in db.read_async(move |conn| store::left_over(conn, &spec)).await? {
        cancel(db, run, &pipeline.actor).await?;
    }
    let mut last = None;
    for step in steps::around(&request.first).1 {
        if session.stop.is_cancelled() {
            return Ok(((PipelineState::Running, None), last));
        }
        let run = run_of(db, pipeline, request, step).await?;
        let Some(verdict) = drive(db, run, session).await?.verdict else {
            return Ok(((PipelineState::Running, None), last));
        };
        let next = after(db, step, run, &verdict).await?;
        last = Some(verdict);
        if let Next::Rest(state, reason) = next {
            return Ok(((state, Some(reason)), last));
        }
    }
    Ok(((PipelineState::Done, None), last))
}

/// The run of a step: the one that was begun, or a new one.
async fn run_of(db: &Db, pipeline: &Stored, request: &StoredRequest, step: &'static str) -> Result<RunId> {
    let (stored, asked) = (pipeline.clone(), request.clone());
    let found = db.read_async(move |conn| {
        if let Some(run) = store::run_of(conn, &stored.run_key, &stored.spec, step)? {
            return Ok(Ok(run));
        }
        prompt_of(conn, &stored, &asked, step).map(Err)
    });
    let prompt = match found.await? {
        Ok(run) => return Ok(run),
        Err(prompt) => prompt,
    };
    let (db, run) = (db.clone(), request.run(pipeline, step, prompt));
    let begun = tokio::task::spawn_blocking(move || begin(&db, &run)).await;
    begun.unwrap_or_else(|join| Err(ConsensusError::Invalid(format!("begin {step}: {join}"))))
}

fn prompt_of(conn: &ReadConn<'_>, pipeline: &Stored, request: &StoredRequest, step: &str) -> Result<Vec<u8>> {
    let (mut settled, mut earlier) = (Vec::new(), Vec::new());
    for before in steps::all().take_while(|before| *before != step) {
        let own = store::run_of(conn, &pipeline.run_key, &pipeline.spec, before)?;
        let Some(run) = own.or_else(|| request.inherited(before)) else { continue };
        if gates::is_gate(before) {
            // Newest gate first.
            settled.splice(0..0, store::settled(conn, run)?);
        } else {
            earlier.extend(store::earlier(conn, run)?);
        }
    }
    let own = request.own_prompt(&pipeline.spec, step);
    Ok(prompt::compose(request.brief.as_deref(), &settled, &earlier, own.as_bytes()))
}

/// What comes after a step that is closed.
async fn after(db: &Db, step: &str, run: RunId, verdict: &Verdict) -> Result<Next> {
    let halt = |why: String| Ok(Next::Rest(PipelineState::Halted, format!("{step}: {why}")));
    if db.read_async(move |conn| runs::is_cancelled(conn, run)).await? {
        return halt("cancelled".to_owned());
    }
    if gates::is_gate(step) {
        // Agents that answer a gate's questions differently are no conflict of the run: a person decides.
        let gate = write(db, "record a gate", move |tx| stored_gates::record(tx, run)).await?;
        return match gate.state {
            GateState::Passed => Ok(Next::On),
            GateState::Open => Ok(Next::Rest(PipelineState::Waiting, format!("{step}: {}", gate.reason))),
            GateState::Failed => halt(gate.reason),
        };
    }
    match verdict.status {
        RunStatus::Ok | RunStatus::Degraded => Ok(Next::On),
        status => halt(format!("{status}: {}", verdict.reason)),
    }
}

/// A pipeline that has ended, with the verdict on its last step.
async fn ended(db: &Db, id: PipelineId, request: &StoredRequest) -> Result<PipelineEnd> {
    let steps = steps::around(&request.first).1;
    let verdict = db.read_async(move |conn| {
        let Some(stored) = store::find(conn, id)? else { return Ok(None) };
        for step in steps.into_iter().rev() {
            if let Some(run) = store::run_of(conn, &stored.run_key, &stored.spec, step)? {
                return runs::closed(conn, run);
            }
        }
        Ok(None)
    });
    let verdict = verdict.await?;
    told(db, id, verdict).await
}

async fn told(db: &Db, id: PipelineId, verdict: Option<Verdict>) -> Result<PipelineEnd> {
    let shown = db.read_async(move |conn| {
        let stored = store::find(conn, id)?;
        let pipeline = stored.map(|stored| show(conn, stored)).transpose()?;
        let pipeline =
            pipeline.ok_or_else(|| ConsensusError::NotFound { what: "pipeline", name: id.to_string() })?;
        let mut open = stored_gates::open(conn)?;
        open.retain(|issue| pipeline.steps.iter().any(|step| step.run == Some(issue.run)));
        Ok::<_, ConsensusError>((pipeline, open))
    });
    let (pipeline, open) = shown.await?;
    Ok(PipelineEnd { pipeline, verdict, open })
}
