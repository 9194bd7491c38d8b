//! `conclave agents`

use conclave_db::Db;
use conclave_registry::agents::{self, Agent, Life};
use conclave_retry::{Clock as _, SystemClock};
use serde_json::{Value, json};

use crate::cli::context::Context;
use crate::cli::output::Output;
use crate::cli::table::{Column, Table, left, right};
use crate::failure::{Doing, Exit, Failure};
use crate::text::visible;
use crate::{registry_import, times};

const LIST: &[Column] = &[
    left("id"),
    left("type"),
    left("status"),
    left("phase"),
    left("life"),
    right("pid"),
    right("port"),
    left("started"),
    // Last, since it is what a narrow terminal can do without.
    left("name"),
];

pub(super) fn run(context: &Context) -> Result<Exit, Failure> {
    let output = &context.output;
    let db = context.open_read_only()?;
    say_what_waits(context, db.as_ref());
    let agents = match db {
        Some(db) => agents::list(&db).doing("read the agents")?,
        None if output.json => Vec::new(),
        None => return Ok(Exit::Done),
    };
    if output.json {
        output.document(&agents.iter().map(object).collect::<Vec<_>>())?;
        return Ok(Exit::Done);
    }
    if agents.is_empty() {
        output.notice("no agents");
        return Ok(Exit::Done);
    }
    let rows: Vec<_> = agents.iter().map(|agent| row(output, agent)).collect();
    output.print(Table::new(LIST, output.columns).lines(&rows, true))?;
    Ok(Exit::Done)
}

/// Agents that the original has left are not in the list before they are taken over.
fn say_what_waits(context: &Context, db: Option<&Db>) {
    for check in registry_import::waiting_checks(&context.project, db) {
        let advice = check.advice.unwrap_or_default();
        context.output.notice(format!("{}: {}", visible(&check.detail), visible(&advice)));
    }
}

/// An agent as JSON has it.
pub(super) fn object(agent: &Agent) -> Value {
    let life = agent.life();
    json!({
        "kind": agent.key.kind,
        "id": agent.key.id,
        "name": agent.name,
        "type": agent.type_word,
        "status": agent.status,
        "phase": agent.phase,
        "cmd": agent.cmd,
        "pid": agent.pid,
        "alive": life.is_alive(),
        "life": life,
        "exit_status": agent.ended.as_ref().and_then(|ended| ended.exit_status),
        "ended_at": agent.ended.as_ref().and_then(|ended| times::rfc3339(ended.at_ms)),
        "ended_how": agent.ended.as_ref().map(|ended| ended.how),
        "port": agent.port,
        "worktree": agent.worktree.as_ref().map(|folder| folder.to_string_lossy()),
        "branch": agent.branch,
        "started_at": times::rfc3339(agent.started_at_ms),
        "updated_at": times::rfc3339(agent.updated_at_ms),
    })
}

/// Whether it lives, in a word or two.
pub(super) fn life(agent: &Agent) -> String {
    let life = agent.life();
    let status = agent.ended.as_ref().and_then(|ended| ended.exit_status);
    match (life, status) {
        (Life::None, _) => "-".to_owned(),
        (Life::Ended, Some(status)) => format!("ended ({status})"),
        _ => life.as_str().to_owned(),
    }
}

fn row(output: &Output, agent: &Agent) -> Vec<String> {
    let number = |number: Option<String>| number.unwrap_or_else(|| "-".to_owned());
    let text = |text: &Option<String>| {
        text.clone().filter(|text| !text.is_empty()).unwrap_or_else(|| "-".to_owned())
    };
    let started = if output.is_terminal() {
        format!("{} ago", times::ago(SystemClock.wall_ms(), agent.started_at_ms))
    } else {
        times::absolute(agent.started_at_ms)
    };
    vec![
        agent.key.id.clone(),
        agent.type_word.clone(),
        text(&agent.status),
        text(&agent.phase),
        life(agent),
        number(agent.pid.map(|pid| pid.to_string())),
        number(agent.port.map(|port| port.to_string())),
        started,
        agent.name.clone(),
    ]
}
