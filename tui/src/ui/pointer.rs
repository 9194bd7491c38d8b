//! The mouse: the wheel moves, a click chooses.

use super::effect::Effect;
use super::keymap::{Action, Place};
use super::message::Mouse;
use super::model::Model;
use super::render;
use super::screens::{agents, coordination, hosts, run, runs, storage, task, tasks};
use super::update::{go, on_list};

/// Lines that a step of the wheel moves.
const WHEEL: usize = 3;

pub(super) fn on_mouse(model: &mut Model, mouse: Mouse) -> Vec<Effect> {
    if !model.fits() || model.overlay.is_some() {
        return Vec::new();
    }
    let action = match mouse {
        Mouse::WheelUp => Action::Up,
        Mouse::WheelDown => Action::Down,
        Mouse::Click { column, row: 0 } => {
            return render::clicked_screen(model, column).map(|screen| go(model, screen)).unwrap_or_default();
        }
        Mouse::Click { column, row } => return on_click(model, column, row),
    };
    let mut effects = Vec::new();
    for _ in 0..WHEEL {
        effects.extend(match model.place() {
            Place::Runs => runs::act(model, action),
            Place::Run | Place::Answer => run::act(model, action),
            Place::Storage => storage::act(model, action),
            Place::Tasks => tasks::act(model, action),
            Place::Task => task::act(model, action),
            Place::Agents | Place::Stream | Place::AgentDiff => agents::act(model, action),
            Place::Leases | Place::Lease => coordination::act(model, action),
            Place::Hosts | Place::HostCalls | Place::ModelAnswer => hosts::act(model, action),
            _ => Vec::new(),
        });
    }
    effects
}

/// A click chooses a line; one on the chosen line opens it.
fn on_click(model: &mut Model, column: u16, row: u16) -> Vec<Effect> {
    match model.place() {
        Place::Runs => {
            match runs::view::clicked(model, column, row).filter(|line| *line < model.runs.rows.len()) {
                Some(line) if line == model.runs.cursor.selected => on_list(model, Action::Enter),
                Some(line) => {
                    model.runs.cursor.selected = line;
                    runs::keep_in_sight(model)
                }
                None => Vec::new(),
            }
        }
        Place::Tasks => {
            let line = tasks::view::clicked(model, column, row);
            match line.filter(|line| *line < model.tasks.rows.len()) {
                Some(line) if line == model.tasks.cursor.selected => tasks::act(model, Action::OpenTask),
                Some(line) => {
                    model.tasks.cursor.selected = line;
                    tasks::keep_in_sight(model)
                }
                None => Vec::new(),
            }
        }
        Place::Agents => {
            let line = agents::view::clicked(model, column, row);
            match line.filter(|line| *line < model.agents.rows.len()) {
                Some(line) if line == model.agents.cursor.selected => agents::act(model, Action::StreamAgent),
                Some(line) => {
                    model.agents.cursor.selected = line;
                    agents::keep_in_sight(model)
                }
                None => Vec::new(),
            }
        }
        Place::Leases => {
            let line = coordination::view::clicked(model, column, row);
            match line.filter(|line| *line < model.coordination.rows.len()) {
                Some(line) if line == model.coordination.cursor.selected => {
                    return coordination::act(model, Action::OpenLease);
                }
                Some(line) => {
                    model.coordination.cursor.selected = line;
                    coordination::keep_in_sight(model);
                }
                None => {}
            }
            Vec::new()
        }
        Place::Hosts => match hosts::view::clicked(model, column, row) {
            Some(line) if line == model.hosts.cursor.selected => hosts::act(model, Action::OpenCalls),
            Some(line) => {
                model.hosts.cursor.selected = line;
                hosts::keep_in_sight(model);
                Vec::new()
            }
            None => Vec::new(),
        },
        Place::HostCalls => {
            let line = hosts::clicked_call(model, column, row);
            if let (Some(line), Some(calls)) = (line, &mut model.hosts.calls) {
                calls.cursor.selected = line;
                hosts::keep_in_sight(model);
            }
            Vec::new()
        }
        Place::Task => {
            let line = task::view::clicked(model, column, row);
            match (line, model.tasks.open.last_mut()) {
                (Some(line), Some(open)) if line == open.cursor.selected => {
                    task::act(model, Action::OpenTask)
                }
                (Some(line), Some(open)) => {
                    open.cursor.selected = line;
                    task::fit(model);
                    Vec::new()
                }
                _ => Vec::new(),
            }
        }
        Place::Run => {
            let line = run::view::clicked(model, column, row);
            if let (Some(line), Some(open)) = (line, &mut model.run)
                && line < open.length()
            {
                open.cursor().selected = line;
                run::keep_in_sight(model);
            }
            Vec::new()
        }
        _ => Vec::new(),
    }
}
