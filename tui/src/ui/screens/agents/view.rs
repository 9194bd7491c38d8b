//! The list of agents, drawn.

use conclave_registry::agents::Life;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::row::Row;
use super::{pane, words};
use crate::text::{count, counted, fit_with, pad, visible, width};
use crate::times;
use crate::ui::list_pane::Parts;
use crate::ui::model::Model;
use crate::ui::render::{body, draw_line, rule, wrapped};
use crate::ui::theme::Theme;

/// The lower pane takes at most one part of so many.
const SHARE: u16 = 2;

fn parts(model: &Model) -> Parts {
    Parts::of(body(model), SHARE)
}

/// Lines of the list that are seen.
pub(crate) fn list_height(model: &Model) -> usize {
    usize::from(parts(model).list.height)
}

/// Which line of the list a click meets.
pub(crate) fn clicked(model: &Model, column: u16, row: u16) -> Option<usize> {
    Some(model.agents.cursor.top + parts(model).clicked(column, row)?)
}

/// Draws the screen.
pub(crate) fn draw(model: &Model, frame: &mut Frame<'_>) {
    let parts = parts(model);
    let theme = model.setting.theme;
    title(model, frame, parts.title);
    if model.agents.rows.is_empty() {
        draw_empty(model, frame, parts);
        return;
    }
    let columns = Columns::of(model, parts.list.width);
    draw_line(frame, parts.head, Line::styled(columns.head(), theme.dim()));
    let rows = model.agents.rows.iter().enumerate().skip(model.agents.cursor.top);
    for (y, (at, row)) in (0..parts.list.height).zip(rows) {
        let area = Rect { y: parts.list.y + y, height: 1, ..parts.list };
        draw_line(frame, area, columns.row(model, at, row));
        if at == model.agents.cursor.selected {
            let area = area.intersection(frame.area());
            frame.buffer_mut().set_style(area, Theme::strong());
        }
    }
    if let Some(area) = parts.rule {
        rule(model, frame, area);
    }
    if let Some(area) = parts.pane {
        pane::draw(model, frame, area);
    }
}

/// How many of each there are; the filter.
fn title(model: &Model, frame: &mut Frame<'_>, area: Rect) {
    let theme = model.setting.theme;
    let agents = &model.agents;
    let mut spans = vec![Span::styled(" Agents  ", Theme::strong())];
    let all = [Life::Running, Life::Unsupervised, Life::Lost, Life::Unknown, Life::Ended, Life::None];
    let told = all.into_iter().filter_map(|life| {
        let there = agents.rows.iter().filter(|row| row.life == life).count() as u64;
        let word = if life == Life::None { "without a process" } else { life.as_str() };
        (there > 0).then(|| format!("{} {word}", count(there)))
    });
    let told = told.collect::<Vec<_>>().join(&format!(" {} ", theme.dot()));
    if !agents.filter.is_empty() && agents.loaded {
        spans.push(Span::raw(counted(agents.rows.len() as u64, "match", "matches")));
    } else {
        spans.push(Span::raw(told));
    }
    if let Some(input) = &agents.editing {
        spans.push(Span::styled("  / ", theme.accent()));
        spans.push(Span::raw(visible(input.before()).into_owned()));
        spans.push(Span::styled(theme.sign("▏", "_").to_owned(), theme.accent()));
        let after = input.text().get(input.before().len()..).unwrap_or_default();
        spans.push(Span::raw(visible(after).into_owned()));
    } else if !agents.filter.is_empty() {
        spans.push(Span::styled(format!("  filter: {}", visible(agents.filter.text())), theme.accent()));
    }
    draw_line(frame, area, Line::from(spans));
}

fn draw_empty(model: &Model, frame: &mut Frame<'_>, parts: Parts) {
    let agents = &model.agents;
    let mut text: Vec<&str> = Vec::new();
    if !agents.loaded {
        text.push("Reading the agents");
    } else if agents.has_any() {
        text.push("No agent matches. Esc shows all again.");
    } else {
        text.push("An agent is a process that works here, with an id, a port and a log.");
        text.push("");
        text.push(if model.setting.read_only {
            "There are none yet."
        } else {
            "There are none yet: n spawns the first, as `conclave spawn` does; `conclave start` registers the architect."
        });
    }
    let complaint = agents.filter.complaint();
    let area = body(model);
    let room = usize::from(area.width).saturating_sub(4);
    let text = text.into_iter().chain(complaint.as_deref());
    let lines = text.flat_map(|line| wrapped(line, room));
    for (y, line) in (parts.head.y + 1..area.bottom()).zip(lines) {
        draw_line(frame, Rect { y, height: 1, ..area }, Line::raw(format!("  {line}")));
    }
}

