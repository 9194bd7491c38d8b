//! A question to a model, while it is being written. It shows the same as a command line.

use ratatui::crossterm::event::KeyCode;

use super::answer;
use super::update::selected;
use crate::ui::effect::Effect;
use crate::ui::field::LongText;
use crate::ui::input::Input;
use crate::ui::keys::Key;
use crate::ui::model::Model;
use crate::ui::overlay::ask_to_leave_form;
use crate::ui::problem::Problem;
use crate::ui::shell::quoted;

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Asked {
    pub(crate) prompt: String,
    /// The type of the task, which chooses the hosts.
    pub(crate) task: Option<String>,
    /// Any that serves the task where `None`.
    pub(crate) model: Option<String>,
    /// This host and no other.
    pub(crate) host: Option<String>,
    /// Never the fallback.
    pub(crate) local: bool,
}

impl Asked {
    /// The line that asks the same, quoted for a shell.
    pub(crate) fn line(&self) -> String {
        let mut line = format!("conclave ask {}", quoted(&self.prompt));
        let options = [("--task", &self.task), ("--model", &self.model), ("--host", &self.host)];
        for (option, value) in options {
            if let Some(value) = value {
                line.extend([" ", option, " ", &quoted(value)]);
            }
        }
        if self.local {
            line.push_str(" --local");
        }
        line
    }
}

/// The parts of the form, from top to bottom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Field {
    Question,
    Host,
    Model,
    Task,
    Cloud,
}

impl Field {
    pub(super) const ALL: [(&'static str, Self); 5] = [
        ("question", Self::Question),
        ("host", Self::Host),
        ("model", Self::Model),
        ("task", Self::Task),
        ("fallback", Self::Cloud),
    ];
}

/// The form.
#[derive(Debug, Clone)]
pub(crate) struct Form {
    pub(crate) field: Field,
    pub(super) question: LongText,
    /// One of `hosts`; whoever is first in line where `None`.
    pub(super) host: Option<usize>,
    /// The hosts that can be named.
    pub(super) hosts: Vec<String>,
    pub(super) model: Input,
    pub(super) task: Input,
    pub(super) local: bool,
    begun: String,
}

impl Form {
    /// What it asks; or what is missing, and where.
    pub(super) fn asked(&self) -> Result<Asked, (Field, &'static str)> {
        let word = |input: &Input| {
            let text = input.text().trim();
            (!text.is_empty()).then(|| text.to_owned())
        };
        if self.question.text().trim().is_empty() {
            return Err((Field::Question, "a question needs words"));
        }
        Ok(Asked {
            prompt: self.question.text().to_owned(),
            task: word(&self.task),
            model: word(&self.model),
            host: self.host.and_then(|at| self.hosts.get(at)).cloned(),
            local: self.local,
        })
    }

    pub(crate) fn has_changed(&self) -> bool {
        self.question.text() != self.begun || !self.model.is_empty() || !self.task.is_empty()
    }

