//! `conclave work`: ready tasks are given to agents.

pub(super) mod args;
mod told;

use conclave_consensus::child::Stop;
use conclave_db::Db;
use conclave_tasks::read::TaskRow;
use conclave_tasks::work::dispatch;
use serde_json::{Value, json};

use self::args::WorkLine;
use self::told::Told;
use super::context::Context;
use super::interrupt::Ending;
use crate::dispatch::{Asked, Dispatched, Plan};
use crate::driving;
use crate::failure::{Doing as _, Exit, Failure};
use crate::text::{count, counted, visible};

pub(super) fn run(context: &Context, line: WorkLine) -> Result<Exit, Failure> {
    let (dry_run, once) = (line.dry_run, line.once);
    let asked = Asked {
        agents: line.agents,
        jobs: line.jobs,
        labels: line.labels,
        issue_type: line.issue_type,
        once,
        max: line.max,
        retry: line.retry,
    };
    let plan = Plan::of(&context.project, &context.environment, asked)?;
    if dry_run {
        return would_take(context, &plan);
    }
    driving::refuse_few_descriptors()?;
    if once && !context.project.has_state() {
        context.output.no_state();
        return ended(context, &Told::nothing(), &Dispatched::default(), None);
    }
    let stop = Stop::new();
    let ending = Ending::new(stop.clone());
    let db = context.open()?;
    let told = Told::start(&context.output, &stop);
    let session = driving::session(&context.project, &context.environment);
    let (project, who) = (&context.project, &context.actor);
    let work = crate::dispatch::dispatch(&db, project, session, who, plan, stop.clone(), told.teller());
    let dispatched = driving::complete_until(work, &stop);
    let told = told.finish(ending.exit().is_some())?;
    let dispatched = dispatched?.doing("hand out tasks")?;
    if !stop.is_killed() {
        Context::tidy_up(&db);
    }
    ended(context, &told, &dispatched, ending.exit())
}

/// Says what was done, and gives the exit code for it.
fn ended(
    context: &Context,
    told: &told::All,
    dispatched: &Dispatched,
    interrupted: Option<Exit>,
) -> Result<Exit, Failure> {
    let Dispatched { done, failed, returned, lost } = *dispatched;
    if context.output.json {
        context.output.document(&json!({
            "tasks": told.tasks,
            "done": done,
            "failed": failed,
            "returned": returned,
            "lost": lost,
            "interrupted": interrupted.is_some(),
        }))?;
    } else {
        let mut parts = vec![format!("{} done", counted(done, "task", "tasks"))];
        for (number, what) in [(failed, "failed"), (returned, "given back"), (lost, "lost")] {
            if number > 0 {
                parts.push(format!("{} {what}", count(number)));
            }
        }
        context.output.notice(parts.join(", "));
    }
    Ok(match interrupted {
        Some(exit) => exit,
        None if failed > 0 => Exit::StateSaysNo,
        None => Exit::Done,
    })
}

/// Says what is ready, in the order in which it would be taken.
fn would_take(context: &Context, plan: &Plan) -> Result<Exit, Failure> {
    let rows = match context.open_read_only()? {
        Some(db) => ready(context, &db, plan)?,
        None => Vec::new(),
    };
    let agents: Vec<&str> = plan.agents.iter().map(|agent| agent.name.as_str()).collect();
    if context.output.json {
        let tasks: Vec<Value> = rows
            .iter()
            .map(|row| {
                let said = row.record.projection();
                json!({ "id": row.id(), "title": row.title(), "type": said.issue_type, "priority": said.priority })
            })
            .collect();
        context.output.document(&json!({ "tasks": tasks, "agents": agents, "jobs": plan.jobs }))?;
        return Ok(Exit::Done);
    }
    for row in &rows {
        context.output.print(format_args!("{}  {}\n", visible(row.id()), visible(row.title())))?;
    }
    let number = u64::try_from(rows.len()).unwrap_or(u64::MAX);
    context.output.notice(format!(
        "would take {}, {} at a time, for {}",
        counted(number, "task", "tasks"),
        plan.jobs,
        visible(&agents.join(", "))
    ));
    Ok(Exit::Done)
}

fn ready(context: &Context, db: &Db, plan: &Plan) -> Result<Vec<TaskRow>, Failure> {
    dispatch::ready(db, &context.actor, &plan.wanted, plan.max).doing("read what is ready")
}
