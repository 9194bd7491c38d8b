//! `conclave init`

use serde_json::json;

use super::context::Context;
use crate::failure::{Exit, Failure};

pub(super) fn run(context: &Context) -> Result<Exit, Failure> {
    let project = &context.project;
    // A state that cannot be used is refused before anything is put beside it.
    let had_state = project.has_state();
    if had_state {
        drop(project.open()?);
    }
    let made = project.init()?;
    if !had_state {
        drop(project.open()?);
    }
    let created = !had_state || !made.is_empty();
    if context.output.json {
        context.output.document(&json!({
            "state_dir": project.state_dir.to_string_lossy(),
            "database": project.database.to_string_lossy(),
            "created": created,
        }))?;
    } else if created {
        context.output.print(format_args!("created {}\n", project.state_dir.display()))?;
    } else {
        context
            .output
            .print(format_args!("{} is there already; nothing changed\n", project.state_dir.display()))?;
    }
    Ok(Exit::Done)
}
