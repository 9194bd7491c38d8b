//! `conclave init`

use conclave_db::Migrated;
use serde_json::json;

use super::context::Context;
use crate::failure::{Exit, Failure};

pub(super) fn run(context: &Context) -> Result<Exit, Failure> {
    let project = &context.project;
    // A state that cannot be used is refused before anything is put beside it.
    let had_state = project.has_state();
    let mut migrated = None;
    if had_state {
        let done = project.open()?.migrated().clone();
        migrated = (!done.applied.is_empty()).then_some(done);
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
            "migrated": migrated,
        }))?;
    } else {
        say(context, created, migrated.as_ref())?;
    }
    Ok(Exit::Done)
}

fn say(context: &Context, created: bool, migrated: Option<&Migrated>) -> Result<(), Failure> {
    let folder = context.project.state_dir.display();
    if let Some(done) = migrated {
        let database = context.project.database.display();
        context.output.print(format_args!("migrated {database} from schema {} to {}\n", done.from, done.to))
    } else if created {
        context.output.print(format_args!("created {folder}\n"))
    } else {
        context.output.print(format_args!("{folder} is there already; nothing changed\n"))
    }
}
