//! `conclave run`: one stage, asked of several agents.

use conclave_consensus::agents::Accept;
use conclave_consensus::canonical;
use conclave_consensus::child::Stop;
use conclave_consensus::gates;
use conclave_consensus::runs::{self, RunFilter, RunId};
use conclave_consensus::stages;
use conclave_consensus::verdict::Verdict;
use conclave_consensus::workflow::{self, RunRequest};
use conclave_db::Db;

use super::args::RunLine;
use super::context::Context;
use super::interrupt::Ending;
use super::live::Live;
use super::runs::questions;
use super::verdict::ended;
use crate::driving::{self, GATE_TIME, STAGE_TIME};
use crate::failure::{Doing, Exit, Failure};
use crate::{prompts, roster};

pub(super) fn run(context: &Context, line: RunLine) -> Result<Exit, Failure> {
    let request = request(context, line)?;
    driving::refuse_few_descriptors()?;
    let stop = Stop::new();
    let ending = Ending::new(stop.clone());
    let db = context.open()?;
    let run = match begun(&db, &request)? {
        Some(run) => run,
        None => workflow::begin(&db, &request).doing("begin the run")?,
    };
    match drive(context, &db, run, stop)? {
        Some(verdict) => tell(context, &db, run, &verdict),
        None => Err(interrupted(&format!("run {run}"), &format!("conclave resume {run}"), &ending)),
    }
}

/// What is asked, of whom; refused before anything is made.
fn request(context: &Context, line: RunLine) -> Result<RunRequest, Failure> {
    let known = stages::stage(&line.stage);
    let stage = known.map_or_else(|| canonical::stage(&line.stage), |stage| stage.name);
    let gate = known.is_some_and(stages::Stage::is_gate);
    let (project, environment) = (&context.project, &context.environment);
    let prompt = prompts::of_stage(project, environment, &line.spec, stage, line.prompt.as_deref())?;
    let agents = roster::choose(&project.config, environment, &project.root, stage, line.agents.as_deref())?;
    if let Some(quorum) = line.quorum.filter(|quorum| *quorum > agents.len()) {
        let asked = agents.len();
        return Err(Failure::usage(format!("--quorum {quorum}: only {asked} are asked"))
            .hint("ask more agents, or leave it out: the majority of three or more is enough"));
    }
    Ok(RunRequest {
        spec: line.spec,
        stage: stage.to_owned(),
        run_key: line.run_key,
        prompt,
        agents,
        quorum: line.quorum,
        accept: Accept::parse(&line.accept).unwrap_or_default(),
        timeout: line.timeout.unwrap_or(if gate { GATE_TIME } else { STAGE_TIME }),
        sequential: line.sequential,
        gate,
        directory: project.root.clone(),
        actor: context.actor.clone(),
    })
}

/// The run that goes on, where its key was named and it is there.
fn begun(db: &Db, request: &RunRequest) -> Result<Option<RunId>, Failure> {
    let Some(key) = &request.run_key else { return Ok(None) };
    let filter = RunFilter {
        spec: Some(request.spec.clone()),
        stage: Some(request.stage.clone()),
        ..RunFilter::default()
    };
    let found = runs::list(db, &filter, None, None).doing("look for the run")?;
    Ok(found.into_iter().find(|run| run.run_key == *key).map(|run| run.id))
}

/// Drives a run to its verdict; there is none where it was interrupted.
pub(super) fn drive(context: &Context, db: &Db, run: RunId, stop: Stop) -> Result<Option<Verdict>, Failure> {
    let mut session = driving::session(&context.project, &context.environment);
    let live = Live::start(&context.output, Some(db.clone()));
    session.observer = live.observer();
    session.stop = stop;
    let driven = driving::complete(workflow::drive(db, run, &session))?.doing(format!("run {run}"))?;
    Ok(driven.verdict)
}

/// Prints what came of a run, and gives the exit code for it.
fn tell(context: &Context, db: &Db, run: RunId, verdict: &Verdict) -> Result<Exit, Failure> {
    let detail = runs::show(db, run).doing("read the run")?;
    let detail =
        detail.ok_or_else(|| Failure::not_found(format!("no run {run}: it has just been deleted")))?;
    if context.output.json {
        context.output.document(&detail)?;
    } else {
        context.output.print(ended(&context.output, &detail, verdict))?;
        let open = gates::open(db).doing("read the open questions")?;
        let open: Vec<_> = open.into_iter().filter(|issue| issue.run == run).collect();
        context.output.print(questions(&context.output, &open))?;
        context.output.notice(format!("in full: conclave runs show {run}"));
    }
    Ok(exit_of(verdict))
}

/// How a command ends that asked for a verdict.
pub(super) const fn exit_of(verdict: &Verdict) -> Exit {
    if verdict.consensus_ok { Exit::Done } else { Exit::StateSaysNo }
}

/// A signal, or somebody else, ended the work before its end.
pub(super) fn interrupted(what: &str, go_on: &str, ending: &Ending) -> Failure {
    let exit = ending.exit().unwrap_or(Exit::StateSaysNo);
    Failure::new(
        exit,
        "interrupted",
        format!("interrupted: {what} is not finished; what was answered is kept"),
    )
    .hint(go_on.to_owned())
}