    fn turn_host(&mut self, forward: bool) {
        // Nobody in particular stands before the first.
        let all = self.hosts.len() + 1;
        let at = self.host.map_or(0, |at| at + 1);
        let next = if forward { at + 1 } else { at + all - 1 } % all;
        self.host = next.checked_sub(1);
    }
}

/// Opens the form, for the host that is looked at: each key acts on the one under the cursor. The fallback answers when
/// the others do not, and is not asked alone.
pub(super) fn open(model: &mut Model) {
    let looked_at = match &model.hosts.calls {
        Some(calls) => Some(calls.host.clone()),
        None => selected(&model.hosts).map(|host| host.name.clone()),
    };
    let hosts = model.hosts.found.hosts.iter().filter(|host| !host.fallback);
    let hosts: Vec<String> = hosts.map(|host| host.name.clone()).collect();
    // Who asks again asks something like it.
    let last = model.hosts.answer.as_ref().filter(|_| model.hosts.reads_answer).map(|answer| &answer.asked);
    let named = match last {
        Some(last) => last.host.clone(),
        None => looked_at,
    };
    let text = last.map_or("", |last| last.prompt.as_str());
    let input = |text: Option<&String>| Input::new(text.map_or("", String::as_str));
    model.hosts.form = Some(Form {
        field: Field::Question,
        question: LongText::new(text),
        host: named.and_then(|name| hosts.iter().position(|host| *host == name)),
        hosts,
        model: input(last.and_then(|last| last.model.as_ref())),
        task: input(last.and_then(|last| last.task.as_ref())),
        local: last.is_some_and(|last| last.local),
        begun: text.to_owned(),
    });
}

/// The editor has ended.
pub(crate) fn edited(model: &mut Model, read: Result<String, Problem>) {
    match (read, &mut model.hosts.form) {
        (Ok(text), Some(form)) => form.question.edited(&text),
        (Ok(_), None) => {}
        (Err(problem), _) => model.complain(problem),
    }
}

/// Pasted text goes where text is typed; several lines can only be a question.
pub(crate) fn paste(form: &mut Form, text: &str) {
    match form.field {
        Field::Question => form.question.paste(text),
        Field::Model => form.model.insert(text),
        Field::Task => form.task.insert(text),
        Field::Host | Field::Cloud => {}
    }
}

/// A key while the form is there: all are its own.
pub(crate) fn key(model: &mut Model, key: Key) -> Vec<Effect> {
    let Some(form) = &mut model.hosts.form else { return Vec::new() };
    match (key.code, key.control) {
        (KeyCode::Esc, _) | (KeyCode::Char('c'), true) if form.has_changed() => ask_to_leave_form(model),
        (KeyCode::Esc, _) | (KeyCode::Char('c'), true) => model.hosts.form = None,
        (KeyCode::Enter, _) => return send(model),
        (KeyCode::Char('o'), true) => return vec![Effect::Edit(form.question.text().to_owned())],
        (KeyCode::Char('y'), true) => match form.asked() {
            Ok(asked) => {
                return vec![Effect::Copy { text: asked.line(), what: "the command line".to_owned() }];
            }
            Err((field, missing)) => refuse(model, field, missing),
        },
        (KeyCode::Tab | KeyCode::Down, _) => turn(form, 1),
        (KeyCode::BackTab | KeyCode::Up, _) => turn(form, Field::ALL.len() - 1),
        (KeyCode::Left | KeyCode::Right | KeyCode::Char(' '), false) if form.field == Field::Host => {
            form.turn_host(key.code != KeyCode::Left);
        }
        (KeyCode::Left | KeyCode::Right | KeyCode::Char(' '), false) if form.field == Field::Cloud => {
            form.local = !form.local;
        }
        _ => typed(model, key),
    }
    Vec::new()
}

fn typed(model: &mut Model, key: Key) {
    let Some(form) = &mut model.hosts.form else { return };
    match form.field {
        Field::Question => {
            if let Some(said) = form.question.key(key) {
                model.say(said);
            }
        }
        Field::Model => drop(form.model.key(key)),
        Field::Task => drop(form.task.key(key)),
        Field::Host | Field::Cloud => {}
    }
}

fn turn(form: &mut Form, by: usize) {
    let at = Field::ALL.iter().position(|(_, field)| *field == form.field).unwrap_or(0);
    form.field = Field::ALL[(at + by) % Field::ALL.len()].1;
}

fn send(model: &mut Model) -> Vec<Effect> {
    let Some(form) = &model.hosts.form else { return Vec::new() };
    match form.asked() {
        Ok(asked) => {
            let effects = answer::ask(model, asked);
            if !effects.is_empty() {
                model.hosts.form = None;
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
    if let Some(form) = &mut model.hosts.form {
        form.field = field;
    }
    model.complain(Problem { kind: "usage", text: missing.to_owned(), hint: None });
}
