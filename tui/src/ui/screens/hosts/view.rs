//! The hosts, drawn.

use conclave_llm::HostView;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::words::{brief_or, sparkline, standing};
use super::{pane, selected};
use crate::text::{count, counted, fit_with, pad, visible, width};
use crate::times;
use crate::ui::list_pane::Parts;
use crate::ui::model::Model;
use crate::ui::render::{body, draw_line, rule, wrapped};
use crate::ui::theme::Theme;

/// The lower pane takes at most one part of so many.
const SHARE: u16 = 2;

/// Calls that the sparkline shows at most.
const LAST: usize = 30;

fn parts(model: &Model) -> Parts {
    Parts::of(body(model), SHARE)
}

/// Lines of the list that are seen.
pub(crate) fn list_height(model: &Model) -> usize {
    usize::from(parts(model).list.height)
}

/// Which line of the list a click meets.
pub(crate) fn clicked(model: &Model, column: u16, row: u16) -> Option<usize> {
    let line = model.hosts.cursor.top + parts(model).clicked(column, row)?;
    (line < model.hosts.found.hosts.len()).then_some(line)
}

/// Draws the screen.
pub(crate) fn draw(model: &Model, frame: &mut Frame<'_>) {
    let parts = parts(model);
    let theme = model.setting.theme;
    let screen = &model.hosts;
    title(model, frame, parts.title);
    if screen.found.hosts.is_empty() {
        draw_empty(model, frame, parts);
    } else {
        let columns = Columns::of(model, parts.list.width);
        draw_line(frame, parts.head, Line::styled(columns.head(), theme.dim()));
        let rows = screen.found.hosts.iter().enumerate().skip(screen.cursor.top);
        for (y, (at, host)) in (0..parts.list.height).zip(rows) {
            let area = Rect { y: parts.list.y + y, height: 1, ..parts.list };
            draw_line(frame, area, columns.row(model, at, host));
            if at == screen.cursor.selected {
                let area = area.intersection(frame.area());
                frame.buffer_mut().set_style(area, Theme::strong());
            }
        }
    }
    if let Some(area) = parts.rule {
        rule(model, frame, area);
    }
    if let Some(area) = parts.pane {
        draw_pane(model, frame, area);
    }
}

/// What could not be read stands before the details.
fn draw_pane(model: &Model, frame: &mut Frame<'_>, area: Rect) {
    let screen = &model.hosts;
    let mut area = area;
    if let Some(problem) = screen.found.problem.as_ref().filter(|_| !screen.found.hosts.is_empty()) {
        let lines = wrapped(&visible(&problem.text), usize::from(area.width).saturating_sub(2));
        let lines: Vec<String> = lines.into_iter().take(3).collect();
        for (y, line) in (area.y..area.bottom()).zip(&lines) {
            let line = Line::styled(format!(" {line}"), model.setting.theme.bad());
            draw_line(frame, Rect { y, height: 1, ..area }, line);
        }
        let used = u16::try_from(lines.len()).unwrap_or(0).min(area.height);
        area = Rect { y: area.y + used, height: area.height - used, ..area };
    }
    if let Some(host) = selected(screen) {
        pane::draw(model, host, frame, area);
    }
}

/// How many are open, how much the fallback was used, and what is going on.
fn title(model: &Model, frame: &mut Frame<'_>, area: Rect) {
    let theme = model.setting.theme;
    let screen = &model.hosts;
    let mut spans = vec![Span::styled(" Hosts  ", Theme::strong())];
    let hosts = &screen.found.hosts;
    if screen.loaded && !hosts.is_empty() {
        let open = hosts.iter().filter(|host| matches!(host.breaker.state.as_str(), "open" | "forced_open"));
        let mut told = match open.count() as u64 {
            0 => "none open".to_owned(),
            open => format!("{} open", count(open)),
        };
        if let Some(fallback) = hosts.iter().find(|host| host.fallback) {
            let limit = screen.found.budget.calls_per_hour;
            let limit = limit.map_or_else(String::new, |limit| format!(" (of {})", count(limit.into())));
            let calls = counted(fallback.calls_last_hour, "call", "calls");
            told = format!("{told} {} fallback {calls} in the last hour{limit}", theme.dot());
        }
        spans.push(Span::raw(told));
    }
    let mut right = String::new();
    if let Some(deed) = screen.deeds.first() {
        let host = if deed.host.is_empty() { "all" } else { &deed.host };
        right = format!("{} {} {} ", theme.sign("●", "*"), deed.kind.word(), visible(host));
    } else if let Some(answer) = screen.answer.as_ref().filter(|answer| answer.goes_on()) {
        let took = times::clock(model.now_ms.saturating_sub(answer.since));
        right = format!("{} asking {took} (A) ", theme.sign("●", "*"));
    }
    let used: usize = spans.iter().map(Span::width).sum();
    draw_line(frame, area, Line::from(spans));
    let wide = u16::try_from(width(&right)).unwrap_or(0);
    if wide > 0 && used + 1 + usize::from(wide) <= usize::from(area.width) {
        let place = Rect { x: area.right() - wide, width: wide, ..area };
        draw_line(frame, place, Line::styled(right, theme.accent()));
    }
}

