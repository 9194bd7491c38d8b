//! The commands of the palette that are about tasks, with what was typed behind them.

use super::filter::SEARCH;
use super::model::Which;
use super::update::{act, apply_filter, selected, shows};
use super::{deed, deeds};
use crate::ui::effect::Effect;
use crate::ui::keymap::Action;
use crate::ui::model::{Model, Screen};
use crate::ui::problem::Problem;
use crate::ui::screens::{task, task_form};
use crate::ui::update::go;

/// Whether a command is about tasks.
pub(crate) const fn is_about_tasks(action: Action) -> bool {
    deeds::is_deed(action)
        || matches!(
            action,
            Action::OpenTask
                | Action::FilterTasks
                | Action::SearchTasks
                | Action::ReadyTasks
                | Action::BlockedTasks
                | Action::SortTasks
        )
}

/// Runs a command about tasks.
pub(crate) fn command(model: &mut Model, action: Action, argument: &str) -> Vec<Effect> {
    let mut effects = if model.screen == Screen::Tasks { Vec::new() } else { go(model, Screen::Tasks) };
    let more = match (action, argument) {
        (Action::ReadyTasks, _) => shows(model, Which::Ready),
        (Action::BlockedTasks, _) => shows(model, Which::Blocked),
        (Action::FilterTasks, text) => {
            model.tasks.open.clear();
            apply_filter(&mut model.tasks, text)
        }
        (Action::SearchTasks, words) => {
            model.tasks.open.clear();
            apply_filter(&mut model.tasks, &format!("{SEARCH}{words}"))
        }
        (Action::NewTask, title) => {
            task_form::open_new(model, title);
            Vec::new()
        }
        (Action::SortTasks, _) => act(model, action),
        (_, "") if model.tasks.open.is_empty() && selected(&model.tasks).is_none() => {
            model.complain(Problem {
                kind: "usage",
                text: "which task?".to_owned(),
                hint: Some("the command with an id behind it".to_owned()),
            });
            Vec::new()
        }
        // Of a task that is open, opening it is nothing new.
        (Action::OpenTask, "") if !model.tasks.open.is_empty() => Vec::new(),
        (action, "") => act(model, action),
        (Action::OpenTask, id) => task::open(model, id),
        (Action::DependTask, ids) if ids.contains(char::is_whitespace) => {
            let (issue, on) = ids.split_once(char::is_whitespace).unwrap_or((ids, ""));
            deeds::depend_on(issue, on.trim())
        }
        (action, id) => deed(model, action, id),
    };
    effects.extend(more);
    effects
}