/// How wide each column is; one that has no room is 0.
struct Columns {
    id: usize,
    kind: usize,
    state: usize,
    pid: usize,
    port: usize,
    place: usize,
    since: usize,
    mark: &'static str,
}

/// Spaces between two columns.
const GAP: usize = 2;

impl Columns {
    fn of(model: &Model, room: u16) -> Self {
        let rows = &model.agents.rows;
        let room = usize::from(room).saturating_sub(2);
        let widest = |text: &dyn Fn(&Row) -> usize, least: usize, most: usize| {
            rows.iter().map(text).max().unwrap_or(0).clamp(least, most)
        };
        let id = widest(&|row| width(&visible(&row.id)), 4, (room / 4).max(8));
        let kind = widest(&|row| width(&visible(&row.type_word)), 4, 12);
        // Wide enough for the usual words: what stands right of it does not move with every change.
        let least = if room >= 60 { 14 } else { 7 };
        let state = widest(&|row| width(&state_text(model.setting.theme, row)), least, 16);
        let since = widest(&|row| since(model, row).len(), 5, 9);
        let pid = widest(&|row| row.pid.map_or(1, |pid| pid.to_string().len()), 3, 8);
        let place = widest(&|row| width(&visible(&row.place)), 5, 60);
        // What is least missed goes first.
        let mut optional = [place, kind, pid, 5];
        let fixed = id + GAP + state + GAP + since;
        for at in 0..optional.len() {
            let others: usize = optional.iter().filter(|wide| **wide > 0).map(|wide| wide + GAP).sum();
            let rest = room.saturating_sub(fixed);
            if others <= rest {
                break;
            }
            // A folder can be cut to what is left.
            let left = rest.saturating_sub(others - optional[at] - GAP).saturating_sub(GAP);
            let keeps = at == 0 && left >= 10;
            optional[at] = if keeps { left } else { 0 };
        }
        let [place, kind, pid, port] = optional;
        Self { id, kind, state, pid, port, place, since, mark: model.setting.theme.sign("…", "~") }
    }

    fn head(&self) -> String {
        let left = |name: &str, room: usize| cell(name, room, false, "");
        let right = |name: &str, room: usize| cell(name, room, true, "");
        format!(
            "  {}{}{}{}{}{}{}",
            pad("id", self.id, false),
            left("type", self.kind),
            left("state", self.state),
            right("pid", self.pid),
            right("port", self.port),
            left("where", self.place),
            right("since", self.since),
        )
    }

    fn row(&self, model: &Model, at: usize, row: &Row) -> Line<'static> {
        let theme = model.setting.theme;
        let marker = if at == model.agents.cursor.selected { theme.marker() } else { " " };
        let nothing = || theme.nothing().to_owned();
        let left = |text: &str, room: usize| cell(&visible(text), room, false, self.mark);
        let right = |text: &str, room: usize| cell(text, room, true, self.mark);
        let (_, _, style) = words::state(theme, row);
        let id = fit_with(&visible(&row.id), self.id, self.mark).into_owned();
        let pid = row.pid.map_or_else(nothing, |pid| pid.to_string());
        let port = row.port.map_or_else(nothing, |port| port.to_string());
        let place = match (row.is_registered(), row.place.as_str()) {
            (true, "") => ".",
            (_, place) => place,
        };
        Line::from(vec![
            Span::styled(format!("{marker} "), theme.accent()),
            Span::raw(pad(&id, self.id, false)),
            Span::raw(left(&row.type_word, self.kind)),
            Span::styled(left(&state_text(theme, row), self.state), style),
            Span::raw(right(&pid, self.pid)),
            Span::raw(right(&port, self.port)),
            Span::raw(left(place, self.place)),
            Span::styled(right(&since(model, row), self.since), theme.dim()),
        ])
    }
}

/// A cell with the gap before it; nothing where it has no room.
fn cell(text: &str, room: usize, is_right: bool, mark: &str) -> String {
    if room == 0 {
        return String::new();
    }
    format!("{}{}", " ".repeat(GAP), pad(&fit_with(text, room, mark), room, is_right))
}

fn state_text(theme: Theme, row: &Row) -> String {
    let (sign, word, _) = words::state(theme, row);
    format!("{sign} {word}")
}

/// Since when it runs, or how long ago it ended.
fn since(model: &Model, row: &Row) -> String {
    if row.lives() {
        return times::clock(model.now_ms.saturating_sub(row.started));
    }
    times::ago(model.now_ms, row.ended.map_or(row.started, |ended| ended.at))
}
