//! `conclave resume`: going on with what was interrupted.

use std::collections::BTreeSet;

use conclave_consensus::child::Stop;
use conclave_consensus::runs::{self, RunId};
use conclave_consensus::workflow::{self, Pipeline, PipelineState, Unfinished};
use conclave_db::Db;
use serde_json::json;

use super::auto;
use super::context::Context;
use super::interrupt::Ending;
use super::run::{drive, interrupted};
use super::verdict::ended;
use crate::driving;
use crate::failure::{Doing, Exit, Failure};
use crate::find_run::find_one;

pub(super) fn run(context: &Context, named: Option<&str>) -> Result<Exit, Failure> {
    if !context.project.has_state() {
        return nothing(context);
    }
    driving::refuse_few_descriptors()?;
    let db = context.open()?;
    let stop = Stop::new();
    let ending = Ending::new(stop.clone());
    let one = named.map(|name| find_one(&db, name)).transpose()?;
    let (pipelines, waiting) = waiting(&db, one)?;
    if pipelines.is_empty() && waiting.is_empty() {
        return nothing(context);
    }
    let mut told = Told::default();
    for pipeline in pipelines {
        let end = auto::drive(context, &db, pipeline.id, stop.clone())?;
        if end.pipeline.state == PipelineState::Running {
            return Err(interrupted(&auto::name(&end.pipeline), "conclave resume", &ending));
        }
        told.add(auto::exit_of(&end));
        told.runs.extend(end.pipeline.steps.iter().filter_map(|step| step.run));
        if !context.output.json {
            context.output.print(auto::lines(&context.output, &end))?;
        }
        told.pipelines.push(end.pipeline);
    }
    for unfinished in waiting {
        let run = unfinished.run;
        if one.is_none() && !unfinished.owner.may_take() {
            // It is not unfinished for whoever drives it.
            context.output.notice(format!("run {run} is being driven by another process"));
            continue;
        }
        let Some(verdict) = drive(context, &db, run, stop.clone())? else {
            return Err(interrupted(&format!("run {run}"), &format!("conclave resume {run}"), &ending));
        };
        told.add(super::run::exit_of(&verdict));
        told.runs.push(run);
        if !context.output.json {
            let Some(detail) = runs::show(&db, run).doing("read the run")? else { continue };
            context.output.print(ended(&context.output, &detail, &verdict))?;
        }
    }
    if context.output.json {
        let mut details = Vec::new();
        for run in &told.runs {
            details.extend(runs::show(&db, *run).doing("read the run")?);
        }
        context.output.document(&json!({ "runs": details, "pipelines": told.pipelines }))?;
    }
    Ok(told.exit())
}

/// What became of everything.
#[derive(Default)]
struct Told {
    runs: Vec<RunId>,
    pipelines: Vec<Pipeline>,
    worst: Option<Exit>,
}

impl Told {
    fn add(&mut self, exit: Exit) {
        self.worst = Some(self.worst.map_or(exit, |worst| worst.worse(exit)));
    }

    fn exit(&self) -> Exit {
        self.worst.unwrap_or(Exit::Done)
    }
}

/// What is unfinished: pipelines, and runs that belong to none. Of a run that is named, itself alone.
fn waiting(db: &Db, one: Option<RunId>) -> Result<(Vec<Pipeline>, Vec<Unfinished>), Failure> {
    let unfinished = workflow::unfinished(db).doing("look for unfinished runs")?;
    if let Some(run) = one {
        return Ok((Vec::new(), unfinished.into_iter().filter(|one| one.run == run).collect()));
    }
    let pipelines = workflow::unfinished_pipelines(db).doing("look for unfinished pipelines")?;
    let keys: BTreeSet<&str> = pipelines.iter().map(|pipeline| pipeline.run_key.as_str()).collect();
    let alone = unfinished.into_iter().filter(|one| !keys.contains(one.run_key.as_str())).collect();
    Ok((pipelines, alone))
}

fn nothing(context: &Context) -> Result<Exit, Failure> {
    if context.output.json {
        context.output.document(&json!({ "runs": [], "pipelines": [] }))?;
    } else {
        context.output.print("nothing is unfinished\n")?;
    }
    Ok(Exit::Done)
}
