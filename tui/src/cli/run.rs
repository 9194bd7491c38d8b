//! `conclave run`: one stage, asked of several agents.

use std::collections::BTreeSet;

use conclave_consensus::agents::Accept;
use conclave_consensus::child::Stop;
use conclave_consensus::gates;
use conclave_consensus::runs::{self, RunId};
use conclave_consensus::verdict::Verdict;
use conclave_consensus::workflow::{self, RunRequest};
use conclave_db::Db;

use super::args::RunLine;
use super::context::Context;
use super::interrupt::Ending;
use super::live::Live;
use super::runs::questions;
use super::verdict::ended;
use crate::driving;
use crate::failure::{Doing, Exit, Failure};
use crate::prompts;
use crate::request::{self, Ask};

pub(super) fn run(context: &Context, line: RunLine) -> Result<Exit, Failure> {
    let request = request(context, line)?;
    driving::refuse_few_descriptors()?;
    let stop = Stop::new();
    let ending = Ending::new(stop.clone());
    let db = context.open()?;
    let run = match begun(context, &db, &request)? {
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
    let prompt = line.prompt.as_deref().map(|file| prompts::from(file, &context.environment)).transpose()?;
    let ask = Ask {
        spec: line.spec,
        stage: line.stage,
        prompt,
        agents: line.agents,
        quorum: line.quorum,
        accept: Accept::parse(&line.accept).unwrap_or_default(),
        timeout: line.timeout,
        sequential: line.sequential,
        run_key: line.run_key,
    };
    request::of_stage(&context.project, &context.environment, &context.actor, ask)
}

/// The run that goes on, where its key was named and it is there. It goes on with what it was begun with.
fn begun(context: &Context, db: &Db, request: &RunRequest) -> Result<Option<RunId>, Failure> {
    let Some(key) = &request.run_key else { return Ok(None) };
    let found = workflow::find(db, key, &request.spec, &request.stage).doing("look for the run")?;
    let Some(run) = found else { return Ok(None) };
    if let Some(detail) = runs::show(db, run).doing("read the run")?
        && let Some(settings) = &detail.settings
    {
        let asked: BTreeSet<&str> = detail.roster.iter().map(|entry| entry.agent.as_str()).collect();
        let named: BTreeSet<&str> = request.agents.iter().map(|agent| agent.name.as_str()).collect();
        let other = [
            ("prompt", settings.prompt.as_bytes() != request.prompt),
            ("agents", asked != named),
            ("quorum", request.quorum.is_some_and(|quorum| u32::try_from(quorum) != Ok(settings.quorum))),
        ];
        let other: Vec<&str> =
            other.into_iter().filter(|(_, differs)| *differs).map(|(what, _)| what).collect();
        let closed = settings.ended_at.is_some();
        let stands = if closed {
            format!("run {run} was closed before: nothing was asked; another --run-key begins another run")
        } else {
            format!("run {run} goes on with what it was begun with")
        };
        if !other.is_empty() {
            context.output.notice(format!("{stands}; not taken: {}", other.join(", ")));
        } else if closed {
            context.output.notice(stands);
        }
    }
    Ok(Some(run))
}

/// Drives a run to its verdict; there is none where it was interrupted.
pub(super) fn drive(context: &Context, db: &Db, run: RunId, stop: Stop) -> Result<Option<Verdict>, Failure> {
    let mut session = driving::session(&context.project, &context.environment);
    let live = Live::start(&context.output, Some(db.clone()));
    session.observer = live.observer();
    session.stop = stop;
    let unkept = driving::transcribe(&mut session, &context.project, db);
    let driven = driving::complete(workflow::drive(db, run, &session));
    // It tells what waits first.
    drop(live);
    unkept
        .or_else(|| driving::transcribed(&session))
        .into_iter()
        .for_each(|said| context.output.notice(said));
    Ok(driven?.doing(format!("run {run}"))?.verdict)
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
