//! `conclave demo`

use conclave_consensus::child::Stop;
use conclave_consensus::import::quoted;
use conclave_consensus::runs;
use conclave_consensus::verdict::Verdict;
use conclave_consensus::workflow;
use serde_json::json;

use super::context::Context;
use super::interrupt::Ending;
use super::live::Live;
use super::run::interrupted;
use super::verdict::ended;
use crate::demo::{self, Demo};
use crate::driving;
use crate::failure::{Doing, Exit, Failure};
use crate::{roster, ui};

/// How the running program is called: by its name where the shell finds it, else by its path.
fn program(context: &Context) -> String {
    const NAME: &str = "conclave";
    let Ok(running) = std::env::current_exe() else { return NAME.to_owned() };
    let found = roster::find_program(NAME, &context.environment, &context.environment.folder);
    match found.and_then(|file| file.canonicalize().ok()) {
        Some(file) if file == running => NAME.to_owned(),
        _ => quoted(&running.to_string_lossy()),
    }
}

pub(super) fn run(context: &Context) -> Result<Exit, Failure> {
    let on_terminal = !context.output.json && ui::refuse_without_terminal(&context.environment).is_ok();
    if on_terminal {
        return show(context);
    }
    let stop = Stop::new();
    let ending = Ending::new(stop.clone());
    let demo = demo::begin(&context.environment, &context.actor)?;
    let Some(verdict) = drive(context, &demo, stop)? else {
        return Err(interrupted("the demo's run", &further(context, &demo), &ending));
    };
    let detail = runs::show(&demo.db, demo.run).doing("read the run")?;
    let detail = detail.ok_or_else(|| Failure::not_found("the demo's run has been deleted"))?;
    if context.output.json {
        context.output.document(&json!({ "project": demo.project.root.to_string_lossy(), "run": detail }))?;
    } else {
        let text = ended(&context.output, &detail, &verdict);
        context.output.print(format_args!("{text}\n{}\n{}\n", place(&demo), further(context, &demo)))?;
    }
    Ok(Exit::Done)
}

/// Opens the UI, which drives the run. Leaving it ends the agents.
fn show(context: &Context) -> Result<Exit, Failure> {
    let demo = demo::begin(&context.environment, &context.actor)?;
    let exit = context.show(demo.project.clone(), Some(demo.run))?;
    context.output.notice(place(&demo));
    context.output.notice(further(context, &demo));
    Ok(exit)
}

fn drive(context: &Context, demo: &Demo, stop: Stop) -> Result<Option<Verdict>, Failure> {
    let mut session = driving::session(&demo.project, &context.environment);
    session.stop = stop;
    let live = Live::start(&context.output, Some(demo.db.clone()));
    session.observer = live.observer();
    let driven = driving::complete(workflow::drive(&demo.db, demo.run, &session))?;
    Ok(driven.doing("drive the demo's run")?.verdict)
}

fn place(demo: &Demo) -> String {
    format!("the demo's project lies in {}", demo.project.root.display())
}

fn further(context: &Context, demo: &Demo) -> String {
    let (folder, program) = (quoted(&demo.project.root.to_string_lossy()), program(context));
    format!(
        "look around in it: cd {folder} && {program}\nnothing else needs the folder: delete it when you like"
    )
}
