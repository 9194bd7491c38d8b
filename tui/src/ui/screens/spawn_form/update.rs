//! How the form answers to keys.

use ratatui::crossterm::event::KeyCode;

use super::command;
use super::model::{Field, Form, What};
use crate::ui::effect::{Effect, Work};
use crate::ui::keys::Key;
use crate::ui::model::Model;
use crate::ui::overlay::ask_to_leave_form;
use crate::ui::problem::Problem;
use crate::ui::update::start_work;

/// Opens the form, with the text of a task where one is named.
pub(crate) fn open(model: &mut Model, text: &str) {
    model.agents.form = Some(Form::new(text));
}

/// A key while the form is there: all are its own.
pub(crate) fn key(model: &mut Model, key: Key) -> Vec<Effect> {
    let Some(form) = &mut model.agents.form else { return Vec::new() };
    match (key.code, key.control) {
        (KeyCode::Esc, _) | (KeyCode::Char('c'), true) if form.has_changed() => ask_to_leave_form(model),
        (KeyCode::Esc, _) | (KeyCode::Char('c'), true) => model.agents.form = None,
        (KeyCode::Enter, _) => return send(model),
        (KeyCode::Char('y'), true) => return copy(model),
        (KeyCode::Tab | KeyCode::Down, _) => turn(form, 1),
        (KeyCode::BackTab | KeyCode::Up, _) => turn(form, Field::ALL.len() - 1),
        (KeyCode::Left | KeyCode::Right | KeyCode::Char(' '), false) => match form.field {
            Field::What => {
                let by = if key.code == KeyCode::Left { What::ALL.len() - 1 } else { 1 };
                form.what = form.what.turned(by);
            }
            Field::Worktree => form.worktree = !form.worktree,
            Field::Port => form.port = !form.port,
            Field::Text | Field::Command => typed(form, key),
        },
        _ => typed(form, key),
    }
    Vec::new()
}

fn typed(form: &mut Form, key: Key) {
    if let Some(input) = form.input() {
        input.key(key);
    }
}

/// Pasted text goes where text is typed.
pub(crate) fn paste(form: &mut Form, text: &str) {
    if let Some(input) = form.input() {
        input.insert(text);
    }
}

fn turn(form: &mut Form, by: usize) {
    let at = Field::ALL.iter().position(|field| *field == form.field).unwrap_or(0);
    form.field = Field::ALL[(at + by) % Field::ALL.len()];
    // A shell has no text.
    if form.field == Field::Text && form.what == What::Shell {
        form.field = Field::ALL[(at + 2 * by) % Field::ALL.len()];
    }
}

fn copy(model: &mut Model) -> Vec<Effect> {
    let Some(form) = &model.agents.form else { return Vec::new() };
    match form.spawn() {
        Ok(spawn) => {
            vec![Effect::Copy { text: command::line(&spawn), what: "the command line".to_owned() }]
        }
        Err((field, missing)) => {
            refuse(model, field, missing);
            Vec::new()
        }
    }
}

fn send(model: &mut Model) -> Vec<Effect> {
    let Some(form) = model.agents.form.as_ref().filter(|form| !form.sent) else { return Vec::new() };
    match form.spawn() {
        Ok(spawn) => {
            let effects = start_work(model, Work::Spawn(Box::new(spawn)));
            if let Some(form) = &mut model.agents.form {
                // Other work may go on.
                form.sent = !effects.is_empty();
            }
            effects
        }
        Err((field, missing)) => {
            refuse(model, field, missing);
            Vec::new()
        }
    }
}

fn refuse(model: &mut Model, field: Field, missing: &str) {
    if let Some(form) = &mut model.agents.form {
        form.field = field;
    }
    model.complain(Problem { kind: "usage", text: missing.to_owned(), hint: None });
}
