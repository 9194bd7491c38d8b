//! The window into a list of tasks: what is asked for, and what becomes of what arrives.

use std::sync::Arc;

use super::model::{PAGE, Tasks, WINDOW};
use super::row::{Detail, Row};
use super::{deeds, view};
use crate::ui::effect::{Effect, Part, Read, TaskPage};
use crate::ui::message::TasksRead;
use crate::ui::model::Model;
use crate::ui::problem::Problem;
use crate::ui::screens::task;

/// Rows that must lie ahead of the cursor, or more are read.
const AHEAD: usize = 50;

/// Asks for a page of the list.
pub(super) fn ask(tasks: &mut Tasks, part: Part, after: Option<String>) -> Effect {
    tasks.generation += 1;
    tasks.waiting = true;
    let limit = if part == Part::Again { tasks.rows.len().max(PAGE) } else { PAGE };
    Effect::Read(Read::Tasks(TaskPage {
        generation: tasks.generation,
        which: tasks.which,
        sort: tasks.sort,
        filter: tasks.filter.clone(),
        after,
        limit,
        part,
    }))
}

/// Asks for what the cursor will need, and for the task in the pane.
pub(crate) fn keep_in_sight(model: &mut Model) -> Vec<Effect> {
    let height = view::list_height(model);
    let tasks = &mut model.tasks;
    tasks.cursor.show(tasks.rows.len(), height);
    if tasks.at_top() {
        tasks.news.clear();
    }
    let mut effects = Vec::new();
    if !tasks.waiting && tasks.loaded {
        if !tasks.at_end && tasks.cursor.selected + AHEAD.max(2 * height) >= tasks.rows.len() {
            let after = tasks.rows.last().map(|row| row.id.clone());
            effects.push(ask(tasks, Part::Later, after));
        } else if !tasks.before.is_empty() && tasks.cursor.selected < AHEAD {
            let after = tasks.before.last().cloned().flatten();
            effects.push(ask(tasks, Part::Earlier, after));
        }
    }
    effects.extend(ask_preview(tasks, false));
    task::fit(model);
    effects
}

/// Asks for the task under the cursor.
pub(super) fn ask_preview(tasks: &mut Tasks, again: bool) -> Option<Effect> {
    let id = tasks.rows.get(tasks.cursor.selected).map(|row| row.id.clone())?;
    if !again && tasks.asked_for.as_ref() == Some(&id) {
        return None;
    }
    tasks.asked_for = Some(id.clone());
    Some(Effect::Read(Read::Task { id, whole: false }))
}

/// A page has come.
pub(crate) fn arrived(model: &mut Model, page: TasksRead) -> Vec<Effect> {
    let tasks = &mut model.tasks;
    if page.generation != tasks.generation {
        return Vec::new();
    }
    tasks.waiting = false;
    tasks.loaded = true;
    match page.part {
        Part::First => {
            tasks.rows = page.rows;
            (tasks.start, tasks.at_end) = (None, page.at_end);
            tasks.before.clear();
            tasks.news.clear();
            tasks.cursor = crate::ui::list::Cursor::default();
        }
        Part::Again => again(tasks, page.rows, page.at_end),
        Part::Later => later(tasks, page.rows, page.at_end),
        Part::Earlier => earlier(tasks, page.rows, page.after),
        Part::Last => {
            (tasks.before, tasks.start) = (page.before, page.after);
            (tasks.rows, tasks.at_end) = (page.rows, page.at_end);
            tasks.cursor.selected = tasks.rows.len().saturating_sub(1);
            tasks.cursor.top = 0;
        }
    }
    if let Some(at) = tasks.wanted.as_ref().and_then(|id| tasks.rows.iter().position(|row| row.id == *id)) {
        tasks.cursor.selected = at;
        tasks.wanted = None;
    }
    keep_in_sight(model)
}

