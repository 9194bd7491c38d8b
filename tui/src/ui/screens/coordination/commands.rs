//! The commands of the palette that are about leases, with what was typed behind them.

use super::update::{act, ask_to_break, keep_in_sight};
use crate::ui::effect::Effect;
use crate::ui::keymap::Action;
use crate::ui::model::{Model, Screen};
use crate::ui::problem::Problem;
use crate::ui::update::go;

/// Whether a command is about leases.
pub(crate) const fn is_about_leases(action: Action) -> bool {
    matches!(action, Action::OpenLease | Action::BreakLease)
}

/// Runs a command about leases.
pub(crate) fn command(model: &mut Model, action: Action, name: &str) -> Vec<Effect> {
    let effects =
        if model.screen == Screen::Coordination { Vec::new() } else { go(model, Screen::Coordination) };
    let screen = &mut model.coordination;
    if !name.is_empty() {
        screen.open = None;
        let Some(place) = screen.rows.iter().position(|row| row.name == name) else {
            model.complain(Problem {
                kind: "not-found",
                text: format!("no lease {name:?} is held or waited for, as far as this screen shows"),
                hint: None,
            });
            return effects;
        };
        screen.cursor.selected = place;
        keep_in_sight(model);
    }
    if action == Action::BreakLease {
        ask_to_break(model);
    } else {
        drop(act(model, action));
    }
    effects
}
