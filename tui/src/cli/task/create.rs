//! `conclave task create`

use std::collections::BTreeSet;

use conclave_db::Db;
use conclave_tasks::ids;
use conclave_tasks::shape;
use conclave_tasks::work::{self, NewTask};

use super::args::NewFields;
use super::{depend, existing, find, issue_type, moment_text, standard_input};
use crate::cli::context::Context;
use crate::failure::{Doing, Exit, Failure};
use crate::text::visible;

pub(super) fn run(context: &Context, fields: NewFields) -> Result<Exit, Failure> {
    let issue_type = fields.kind.as_deref().map(|kind| issue_type(context, kind)).transpose()?;
    let [description, design, acceptance_criteria, notes] = standard_input::resolve([
        ("--description", fields.description),
        ("--design", fields.design),
        ("--acceptance", fields.acceptance),
        ("--notes", fields.notes),
    ])?;
    let kinds: BTreeSet<String> = fields.deps.iter().map(|(_, kind)| kind.clone()).collect();
    let mut new = NewTask {
        title: fields.title,
        description: description.unwrap_or_default(),
        design: design.unwrap_or_default(),
        acceptance_criteria: acceptance_criteria.unwrap_or_default(),
        notes: notes.unwrap_or_default(),
        priority: fields.priority,
        issue_type,
        assignee: fields.assignee,
        labels: fields.labels,
        dependencies: fields.deps,
        parent: fields.parent,
        id: fields.id,
        prefix: context.project.config.tasks.prefix.clone(),
        folder_prefix: folder_prefix(context),
        due_at: fields.due.as_ref().and_then(moment_text),
        defer_until: fields.defer.as_ref().and_then(moment_text),
        external_ref: fields.external_ref,
        estimated_minutes: fields.estimate,
    };
    let db = open(context, &new)?;
    if let Some(parent) = &mut new.parent {
        *parent = find(&db, parent)?;
    }
    for (target, _) in &mut new.dependencies {
        *target = find(&db, target)?;
    }
    let row = work::create(&db, &context.actor, new).doing("create the task")?;
    Context::tidy_up(&db);
    for kind in &kinds {
        depend::doubt(context, kind);
    }
    if context.output.json {
        context.output.document(&shape::listed(&row))?;
    } else {
        context.output.print(format_args!("created {}: {}\n", visible(row.id()), visible(row.title())))?;
    }
    Ok(Exit::Done)
}

/// What a new task needs must be there: for one that cannot be made no state is made.
fn open(context: &Context, new: &NewTask) -> Result<Db, Failure> {
    match new.parent.as_ref().or_else(|| new.dependencies.first().map(|(target, _)| target)) {
        Some(needed) => existing(context, needed),
        None => context.open(),
    }
}

/// What ids begin with where nothing else says so.
fn folder_prefix(context: &Context) -> String {
    let name = context.project.root.file_name().unwrap_or_default();
    ids::prefix_of_folder(&name.to_string_lossy())
}
