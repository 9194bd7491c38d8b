//! How the form answers to keys.

use ratatui::crossterm::event::KeyCode;

use super::command;
use super::model::{Choice, Field, Form};
use crate::ui::effect::{Effect, Read};
use crate::ui::input::Input;
use crate::ui::keys::Key;
use crate::ui::model::Model;
use crate::ui::overlay::ask_to_leave_form;
use crate::ui::problem::Problem;

/// Stages that the arrow keys go through.
const STAGES: [&str; 9] =
    ["plan", "tasks", "implement", "validate", "audit", "unlock", "clarify", "checklist", "analyze"];

/// Opens the form, with the spec that was looked at or that was named.
pub(crate) fn open(model: &mut Model, spec: Option<&str>) -> Vec<Effect> {
    let here = crate::ui::screens::runs::selected(&model.runs);
    let spec = match (spec, here) {
        (Some(named), _) => Input::new(named),
        (None, Some(run)) => Input::offering(&run.spec),
        (None, None) => Input::default(),
    };
    model.form = Some(Form::new(spec));
    vec![Effect::Read(Read::Roster)]
}

/// Who can be asked has become known.
pub(crate) fn roster(model: &mut Model, read: Result<Vec<Choice>, Problem>) {
    match (read, &mut model.form) {
        (Ok(choices), Some(form)) => form.choices = Some(choices),
        (Ok(_), None) => {}
        (Err(problem), form) => {
            if let Some(form) = form {
                form.choices = Some(Vec::new());
            }
            model.complain(problem);
        }
    }
}

/// The editor has ended.
pub(crate) fn edited(model: &mut Model, read: Result<String, Problem>) {
    match (read, &mut model.form) {
        (Ok(text), Some(form)) => form.prompt.edited(&text),
        (Ok(_), None) => {}
        (Err(problem), _) => model.complain(problem),
    }
}

/// A key while the form is there: all are its own.
pub(crate) fn key(model: &mut Model, key: Key) -> Vec<Effect> {
    let Some(form) = &mut model.form else { return Vec::new() };
    let in_agents = form.field == Field::Agents;
    match (key.code, key.control) {
        (KeyCode::Esc, _) | (KeyCode::Char('c'), true) if form.has_changed() => ask_to_leave_form(model),
        (KeyCode::Esc, _) | (KeyCode::Char('c'), true) => model.form = None,
        (KeyCode::Enter, _) => return send(model),
        (KeyCode::Char('o'), true) => {
            let text = form.prompt().unwrap_or_default().to_owned();
            return vec![Effect::Edit(text)];
        }
        (KeyCode::Char('y'), true) => match form.asked() {
            Ok(asked) => {
                let what = "the command line".to_owned();
                return vec![Effect::Copy { text: command::line(&asked), what }];
            }
            Err((field, missing)) => refuse(model, field, missing),
        },
        (KeyCode::Up, _) if in_agents && form.agent > 0 => form.agent -= 1,
        (KeyCode::Down, _) if in_agents && form.agent + 1 < form.choices().len() => form.agent += 1,
        (KeyCode::Tab | KeyCode::Down, _) => turn(form, 1),
        (KeyCode::BackTab | KeyCode::Up, _) => turn(form, Field::ALL.len() - 1),
        (KeyCode::Char(' '), false) if in_agents => form.toggle(),
        (KeyCode::Left | KeyCode::Right, _) if form.field == Field::Stage => {
            let by = if key.code == KeyCode::Right { 1 } else { STAGES.len() - 1 };
            let at = STAGES.iter().position(|stage| *stage == form.stage.text().trim());
            let next = at.map_or(0, |at| (at + by) % STAGES.len());
            form.stage = Input::offering(STAGES[next]);
        }
        _ => typed(model, key),
    }
    Vec::new()
}

fn typed(model: &mut Model, key: Key) {
    let Some(form) = &mut model.form else { return };
    match form.field {
        Field::Agents => {}
        Field::Spec => drop(form.spec.key(key)),
        Field::Stage => drop(form.stage.key(key)),
        Field::Quorum => drop(form.quorum.key(key)),
        Field::Prompt => {
            if let Some(said) = form.prompt.key(key) {
                model.say(said);
            }
        }
    }
}

/// Pasted text goes where text is typed; several lines can only be a prompt.
pub(crate) fn paste(form: &mut Form, text: &str) {
    match form.field {
        Field::Prompt => form.prompt.paste(text),
        Field::Spec => form.spec.insert(text),
        Field::Stage => form.stage.insert(text),
        Field::Quorum => form.quorum.insert(text),
        Field::Agents => {}
    }
}

fn turn(form: &mut Form, by: usize) {
    let at = Field::ALL.iter().position(|(_, field)| *field == form.field).unwrap_or(0);
    form.field = Field::ALL[(at + by) % Field::ALL.len()].1;
    form.agent = if by == 1 { 0 } else { form.choices().len().saturating_sub(1) };
}

fn send(model: &mut Model) -> Vec<Effect> {
    let Some(form) = model.form.as_mut().filter(|form| !form.sent) else { return Vec::new() };
    match form.asked() {
        Ok(asked) => {
            form.sent = true;
            vec![Effect::Begin(Box::new(asked))]
        }
        Err((field, missing)) => {
            refuse(model, field, missing);
            Vec::new()
        }
    }
}

fn refuse(model: &mut Model, field: Field, missing: &str) {
    if let Some(form) = &mut model.form {
        form.field = field;
    }
    model.complain(Problem { kind: "usage", text: missing.to_owned(), hint: None });
}
