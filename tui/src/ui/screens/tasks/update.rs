//! How the lists of tasks answer to keys and to changes of the state.

use conclave_tasks::read::Sort;
use ratatui::crossterm::event::KeyCode;

use super::filter::Filter;
use super::model::{Tasks, Which};
use super::row::Row;
use super::window::{ask, ask_preview, keep_in_sight};
use super::{deeds, view};
use crate::ui::effect::{Effect, Part, Read};
use crate::ui::input::Input;
use crate::ui::keymap::Action;
use crate::ui::keys::Key;
use crate::ui::list::Cursor;
use crate::ui::model::{Model, Screen, State};
use crate::ui::screens::task;

/// The task under the cursor.
pub(crate) fn selected(tasks: &Tasks) -> Option<&Row> {
    tasks.rows.get(tasks.cursor.selected)
}

/// Carries out an action of the lists.
pub(crate) fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    if deeds::is_deed(action) {
        return deeds::act(model, action);
    }
    let page = isize::try_from(view::list_height(model).max(1)).unwrap_or(1);
    let tasks = &mut model.tasks;
    let length = tasks.rows.len();
    match action {
        Action::Up => tasks.cursor.step(-1, length),
        Action::Down => tasks.cursor.step(1, length),
        Action::PageUp => tasks.cursor.step(-page, length),
        Action::PageDown => tasks.cursor.step(page, length),
        Action::Top if tasks.at_start() => tasks.cursor.selected = 0,
        Action::Top => return vec![ask(tasks, Part::First, None)],
        Action::Bottom if tasks.at_end => tasks.cursor.selected = length.saturating_sub(1),
        Action::Bottom => return vec![ask(tasks, Part::Last, None)],
        Action::NextTab => return show(tasks, tasks.which.turned(1)),
        Action::PreviousTab => return show(tasks, tasks.which.turned(Which::ALL.len() - 1)),
        Action::SortTasks if tasks.which == Which::Ready => {
            tasks.sort = match tasks.sort {
                Sort::Priority => Sort::Oldest,
                Sort::Oldest => Sort::Hybrid,
                Sort::Hybrid => Sort::Priority,
            };
            return begin(tasks);
        }
        Action::SortTasks => model.say("only the ready list has other orders than its own"),
        Action::FilterTasks => tasks.editing = Some(Input::new(tasks.filter.text())),
        Action::OpenTask => {
            let Some(id) = selected(tasks).map(|row| row.id.clone()) else { return Vec::new() };
            return task::open(model, &id);
        }
        Action::Copy => {
            let Some(id) = selected(tasks).map(|row| row.id.clone()) else { return Vec::new() };
            return vec![Effect::Copy { text: id, what: "the task's id".to_owned() }];
        }
        Action::Back if !tasks.filter.is_empty() => return apply_filter(tasks, ""),
        _ => {}
    }
    keep_in_sight(model)
}

/// Shows one of the lists, from its beginning.
fn show(tasks: &mut Tasks, which: Which) -> Vec<Effect> {
    tasks.which = which;
    begin(tasks)
}

/// The same for a command.
pub(crate) fn shows(model: &mut Model, which: Which) -> Vec<Effect> {
    model.tasks.open.clear();
    model.tasks.filter = Filter::default();
    show(&mut model.tasks, which)
}

/// A key while the filter is being typed.
pub(crate) fn key_in_filter(model: &mut Model, key: Key) -> Vec<Effect> {
    let tasks = &mut model.tasks;
    let Some(input) = &mut tasks.editing else { return Vec::new() };
    match key.code {
        KeyCode::Esc => {
            tasks.editing = None;
            apply_filter(tasks, "")
        }
        KeyCode::Enter | KeyCode::Down | KeyCode::Up => {
            tasks.editing = None;
            Vec::new()
        }
        _ if input.key(key) => {
            let text = input.text().to_owned();
            apply_filter(tasks, &text)
        }
        _ => Vec::new(),
    }
}

/// Shows only what matches, from the beginning of the list.
pub(crate) fn apply_filter(tasks: &mut Tasks, text: &str) -> Vec<Effect> {
    let filter = Filter::parse(text);
    if filter == tasks.filter {
        return Vec::new();
    }
    tasks.filter = filter;
    begin(tasks)
}

/// The list from its beginning, and the counts of all.
pub(crate) fn begin(tasks: &mut Tasks) -> Vec<Effect> {
    tasks.rows.clear();
    tasks.loaded = false;
    tasks.preview = None;
    tasks.asked_for = None;
    tasks.news.clear();
    tasks.cursor = Cursor::default();
    vec![ask(tasks, Part::First, None), Effect::Read(Read::TaskCounts)]
}

/// Someone changed the state, or somebody comes back to the screen: the same window again.
pub(crate) fn changed(model: &mut Model) -> Vec<Effect> {
    let tasks = &mut model.tasks;
    let mut effects = if tasks.loaded {
        let start = tasks.start.clone();
        vec![ask(tasks, Part::Again, start), Effect::Read(Read::TaskCounts)]
    } else {
        begin(tasks)
    };
    effects.extend(ask_preview(tasks, true));
    effects.extend(task::ask_again(tasks));
    effects
}

/// The same, where the screen is the one that is seen; elsewhere it is read when somebody comes to it.
pub(crate) fn refresh(model: &mut Model) -> Vec<Effect> {
    if model.screen != Screen::Tasks || model.state != State::Ready {
        return Vec::new();
    }
    changed(model)
}

/// A second has passed: a claim that has just expired is told by no change of the state.
pub(crate) fn tick(model: &mut Model) -> Vec<Effect> {
    let now = model.now_ms;
    let has_expired = |row: &Row| row.expires.is_some_and(|at| at <= now);
    let opened = model.tasks.open.iter().filter_map(|open| open.detail.as_ref()).map(|detail| &detail.row);
    let expired = model.tasks.rows.iter().chain(opened).any(has_expired);
    if expired && !model.tasks.waiting { refresh(model) } else { Vec::new() }
}
