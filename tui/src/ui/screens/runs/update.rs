//! How the list answers to keys and to what the database says.

use std::collections::BTreeSet;

use conclave_consensus::runs::{RunCursor, RunId, RunSummary};
use ratatui::crossterm::event::KeyCode;

use super::model::{PAGE, Runs, WINDOW};
use super::view;
use crate::ui::effect::{Effect, Page, Part, Read};
use crate::ui::filter::Filter;
use crate::ui::input::Input;
use crate::ui::keymap::Action;
use crate::ui::keys::Key;
use crate::ui::message::PageRead;
use crate::ui::model::Model;

/// Rows that must lie ahead of the cursor, or more are read.
const AHEAD: usize = 50;

/// The run under the cursor.
pub(crate) fn selected(runs: &Runs) -> Option<&RunSummary> {
    runs.rows.get(runs.cursor.selected)
}

/// Carries out an action of the list.
pub(crate) fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    let page = isize::try_from(view::list_height(model).max(1)).unwrap_or(1);
    let runs = &mut model.runs;
    let length = runs.rows.len();
    match action {
        Action::Up => runs.cursor.step(-1, length),
        Action::Down => runs.cursor.step(1, length),
        Action::PageUp => runs.cursor.step(-page, length),
        Action::PageDown => runs.cursor.step(page, length),
        Action::Top if runs.at_start() => runs.cursor.selected = 0,
        Action::Top => return ask(runs, Part::First, None),
        Action::Bottom if runs.at_end => runs.cursor.selected = length.saturating_sub(1),
        Action::Bottom => {
            let after = runs.rows.last().map(RunCursor::from);
            return ask(runs, Part::Last, after);
        }
        Action::Mark => {
            if let Some(id) = selected(runs).map(|run| run.id) {
                if !runs.marked.remove(&id) {
                    runs.marked.insert(id);
                }
                runs.cursor.step(1, length);
            }
        }
        Action::Filter => runs.editing = Some(Input::new(runs.filter.text())),
        Action::Back if !runs.marked.is_empty() => runs.marked.clear(),
        Action::Back if !runs.filter.is_empty() => return apply_filter(runs, ""),
        _ => {}
    }
    keep_in_sight(model)
}

/// A key while the filter is being typed.
pub(crate) fn key_in_filter(model: &mut Model, key: Key) -> Vec<Effect> {
    let runs = &mut model.runs;
    let Some(input) = &mut runs.editing else { return Vec::new() };
    match key.code {
        KeyCode::Esc => {
            runs.editing = None;
            apply_filter(runs, "")
        }
        KeyCode::Enter | KeyCode::Down | KeyCode::Up => {
            runs.editing = None;
            Vec::new()
        }
        _ if input.key(key) => {
            let text = input.text().to_owned();
            apply_filter(runs, &text)
        }
        _ => Vec::new(),
    }
}

/// Shows only what matches, from the newest on.
pub(crate) fn apply_filter(runs: &mut Runs, text: &str) -> Vec<Effect> {
    let filter = Filter::parse(text);
    if filter == runs.filter {
        return Vec::new();
    }
    runs.filter = filter;
    runs.matching = None;
    runs.seen = None;
    begin(runs)
}

/// Goes to the newest run, whatever was looked at.
pub(crate) fn to_the_newest(model: &mut Model) -> Vec<Effect> {
    let runs = &mut model.runs;
    runs.editing = None;
    if !runs.filter.is_empty() {
        runs.filter = Filter::parse("");
        runs.matching = None;
        runs.seen = None;
    }
    begin(runs)
}

/// The list from its beginning, and its totals.
pub(crate) fn begin(runs: &mut Runs) -> Vec<Effect> {
    let mut effects = ask(runs, Part::First, None);
    effects.push(count(runs));
    effects
}

/// Asks for what the cursor will need, and for the run in the lower pane.
pub(crate) fn keep_in_sight(model: &mut Model) -> Vec<Effect> {
    let height = view::list_height(model);
    let runs = &mut model.runs;
    runs.cursor.show(runs.rows.len(), height);
    if runs.at_start() && runs.cursor.top == 0 {
        runs.seen = runs.matching;
    }
    let mut effects = Vec::new();
    if !runs.waiting && runs.loaded {
        if !runs.at_end && runs.cursor.selected + AHEAD.max(2 * height) >= runs.rows.len() {
            let after = runs.rows.last().map(RunCursor::from);
            effects.extend(ask(runs, Part::Later, after));
        } else if !runs.before.is_empty() && runs.cursor.selected < AHEAD {
            let after = runs.before.last().copied().flatten();
            effects.extend(ask(runs, Part::Earlier, after));
        }
    }
    effects.extend(ask_preview(runs, false));
    effects
}

/// A run was read anew: whether it is interrupted is told by no row of the database, so that its line in the list may
/// lag behind.
pub(crate) fn stands(runs: &mut Runs, run: &RunSummary) {
    if let Some(row) = runs.rows.iter_mut().find(|row| row.id == run.id) {
        row.interrupted = run.interrupted;
    }
}

fn ask_preview(runs: &mut Runs, again: bool) -> Option<Effect> {
    let id = selected(runs).map(|run| run.id)?;
    if !again && runs.asked_for == Some(id) {
        return None;
    }
    runs.asked_for = Some(id);
    Some(Effect::Read(Read::Run(id)))
}

