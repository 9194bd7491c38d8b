//! The leases, drawn.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::pane;
use super::row::{self, Grant, Row};
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
    Some(model.coordination.cursor.top + parts(model).clicked(column, row)?)
}

/// Whether the ports and the architects have room beside the list.
pub(super) fn has_pane(model: &Model) -> bool {
    parts(model).pane.is_some()
}

/// Draws the screen.
pub(crate) fn draw(model: &Model, frame: &mut Frame<'_>) {
    let parts = parts(model);
    if model.coordination.beside && parts.pane.is_none() {
        pane::draw(model, frame, body(model));
        return;
    }
    let theme = model.setting.theme;
    let screen = &model.coordination;
    title(model, frame, parts.title);
    if screen.rows.is_empty() {
        draw_empty(model, frame, parts);
    } else {
        let columns = Columns::of(model, parts.list.width);
        draw_line(frame, parts.head, Line::styled(columns.head(), theme.dim()));
        let rows = screen.rows.iter().enumerate().skip(screen.cursor.top);
        for (y, (at, row)) in (0..parts.list.height).zip(rows) {
            let area = Rect { y: parts.list.y + y, height: 1, ..parts.list };
            draw_line(frame, area, columns.row(model, at, row));
            if at == screen.cursor.selected {
                let area = area.intersection(frame.area());
                frame.buffer_mut().set_style(area, Theme::strong());
            }
        }
    }
    if let Some(area) = parts.rule {
        rule(model, frame, area);
    }
    if let Some(area) = parts.pane.filter(|_| screen.loaded) {
        pane::draw(model, frame, area);
    }
}

/// How many are held and waited for; the filter.
fn title(model: &Model, frame: &mut Frame<'_>, area: Rect) {
    let theme = model.setting.theme;
    let screen = &model.coordination;
    let mut spans = vec![Span::styled(" Leases  ", Theme::strong())];
    if !screen.filter.is_empty() {
        spans.push(Span::raw(counted(screen.rows.len() as u64, "match", "matches")));
    } else if screen.loaded {
        // A name that several hold is one.
        let held = screen.found.leases.iter().filter(|row| row.held().next().is_some()).count();
        let waiting: usize = screen.found.leases.iter().map(|row| row.waiters.len()).sum();
        let told = format!("{} held {} {} waiting", count(held as u64), theme.dot(), count(waiting as u64));
        spans.push(Span::raw(told));
    }
    if let Some(input) = &screen.editing {
        spans.push(Span::styled("  / ", theme.accent()));
        spans.push(Span::raw(visible(input.before()).into_owned()));
        spans.push(Span::styled(theme.sign("▏", "_").to_owned(), theme.accent()));
        let after = input.text().get(input.before().len()..).unwrap_or_default();
        spans.push(Span::raw(visible(after).into_owned()));
    } else if !screen.filter.is_empty() {
        spans.push(Span::styled(format!("  filter: {}", visible(screen.filter.text())), theme.accent()));
    }
    let used: usize = spans.iter().map(Span::width).sum();
    draw_line(frame, area, Line::from(spans));
    let clock = "boot clock, fair ";
    if used + 2 + clock.len() <= usize::from(area.width) {
        let wide = u16::try_from(clock.len()).unwrap_or(0);
        let place = Rect { x: area.right() - wide, width: wide, ..area };
        draw_line(frame, place, Line::styled(clock, theme.dim()));
    }
}

fn draw_empty(model: &Model, frame: &mut Frame<'_>, parts: Parts) {
    let screen = &model.coordination;
    let mut text: Vec<&str> = Vec::new();
    if !screen.loaded {
        text.push("Reading the leases");
    } else if !screen.found.leases.is_empty() {
        text.push("No lease matches. Esc shows all again.");
    } else {
        text.push(
            "A lease is a name that one agent holds for a while, such as release or schema; others wait.",
        );
        text.push(
            "None is held: `conclave lease run --lock-name NAME -- CMD` holds one as long as the command runs.",
        );
    }
    let complaint = screen.filter.complaint();
    let room = usize::from(parts.list.width).saturating_sub(4);
    let text = text.into_iter().chain(complaint.as_deref());
    let lines = text.flat_map(|line| wrapped(line, room));
    for (y, line) in (parts.head.y + 1..parts.list.bottom()).zip(lines) {
        draw_line(frame, Rect { y, height: 1, ..parts.list }, Line::raw(format!("  {line}")));
    }
}

/// Who it is, with the process.
pub(super) fn holder(grant: &Grant) -> String {
    let pid = grant.pid.map_or_else(String::new, |pid| format!(" ({pid})"));
    format!("{}{pid}", grant.holder)
}

/// Who holds it, in a column.
fn holders(model: &Model, row: &Row) -> String {
    let held: Vec<&Grant> = row.held().collect();
    let text = match held.as_slice() {
        [] => model.setting.theme.nothing().to_owned(),
        [one] => holder(one),
        many => format!("{} readers", many.len()),
    };
    visible(&text).into_owned()
}

fn modes(model: &Model, row: &Row) -> &'static str {
    row.held().next().map_or(model.setting.theme.nothing(), |grant| row::mode(grant.mode))
}

