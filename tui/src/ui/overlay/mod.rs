//! What lies over a screen: help, the palette, what needs you, a question, a line to be typed. While one is
//! there all keys are its own.

mod palette;
mod view;

use conclave_consensus::runs::RunId;
use ratatui::crossterm::event::KeyCode;

pub(crate) use self::palette::Palette;
pub(crate) use self::view::draw;
use self::view::{height_of_help, help_page};
use super::driving;
use super::effect::{Effect, Work, Write};
use super::input::Input;
use super::keymap::{Action, BINDINGS, Binding, Place};
use super::keys::Key;
use super::list::Cursor;
use super::model::{Model, Screen};
use super::screens::{agents, hosts, run, runs, task, tasks};
use super::update::{go, start_work};

/// One overlay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Overlay {
    /// The keys of this place and those that hold everywhere.
    Help {
        place: Place,
        filter: Input,
        top: usize,
    },
    Palette(Palette),
    NeedsYou {
        cursor: Cursor,
    },
    /// A question whose safe answer is no.
    Ask {
        question: String,
        then: Then,
    },
    /// A line to be typed.
    Prompt {
        label: String,
        input: Input,
        purpose: Purpose,
    },
    /// What is to become of the runs in progress.
    Leave,
}

/// What a line is typed for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// The file of an import.
    Import,
    /// The answer to a question of a quality gate.
    Answer { run: RunId, issue: String },
    /// The task that this one depends on.
    DependsOn(String),
}

/// What a yes starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Then {
    Work(Work),
    Cancel(RunId),
    Write(Write),
    /// Do something to a host of models.
    Host(hosts::Deed),
    /// Leave the form with what was typed in it.
    LeaveForm,
    Quit,
}

impl Overlay {
    /// Asks before work that changes something.
    pub(crate) fn ask(question: impl Into<String>, work: Work) -> Self {
        Self::Ask { question: question.into(), then: Then::Work(work) }
    }
}

/// The lines of the help: a heading, or a binding.
pub(crate) fn help_lines(place: Place, filter: &str, read_only: bool) -> Vec<HelpLine> {
    let needle = filter.to_lowercase();
    let matches = |binding: &Binding| {
        binding.is_open(read_only)
            && !binding.key_names_at(place).is_empty()
            && [binding.help, binding.command, &binding.key_names()]
                .iter()
                .any(|text| text.to_lowercase().contains(&needle))
    };
    let mut lines = Vec::new();
    for part in [place, Place::Global, Place::Movement] {
        let bindings: Vec<&Binding> =
            BINDINGS.iter().filter(|binding| binding.place == part && matches(binding)).collect();
        if !bindings.is_empty() {
            lines.push(HelpLine::Heading(part.heading()));
            lines.extend(bindings.into_iter().map(HelpLine::Binding));
        }
    }
    lines
}

