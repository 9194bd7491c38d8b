//! What lies over a screen: help, the palette, what needs you, a question, a line to be typed. While one is
//! there all keys are its own.

mod palette;
mod view;

use ratatui::crossterm::event::KeyCode;

pub(crate) use self::palette::Palette;
pub(crate) use self::view::draw;
use self::view::{height_of_help, help_page};
use super::effect::{Effect, Work};
use super::input::Input;
use super::keymap::{Action, BINDINGS, Binding, Place};
use super::keys::Key;
use super::list::Cursor;
use super::model::{Model, Screen};
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
        label: &'static str,
        input: Input,
    },
}

/// What a yes starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Then {
    Work(Work),
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
            && !binding.keys.is_empty()
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
                return match chosen {
                    palette::Choice::Run(binding, argument) => {
                        super::update::run_command(model, binding, &argument)
                    }
                    palette::Choice::More(palette) => {
                        model.overlay = Some(Overlay::Palette(palette));
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
            // All that can wait so far is seen there, and dealt with from there.
            KeyCode::Enter if model.needs().next().is_some() => return go(model, Screen::Storage),
            KeyCode::Char('q' | '!') | KeyCode::Enter => return Vec::new(),
            _ => {}
        },
        Overlay::Ask { then, .. } => {
            return match key.code {
                KeyCode::Char('y' | 'Y') => match then.clone() {
                    Then::Work(work) => start_work(model, work),
                    Then::Quit => vec![Effect::Quit],
                },
                KeyCode::Char('n' | 'N' | 'q') | KeyCode::Enter => Vec::new(),
                _ => {
                    model.overlay = Some(overlay);
                    Vec::new()
                }
            };
        }
        Overlay::Prompt { input, .. } => {
            if key.code == KeyCode::Enter {
                let path = input.text().trim().to_owned();
                return if path.is_empty() {
                    Vec::new()
                } else {
                    start_work(model, Work::Import(path.into()))
                };
            }
            input.key(key);
        }
    }
    model.overlay = Some(overlay);
    Vec::new()
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
        Overlay::NeedsYou { .. } | Overlay::Ask { .. } => {}
    }
}

/// Opens the overlay of an action, where it has one.
pub(crate) fn open(model: &mut Model, action: Action) {
    let place = model.place();
    model.overlay = match action {
        Action::Help => Some(Overlay::Help { place, filter: Input::default(), top: 0 }),
        Action::Palette => Some(Overlay::Palette(Palette::new(place))),
        Action::NeedsYou => Some(Overlay::NeedsYou { cursor: Cursor::default() }),
        Action::Import => Some(Overlay::Prompt { label: "import which file", input: Input::default() }),
        _ => None,
    };
}