/// The same window as it is now: the cursor stays on its task, on the same line of the screen. Only at the top of the
/// list what is new above it comes into sight.
fn again(tasks: &mut Tasks, rows: Vec<Row>, at_end: bool) {
    let before = std::mem::replace(&mut tasks.rows, rows);
    tasks.at_end = at_end;
    let was_on_top = tasks.at_top() && tasks.cursor.selected == 0;
    let selected = before.get(tasks.cursor.selected).map(|row| &row.id);
    let place = selected.and_then(|id| tasks.rows.iter().position(|row| row.id == *id));
    if let Some(place) = place {
        if !was_on_top {
            tasks.cursor.top = (tasks.cursor.top + place).saturating_sub(tasks.cursor.selected);
        }
        tasks.cursor.selected = place;
    }
    let above = tasks.rows.iter().take(tasks.cursor.top);
    let known = |row: &&Row| before.iter().any(|known| known.id == row.id);
    let came: Vec<String> = above.filter(|row| !known(row)).map(|row| row.id.clone()).collect();
    tasks.news.extend(came);
    let seen: Vec<String> = tasks.rows.iter().skip(tasks.cursor.top).map(|row| row.id.clone()).collect();
    tasks.news.retain(|id| !seen.contains(id));
}

fn later(tasks: &mut Tasks, rows: Vec<Row>, at_end: bool) {
    // What has moved down meanwhile is there already.
    let rows = rows.into_iter().filter(|row| !tasks.rows.iter().any(|known| known.id == row.id));
    let rows: Vec<Row> = rows.collect();
    tasks.rows.extend(rows);
    tasks.at_end = at_end;
    while tasks.rows.len() > WINDOW {
        let Some(last) = tasks.rows.get(PAGE - 1).map(|row| row.id.clone()) else { break };
        tasks.before.push(tasks.start.replace(last));
        tasks.rows.drain(..PAGE);
        tasks.cursor.selected = tasks.cursor.selected.saturating_sub(PAGE);
        tasks.cursor.top = tasks.cursor.top.saturating_sub(PAGE);
    }
}

/// Puts a page before the window; what of it is in the window already is left out.
fn earlier(tasks: &mut Tasks, rows: Vec<Row>, after: Option<String>) {
    tasks.before.pop();
    let first = tasks.rows.first().map(|row| &row.id);
    let known = rows.iter().position(|row| Some(&row.id) == first);
    let meets = rows.is_empty() || rows.last().map(|row| &row.id) == tasks.start.as_ref();
    tasks.start = after;
    if known.is_none() && !meets {
        // So much has come in between that the page does not reach the window: it is the window now.
        tasks.at_end = false;
        tasks.rows = rows;
        tasks.cursor.selected = tasks.rows.len().saturating_sub(1);
        return;
    }
    let new = known.unwrap_or(rows.len());
    tasks.rows.splice(..0, rows.into_iter().take(new));
    tasks.cursor.selected += new;
    tasks.cursor.top += new;
    if tasks.rows.len() > WINDOW {
        tasks.rows.truncate(WINDOW);
        tasks.at_end = false;
    }
}

/// A task has come that was asked for by this id, which may be a short form; `None`: there is no such task.
pub(crate) fn task_arrived(
    model: &mut Model,
    asked: &str,
    read: Result<Option<Arc<Detail>>, Problem>,
) -> Vec<Effect> {
    match read {
        Err(problem) => {
            model.tasks.open.retain(|open| open.detail.is_some() || open.id != asked);
            model.complain(problem);
        }
        Ok(found) => {
            let tasks = &mut model.tasks;
            if tasks.rows.get(tasks.cursor.selected).is_some_and(|row| row.id == asked) {
                tasks.preview.clone_from(&found);
            }
            if tasks.to_edit.as_deref() == Some(asked) {
                tasks.to_edit = None;
                match &found {
                    Some(detail) => deeds::edit(model, &Arc::clone(detail)),
                    None => model.complain(deeds::no_such(asked)),
                }
            }
            task::arrived(model, asked, found.as_ref());
        }
    }
    Vec::new()
}
