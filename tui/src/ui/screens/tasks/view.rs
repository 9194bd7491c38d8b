//! The lists of tasks, drawn.

use conclave_tasks::read::Sort;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::model::{Counts, Tasks, Which};
use super::row::Row;
use super::{at_work, pane, task_words};
use crate::text::{count, fit_with, pad, visible, width};
use crate::times;
use crate::ui::list_pane::{Parts, WIDE};
use crate::ui::model::Model;
use crate::ui::render::{body, draw_line, rule, wrapped};
use crate::ui::theme::Theme;

/// Below this width the head names one list alone.
const NARROW: u16 = 60;

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
    Some(model.tasks.cursor.top + parts(model).clicked(column, row)?)
}

/// Draws the screen.
pub(crate) fn draw(model: &Model, frame: &mut Frame<'_>) {
    let parts = parts(model);
    let theme = model.setting.theme;
    title(model, frame, parts.title);
    if model.tasks.rows.is_empty() {
        draw_empty(model, frame, parts);
        return;
    }
    let columns = Columns::of(model, parts.list.width);
    draw_line(frame, parts.head, Line::styled(columns.head(), theme.dim()));
    let rows = model.tasks.rows.iter().enumerate().skip(model.tasks.cursor.top);
    for (y, (at, row)) in (0..parts.list.height).zip(rows) {
        let area = Rect { y: parts.list.y + y, height: 1, ..parts.list };
        draw_line(frame, area, columns.row(model, at, row));
        if at == model.tasks.cursor.selected {
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

/// The lists with their counts, the chosen one in brackets; the order; the filter.
fn title(model: &Model, frame: &mut Frame<'_>, area: Rect) {
    let theme = model.setting.theme;
    let tasks = &model.tasks;
    let mut spans = vec![Span::styled(" Tasks ", Theme::strong())];
    let is_filtered = tasks.editing.is_some() || !tasks.filter.is_empty();
    let named = |name: &str, which: Which| match &tasks.counts {
        Some(counts) => format!("{name} {}", count(which.count(counts))),
        None => name.to_owned(),
    };
    if tasks.filter.search().is_some() {
        spans.push(Span::styled(format!(" [{} found]", found(tasks)), Theme::chosen()));
        spans.push(Span::raw(" in all lists"));
    } else if area.width < NARROW || is_filtered && area.width < WIDE || !fits(model, area.width) {
        let chosen = Which::ALL.into_iter().find(|(_, which)| *which == tasks.which);
        let text = chosen.map_or_else(String::new, |(name, which)| named(name, which));
        let (left, right) = (theme.sign("‹", "<"), theme.sign("›", ">"));
        spans.push(Span::styled(format!("{left} {text} {right}"), Theme::chosen()));
    } else {
        for (at, (name, which)) in Which::ALL.into_iter().enumerate() {
            let is_here = which == tasks.which;
            let dot = if at == 0 { " ".to_owned() } else { format!(" {} ", theme.dot()) };
            spans.push(Span::raw(dot));
            let text = named(name, which);
            spans.push(if is_here {
                Span::styled(format!("[{text}]"), Theme::chosen())
            } else {
                Span::raw(text)
            });
        }
    }
    if !tasks.filter.is_empty() && tasks.filter.search().is_none() && tasks.is_whole() {
        spans.push(Span::raw(format!("  {} match", count(tasks.rows.len() as u64))));
    }
    if tasks.new_above() > 0 {
        let sign = theme.sign("↑", "^");
        spans.push(Span::styled(format!("  {sign} {} new", count(tasks.new_above())), theme.accent()));
    }
    if let Some(input) = &tasks.editing {
        spans.push(Span::styled("  / ", theme.accent()));
        spans.push(Span::raw(visible(input.before()).into_owned()));
        spans.push(Span::styled(theme.sign("▏", "_").to_owned(), theme.accent()));
        let after = input.text().get(input.before().len()..).unwrap_or_default();
        spans.push(Span::raw(visible(after).into_owned()));
    } else if !tasks.filter.is_empty() {
        spans.push(Span::styled(format!("  filter: {}", visible(tasks.filter.text())), theme.accent()));
    }
    let used: usize = spans.iter().map(Span::width).sum();
    draw_line(frame, area, Line::from(spans));
    let agents = at_work::summary(tasks).map(|agents| format!("at work: {agents} "));
    let agents = agents.filter(|text| used + 2 + width(text) <= usize::from(area.width));
    let order = agents.unwrap_or_else(|| format!("{} ", order(tasks)));
    if used + 2 + width(&order) <= usize::from(area.width) {
        let wide = u16::try_from(width(&order)).unwrap_or(0);
        let place = Rect { x: area.right() - wide, width: wide, ..area };
        draw_line(frame, place, Line::styled(order, theme.dim()));
    }
}

/// Whether all lists with their counts stand side by side.
fn fits(model: &Model, columns: u16) -> bool {
    let counts = model.tasks.counts.unwrap_or_default();
    let each = |(name, which): (&str, Which)| width(name) + 1 + count(which.count(&counts)).len() + 3;
    8 + Which::ALL.into_iter().map(each).sum::<usize>() <= usize::from(columns)
}

/// How many of a search were found, as far as they were read.
fn found(tasks: &Tasks) -> String {
    let more = if tasks.at_end || !tasks.loaded { "" } else { "+" };
    format!("{}{more}", count(tasks.rows.len() as u64))
}

fn order(tasks: &Tasks) -> &'static str {
    match (tasks.filter.search(), tasks.which, tasks.sort) {
        (Some(_), ..) => "best first",
        (None, Which::Closed, _) => "newest first",
        (None, Which::Ready, Sort::Oldest) => "oldest first",
        (None, Which::Ready, Sort::Hybrid) => "new ones by prio, then oldest",
        (None, ..) => "by prio",
    }
}

fn draw_empty(model: &Model, frame: &mut Frame<'_>, parts: Parts) {
    let tasks = &model.tasks;
    let others = tasks.counts.filter(|counts| *counts != Counts::default());
    let writes = !model.setting.read_only;
    let mut text: Vec<&str> = Vec::new();
    if !tasks.loaded {
        text.push("Reading the tasks");
    } else if !tasks.filter.is_empty() {
        text.push(if tasks.filter.search().is_some() {
            "No task matches. Esc shows all again."
        } else {
            "No task of this list matches. Esc shows all again; /text: and words search all lists."
        });
    } else if others.is_none() {
        text.push("A task is a piece of work that agents and people take, do and close; of any number who claim it one gets it.");
        text.push("");
        text.push(if writes {
            "There are none yet: n makes the first. `conclave task import FILE` brings in those of a Beads file."
        } else {
            "There are none yet."
        });
    } else {
        text.push(match tasks.which {
            Which::Ready => {
                "Nothing is ready: what is not closed is in progress, blocked by others, or put off. Tab shows it."
            }
            Which::InProgress if writes => "Nobody works on a task. Under ready, c claims the one under the cursor.",
            Which::InProgress => "Nobody works on a task.",
            Which::Blocked => "No task is blocked by others. Under ready, d says what a task waits for.",
            Which::Closed => "No task is closed yet. x closes the one under the cursor.",
            Which::Other => {
                "Nothing is put off or never ready: what is not closed is ready, in progress or blocked."
            }
        });
    }
    let complaint = tasks.filter.complaint();
    let area = body(model);
    let room = usize::from(area.width).saturating_sub(4);
    let text = text.into_iter().chain(complaint.as_deref());
    let lines = text.flat_map(|line| wrapped(line, room));
    for (y, line) in (parts.head.y + 1..area.bottom()).zip(lines) {
        draw_line(frame, Rect { y, height: 1, ..area }, Line::raw(format!("  {line}")));
    }
}

/// How wide each column is; computed from the window, so that a page more changes little.
struct Columns {
    id: usize,
    title: usize,
    /// Status, in a search.
    status: usize,
    /// Who has it.
    who: usize,
    /// The rest of a claim.
    left: usize,
    /// What holds it up, or why it is not ready.
    why: usize,
    /// The heading of that.
    why_head: &'static str,
    /// Since when.
    age: usize,
    mark: &'static str,
}

/// `◌ in progress` is the widest.
const STATUS: usize = 13;
/// No title is cut shorter while there is another column to do without.
const SHORTEST_TITLE: usize = 10;

impl Columns {
    fn of(model: &Model, room: u16) -> Self {
        let tasks = &model.tasks;
        let rows = &tasks.rows;
        let widest = |text: &dyn Fn(&Row) -> usize, least: usize, most: usize| {
            rows.iter().map(text).max().unwrap_or(0).clamp(least, most)
        };
        let room = usize::from(room);
        let id = widest(&|row| width(&visible(&row.id)), 4, (room / 4).max(8));
        let is_search = tasks.filter.search().is_some();
        let status = if is_search { STATUS + 2 } else { 0 };
        let has_why = matches!(tasks.which, Which::Blocked | Which::Other) && !is_search;
        let why_head = if tasks.which == Which::Blocked { "waits for" } else { "why" };
        let who = if has_why {
            0
        } else {
            let most = if room < 60 { 8 } else { 16 };
            widest(&|row| width(&who(model, row)), 3, most) + 2
        };
        let left = if rows.iter().any(|row| row.expires.is_some()) {
            widest(&|row| left(model, row).len(), 4, 9) + 2
        } else {
            0
        };
        let age = widest(&|row| age(model, row).len(), 3, 6) + 2;
        let mut dropped = [age, left, who];
        let rest = |dropped: &[usize; 3]| {
            let others = status + dropped.iter().sum::<usize>();
            room.saturating_sub(2 + id + 2 + 1 + 2 + others + 1)
        };
        for at in 0..dropped.len() {
            let is_short = rest(&dropped) < SHORTEST_TITLE * (1 + usize::from(has_why));
            if is_short {
                dropped[at] = 0;
            }
        }
        let rest = rest(&dropped);
        let [age, left, who] = dropped;
        let why = if has_why { rest / 2 } else { 0 };
        Self {
            id,
            title: rest - why,
            status,
            who,
            left,
            why,
            why_head,
            age,
            mark: model.setting.theme.sign("…", "~"),
        }
    }

    fn head(&self) -> String {
        let column = |name: &str, room: usize| {
            let room = room.saturating_sub(2);
            if room == 0 {
                String::new()
            } else {
                format!("  {}", pad(&fit_with(name, room, ""), room, false))
            }
        };
        let right = |name: &str, room: usize| if room == 0 { String::new() } else { pad(name, room, true) };
        format!(
            "  {}  P  {}{}{}{}{}{}",
            pad("id", self.id, false),
            pad(&fit_with("title", self.title, ""), self.title, false),
            column("status", self.status),
            column(self.why_head, self.why),
            column("who", self.who),
            right("left", self.left),
            right("age", self.age),
        )
    }

    fn row(&self, model: &Model, at: usize, row: &Row) -> Line<'static> {
        let theme = model.setting.theme;
        let marker = if at == model.tasks.cursor.selected { theme.marker() } else { " " };
        let column = |text: &str, room: usize| pad(&fit_with(&visible(text), room, self.mark), room, false);
        let priority = row.priority.map_or_else(|| theme.nothing().to_owned(), |number| number.to_string());
        let mut spans = vec![
            Span::styled(format!("{marker} "), theme.accent()),
            Span::raw(format!("{}  ", column(&row.id, self.id))),
            Span::styled(
                priority,
                if row.priority == Some(0) { theme.bad() } else { ratatui::style::Style::new() },
            ),
            Span::raw(format!("  {}", column(&row.title, self.title))),
        ];
        if self.status > 0 {
            let (sign, word, style) = task_words::state(theme, model.now_ms, row);
            spans.push(Span::styled(
                format!("  {}", column(&format!("{sign} {word}"), self.status - 2)),
                style,
            ));
        }
        if self.why > 0 {
            spans
                .push(Span::styled(format!("  {}", column(&why(model, row), self.why - 2)), theme.warning()));
        }
        if self.who > 0 {
            spans.push(Span::raw(format!("  {}", column(&who(model, row), self.who - 2))));
        }
        if self.left > 0 {
            spans.push(Span::styled(pad(&left(model, row), self.left, true), theme.warning()));
        }
        if self.age > 0 {
            spans.push(Span::styled(pad(&age(model, row), self.age, true), theme.dim()));
        }
        Line::from(spans)
    }
}

/// Who has a task, or had it until the claim expired. Of one that was handed out first who works on it.
fn who(model: &Model, row: &Row) -> String {
    if let Some(work) = &row.at_work {
        let by = if work.lost { Some("lost") } else { row.who.as_deref() };
        let by = by.map_or_else(String::new, |by| format!(" ({})", visible(by)));
        return format!("{}{by}", visible(&work.agent));
    }
    match (&row.who, &row.expired_claim_of) {
        (Some(who), _) => visible(who).into_owned(),
        (None, Some(before)) => format!("({})", visible(before)),
        (None, None) => model.setting.theme.nothing().to_owned(),
    }
}

/// Since when it is there, or closed.
fn age(model: &Model, row: &Row) -> String {
    let since = if model.tasks.which == Which::Closed { row.closed.or(row.updated) } else { row.created };
    since.map_or_else(|| "?".to_owned(), |then| times::ago(model.now_ms, then))
}

/// The rest of a claim.
fn left(model: &Model, row: &Row) -> String {
    row.expires.map_or_else(String::new, |at| times::clock(at.saturating_sub(model.now_ms)))
}

/// What holds a task up, in a column: the first, and how many more; or why it is not ready.
fn why(model: &Model, row: &Row) -> String {
    match row.by.as_slice() {
        [] => task_words::aside(model.now_ms, row).unwrap_or_default(),
        [one] => short_why(one),
        [first, more @ ..] => format!("{} and {} more", first.id, more.len()),
    }
}

fn short_why(by: &conclave_tasks::read::Blocker) -> String {
    let status = by.status.as_deref().unwrap_or("unknown").replace('_', " ");
    if by.kind == "blocks" {
        format!("{} ({status})", by.id)
    } else {
        format!("{} ({}, {status})", by.id, by.kind)
    }
}