fn draw_empty(model: &Model, frame: &mut Frame<'_>, parts: Parts) {
    let screen = &model.hosts;
    let theme = model.setting.theme;
    let room = usize::from(parts.list.width).saturating_sub(4);
    let mut lines: Vec<Line<'static>> = Vec::new();
    let mut add = |text: &str, style| {
        lines.extend(
            wrapped(&visible(text), room).into_iter().map(|line| Line::styled(format!("  {line}"), style)),
        );
    };
    let plain = ratatui::style::Style::new();
    match (&screen.found.problem, screen.loaded) {
        (Some(problem), _) => {
            add(&problem.text, theme.bad());
            if let Some(hint) = &problem.hint {
                add(hint, plain);
            }
        }
        (None, false) => add("Reading the hosts", plain),
        (None, true) => {
            add("A host serves models over HTTP: this machine, another one, or a vendor's cloud.", plain);
            add(
                "None is configured: write [[hosts]] with name, url and dialect (ollama, openai or anthropic) into \
                 .conclave/config.toml; F5 reads it again.",
                plain,
            );
        }
    }
    for (y, line) in (parts.head.y + 1..parts.list.bottom()).zip(lines) {
        draw_line(frame, Rect { y, height: 1, ..parts.list }, line);
    }
}

/// How wide each column is; one that has no room is 0.
struct Columns {
    name: usize,
    dialect: usize,
    state: usize,
    slots: usize,
    p50: usize,
    p95: usize,
    last: usize,
    mark: &'static str,
}

/// Spaces between two columns.
const GAP: usize = 2;
/// Columns of a duration.
const TIME: usize = 6;
/// The fewest calls that are worth a sparkline.
const LEAST: usize = 7;

impl Columns {
    fn of(model: &Model, room: u16) -> Self {
        let theme = model.setting.theme;
        let hosts = &model.hosts.found.hosts;
        let widest = |text: &dyn Fn(&HostView) -> usize, least: usize, most: usize| {
            hosts.iter().map(text).max().unwrap_or(0).clamp(least, most)
        };
        let room = usize::from(room).saturating_sub(2);
        let name = widest(&|host| width(&visible(&host.name)), 4, (room / 4).max(10));
        let short = |host: &HostView| width(&standing(theme, host, model.now_ms).text(0));
        let whole = |host: &HostView| width(&standing(theme, host, model.now_ms).text(usize::MAX));
        let (short, whole) = (widest(&short, 8, 16), widest(&whole, 8, 30));
        let slots = widest(&|host| slots(host).len(), 5, 11);
        let mut left = room.saturating_sub(name + GAP + short + GAP + slots);
        let mut take = |wanted: usize| {
            let taken = if left >= wanted { wanted } else { 0 };
            left -= taken;
            taken
        };
        // What is least missed has room last.
        let state = short + take(whole - short);
        let p95 = take(TIME + GAP).saturating_sub(GAP);
        let last = take(LEAST + GAP).saturating_sub(GAP);
        let p50 = take(TIME + GAP).saturating_sub(GAP);
        let dialect = take(widest(&|host| host.dialect.as_str().len(), 7, 10) + GAP).saturating_sub(GAP);
        let last = if last > 0 { (last + left).min(LAST) } else { 0 };
        Self { name, dialect, state, slots, p50, p95, last, mark: theme.sign("…", "~") }
    }

    fn head(&self) -> String {
        let last = if self.last >= LAST { format!("last {LAST}") } else { "last".to_owned() };
        format!(
            "  {}{}{}{}{}{}{}",
            pad("host", self.name, false),
            self.cell("dialect", self.dialect, false),
            self.cell("state", self.state, false),
            self.cell("slots", self.slots, true),
            self.cell("p50", self.p50, true),
            self.cell("p95", self.p95, true),
            self.cell(&last, self.last, false),
        )
    }

    fn row(&self, model: &Model, at: usize, host: &HostView) -> Line<'static> {
        let theme = model.setting.theme;
        let marker = if at == model.hosts.cursor.selected { theme.marker() } else { " " };
        let name = fit_with(&visible(&host.name), self.name, self.mark).into_owned();
        let standing = standing(theme, host, model.now_ms);
        let mut spans = vec![
            Span::styled(format!("{marker} "), theme.accent()),
            Span::raw(pad(&name, self.name, false)),
            Span::styled(self.cell(host.dialect.as_str(), self.dialect, false), theme.dim()),
            Span::styled(self.cell(&standing.text(self.state), self.state, false), standing.style),
            Span::raw(self.cell(&slots(host), self.slots, true)),
            Span::raw(self.cell(&brief_or(theme, host.p50_ms), self.p50, true)),
            Span::raw(self.cell(&brief_or(theme, host.p95_ms), self.p95, true)),
        ];
        if self.last > 0 {
            spans.push(Span::raw(" ".repeat(GAP)));
            spans.extend(sparkline(theme, &host.recent, self.last));
        }
        Line::from(spans)
    }

    fn cell(&self, text: &str, room: usize, is_right: bool) -> String {
        if room == 0 {
            return String::new();
        }
        format!("{}{}", " ".repeat(GAP), pad(&fit_with(text, room, self.mark), room, is_right))
    }
}

/// Calls that run of those that may; who waits behind a sign.
fn slots(host: &HostView) -> String {
    let waiting = if host.waiting > 0 { format!("+{}", count(host.waiting)) } else { String::new() };
    format!("{}/{}{waiting}", count(host.in_flight), host.slots)
}