/// One line of the help.
#[derive(Debug, Clone, Copy)]
pub(crate) enum HelpLine {
    Heading(&'static str),
    Binding(&'static Binding),
}

/// A key while an overlay is there.
pub(crate) fn key(model: &mut Model, key: Key) -> Vec<Effect> {
    let Some(mut overlay) = model.overlay.take() else { return Vec::new() };
    if key.code == KeyCode::Esc || key == Key::control('c') {
        return Vec::new();
    }
    match &mut overlay {
        Overlay::Help { place, filter, top } => {
            let (lines, seen) = (help_page(model, *place, filter.text()).len(), height_of_help(model));
            let last = lines.saturating_sub(seen);
            match key.code {
                KeyCode::Enter => return Vec::new(),
                KeyCode::Char('?' | 'q') if filter.is_empty() => return Vec::new(),
                KeyCode::Up => *top = top.saturating_sub(1),
                KeyCode::Down => *top = (*top + 1).min(last),
                KeyCode::PageUp => *top = top.saturating_sub(seen.max(1)),
                KeyCode::PageDown => *top = (*top + seen.max(1)).min(last),
                KeyCode::Char('/') if filter.is_empty() => {}
                _ => {
                    if filter.key(key) {
                        *top = 0;
                    }
                }
            }
        }
        Overlay::Palette(palette) => {
            if key.code == KeyCode::Enter {
                let chosen = palette.choose(model);
                let options = palette.has_options();
                return match chosen {
                    palette::Choice::Run(binding, argument) => {
                        let effects = super::commands::run_command(model, binding, &argument);
                        if options {
                            model.tell(
                                "options such as --limit are for the command line: here is the whole list",
                            );
                        }
                        effects
                    }
                    palette::Choice::More(palette) => {
                        model.overlay = Some(Overlay::Palette(palette));
                        Vec::new()
                    }
                    palette::Choice::ReadOnly => {
                        model.complain(super::problem::Problem {
                            kind: "read-only",
                            text: "read-only: this would change the state".to_owned(),
                            hint: Some("start without --read-only".to_owned()),
                        });
                        Vec::new()
                    }
                    palette::Choice::Nothing(typed) => {
                        model.complain(super::problem::Problem {
                            kind: "usage",
                            text: format!("no command {typed:?}"),
                            hint: Some("`:` lists them all".to_owned()),
                        });
                        Vec::new()
                    }
                };
            }
            palette.key(model, key);
        }
        Overlay::NeedsYou { cursor } => match key.code {
            KeyCode::Up | KeyCode::Char('k') => cursor.step(-1, model.needs().count()),
            KeyCode::Down | KeyCode::Char('j') => cursor.step(1, model.needs().count()),
            KeyCode::Enter if model.needs().next().is_some() => {
                let chosen = model.needs().nth(cursor.selected);
                if let Some(spec) =
                    chosen.filter(|need| need.kind == "pipeline").map(|need| need.name.clone())
                {
                    let mut effects = go(model, Screen::Runs);
                    model.run = None;
                    effects.extend(runs::apply_filter(&mut model.runs, &format!("spec:{spec}")));
                    return effects;
                }
                if let Some(id) = chosen.filter(|need| need.kind == "agent").map(|need| need.name.clone()) {
                    return agents::go_to(model, &id);
                }
                if let Some(name) = chosen.filter(|need| need.kind == "host").map(|need| need.name.clone()) {
                    return hosts::go_to(model, &name);
                }
                if let Some(id) = chosen.filter(|need| need.kind == "task").map(|need| need.name.clone()) {
                    let mut effects = go(model, Screen::Tasks);
                    effects.extend(task::open(model, &id));
                    return effects;
                }
                let run = chosen.filter(|need| matches!(need.kind, "gate" | "run"));
                let Some((kind, id)) = run.and_then(|need| Some((need.kind, need.name.parse().ok()?))) else {
                    // All else is seen there, and dealt with from there.
                    return go(model, Screen::Storage);
                };
                let mut effects = go(model, Screen::Runs);
                effects.extend(run::open(model, RunId(id)));
                if kind == "gate" {
                    run::go_to(model, run::Tab::Questions);
                }
                return effects;
            }
            KeyCode::Char('r') if !model.setting.read_only => {
                let chosen = model.needs().nth(cursor.selected);
                let effects = chosen.and_then(|need| match need.kind {
                    "pipeline" => Some(vec![Effect::Auto(need.name.clone())]),
                    "run" => Some(vec![Effect::GoOn(RunId(need.name.parse().ok()?))]),
                    _ => None,
                });
                if let Some(effects) = effects {
                    return effects;
                }
            }
            KeyCode::Char('q' | '!') | KeyCode::Enter => return Vec::new(),
            _ => {}
        },
        Overlay::Ask { then, .. } => {
            return match key.code {
                KeyCode::Char('y' | 'Y') => match then.clone() {
                    Then::Work(work) => start_work(model, work),
                    Then::Cancel(run) => vec![Effect::Cancel(run)],
                    Then::Write(write) => vec![Effect::Write(write)],
                    Then::Host(deed) => hosts::start(model, deed),
                    Then::LeaveForm => {
                        leave_form(model);
                        Vec::new()
                    }
                    Then::Quit => vec![Effect::Quit],
                },
                KeyCode::Char('n' | 'N' | 'q') | KeyCode::Enter => Vec::new(),
                _ => {
                    model.overlay = Some(overlay);
                    Vec::new()
                }
            };
        }
        Overlay::Prompt { input, purpose, .. } => {
            if key.code == KeyCode::Enter {
                let text = input.text().trim().to_owned();
                return match purpose {
                    _ if text.is_empty() => Vec::new(),
                    Purpose::Import => start_work(model, Work::Import(text.into())),
                    Purpose::Answer { run, issue } => {
                        vec![Effect::Answer { run: *run, issue: issue.clone(), text }]
                    }
                    Purpose::DependsOn(issue) => tasks::depend_on(issue, &text),
                };
            }
            if let (KeyCode::Tab, Purpose::DependsOn(issue)) = (key.code, &*purpose) {
                if let Some(id) = tasks::completed(model, issue, input.text().trim()) {
                    *input = Input::new(&id);
                }
            } else {
                input.key(key);
            }
        }
        Overlay::Leave => {
            return match key.code {
                KeyCode::Char('w' | 'W') => driving::wait(model),
                KeyCode::Char('c' | 'C') => driving::cancel_and_quit(model),
                // The agents are ended with the program; their runs are taken up again by whoever resumes them.
                KeyCode::Char('l' | 'L') => vec![Effect::Quit],
                KeyCode::Char('s' | 'S' | 'n' | 'q') | KeyCode::Enter => {
                    model.leaving = false;
                    Vec::new()
                }
                _ => {
                    model.overlay = Some(overlay);
                    Vec::new()
                }
            };
        }
    }
    model.overlay = Some(overlay);
    Vec::new()
}

/// Asks whether a form that has been changed is to be left; the safe answer is to stay.
pub(crate) fn ask_to_leave_form(model: &mut Model) {
    let question = "Leave the form? What was changed in it is lost.".to_owned();
    model.overlay = Some(Overlay::Ask { question, then: Then::LeaveForm });
}

fn leave_form(model: &mut Model) {
    match model.place() {
        Place::Form => model.form = None,
        Place::SpawnForm => model.agents.form = None,
        Place::AskForm => model.hosts.form = None,
        _ => model.tasks.form = None,
    }
}

/// Pasted text goes where text is typed.
pub(crate) fn paste(overlay: &mut Overlay, text: &str) {
    match overlay {
        Overlay::Help { filter, top, .. } => {
            filter.insert(text);
            *top = 0;
        }
        Overlay::Palette(palette) => palette.paste(text),
        Overlay::Prompt { input, .. } => input.insert(text),
        Overlay::NeedsYou { .. } | Overlay::Ask { .. } | Overlay::Leave => {}
    }
}

/// Opens the overlay of an action, where it has one.
pub(crate) fn open(model: &mut Model, action: Action) {
    let place = model.place();
    model.overlay = match action {
        Action::Help => Some(Overlay::Help { place, filter: Input::default(), top: 0 }),
        Action::Palette => Some(Overlay::Palette(Palette::new(place))),
        Action::NeedsYou => Some(Overlay::NeedsYou { cursor: Cursor::default() }),
        Action::Import => Some(Overlay::Prompt {
            label: "import which file".to_owned(),
            input: Input::default(),
            purpose: Purpose::Import,
        }),
        _ => None,
    };
}
