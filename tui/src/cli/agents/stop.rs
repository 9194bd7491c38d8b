//! `conclave stop`

use conclave_db::Db;
use conclave_registry::agents::{self, Agent, Life, Stopped, Stopping};
use serde_json::json;

use super::args::StopLine;
use super::existing;
use crate::cli::context::Context;
use crate::failure::{Doing, Exit, Failure};
use crate::text::{counted, visible};

pub(super) fn run(context: &Context, line: StopLine) -> Result<Exit, Failure> {
    match (line.id, line.all) {
        (Some(id), _) => {
            let db = existing::open(context, &id)?;
            let agent = agents::find(&db, &id).doing("find the agent")?;
            end(context, &db, vec![agent])
        }
        (None, true) if !existing::is_there(context) => {
            context.output.no_state();
            tell(context, &[])
        }
        (None, true) => {
            let db = context.open_agents()?;
            let lost = agents::note_lost(&db).doing("look for lost agents")?;
            for agent in &lost {
                context.output.notice(format!("{} was lost: its process is gone", visible(&agent.key.id)));
            }
            let left = not_ended(agents::list(&db).doing("read the agents")?);
            end(context, &db, left)
        }
        (None, false) => Err(nobody(context)?),
    }
}

/// Those whose end is not recorded.
fn not_ended(agents: Vec<Agent>) -> Vec<Agent> {
    agents.into_iter().filter(|agent| agent.ended.is_none()).collect()
}

/// Neither an id nor `--all`: what could be meant.
fn nobody(context: &Context) -> Result<Failure, Failure> {
    let agents = match context.project.open_read_only()? {
        Some(db) => agents::list(&db).doing("read the agents")?,
        None => Vec::new(),
    };
    let live = |agent: &&Agent| matches!(agent.life(), Life::Running | Life::Unsupervised | Life::Unknown);
    let names: Vec<&str> = agents.iter().filter(live).map(|agent| agent.key.id.as_str()).collect();
    let what = if names.is_empty() {
        "nothing runs here".to_owned()
    } else {
        format!("--all would stop {}: {}", counted(names.len() as u64, "agent", "agents"), names.join(", "))
    };
    Ok(Failure::usage(format!("stop needs the id of an agent, or --all; {what}"))
        .hint("`conclave agents` lists them"))
}

/// Ends them one after another; one that cannot be ended does not spare the rest.
fn end(context: &Context, db: &Db, agents: Vec<Agent>) -> Result<Exit, Failure> {
    let mut done = Vec::with_capacity(agents.len());
    let mut failure = None;
    for agent in agents {
        match agents::stop(db, &agent, Stopping::default()).doing(format!("stop {}", agent.key.id)) {
            Ok(stopped) => done.push((agent, stopped)),
            Err(failed) => {
                if let Some(earlier) = failure.replace(failed) {
                    context.output.complain(&earlier);
                }
            }
        }
    }
    let exit = tell(context, &done)?;
    failure.map_or(Ok(exit), Err)
}

const fn word(stopped: Stopped) -> &'static str {
    match stopped {
        Stopped::Ended => "stopped",
        Stopped::WasNotRunning => "not running",
        Stopped::BeforeStart => "will not start",
        Stopped::Forgotten => "forgotten",
        Stopped::NotOurs => "not signalled",
    }
}

fn tell(context: &Context, done: &[(Agent, Stopped)]) -> Result<Exit, Failure> {
    let output = &context.output;
    for (agent, stopped) in done {
        let (id, pid) = (visible(&agent.key.id), agent.pid.unwrap_or_default());
        match stopped {
            Stopped::Forgotten => output.notice(format!(
                "{id}: only the pid {pid} is known, which may be anybody's: nothing was signalled, and it counts as lost"
            )),
            Stopped::NotOurs => output.notice(format!(
                "{id}: pid {pid} may not be signalled from here (another container or user, or this command is part of it)"
            )),
            Stopped::BeforeStart => output.notice(format!(
                "{id}: it was being started, and will not be; what prepares it, such as a setup, comes to its end first"
            )),
            Stopped::Ended | Stopped::WasNotRunning => {}
        }
    }
    if output.json {
        let object = |(agent, stopped): &(Agent, Stopped)| json!({ "kind": agent.key.kind, "id": agent.key.id, "pid": agent.pid, "outcome": word(*stopped) });
        output.document(&done.iter().map(object).collect::<Vec<_>>())?;
    } else if done.is_empty() {
        output.notice("nothing runs here");
    } else {
        let lines =
            done.iter().map(|(agent, stopped)| format!("{}: {}\n", visible(&agent.key.id), word(*stopped)));
        output.print(lines.collect::<String>())?;
    }
    let refused = done.iter().any(|(_, stopped)| *stopped == Stopped::NotOurs);
    Ok(if refused { Exit::StateSaysNo } else { Exit::Done })
}
