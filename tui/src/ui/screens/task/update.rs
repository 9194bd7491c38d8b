//! How the page of a task answers to keys, and to what is read.

use std::sync::Arc;

use super::model::Open;
use super::{page, view};
use crate::ui::effect::{Effect, Read};
use crate::ui::keymap::Action;
use crate::ui::model::Model;
use crate::ui::screens::tasks::{self, Detail, Tasks};

/// Most tasks that are open one over the other: the first ones are left out.
const DEEPEST: usize = 50;

/// Opens a task, by its id or a short form of it.
pub(crate) fn open(model: &mut Model, id: &str) -> Vec<Effect> {
    let open = &mut model.tasks.open;
    if open.len() >= DEEPEST {
        open.remove(0);
    }
    open.push(Open::new(id));
    vec![Effect::Read(Read::Task { id: id.to_owned(), whole: true })]
}

/// Asks for the open task again.
pub(crate) fn ask_again(tasks: &Tasks) -> Option<Effect> {
    let open = tasks.open.last()?;
    Some(Effect::Read(Read::Task { id: open.id.clone(), whole: true }))
}

/// A task has come that was asked for by this id.
pub(crate) fn arrived(model: &mut Model, asked: &str, found: Option<&Arc<Detail>>) {
    for open in model.tasks.open.iter_mut().filter(|open| open.id == asked) {
        match found {
            Some(detail) if detail.whole.is_some() => {
                open.id.clone_from(&detail.row.id);
                open.detail = Some(Arc::clone(detail));
                open.missing = false;
                open.lines.clear();
            }
            Some(_) => {}
            None => {
                open.missing = true;
                open.detail = None;
                open.lines.clear();
            }
        }
    }
    fit(model);
}

/// Lays the page out where the width or the task has changed, and keeps the cursor in sight.
pub(crate) fn fit(model: &mut Model) {
    let (width, height) = view::room(model);
    let theme = model.setting.theme;
    let Some(open) = model.tasks.open.last_mut() else { return };
    if let Some(detail) = &open.detail
        && (open.lines.is_empty() || open.width != width)
    {
        open.lines = page::lines(theme, detail, width);
        open.width = width;
    }
    open.cursor.show(open.lines.len(), height);
}

/// Goes on from a blank line in the direction that the cursor came in; back where no other line follows.
fn pass_blank_lines(open: &mut Open, before: usize) {
    let at = open.cursor.selected;
    let is_filled = |at: &usize| open.lines.get(*at).is_some_and(|line| !line.is_blank());
    let (above, below) = ((0..at).rev().find(is_filled), (at..open.lines.len()).find(is_filled));
    let (first, other) = if at < before { (above, below) } else { (below, above) };
    if !is_filled(&at)
        && let Some(found) = first.or(other)
    {
        open.cursor.selected = found;
    }
}

/// Carries out an action of the page.
pub(crate) fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    let page = isize::try_from(view::room(model).1.max(1)).unwrap_or(1);
    let Some(open) = model.tasks.open.last_mut() else { return Vec::new() };
    let (length, before) = (open.lines.len(), open.cursor.selected);
    match action {
        Action::Up => open.cursor.step(-1, length),
        Action::Down => open.cursor.step(1, length),
        Action::PageUp => open.cursor.step(-page, length),
        Action::PageDown => open.cursor.step(page, length),
        Action::Top => open.cursor.selected = 0,
        Action::Bottom => open.cursor.selected = length.saturating_sub(1),
        Action::OpenTask => {
            return match open.target().map(ToOwned::to_owned) {
                Some(id) => self::open(model, &id),
                None => Vec::new(),
            };
        }
        Action::Back => {
            model.tasks.open.pop();
            fit(model);
            // The one below may have changed meanwhile.
            return ask_again(&model.tasks).into_iter().collect();
        }
        Action::Copy => {
            return vec![Effect::Copy { text: open.id.clone(), what: "the task's id".to_owned() }];
        }
        _ => return tasks::act(model, action),
    }
    pass_blank_lines(open, before);
    fit(model);
    Vec::new()
}
