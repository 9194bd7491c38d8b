//! How the list of leases answers to keys and to what is read.

use ratatui::crossterm::event::KeyCode;

use super::filter::Filter;
use super::holder;
use super::model::{Coordination, Found};
use super::row::Row;
use super::view;
use crate::ui::effect::{Effect, Read, Work};
use crate::ui::input::Input;
use crate::ui::keymap::Action;
use crate::ui::keys::Key;
use crate::ui::model::{Model, Screen, State};
use crate::ui::overlay::Overlay;

/// The lease under the cursor.
pub(crate) fn selected(screen: &Coordination) -> Option<&Row> {
    screen.rows.get(screen.cursor.selected)
}

/// Carries out an action of the screen.
pub(crate) fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    match action {
        Action::BreakLease => {
            ask_to_break(model);
            return Vec::new();
        }
        Action::Copy => {
            let name = selected(&model.coordination).map(|row| row.name.clone());
            let copy = |text| Effect::Copy { text, what: "the lease's name".to_owned() };
            return name.map(copy).into_iter().collect();
        }
        _ => {}
    }
    if model.coordination.open.is_some() {
        holder::act(model, action);
        return Vec::new();
    }
    let page = isize::try_from(view::list_height(model).max(1)).unwrap_or(1);
    let screen = &mut model.coordination;
    let length = screen.rows.len();
    match action {
        Action::Up => screen.cursor.step(-1, length),
        Action::Down => screen.cursor.step(1, length),
        Action::PageUp => screen.cursor.step(-page, length),
        Action::PageDown => screen.cursor.step(page, length),
        Action::Top => screen.cursor.selected = 0,
        Action::Bottom => screen.cursor.selected = length.saturating_sub(1),
        Action::FilterLeases => screen.editing = Some(Input::new(screen.filter.text())),
        Action::OpenLease if selected(screen).is_some() => screen.open = Some(0),
        Action::Back if !screen.filter.is_empty() => apply_filter(model, ""),
        _ => {}
    }
    keep_in_sight(model);
    Vec::new()
}

/// Asks before somebody loses what he holds.
pub(super) fn ask_to_break(model: &mut Model) {
    let Some(row) = selected(&model.coordination) else { return };
    let name = &row.name;
    let holders: Vec<String> = row.held().map(view::holder).collect();
    let of = if row.global { " of the whole machine" } else { "" };
    let question = match holders.as_slice() {
        [] => {
            model.say(format!("nobody holds {name}"));
            return;
        }
        [one] => format!("Break the lease {name:?}{of}? {one} holds it, is not told, and loses it."),
        many => {
            format!("Break the lease {name:?}{of}? {} hold it, are not told, and lose it.", many.join(", "))
        }
    };
    let fences = row.held().map(|grant| grant.fence).collect();
    let work = Work::BreakLease { name: name.clone(), fences, global: row.global };
    model.overlay = Some(Overlay::ask(question, work));
}

/// A key while the filter is being typed.
pub(crate) fn key_in_filter(model: &mut Model, key: Key) {
    let screen = &mut model.coordination;
    let Some(input) = &mut screen.editing else { return };
    match key.code {
        KeyCode::Esc => {
            screen.editing = None;
            apply_filter(model, "");
        }
        KeyCode::Enter | KeyCode::Down | KeyCode::Up => screen.editing = None,
        _ if input.key(key) => {
            let text = input.text().to_owned();
            apply_filter(model, &text);
        }
        _ => {}
    }
}

/// Shows only what matches.
pub(crate) fn apply_filter(model: &mut Model, text: &str) {
    model.coordination.filter = Filter::parse(text);
    choose(model);
    keep_in_sight(model);
}

/// Makes the rows anew: the cursor stays on its lease, on the same line of the screen.
fn choose(model: &mut Model) {
    let screen = &mut model.coordination;
    let rows: Vec<Row> =
        screen.found.leases.iter().filter(|row| screen.filter.matches(row)).cloned().collect();
    let before = std::mem::replace(&mut screen.rows, rows);
    let chosen = before.get(screen.cursor.selected);
    match chosen.and_then(|row| screen.rows.iter().position(|other| other.is_same(row))) {
        Some(place) => {
            screen.cursor.top = (screen.cursor.top + place).saturating_sub(screen.cursor.selected);
            screen.cursor.selected = place;
        }
        // What was looked at is gone: the details of another would not be what was opened.
        None => screen.open = None,
    }
}

/// What this screen shows has been read.
pub(crate) fn arrived(model: &mut Model, found: Found) {
    model.coordination.found = found;
    model.coordination.loaded = true;
    choose(model);
    keep_in_sight(model);
}

/// Keeps the cursor in sight.
pub(crate) fn keep_in_sight(model: &mut Model) {
    let height = view::list_height(model);
    let screen = &mut model.coordination;
    screen.cursor.show(screen.rows.len(), height);
    holder::fit(model);
}

/// Reads it again where it is seen; elsewhere it is read when somebody comes to it.
pub(crate) fn refresh(model: &Model) -> Option<Effect> {
    let is_seen = model.screen == Screen::Coordination && model.state == State::Ready;
    is_seen.then_some(Effect::Read(Read::Coordination))
}

/// A second has passed: that a lease has expired, or that whoever held it has died, is told by no change of a file.
pub(crate) fn tick(model: &Model) -> Option<Effect> {
    refresh(model).filter(|_| model.coordination.ticks())
}
