//! `conclave ports get|list|cleanup|release`

pub(crate) mod args;
mod cleanup;
mod list;
mod release;

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
    let root = &context.project.root;
    let block = ports::block_of(&context.open_machine()?, root, first).doing("get a block of ports")?;
    if context.output.json {
        context.output.document(&block_object(&root.to_string_lossy(), block.base))?;
    } else {
        context.output.print(format_args!("{}\n", block.base))?;
    }
    Ok(Exit::Done)
}

/// What scripts are told of a block.
fn block_object(project: &str, base: u16) -> Value {
    json!({ "project": project, "base": base, "count": BLOCK })
}
