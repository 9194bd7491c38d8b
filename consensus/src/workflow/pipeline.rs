//! Pipelines: a spec on its way through the stages, each behind its gate where it has one.
//!
//! A pipeline is a row, and its steps are runs of its key; where it stands is read off them. So it can be killed
//! between any two writes, and whoever drives it next finds the step that it was at: one that was not begun is
//! begun, one that was begun goes on, one that is closed gives its verdict again.
//!
//! `ok` and `degraded` go on, `conflict` and `insufficient` halt the pipeline, and so does a gate that failed. An
//! open question of a gate leaves it waiting: it goes on when a person has answered and it is driven again.

mod advance;
mod prompt;
mod request;
mod steps;

use std::fmt;

use conclave_db::{Db, ReadConn};
use conclave_retry::SystemRandom;
use serde::Serialize;

pub use self::advance::drive_pipeline;
pub(crate) use self::prompt::{Earlier, Settled};
pub use self::request::PipelineRequest;
use self::request::StoredRequest;
use super::driving::{Driveable, is_driven_here};
use super::{Owner, run_key};
use crate::error::{ConsensusError, Result};
use crate::gates::{GateState, OpenIssue};
use crate::runs::{RunId, RunStatus};
use crate::store::workflow::pipelines as store;
use crate::verdict::Verdict;

/// The number of a pipeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct PipelineId(pub i64);

impl fmt::Display for PipelineId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// Where a pipeline stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PipelineState {
    /// It goes on, or will when it is driven again.
    Running,
    /// A person is asked.
    Waiting,
    /// Ended before the last stage.
    Halted,
    /// Ended with the last stage.
    Done,
    /// Ended because another one of the spec was begun at another stage.
    Replaced,
}

impl PipelineState {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Running, Self::Waiting, Self::Halted, Self::Done, Self::Replaced];

    /// The word for it in JSON and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Halted => "halted",
            Self::Done => "done",
            Self::Replaced => "replaced",
        }
    }

    /// The state behind a word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }

    /// Whether it can go on.
    pub const fn is_unfinished(self) -> bool {
        matches!(self, Self::Running | Self::Waiting)
    }
}

/// A pipeline, and where each of its steps stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Pipeline {
    /// Its number.
    pub id: PipelineId,
    /// The key of all its runs.
    pub run_key: String,
    /// The spec.
    pub spec: String,
    /// Where it stands.
    pub state: PipelineState,
    /// Why, in one line: what it waits for, what halted it.
    pub reason: Option<String>,
    /// Its steps, in order; none where it is unreadable.
    pub steps: Vec<PipelineStep>,
    /// Why what was asked for cannot be read, in one line. Such a pipeline cannot be driven, only replaced.
    pub unreadable: Option<String>,
    /// Whether it would get somewhere if it was driven from here now: it has not ended, nobody drives it, and it waits
    /// for no answer of a person.
    pub can_go_on: bool,
    /// Who drives it, as far as can be told from here.
    pub owner: Owner,
    /// Who began it.
    pub actor: String,
    /// When it was begun, ms.
    #[serde(serialize_with = "crate::time::serialize_known")]
    pub started_at: i64,
    /// When it ended, ms.
    #[serde(serialize_with = "crate::time::serialize")]
    pub ended_at: Option<i64>,
}

/// A stage or a gate on the way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PipelineStep {
    /// Its name: `clarify`, `plan`, …
    pub name: String,
    /// Whether it is a gate.
    pub gate: bool,
    /// Its run, if it was begun.
    pub run: Option<RunId>,
    /// What is known of the run's outcome.
    pub status: Option<RunStatus>,
    /// What became of the gate.
    pub gate_state: Option<GateState>,
}

/// A pipeline that is there, durably.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BegunPipeline {
    /// Its number.
    pub id: PipelineId,
    /// The key of all its runs.
    pub run_key: String,
    /// Whether it had been begun before, and goes on with what was asked for then.
    pub resumed: bool,
}

/// Where a pipeline came to rest.
#[derive(Debug, Clone, PartialEq)]
pub struct PipelineEnd {
    /// The pipeline. Where it is still `running`, it was interrupted and goes on when it is driven again.
    pub pipeline: Pipeline,
    /// The verdict on the last step that was closed.
    pub verdict: Option<Verdict>,
    /// The questions that it waits for.
    pub open: Vec<OpenIssue>,
}

