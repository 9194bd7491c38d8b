//! How the form answers to keys.

use std::sync::Arc;

use ratatui::crossterm::event::KeyCode;

use super::command;
use super::model::{Field, Form};
use crate::ui::effect::Effect;
use crate::ui::input::Input;
use crate::ui::keys::Key;
use crate::ui::model::Model;
use crate::ui::overlay::ask_to_leave_form;
use crate::ui::problem::Problem;
use crate::ui::screens::tasks::Detail;

/// Types that the arrow keys go through.
const TYPES: [&str; 5] = ["task", "bug", "feature", "epic", "chore"];
/// Priorities, the most urgent first.
const PRIORITIES: [&str; 5] = ["0", "1", "2", "3", "4"];

/// Opens the form of a new task.
pub(crate) fn open_new(model: &mut Model, title: &str) {
    model.tasks.form = Some(Form::new(title));
}

/// Opens the form of a task that is there.
pub(crate) fn open_edit(model: &mut Model, detail: &Arc<Detail>) {
    model.tasks.form = Some(Form::of(detail));
}

/// The editor has ended.
pub(crate) fn edited(model: &mut Model, read: Result<String, Problem>) {
    match (read, &mut model.tasks.form) {
        (Ok(text), Some(form)) => {
            form.field = Field::Description;
            form.description.edited(&text);
        }
        (Ok(_), None) => {}
        (Err(problem), _) => model.complain(problem),
    }
}

/// A key while the form is there: all are its own.
pub(crate) fn key(model: &mut Model, key: Key) -> Vec<Effect> {
    let Some(form) = &mut model.tasks.form else { return Vec::new() };
    match (key.code, key.control) {
        (KeyCode::Esc, _) | (KeyCode::Char('c'), true) if form.has_changed() => ask_to_leave_form(model),
        (KeyCode::Esc, _) | (KeyCode::Char('c'), true) => model.tasks.form = None,
        (KeyCode::Enter, _) => return send(model),
        (KeyCode::Char('o'), true) => return vec![Effect::Edit(form.description.text().to_owned())],
        (KeyCode::Char('y'), true) => return copy(model),
        (KeyCode::Tab | KeyCode::Down, _) => turn(form, 1),
        (KeyCode::BackTab | KeyCode::Up, _) => turn(form, Field::ALL.len() - 1),
        (KeyCode::Left | KeyCode::Right, _) if form.field == Field::Priority => {
            form.priority = next(&PRIORITIES, &form.priority, key.code == KeyCode::Right);
        }
        (KeyCode::Left | KeyCode::Right, _) if form.field == Field::Type => {
            form.kind = next(&TYPES, &form.kind, key.code == KeyCode::Right);
        }
        // A priority is one digit: the next one stands instead of it.
        (KeyCode::Char(digit @ '0'..='9'), false) if form.field == Field::Priority => {
            form.priority = Input::new(digit.encode_utf8(&mut [0; 4]));
        }
        _ if form.field == Field::Description => {
            if let Some(said) = form.description.key(key) {
                model.say(said);
            }
        }
        _ => drop(form.input(form.field).key(key)),
    }
    Vec::new()
}

/// The choice behind the one that stands in the field, or the one before it.
fn next(choices: &[&str], input: &Input, forward: bool) -> Input {
    let by = if forward { 1 } else { choices.len() - 1 };
    let at = choices.iter().position(|choice| *choice == input.text().trim());
    let next = at.map_or(0, |at| (at + by) % choices.len());
    Input::offering(choices.get(next).copied().unwrap_or_default())
}

/// Pasted text goes where text is typed; several lines can only be a description.
pub(crate) fn paste(form: &mut Form, text: &str) {
    match form.field {
        Field::Description => form.description.paste(text),
        field => form.input(field).insert(text),
    }
}

fn turn(form: &mut Form, by: usize) {
    let at = Field::ALL.iter().position(|(_, field)| *field == form.field).unwrap_or(0);
    form.field = Field::ALL[(at + by) % Field::ALL.len()].1;
}

fn copy(model: &mut Model) -> Vec<Effect> {
    let Some(form) = &model.tasks.form else { return Vec::new() };
    if let Some(before) = &form.before {
        return vec![Effect::Copy { text: before.row.id.clone(), what: "the task's id".to_owned() }];
    }
    match form.asked() {
        Ok(asked) => {
            vec![Effect::Copy { text: command::line(&asked), what: "the command line".to_owned() }]
        }
        Err((field, missing)) => {
            refuse(model, field, missing);
            Vec::new()
        }
    }
}

fn send(model: &mut Model) -> Vec<Effect> {
    let Some(form) = model.tasks.form.as_mut().filter(|form| !form.sent) else { return Vec::new() };
    match form.write() {
        Ok(Some(write)) => {
            form.sent = true;
            vec![Effect::Write(write)]
        }
        Ok(None) => {
            model.tasks.form = None;
            model.say("nothing has changed");
            Vec::new()
        }
        Err((field, missing)) => {
            refuse(model, field, missing);
            Vec::new()
        }
    }
}

fn refuse(model: &mut Model, field: Field, missing: &str) {
    if let Some(form) = &mut model.tasks.form {
        form.field = field;
    }
    model.complain(Problem { kind: "usage", text: missing.to_owned(), hint: None });
}
