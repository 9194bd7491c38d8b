//! `conclave task update`

use conclave_tasks::work::{self, Change, Set};

use super::args::UpdateFields;
use super::values::{LabelList, Minutes};
use super::{claim, document, existing, find_all, issue_type, listing, moment_text, standard_input};
use crate::cli::context::Context;
use crate::failure::{Doing, Exit, Failure};

pub(super) fn run(context: &Context, line: UpdateFields) -> Result<Exit, Failure> {
    let given = line.ids.ids;
    if line.claim {
        return match given.as_slice() {
            [id] => claim::one(context, id, line.ttl),
            _ => Err(Failure::usage("--claim takes one task at a time")
                .hint("`conclave task ready --claim --limit N` takes several")),
        };
    }
    let fields = line.changes;
    let [description, design, acceptance, notes, result, error] = standard_input::resolve([
        ("--description", fields.description),
        ("--design", fields.design),
        ("--acceptance", fields.acceptance),
        ("--notes", fields.notes),
        ("--result", fields.result),
        ("--error", fields.error),
    ])?;
    let settings = &context.project.config.tasks;
    let change = Change {
        status: fields.status,
        title: fields.title,
        description: set(description),
        design: set(design),
        acceptance_criteria: set(acceptance),
        notes: set(notes),
        priority: fields.priority,
        issue_type: fields.kind.as_deref().map(|kind| issue_type(context, kind)).transpose()?,
        assignee: set(fields.assignee),
        due_at: set(fields.due.as_ref().map(|due| moment_text(due).unwrap_or_default())),
        defer_until: set(fields.defer.as_ref().map(|until| moment_text(until).unwrap_or_default())),
        external_ref: set(fields.external_ref),
        estimated_minutes: match fields.estimate {
            None => Set::Keep,
            Some(Minutes(None)) => Set::Clear,
            Some(Minutes(Some(minutes))) => Set::To(minutes),
        },
        result: set(result),
        error: set(error),
        attempt: fields.attempt,
        add_labels: fields.add_labels,
        remove_labels: fields.remove_labels,
        set_labels: fields.set_labels.map(|LabelList(labels)| labels),
        statuses: Vec::new(),
    };
    if change == Change::default() {
        return Err(Failure::usage("nothing is to be changed").hint("see `conclave task update --help`"));
    }
    let change = Change { statuses: settings.statuses.clone().unwrap_or_default(), ..change };
    let db = existing(context, given.first().map_or("", String::as_str))?;
    let ids = find_all(&db, &given)?;
    let rows = work::update(&db, &context.actor, &ids, change).doing("update")?;
    Context::tidy_up(&db);
    if context.output.json {
        document(context, &rows)?;
    } else {
        context.output.print(listing::done("updated", &rows))?;
    }
    Ok(Exit::Done)
}

/// An empty text clears.
fn set(text: Option<String>) -> Set<String> {
    match text {
        None => Set::Keep,
        Some(text) if text.is_empty() => Set::Clear,
        Some(text) => Set::To(text),
    }
}