fn ask(runs: &mut Runs, part: Part, after: Option<RunCursor>) -> Vec<Effect> {
    runs.generation += 1;
    runs.waiting = true;
    let limit = if part == Part::Again { runs.rows.len().max(PAGE) } else { PAGE };
    let (generation, filter) = (runs.generation, runs.filter.clone());
    vec![Effect::Read(Read::Page(Page { generation, filter, after, limit, part }))]
}

fn count(runs: &mut Runs) -> Effect {
    runs.counting += 1;
    Effect::Read(Read::Count { generation: runs.counting, filter: runs.filter.clone() })
}

/// Someone changed the state: the same window again. Where the newest run is in sight the window begins with
/// the newest there is; elsewhere it begins with the same run as before, so that nothing jumps.
pub(crate) fn changed(model: &mut Model) -> Vec<Effect> {
    let runs = &mut model.runs;
    let follow = runs.at_start() && runs.cursor.top == 0 && runs.cursor.selected == 0;
    let mut effects = if follow || runs.rows.is_empty() {
        ask(runs, Part::First, None)
    } else {
        let after = runs.start.or_else(|| runs.rows.first().map(just_before));
        if runs.start.is_none() && after.is_some() {
            runs.before.push(None);
            runs.start = after;
        }
        ask(runs, Part::Again, after)
    };
    effects.push(count(runs));
    effects.extend(ask_preview(runs, true));
    effects
}

/// A place in the order just before this run.
fn just_before(run: &RunSummary) -> RunCursor {
    RunCursor { started_at: run.started_at, id: RunId(run.id.0.saturating_add(1)) }
}

/// A page has come.
pub(crate) fn arrived(model: &mut Model, page: PageRead) -> Vec<Effect> {
    let runs = &mut model.runs;
    if page.generation != runs.generation {
        return Vec::new();
    }
    runs.waiting = false;
    runs.loaded = true;
    let id = selected(runs).map(|run| run.id);
    runs.marks.extend(page.marks);
    match page.part {
        Part::First => {
            runs.rows = page.rows;
            runs.start = None;
            runs.before.clear();
            runs.at_end = page.at_end;
            runs.cursor = crate::ui::list::Cursor::default();
        }
        Part::Again => {
            runs.rows = page.rows;
            runs.at_end = page.at_end;
            stay_on(runs, id);
        }
        Part::Later => {
            runs.rows.extend(page.rows);
            runs.at_end = page.at_end;
            while runs.rows.len() > WINDOW {
                let Some(last) = runs.rows.get(PAGE - 1).map(RunCursor::from) else { break };
                runs.before.push(runs.start);
                runs.start = Some(last);
                runs.rows.drain(..PAGE);
                runs.cursor.selected = runs.cursor.selected.saturating_sub(PAGE);
                runs.cursor.top = runs.cursor.top.saturating_sub(PAGE);
            }
        }
        Part::Earlier => earlier(runs, page.rows, page.after),
        Part::Last => {
            runs.before = page.before;
            runs.start = page.after;
            runs.rows = page.rows;
            runs.at_end = page.at_end;
            runs.cursor.selected = runs.rows.len().saturating_sub(1);
            runs.cursor.top = 0;
        }
    }
    let shown: BTreeSet<RunId> = runs.rows.iter().map(|run| run.id).collect();
    runs.marks.retain(|run, _| shown.contains(run));
    keep_in_sight(model)
}

/// Puts a page before the window; what of it is in the window already is left out.
fn earlier(runs: &mut Runs, rows: Vec<RunSummary>, after: Option<RunCursor>) {
    runs.before.pop();
    let first = runs.rows.first().map(|run| run.id);
    let known = rows.iter().position(|run| Some(run.id) == first);
    let meets = rows.is_empty() || rows.last().map(RunCursor::from) == runs.start;
    runs.start = after;
    if known.is_none() && !meets {
        // So much has come in between that the page does not reach the window: it is the window now.
        runs.at_end = false;
        runs.rows = rows;
        runs.cursor.selected = runs.rows.len().saturating_sub(1);
        return;
    }
    let new = known.unwrap_or(rows.len());
    runs.rows.splice(..0, rows.into_iter().take(new));
    runs.cursor.selected += new;
    runs.cursor.top += new;
    if runs.rows.len() > WINDOW {
        runs.rows.truncate(WINDOW);
        runs.at_end = false;
    }
}

fn stay_on(runs: &mut Runs, id: Option<RunId>) {
    let place = id.and_then(|id| runs.rows.iter().position(|run| run.id == id));
    if let Some(place) = place {
        runs.cursor.top = (runs.cursor.top + place).saturating_sub(runs.cursor.selected);
        runs.cursor.selected = place;
    }
}

/// The totals have come.
pub(crate) fn counted(runs: &mut Runs, generation: u64, total: u64, matching: u64) {
    if generation != runs.counting {
        return;
    }
    runs.total = Some(total);
    runs.matching = Some(matching);
    if runs.at_start() && runs.cursor.top == 0 || runs.seen.is_none() {
        runs.seen = Some(matching);
    }
}
