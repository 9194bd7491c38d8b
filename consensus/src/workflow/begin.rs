//! Beginning a run: everything that it needs is durable before anybody is asked.

use std::collections::HashSet;

use conclave_db::{Db, process};
use conclave_retry::{Random, SystemRandom};

use super::RunRequest;
use crate::error::{ConsensusError, Result};
use crate::record::RunRecord;
use crate::runs::{RunId, RunStatus};
use crate::store::workflow::{self as store, NewRun};
use crate::{gates, stages, verdict};

/// Most characters of a spec, a stage or a key: they stand in lists, and in the name of every attempt.
const NAME: usize = 200;

/// A key for a new run: what it is about, when, and chance, so that two of one second are two.
pub fn run_key(spec: &str, at_ms: i64, random: &dyn Random) -> String {
    format!("run_{spec}_{}_{:08x}", at_ms.div_euclid(1000), random.next_u64() >> 32)
}

/// Records a run: its row, its prompt and settings, its roster, and that this process drives it. Durable when it
/// returns; nobody is asked before [`super::drive`].
///
/// # Errors
///
/// [`ConsensusError::Invalid`] for a request that makes no sense, [`ConsensusError::Refused`] where there is a run of
/// this key, spec and stage, and failures of the storage.
pub fn begin(db: &Db, request: &RunRequest) -> Result<RunId> {
    check(request)?;
    let key = match &request.run_key {
        Some(key) => key.clone(),
        None => run_key(&request.spec, db.clock().wall_ms(), &SystemRandom),
    };
    let Some(directory) = request.directory.to_str() else {
        let path = request.directory.display();
        return Err(ConsensusError::Invalid(format!("the folder {path} has a name that is no UTF-8")));
    };
    let new = NewRun {
        record: RunRecord {
            run_id: key,
            spec: request.spec.clone(),
            stage: stages::name(&request.stage).to_owned(),
            status: Some(RunStatus::Running),
            ..RunRecord::default()
        },
        prompt: request.prompt.clone(),
        quorum: request.quorum.unwrap_or_else(|| verdict::default_quorum(request.agents.len())),
        accept: request.accept,
        timeout_ms: i64::try_from(request.timeout.as_millis()).unwrap_or(i64::MAX).max(1),
        sequential: request.sequential,
        phase_type: if request.gate || gates::is_gate(&request.stage) {
            "quality_gate"
        } else {
            "regular_stage"
        },
        directory: directory.to_owned(),
        actor: request.actor.clone(),
        owner: process::current()?,
        roster: request.agents.clone(),
    };
    db.write("begin run", move |tx| store::begin(tx, &new))
}

fn check(request: &RunRequest) -> Result<()> {
    let invalid = |what: &str| Err(ConsensusError::Invalid(what.to_owned()));
    if request.spec.is_empty() || request.stage.is_empty() {
        return invalid("a run needs a spec and a stage");
    }
    if request.run_key.as_ref().is_some_and(String::is_empty) {
        return invalid("the key of a run must not be empty");
    }
    let names = [Some(&request.spec), Some(&request.stage), request.run_key.as_ref()];
    for (what, name) in ["spec", "stage", "key"].into_iter().zip(names) {
        let Some(name) = name else { continue };
        if name.chars().any(char::is_control) {
            return invalid(&format!("the {what} of a run holds control characters"));
        }
        if name.chars().count() > NAME {
            return invalid(&format!("the {what} of a run is longer than {NAME} characters"));
        }
    }
    if request.prompt.trim_ascii().is_empty() {
        return invalid("the prompt is empty");
    }
    if request.timeout.is_zero() {
        return invalid("a stage needs some time");
    }
    if request.agents.is_empty() {
        return invalid("a run needs at least one agent");
    }
    if let Some(quorum) = request.quorum.filter(|quorum| !(1..=request.agents.len()).contains(quorum)) {
        let agents = request.agents.len();
        return Err(ConsensusError::Invalid(format!(
            "a quorum of {quorum} makes no sense for {agents} agents"
        )));
    }
    let mut names = HashSet::new();
    for agent in &request.agents {
        if agent.name.is_empty() {
            return invalid("an agent has no name");
        }
        if !names.insert(&agent.name) {
            return Err(ConsensusError::Invalid(format!("two agents are called {:?}", agent.name)));
        }
    }
    Ok(())
}
