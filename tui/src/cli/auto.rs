//! `conclave auto`: a spec through its stages, with the gates between.

use std::fmt::Write as _;

use conclave_consensus::child::Stop;
use conclave_consensus::workflow::{self, PipelineEnd, PipelineId, PipelineRequest, PipelineState};
use conclave_db::Db;
use serde_json::json;

use super::args::AutoLine;
use super::context::Context;
use super::interrupt::Ending;
use super::live::Live;
use super::output::Output;
use super::run::interrupted;
use super::runs::questions;
use crate::driving;
use crate::failure::{Doing, Exit, Failure};
use crate::text::visible;
use crate::{prompts, request};

pub(super) fn run(context: &Context, line: AutoLine) -> Result<Exit, Failure> {
    if line.from.is_none()
        && let Some(end) = done_before(context, &line.spec)?
    {
        return tell(context, &end);
    }
    let request = request(context, line)?;
    driving::refuse_few_descriptors()?;
    let stop = Stop::new();
    let ending = Ending::new(stop.clone());
    let db = context.open()?;
    let begun = workflow::begin_pipeline(&db, &request).doing("begin the pipeline")?;
    if begun.resumed {
        context.output.notice(format!("{}: going on where it was left", visible(&request.spec)));
    }
    let end = drive(context, &db, begun.id, stop)?;
    if end.pipeline.state == PipelineState::Running {
        let go_on = format!("conclave auto {}", request.spec);
        return Err(interrupted(&driving::name(&end.pipeline), &go_on, &ending));
    }
    tell(context, &end)
}

fn tell(context: &Context, end: &PipelineEnd) -> Result<Exit, Failure> {
    if context.output.json {
        context.output.document(&json!({
            "pipeline": end.pipeline,
            "verdict": end.verdict,
            "open": end.open,
        }))?;
    } else {
        context.output.print(lines(&context.output, end))?;
    }
    Ok(exit_of(end))
}

/// What a spec ended with that went through all stages before: nobody is asked, and paid, a second time unless somebody
/// says so.
fn done_before(context: &Context, spec: &str) -> Result<Option<PipelineEnd>, Failure> {
    if !context.project.has_state() {
        return Ok(None);
    }
    let db = context.open()?;
    let found = workflow::newest_pipeline(&db, spec).doing("look for the pipeline")?;
    let Some(found) = found.filter(|found| found.state == PipelineState::Done) else { return Ok(None) };
    let spec = visible(spec);
    context
        .output
        .notice(format!("{spec} is already through all stages: nobody is asked; `--from plan` begins again"));
    // What has ended is only told.
    drive(context, &db, found.id, Stop::new()).map(Some)
}

fn request(context: &Context, line: AutoLine) -> Result<PipelineRequest, Failure> {
    let (project, environment) = (&context.project, &context.environment);
    let brief = line.prompt.as_deref().map(|file| prompts::from(file, environment)).transpose()?;
    request::of_pipeline(project, environment, &context.actor, &line.spec, line.from, brief)
}

/// Drives a pipeline until it ends, halts, waits or is interrupted.
pub(super) fn drive(context: &Context, db: &Db, id: PipelineId, stop: Stop) -> Result<PipelineEnd, Failure> {
    let mut session = driving::session(&context.project, &context.environment);
    let live = Live::start(&context.output, Some(db.clone()));
    session.observer = live.observer();
    session.stop = stop;
    let unkept = driving::transcribe(&mut session, &context.project, db);
    let driven = driving::complete(workflow::drive_pipeline(db, id, &session));
    // It tells what waits first.
    drop(live);
    unkept
        .or_else(|| driving::transcribed(&session))
        .into_iter()
        .for_each(|said| context.output.notice(said));
    driven?.doing("lead the spec through its stages")
}

pub(super) fn exit_of(end: &PipelineEnd) -> Exit {
    let is_ok = end.verdict.as_ref().is_some_and(|verdict| verdict.consensus_ok);
    if end.pipeline.state == PipelineState::Done && is_ok { Exit::Done } else { Exit::StateSaysNo }
}

/// The steps with what came of each, then what it ended with.
pub(super) fn lines(output: &Output, end: &PipelineEnd) -> String {
    let pipeline = &end.pipeline;
    let mut text = String::new();
    for step in &pipeline.steps {
        let Some(run) = step.run else { continue };
        let status = step.status.map_or(String::new(), |status| status.to_string());
        let gate = step.gate_state.map_or(String::new(), |state| format!("  gate {}", state.as_str()));
        let _ = writeln!(text, "{:<10}  run {run:<5}  {status}{gate}", visible(&step.name));
    }
    let _ = writeln!(text, "{}", driving::rest(pipeline));
    text.push_str(&questions(output, &end.open));
    text
}
