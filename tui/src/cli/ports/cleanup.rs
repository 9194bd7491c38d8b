//! `conclave ports cleanup`

use std::fmt::Write as _;

use conclave_registry::ports::{self, Cleaned};

use crate::cli::context::Context;
use crate::failure::{Doing, Exit, Failure};
use crate::registry_import;
use crate::text::{counted, visible};

pub(super) fn run(context: &Context) -> Result<Exit, Failure> {
    let machine = context.machine()?;
    let is_there = machine.has_state() || registry_import::has_ports(&machine, &context.environment);
    let cleaned = if is_there {
        ports::cleanup(&context.open_machine()?).doing("clean up the blocks of ports")?
    } else {
        // Nothing is made only to be found empty.
        Cleaned { removed: Vec::new(), remaining: 0 }
    };
    if context.output.json {
        context.output.document(&cleaned)?;
    } else {
        context.output.print(page(&cleaned))?;
    }
    Ok(Exit::Done)
}

fn page(cleaned: &Cleaned) -> String {
    let mut text = String::new();
    for project in &cleaned.removed {
        let _ = writeln!(text, "freed the block of {}", visible(project));
    }
    let remaining = counted(cleaned.remaining, "block is taken", "blocks are taken");
    let _ = if cleaned.removed.is_empty() {
        writeln!(text, "no project is gone; {remaining}")
    } else {
        writeln!(text, "{remaining}")
    };
    text
}