/// Begins a pipeline, or finds the unfinished one of the spec, which goes on with what it was begun with. Where
/// `from` names another stage than that one began with, it is ended and a new one begins there, with the newest
/// syntheses and gate answers of the spec. Durable when it returns; nobody is asked before [`drive_pipeline`].
///
/// # Errors
///
/// [`ConsensusError::Invalid`] for a request that makes no sense, [`ConsensusError::Refused`] where a live process
/// drives the pipeline that would be replaced, and failures of the storage.
pub fn begin_pipeline(db: &Db, request: &PipelineRequest) -> Result<BegunPipeline> {
    let first = steps::first(request.from.as_deref())?;
    request.check(&steps::around(first).1)?;
    let (request, again) = (request.clone(), request.from.is_some());
    let key = run_key(&request.spec, db.clock().wall_ms(), &SystemRandom);
    let own = db.clone();
    db.write("begin pipeline", move |tx| {
        if let Some(found) = store::unfinished_of(tx, &request.spec)? {
            // One that cannot be read can still be replaced.
            let begins = StoredRequest::read(&found).map(|stored| stored.first);
            if !again || begins.is_ok_and(|begins| begins == first) {
                return Ok(BegunPipeline { id: found.id, run_key: found.run_key, resumed: true });
            }
            match found.owner {
                Owner::Alive { pid } | Owner::Unknown { pid } => return Err(driven_elsewhere(found.id, pid)),
                Owner::Here if is_driven_here(&own, Driveable::Pipeline(found.id)) => {
                    let why = format!("pipeline {} is being driven by this process", found.id);
                    return Err(ConsensusError::refused(why, Some("end the run that it is at first")));
                }
                Owner::Here | Owner::Nobody | Owner::Ended => {}
            }
            let why = format!("another one was begun at {first}");
            store::rest(tx, found.id, PipelineState::Replaced, Some(&why))?;
        }
        let mut inherited = std::collections::BTreeMap::new();
        for step in steps::around(first).0 {
            if let Some(run) = store::newest(tx, &request.spec, step)? {
                inherited.insert(step.to_owned(), run.0);
            }
        }
        let stored = StoredRequest::of(&request, first, inherited)?;
        let id = store::insert(tx, &key, &request.spec, &stored, &request.actor)?;
        Ok(BegunPipeline { id, run_key: key.clone(), resumed: false })
    })
}

/// A pipeline by its number.
pub fn pipeline(db: &Db, id: PipelineId) -> Result<Option<Pipeline>> {
    let found = db.read(|conn| store::find(conn, id)?.map(|stored| show(conn, stored)).transpose())?;
    Ok(found.map(|pipeline| seen_from_here(db, pipeline)))
}

/// The newest pipeline of a spec, however it stands.
pub fn newest_pipeline(db: &Db, spec: &str) -> Result<Option<Pipeline>> {
    let found = db.read(|conn| store::newest_of(conn, spec)?.map(|stored| show(conn, stored)).transpose())?;
    Ok(found.map(|pipeline| seen_from_here(db, pipeline)))
}

/// The pipeline that a run is a step of. Those that stand for steps before its first are none of its own.
pub fn pipeline_of_run(db: &Db, run: RunId) -> Result<Option<Pipeline>> {
    let found = db.read(|conn| store::of_run(conn, run)?.map(|stored| show(conn, stored)).transpose())?;
    Ok(found.map(|pipeline| seen_from_here(db, pipeline)))
}

/// The pipelines that run or wait, oldest first, whoever drives them. [`Pipeline::owner`] and
/// [`Pipeline::can_go_on`] tell which of them want to be driven; one that cannot be read is among them, and says so.
pub fn unfinished_pipelines(db: &Db) -> Result<Vec<Pipeline>> {
    let found: Result<Vec<Pipeline>> =
        db.read(|conn| store::unfinished(conn)?.into_iter().map(|stored| show(conn, stored)).collect());
    Ok(found?.into_iter().map(|pipeline| seen_from_here(db, pipeline)).collect())
}

/// What this process drives does not wait for it.
fn seen_from_here(db: &Db, mut pipeline: Pipeline) -> Pipeline {
    pipeline.can_go_on &= !is_driven_here(db, Driveable::Pipeline(pipeline.id));
    pipeline
}

fn show(conn: &ReadConn<'_>, stored: store::Stored) -> Result<Pipeline> {
    let (own, unreadable) = match StoredRequest::read(&stored) {
        Ok(request) => (steps::around(&request.first).1, None),
        Err(error) => (Vec::new(), Some(error.to_string())),
    };
    let mut steps = Vec::new();
    for name in own {
        let run = store::run_of(conn, &stored.run_key, &stored.spec, name)?;
        let (status, gate_state) = run.map(|run| store::outcome(conn, run)).transpose()?.unwrap_or_default();
        steps.push(PipelineStep {
            name: name.to_owned(),
            gate: crate::gates::is_gate(name),
            run,
            status,
            gate_state,
        });
    }
    let asks = steps.iter().any(|step| step.gate_state == Some(GateState::Open));
    Ok(Pipeline {
        can_go_on: stored.state.is_unfinished() && stored.owner.may_take() && unreadable.is_none() && !asks,
        unreadable,
        id: stored.id,
        run_key: stored.run_key,
        spec: stored.spec,
        state: stored.state,
        reason: stored.reason,
        steps,
        owner: stored.owner,
        actor: stored.actor,
        started_at: stored.started_at,
        ended_at: stored.ended_at,
    })
}

fn driven_elsewhere(id: PipelineId, pid: u32) -> ConsensusError {
    let hint = "wait for it, or end it there";
    ConsensusError::refused(format!("pipeline {id} is driven by process {pid}"), Some(hint))
}
