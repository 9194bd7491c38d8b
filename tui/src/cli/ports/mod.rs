//! `conclave ports get|list|cleanup|release`

pub(crate) mod args;
mod cleanup;
mod list;
mod release;

use conclave_registry::agents;
use conclave_registry::ports::{self, BLOCK};
use serde_json::{Value, json};

use self::args::Ports;
use super::context::Context;
use crate::failure::{Doing, Exit, Failure};

pub(super) fn run(context: &Context, command: Ports) -> Result<Exit, Failure> {
    match command {
        Ports::Get => get(context),
        Ports::List => list::run(context),
        Ports::Cleanup => cleanup::run(context),
        Ports::Release { path } => release::run(context, path.as_deref()),
    }
}

/// Only the machine-wide file is written: a project that has a block need not have any state.
fn get(context: &Context) -> Result<Exit, Failure> {
    // A wrong base is refused before there is a file.
    let first = context.first_base()?;
    let owner = context.project.owner();
    // Ports that agents have say which block it was, should the machine-wide file know no more.
    let state = context.project.open_read_only()?;
    let agents = state.map(|db| agents::list(&db)).transpose().doing("read the agents")?.unwrap_or_default();
    let ports: Vec<u16> = agents.iter().filter_map(|agent| agent.port).collect();
    let machine = context.open_machine()?;
    let block = ports::block_with(&machine, owner, first, &ports).doing("get a block of ports")?;
    if context.output.json {
        context.output.document(&block_object(&owner.to_string_lossy(), block.base))?;
    } else {
        context.output.print(format_args!("{}\n", block.base))?;
    }
    Ok(Exit::Done)
}

/// What scripts are told of a block.
fn block_object(project: &str, base: u16) -> Value {
    json!({ "project": project, "base": base, "count": BLOCK })
}
