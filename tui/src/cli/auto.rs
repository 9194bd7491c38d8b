//! `conclave auto`: a spec through its stages, with the gates between.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use conclave_consensus::agents::Accept;
use conclave_consensus::child::Stop;
use conclave_consensus::stages::{GATES, STAGES};
use conclave_consensus::workflow::{self, Pipeline, PipelineEnd, PipelineId, PipelineRequest, PipelineState};
use conclave_db::Db;
use serde_json::json;

use super::args::AutoLine;
use super::context::Context;
use super::interrupt::Ending;
use super::live::Live;
use super::output::Output;
use super::run::interrupted;
use super::runs::questions;
use crate::driving::{self, GATE_TIME, STAGE_TIME};
use crate::failure::{Doing, Exit, Failure};
use crate::text::visible;
use crate::{prompts, roster};

pub(super) fn run(context: &Context, line: AutoLine) -> Result<Exit, Failure> {
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
        return Err(interrupted(&name(&end.pipeline), &go_on, &ending));
    }
    if context.output.json {
        context.output.document(&json!({
            "pipeline": end.pipeline,
            "verdict": end.verdict,
            "open": end.open,
        }))?;
    } else {
        context.output.print(lines(&context.output, &end))?;
    }
    Ok(exit_of(&end))
}

fn request(context: &Context, line: AutoLine) -> Result<PipelineRequest, Failure> {
    let (project, environment) = (&context.project, &context.environment);
    let brief = line.prompt.as_deref().map(|file| prompts::from(file, environment)).transpose()?;
    let mut written = BTreeMap::new();
    for stage in STAGES.iter().chain(&GATES) {
        let prompt = match project.config.prompts.get(stage.name) {
            Some(prompt) => Some(prompt.clone().into_bytes()),
            None => prompts::of_project(project, stage.name)?,
        };
        written.extend(prompt.map(|prompt| (stage.name.to_owned(), prompt)));
    }
    Ok(PipelineRequest {
        spec: line.spec,
        from: line.from,
        brief,
        prompts: written,
        agents: roster::all(&project.config, environment, &project.root)?,
        quorum: None,
        accept: Accept::default(),
        stage_timeout: STAGE_TIME,
        gate_timeout: GATE_TIME,
        sequential: false,
        directory: project.root.clone(),
        actor: context.actor.clone(),
    })
}

/// Drives a pipeline until it ends, halts, waits or is interrupted.
pub(super) fn drive(context: &Context, db: &Db, id: PipelineId, stop: Stop) -> Result<PipelineEnd, Failure> {
    let mut session = driving::session(&context.project, &context.environment);
    let live = Live::start(&context.output, Some(db.clone()));
    session.observer = live.observer();
    session.stop = stop;
    driving::complete(workflow::drive_pipeline(db, id, &session))?.doing("lead the spec through its stages")
}

/// What a pipeline is called in messages.
pub(super) fn name(pipeline: &Pipeline) -> String {
    format!("the way of {} through its stages", visible(&pipeline.spec))
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
    let spec = visible(&pipeline.spec);
    let reason = pipeline.reason.as_deref().map_or(String::new(), |reason| format!(": {}", visible(reason)));
    let _ = match pipeline.state {
        PipelineState::Done => writeln!(text, "{spec} is through all stages{reason}"),
        PipelineState::Halted => writeln!(text, "{spec} has halted{reason}"),
        PipelineState::Waiting => writeln!(text, "{spec} waits for an answer{reason}"),
        PipelineState::Running | PipelineState::Replaced => writeln!(text, "{spec} is not finished{reason}"),
    };
    text.push_str(&questions(output, &end.open));
    text
}
