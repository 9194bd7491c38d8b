//! How the list of agents answers to keys and to what is read.

use ratatui::crossterm::event::KeyCode;

use super::filter::Filter;
use super::log::{At, Log, LogRead};
use super::model::Agents;
use super::row::{Origin, Row};
use super::{deeds, diff, stream, view};
use crate::ui::effect::{Effect, Read};
use crate::ui::input::Input;
use crate::ui::keymap::{Action, Place};
use crate::ui::keys::Key;
use crate::ui::live::Live;
use crate::ui::model::{Model, Screen, State};
use crate::ui::screens::run;
use crate::ui::update::go;

/// Milliseconds after which is looked again who is gone by now.
const LOOK_AGAIN: i64 = 3_000;

/// The agent under the cursor.
pub(crate) fn selected(agents: &Agents) -> Option<&Row> {
    agents.rows.get(agents.cursor.selected)
}

/// Carries out an action of the screen.
pub(crate) fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    if deeds::is_deed(action) {
        return deeds::act(model, action);
    }
    match model.place() {
        Place::AgentDiff => return diff::act(model, action),
        Place::Stream => return stream::act(model, action),
        _ => {}
    }
    let page = isize::try_from(view::list_height(model).max(1)).unwrap_or(1);
    let agents = &mut model.agents;
    let length = agents.rows.len();
    match action {
        Action::Up => agents.cursor.step(-1, length),
        Action::Down => agents.cursor.step(1, length),
        Action::PageUp => agents.cursor.step(-page, length),
        Action::PageDown => agents.cursor.step(page, length),
        Action::Top => agents.cursor.selected = 0,
        Action::Bottom => agents.cursor.selected = length.saturating_sub(1),
        Action::HoldLog => return agents.log.as_mut().and_then(Log::toggle).into_iter().collect(),
        Action::FilterAgents => agents.editing = Some(Input::new(agents.filter.text())),
        Action::StreamAgent => return open(model),
        Action::Copy => {
            let Some(id) = selected(agents).map(|row| row.id.clone()) else { return Vec::new() };
            return vec![Effect::Copy { text: id, what: "the agent's id".to_owned() }];
        }
        Action::Back if !agents.filter.is_empty() => return apply_filter(model, ""),
        _ => {}
    }
    keep_in_sight(model)
}

/// Shows the log of the agent under the cursor alone; of one that answers in a run, the run.
fn open(model: &mut Model) -> Vec<Effect> {
    match selected(&model.agents).map(|row| row.origin) {
        None => Vec::new(),
        Some(Origin::Run(id)) => {
            let mut effects = go(model, Screen::Runs);
            effects.extend(run::open(model, id));
            effects
        }
        Some(Origin::Registered(_)) => {
            model.agents.streams = true;
            if let Some(log) = &mut model.agents.log {
                log.was_read = true;
            }
            stream::fit(model);
            Vec::new()
        }
    }
}

/// A key while the filter is being typed.
pub(crate) fn key_in_filter(model: &mut Model, key: Key) -> Vec<Effect> {
    let agents = &mut model.agents;
    let Some(input) = &mut agents.editing else { return Vec::new() };
    match key.code {
        KeyCode::Esc => {
            agents.editing = None;
            apply_filter(model, "")
        }
        KeyCode::Enter | KeyCode::Down | KeyCode::Up => {
            agents.editing = None;
            Vec::new()
        }
        _ if input.key(key) => {
            let text = input.text().to_owned();
            apply_filter(model, &text)
        }
        _ => Vec::new(),
    }
}

/// Shows only what matches.
pub(crate) fn apply_filter(model: &mut Model, text: &str) -> Vec<Effect> {
    let filter = Filter::parse(text);
    if filter == model.agents.filter {
        return Vec::new();
    }
    model.agents.filter = filter;
    choose(model);
    keep_in_sight(model)
}

/// Makes the rows anew: the cursor stays on its agent, on the same line of the screen.
fn choose(model: &mut Model) {
    let (now, agents) = (model.now_ms, &mut model.agents);
    let children = children(&model.live, now);
    let all = agents.registered.iter().cloned().chain(children);
    let rows: Vec<Row> = all.filter(|row| agents.filter.matches(row)).collect();
    let before = std::mem::replace(&mut agents.rows, rows);
    let place = |row: &Row| agents.rows.iter().position(|other| other.is_same(row));
    if let Some(place) = before.get(agents.cursor.selected).and_then(place) {
        agents.cursor.top = (agents.cursor.top + place).saturating_sub(agents.cursor.selected);
        agents.cursor.selected = place;
    }
    let wanted = agents.wanted.as_ref().and_then(|id| agents.rows.iter().position(|row| row.id == *id));
    if let Some(place) = wanted {
        agents.cursor.selected = place;
        agents.wanted = None;
    }
}

