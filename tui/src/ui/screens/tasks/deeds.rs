//! What is done to tasks from here: claim, close, reopen, edit, new, depends, delete.

use std::sync::Arc;

use super::row::{Detail, Row};
use super::update::{refresh, selected};
use crate::ui::effect::{Effect, Read, Write};
use crate::ui::input::Input;
use crate::ui::keymap::Action;
use crate::ui::message::Written;
use crate::ui::model::{Model, Screen};
use crate::ui::overlay::{Overlay, Purpose, Then};
use crate::ui::problem::Problem;
use crate::ui::screens::task_form;

/// Whether an action changes tasks.
pub(super) const fn is_deed(action: Action) -> bool {
    matches!(
        action,
        Action::ClaimTask
            | Action::CloseTask
            | Action::ReopenTask
            | Action::EditTask
            | Action::NewTask
            | Action::DependTask
            | Action::DeleteTask
    )
}

/// The task that is looked at: the one that is open, else the one under the cursor.
fn here(model: &Model) -> Option<String> {
    let open = model.tasks.open.last();
    open.map(|open| open.id.clone()).or_else(|| selected(&model.tasks).map(|row| row.id.clone()))
}

/// Does it to the task that is looked at.
pub(super) fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    if action == Action::NewTask {
        task_form::open_new(model, "");
        return Vec::new();
    }
    match here(model) {
        Some(id) => deed(model, action, &id),
        None => Vec::new(),
    }
}

/// Does it to a task, or asks first.
pub(crate) fn deed(model: &mut Model, action: Action, id: &str) -> Vec<Effect> {
    let named = name(model, id);
    let id = id.to_owned();
    let (question, write) = match action {
        Action::ClaimTask => return vec![Effect::Write(Write::Claim(id))],
        Action::ReopenTask => return vec![Effect::Write(Write::Reopen(id))],
        Action::EditTask => return begin_edit(model, id),
        Action::DependTask => {
            model.overlay = Some(Overlay::Prompt {
                label: format!("{id} waits for which task"),
                input: Input::default(),
                purpose: Purpose::DependsOn(id),
            });
            return Vec::new();
        }
        Action::CloseTask => (format!("Close {named}?"), Write::Close { id, force: false }),
        Action::DeleteTask => {
            (format!("Delete {named}? A tombstone stays; its id is never given again."), Write::Delete(id))
        }
        _ => return Vec::new(),
    };
    model.overlay = Some(Overlay::Ask { question, then: Then::Write(write) });
    Vec::new()
}

/// What is typed behind the question of what a task depends on.
pub(crate) fn depend_on(issue: &str, on: &str) -> Vec<Effect> {
    vec![Effect::Write(Write::Depend { issue: issue.to_owned(), on: on.to_owned() })]
}

/// The id among those that are loaded that the typed one may mean, other than that of the task itself: the first that
/// has it, else the first whose title does.
pub(crate) fn completed(model: &Model, issue: &str, typed: &str) -> Option<String> {
    let others = || model.tasks.rows.iter().filter(|row| row.id != issue);
    let by_id = others().find(|row| row.id.contains(typed));
    let found = by_id.or_else(|| others().find(|row| crate::ui::fuzzy::score(typed, &row.title).is_some()));
    found.map(|row| row.id.clone())
}

fn known<'model>(model: &'model Model, id: &str) -> Option<&'model Row> {
    let tasks = &model.tasks;
    let opened = tasks.open.iter().filter_map(|open| open.detail.as_ref()).map(|detail| &detail.row);
    tasks.rows.iter().chain(opened).find(|row| row.id == id)
}

/// The id with its title, where that is known.
fn name(model: &Model, id: &str) -> String {
    match known(model, id) {
        Some(row) if !row.title.is_empty() => format!("{id} \"{}\"", row.title),
        _ => id.to_owned(),
    }
}

/// Opens the form of a task, as soon as the whole of it is known.
fn begin_edit(model: &mut Model, id: String) -> Vec<Effect> {
    model.tasks.to_edit = Some(id.clone());
    vec![Effect::Read(Read::Task { id, whole: false })]
}

/// The task that is to be edited is known.
pub(super) fn edit(model: &mut Model, detail: &Arc<Detail>) {
    // Whoever has gone on to another screen meanwhile is not to be interrupted.
    if model.screen == Screen::Tasks && model.overlay.is_none() && model.form.is_none() {
        task_form::open_edit(model, detail);
    }
}

/// What to say where there is no such task.
pub(super) fn no_such(id: &str) -> Problem {
    Problem {
        kind: "not-found",
        text: format!("no task {id:?}"),
        hint: Some("the id as the list shows it, or its part after the prefix".to_owned()),
    }
}

/// Something was done to a task, or could not be.
pub(crate) fn written(model: &mut Model, write: &Write, outcome: Result<Written, Problem>) -> Vec<Effect> {
    let is_of_form = matches!(write, Write::Create(_) | Write::Update { .. });
    match outcome {
        Ok(Written { said, changed, id }) => {
            if is_of_form && model.tasks.form.as_ref().is_some_and(|form| form.sent) {
                model.tasks.form = None;
            }
            if matches!(write, Write::Create(_)) {
                model.tasks.wanted = id;
            }
            if changed {
                model.say(said);
            } else {
                model.tell(said);
            }
        }
        Err(problem) => {
            if is_of_form && let Some(form) = &mut model.tasks.form {
                form.sent = false;
            }
            let may_force = problem.kind == "refused" && model.overlay.is_none();
            if let Write::Close { id, force: false } = write
                && may_force
            {
                let question = format!("{}. Close {id} all the same?", problem.text.trim_end_matches('.'));
                let then = Then::Write(Write::Close { id: id.clone(), force: true });
                model.overlay = Some(Overlay::Ask { question, then });
                return Vec::new();
            }
            model.complain(problem);
        }
    }
    refresh(model)
}
