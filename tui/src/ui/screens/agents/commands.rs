//! The commands of the palette that are about agents, with what was typed behind them.

use super::deeds;
use super::update::{act, go_to, selected};
use crate::ui::effect::Effect;
use crate::ui::keymap::Action;
use crate::ui::model::{Model, Screen};
use crate::ui::problem::Problem;
use crate::ui::screens::spawn_form;
use crate::ui::update::go;

/// Whether a command is about agents.
pub(crate) const fn is_about_agents(action: Action) -> bool {
    deeds::is_deed(action) || matches!(action, Action::StreamAgent)
}

/// Runs a command about agents.
pub(crate) fn command(model: &mut Model, action: Action, argument: &str) -> Vec<Effect> {
    let mut effects = if model.screen == Screen::Agents { Vec::new() } else { go(model, Screen::Agents) };
    let more = match (action, argument) {
        (Action::SpawnAgent, text) => {
            spawn_form::open(model, text);
            Vec::new()
        }
        (_, "") if selected(&model.agents).is_none() => {
            model.complain(Problem {
                kind: "usage",
                text: "which agent?".to_owned(),
                hint: Some("the command with an id behind it".to_owned()),
            });
            Vec::new()
        }
        (Action::StreamAgent, id) => {
            let effects = if id.is_empty() { Vec::new() } else { go_to(model, id) };
            if !id.is_empty() && selected(&model.agents).is_none_or(|row| row.id != id) {
                // It may be one that was not read yet: the cursor goes there when it is.
                effects
            } else {
                effects.into_iter().chain(act(model, Action::StreamAgent)).collect()
            }
        }
        (action, "") => act(model, action),
        (action, id) => deeds::by_id(model, action, id),
    };
    effects.extend(more);
    effects
}