/// The agents that answer in runs which are driven from here.
fn children(live: &Live, now_ms: i64) -> Vec<Row> {
    use conclave_registry::agents::Life;
    let child = |(run, agent, child): (conclave_consensus::runs::RunId, &str, &crate::ui::live::Child)| Row {
        origin: Origin::Run(run),
        id: agent.to_owned(),
        type_word: format!("run {run}"),
        life: if child.pid.is_some() { Life::Running } else { Life::None },
        status: child.pid.is_none().then(|| "waiting".to_owned()),
        phase: None,
        given: None,
        pid: child.pid.map(i64::from),
        port: None,
        place: String::new(),
        branch: None,
        cmd: String::new(),
        started: child.since.unwrap_or(now_ms),
        ended: None,
    };
    live.children().map(child).collect()
}

/// The agents have been read.
pub(crate) fn arrived(model: &mut Model, rows: Vec<Row>) -> Vec<Effect> {
    model.agents.registered = rows;
    model.agents.read_at = model.now_ms;
    model.agents.loaded = true;
    choose(model);
    let mut effects = keep_in_sight(model);
    if let Some((action, id)) = model.agents.asked.take() {
        effects.extend(deeds::deed(model, action, &id));
    }
    effects
}

/// Something happened in a run that is driven from here.
pub(crate) fn live_changed(model: &mut Model) -> Vec<Effect> {
    if model.screen != Screen::Agents {
        return Vec::new();
    }
    choose(model);
    keep_in_sight(model)
}

/// Keeps the cursor in sight, and asks for the log of the agent under it.
pub(crate) fn keep_in_sight(model: &mut Model) -> Vec<Effect> {
    let height = view::list_height(model);
    let agents = &mut model.agents;
    agents.cursor.show(agents.rows.len(), height);
    stream::fit(model);
    diff::fit(model);
    let agents = &mut model.agents;
    // The one whose log is read stays, whatever becomes of the list below.
    if agents.streams {
        return agents.log.as_mut().and_then(Log::keep_in_sight).into_iter().collect();
    }
    match selected(agents).and_then(Row::who) {
        None => agents.log = None,
        Some(who) if agents.log.as_ref().is_none_or(|log| log.who.as_ref() != Some(&who)) => {
            let mut log = Log::new(who.id(), agents.logs);
            log.who = Some(who);
            let effect = log.ask(At::End);
            agents.logs = log.generation();
            agents.log = Some(log);
            return vec![effect];
        }
        Some(_) => {}
    }
    Vec::new()
}

/// A part of a log has come.
pub(crate) fn log_arrived(model: &mut Model, read: LogRead) -> Vec<Effect> {
    let Some(log) = &mut model.agents.log else { return Vec::new() };
    let is_search = matches!(read.asked.at, At::FindBefore { .. } | At::FindAfter { .. });
    let is_down = matches!(read.asked.at, At::FindAfter { .. });
    let way = if is_down { "below" } else { "above" };
    let needle = log.needle.clone();
    let (has_match, whole) = (log.has_match(), log.at_end() && !is_down || log.lines().is_some());
    let found = log.arrived(read);
    // Its number goes on with the next log.
    model.agents.logs = model.agents.logs.max(log.generation());
    if is_search && found == Some(false) {
        model.tell(match has_match {
            true => format!("nothing else matches {needle:?} {way}"),
            false if whole => format!("nothing matches {needle:?}"),
            false => format!("nothing matches {needle:?} {way}"),
        });
    }
    stream::fit(model);
    match &mut model.agents.log {
        Some(log) if model.agents.streams => log.keep_in_sight().into_iter().collect(),
        _ => Vec::new(),
    }
}

/// Something was written to a log.
pub(crate) fn log_grew(model: &mut Model, id: &str) -> Vec<Effect> {
    let effect = model.agents.log.as_mut().filter(|log| log.id == id).and_then(Log::grew);
    effect.into_iter().collect()
}

/// Goes to an agent, by its id.
pub(crate) fn go_to(model: &mut Model, id: &str) -> Vec<Effect> {
    let agents = &mut model.agents;
    (agents.streams, agents.diff) = (false, None);
    agents.filter = Filter::default();
    agents.wanted = Some(id.to_owned());
    let effects = if model.screen == Screen::Agents { refresh(model) } else { go(model, Screen::Agents) };
    choose(model);
    let more = keep_in_sight(model);
    effects.into_iter().chain(more).collect()
}

/// Reads the agents again where they are seen; elsewhere they are read when somebody comes to them.
pub(crate) fn refresh(model: &mut Model) -> Vec<Effect> {
    if model.screen != Screen::Agents || model.state != State::Ready {
        return Vec::new();
    }
    choose(model);
    // What was written to the log meanwhile was told to nobody.
    let log = model.agents.log.as_mut().and_then(Log::seen_again);
    [Effect::Read(Read::Agents)].into_iter().chain(log).collect()
}

/// A second has passed: that a process has ended is told by no change of the state.
pub(crate) fn tick(model: &mut Model) -> Vec<Effect> {
    // Whoever is waited for is told of by the state; that others are gone need not be known at once.
    let passed = model.now_ms.saturating_sub(model.agents.read_at);
    let is_due = !(0..LOOK_AGAIN).contains(&passed);
    let is_seen = is_due && model.state == State::Ready && model.agents.registered.iter().any(Row::lives);
    choose(model);
    if is_seen { vec![Effect::Read(Read::Agents)] } else { Vec::new() }
}
