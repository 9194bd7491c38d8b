//! The commands of the palette that are about hosts, with what was typed behind them.

use super::answer;
use super::deeds::{self, Deed, DeedKind};
use super::form::Asked;
use super::update::{act, find_wanted, keep_in_sight, open_calls};
use crate::ui::effect::Effect;
use crate::ui::keymap::Action;
use crate::ui::model::{Model, Screen};
use crate::ui::problem::Problem;
use crate::ui::update::go;

/// Whether a command is about hosts.
pub(crate) const fn is_about_hosts(action: Action) -> bool {
    matches!(
        action,
        Action::OpenCalls
            | Action::CheckHost
            | Action::OpenHost
            | Action::CloseHost
            | Action::ResetHost
            | Action::AskModel
            | Action::ShowAnswer
    )
}

/// Shows the list with the cursor on this host.
pub(crate) fn go_to(model: &mut Model, name: &str) -> Vec<Effect> {
    let effects = go(model, Screen::Hosts);
    let screen = &mut model.hosts;
    (screen.calls, screen.form, screen.reads_answer) = (None, None, false);
    screen.wanted = Some(name.to_owned());
    find_wanted(model);
    effects
}

/// Runs a command about hosts: of the one that is named, else of the one under the cursor.
pub(crate) fn command(model: &mut Model, action: Action, words: &str) -> Vec<Effect> {
    let mut effects = if model.screen == Screen::Hosts { Vec::new() } else { go(model, Screen::Hosts) };
    model.hosts.reads_answer = false;
    if words.is_empty() {
        if action == Action::CheckHost {
            // As `conclave host check` does.
            effects.extend(deeds::begin(model, Deed { kind: DeedKind::Check, host: String::new() }));
        } else {
            effects.extend(act(model, action));
        }
        return effects;
    }
    if action == Action::AskModel {
        let asked = Asked { prompt: words.to_owned(), ..Asked::default() };
        model.hosts.form = None;
        effects.extend(answer::ask(model, asked));
        return effects;
    }
    model.hosts.calls = None;
    // The hosts may not be read yet: whoever does it knows all of them.
    if let Some(kind) = DeedKind::of(action) {
        effects.extend(deeds::begin(model, Deed { kind, host: words.to_owned() }));
        return effects;
    }
    match model.hosts.found.hosts.iter().position(|host| host.name == words) {
        Some(place) => {
            model.hosts.cursor.selected = place;
            keep_in_sight(model);
            effects.extend(open_calls(model));
        }
        None => model.complain(Problem {
            kind: "not-found",
            text: format!("no host {words:?} is configured, as far as this screen shows"),
            hint: None,
        }),
    }
    effects
}
