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
        return match one {
            Some(run) if !context.output.json => closed(context, &db, run),
            _ => nothing(context),
        };
    }
    let mut told = Told::default();
    for pipeline in pipelines {
        if one.is_none() && !pipeline.owner.may_take() {
            // It is not unfinished for whoever drives it.
            let name = driving::name(&pipeline);
            context.output.notice(format!("{name} is being driven by another process"));
            continue;
        }
        let end = match auto::drive(context, &db, pipeline.id, stop.clone()) {
            Ok(end) => end,
            Err(failure) => {
                told.failed(context, one, failure)?;
                continue;
            }
        };
        if end.pipeline.state == PipelineState::Running {
            return Err(interrupted(&driving::name(&end.pipeline), "conclave resume", &ending));
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
            context.output.notice(format!("run {run} is being driven by another process"));
            continue;
        }
        let verdict = match drive(context, &db, run, stop.clone()) {
            Ok(Some(verdict)) => verdict,
            Ok(None) => {
                let go_on = format!("conclave resume {run}");
                return Err(interrupted(&format!("run {run}"), &go_on, &ending));
            }
            Err(failure) => {
                told.failed(context, one, failure)?;
                continue;
            }
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

    /// One that is refused does not keep the others from going on; where it was named there are none.
    fn failed(&mut self, context: &Context, one: Option<RunId>, failure: Failure) -> Result<(), Failure> {
        if one.is_some() || failure.exit != Exit::StateSaysNo {
            return Err(failure);
        }
        context.output.complain(&failure);
        self.add(failure.exit);
        Ok(())
    }

    fn exit(&self) -> Exit {
        self.worst.unwrap_or(Exit::Done)
    }
}

/// What is unfinished: pipelines, and runs that belong to none that can be read. Of a run that is named the pipeline
/// that it is a step of, else itself alone.
fn waiting(db: &Db, one: Option<RunId>) -> Result<(Vec<Pipeline>, Vec<Unfinished>), Failure> {
    let unfinished = workflow::unfinished(db).doing("look for unfinished runs")?;
    if let Some(run) = one {
        let pipeline = workflow::pipeline_of_run(db, run).doing("look for the run's pipeline")?;
        if let Some(pipeline) = pipeline.filter(driving::leads_on) {
            return Ok((vec![pipeline], Vec::new()));
        }
        return Ok((Vec::new(), unfinished.into_iter().filter(|one| one.run == run).collect()));
    }
    let pipelines = workflow::unfinished_pipelines(db).doing("look for unfinished pipelines")?;
    let sound = pipelines.iter().filter(|pipeline| pipeline.unreadable.is_none());
    let keys: BTreeSet<&str> = sound.map(|pipeline| pipeline.run_key.as_str()).collect();
    let alone = unfinished.into_iter().filter(|one| !keys.contains(one.run_key.as_str())).collect();
    Ok((pipelines, alone))
}

/// A run that was named, and is not unfinished.
fn closed(context: &Context, db: &Db, run: RunId) -> Result<Exit, Failure> {
    let detail = runs::show(db, run).doing("read the run")?;
    let detail =
        detail.ok_or_else(|| Failure::not_found(format!("no run {run}: it has just been deleted")))?;
    let stands = match detail.settings {
        Some(_) => format!("is closed ({})", detail.summary.word()),
        None => "was not begun by Conclave".to_owned(),
    };
    context.output.print(format_args!("run {run} {stands}: there is nothing to go on with\n"))?;
    Ok(Exit::Done)
}

fn nothing(context: &Context) -> Result<Exit, Failure> {
    if context.output.json {
        context.output.document(&json!({ "runs": [], "pipelines": [] }))?;
    } else {
        context.output.print("nothing is unfinished\n")?;
    }
    Ok(Exit::Done)
}
