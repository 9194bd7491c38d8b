//! How the list of hosts answers to keys and to what is read.

use conclave_llm::HostView;

use super::deeds::{self, DeedKind};
use super::model::{Found, Hosts};
use super::{answer_page, calls, form, view};
use crate::ui::effect::{Effect, Read};
use crate::ui::keymap::{Action, Place};
use crate::ui::model::{Model, Screen, State};

/// The host under the cursor.
pub(crate) fn selected(screen: &Hosts) -> Option<&HostView> {
    screen.found.hosts.get(screen.cursor.selected)
}

/// Carries out an action of the screen.
pub(crate) fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    if let Some(kind) = DeedKind::of(action) {
        return deeds::act(model, kind);
    }
    match (action, model.place()) {
        (Action::AskModel, _) => {
            form::open(model);
            return Vec::new();
        }
        (Action::ShowAnswer, _) => {
            show_answer(model);
            return Vec::new();
        }
        (_, Place::ModelAnswer) => return answer_page::act(model, action),
        (_, Place::HostCalls) => return calls::act(model, action),
        _ => {}
    }
    let page = isize::try_from(view::list_height(model).max(1)).unwrap_or(1);
    let screen = &mut model.hosts;
    let length = screen.found.hosts.len();
    match action {
        Action::Up => screen.cursor.step(-1, length),
        Action::Down => screen.cursor.step(1, length),
        Action::PageUp => screen.cursor.step(-page, length),
        Action::PageDown => screen.cursor.step(page, length),
        Action::Top => screen.cursor.selected = 0,
        Action::Bottom => screen.cursor.selected = length.saturating_sub(1),
        Action::OpenCalls => return open_calls(model),
        Action::Copy => {
            let url = selected(screen).map(|host| host.url.clone());
            let copy = |text| Effect::Copy { text, what: "the host's URL".to_owned() };
            return url.map(copy).into_iter().collect();
        }
        _ => {}
    }
    keep_in_sight(model);
    Vec::new()
}

fn show_answer(model: &mut Model) {
    if model.hosts.answer.is_some() {
        model.hosts.reads_answer = true;
        answer_page::fit(model);
    } else {
        model.tell("nothing was asked from here yet: a asks");
    }
}

/// Shows the calls of the host under the cursor.
pub(super) fn open_calls(model: &mut Model) -> Vec<Effect> {
    let Some(host) = selected(&model.hosts).map(|host| host.name.clone()) else { return Vec::new() };
    model.hosts.calls = Some(calls::Calls::of(&host));
    vec![Effect::Read(Read::Calls(host))]
}

/// What this screen shows has been read: the cursor stays on its host, on the same line of the screen.
pub(crate) fn arrived(model: &mut Model, found: Found) {
    let screen = &mut model.hosts;
    let before = std::mem::replace(&mut screen.found, found);
    let chosen = before.hosts.get(screen.cursor.selected).map(|host| &host.name);
    if let Some(place) = chosen.and_then(|name| screen.found.hosts.iter().position(|host| host.name == *name))
    {
        screen.cursor.top = (screen.cursor.top + place).saturating_sub(screen.cursor.selected);
        screen.cursor.selected = place;
    }
    screen.loaded = true;
    screen.read_at = model.now_ms;
    find_wanted(model);
    keep_in_sight(model);
}

/// Puts the cursor on the host that somebody wants to see, once it is there.
pub(super) fn find_wanted(model: &mut Model) {
    let screen = &mut model.hosts;
    let Some(name) = screen.wanted.as_ref().filter(|_| screen.loaded) else { return };
    if let Some(place) = screen.found.hosts.iter().position(|host| host.name == *name) {
        screen.cursor.selected = place;
    }
    screen.wanted = None;
    keep_in_sight(model);
}

/// The same as is shown has been read again.
pub(crate) const fn read_again(model: &mut Model) {
    model.hosts.read_at = model.now_ms;
}

/// Nothing of another project is shown; what was asked stays, since it is still being answered or was just read.
pub(crate) fn forget(model: &mut Model) {
    let before = std::mem::take(&mut model.hosts);
    model.hosts = Hosts { asked: before.asked, answer: before.answer, ..Hosts::default() };
}

/// Keeps the cursors in sight.
pub(crate) fn keep_in_sight(model: &mut Model) {
    let height = view::list_height(model);
    let screen = &mut model.hosts;
    screen.cursor.show(screen.found.hosts.len(), height);
    calls::fit(model);
    answer_page::fit(model);
}

/// Reads the hosts again where they are seen; elsewhere they are read when somebody comes to them.
fn refresh(model: &Model) -> Option<Effect> {
    let is_seen = model.screen == Screen::Hosts && model.state == State::Ready;
    is_seen.then_some(Effect::Read(Read::Hosts))
}

/// The same, with the calls that are seen.
pub(crate) fn refresh_all(model: &Model) -> Vec<Effect> {
    let hosts = refresh(model);
    let calls = model.hosts.calls.as_ref().filter(|_| hosts.is_some());
    let calls = calls.map(|calls| Effect::Read(Read::Calls(calls.host.clone())));
    hosts.into_iter().chain(calls).collect()
}

/// A second has passed: that a caller has died, or that a block is over, is told by no change of a file.
pub(crate) fn tick(model: &Model) -> Vec<Effect> {
    let screen = &model.hosts;
    if screen.ticks() && screen.is_due(model.now_ms) { refresh_all(model) } else { Vec::new() }
}