/// How long until it is free, unless it is renewed.
fn left(model: &Model, row: &Row) -> String {
    match row.ends() {
        Some(ends) => times::clock(ends.saturating_sub(model.now_ms)),
        None if row.grants.is_empty() => model.setting.theme.nothing().to_owned(),
        None => "over".to_owned(),
    }
}

fn fence(model: &Model, row: &Row) -> String {
    let last = row.grants.iter().map(|grant| grant.fence).max();
    last.map_or_else(|| model.setting.theme.nothing().to_owned(), count)
}

fn waiting(model: &Model, row: &Row) -> String {
    let names: Vec<&str> = row.waiters.iter().map(|waiter| waiter.holder.as_str()).collect();
    let text = if names.is_empty() { model.setting.theme.nothing().to_owned() } else { names.join(", ") };
    visible(&text).into_owned()
}

/// Who waits, in so many columns: where not all names fit, the first and how many more there are.
fn waiting_in(model: &Model, row: &Row, room: usize) -> String {
    let all = waiting(model, row);
    let Some(first) = row.waiters.first().filter(|_| row.waiters.len() > 1 && width(&all) > room) else {
        return all;
    };
    let more = format!(" +{}", row.waiters.len() - 1);
    let mark = model.setting.theme.sign("…", "~");
    let left = room.saturating_sub(more.len());
    format!("{}{more}", fit_with(&visible(&first.holder), left, mark))
}

/// The name, marked where it is one of the whole machine.
fn name(row: &Row) -> String {
    let name = visible(&row.name);
    if row.global { format!("{name}{GLOBAL}") } else { name.into_owned() }
}

/// What stands behind the name of a lease of the whole machine.
const GLOBAL: &str = " (global)";

/// How wide each column is; one that has no room is 0.
struct Columns {
    name: usize,
    holder: usize,
    mode: usize,
    left: usize,
    fence: usize,
    waiting: usize,
    mark: &'static str,
}

/// Spaces between two columns.
const GAP: usize = 2;

impl Columns {
    fn of(model: &Model, room: u16) -> Self {
        let rows = &model.coordination.rows;
        let room = usize::from(room).saturating_sub(2);
        let widest = |text: &dyn Fn(&Row) -> usize, least: usize, most: usize| {
            rows.iter().map(text).max().unwrap_or(0).clamp(least, most)
        };
        let name = widest(&|row| width(&name(row)), 4, (room / 3).max(14));
        let holder = widest(&|row| width(&holders(model, row)), 6, (room / 3).max(8));
        let left = widest(&|row| left(model, row).len(), 4, 9);
        let fence = widest(&|row| fence(model, row).len(), 5, 12);
        let waiting = widest(&|row| width(&waiting(model, row)), 7, 60);
        // What is least missed goes first; who waits can be cut to what is left.
        let mut optional = [9, fence, waiting, holder];
        let fixed = name + GAP + left;
        for at in [2, 0, 1, 2, 3] {
            let others: usize = optional.iter().filter(|wide| **wide > 0).map(|wide| wide + GAP).sum();
            let rest = room.saturating_sub(fixed);
            if others <= rest {
                break;
            }
            let kept = optional[at].saturating_sub(others - rest);
            // Nothing is cut to less than can be read.
            optional[at] = match (at, kept) {
                (2 | 3, kept) if kept >= 7 => kept,
                (2, _) if optional[0] > 0 => 7,
                _ => 0,
            };
        }
        let [mode, fence, waiting, holder] = optional;
        Self { name, holder, mode, left, fence, waiting, mark: model.setting.theme.sign("…", "~") }
    }

    fn head(&self) -> String {
        let left = |name: &str, room: usize| cell(name, room, false, "");
        let right = |name: &str, room: usize| cell(name, room, true, "");
        format!(
            "  {}{}{}{}{}{}",
            pad("name", self.name, false),
            left("holder", self.holder),
            left("mode", self.mode),
            right("left", self.left),
            right("fence", self.fence),
            left("waiting", self.waiting),
        )
    }

    fn row(&self, model: &Model, at: usize, row: &Row) -> Line<'static> {
        let theme = model.setting.theme;
        let marker = if at == model.coordination.cursor.selected { theme.marker() } else { " " };
        let left_cell = |text: &str, room: usize| cell(text, room, false, self.mark);
        let right = |text: &str, room: usize| cell(text, room, true, self.mark);
        // The mark of the whole machine is not cut off.
        let room = self.name.saturating_sub(if row.global { GLOBAL.len() } else { 0 });
        let mut name = fit_with(&visible(&row.name), room, self.mark).into_owned();
        if row.global {
            name.push_str(GLOBAL);
        }
        Line::from(vec![
            Span::styled(format!("{marker} "), theme.accent()),
            Span::raw(pad(&name, self.name, false)),
            Span::raw(left_cell(&holders(model, row), self.holder)),
            Span::styled(left_cell(modes(model, row), self.mode), theme.dim()),
            Span::styled(right(&left(model, row), self.left), theme.warning()),
            Span::raw(right(&fence(model, row), self.fence)),
            Span::raw(left_cell(&waiting_in(model, row, self.waiting), self.waiting)),
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
