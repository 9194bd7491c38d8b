//! The calls of one host, the newest first.

use conclave_llm::CallView;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::words::{brief, brief_or, outcome};
use crate::text::{count, counted, fit_with, pad, visible, width};
use crate::times;
use crate::ui::effect::Effect;
use crate::ui::keymap::Action;
use crate::ui::list::Cursor;
use crate::ui::list_pane::Parts;
use crate::ui::model::Model;
use crate::ui::problem::Problem;
use crate::ui::render::{body, draw_line, joined, rule, wrapped};
use crate::ui::theme::Theme;

/// The lower pane takes at most one part of so many.
const SHARE: u16 = 3;

/// Calls that are read at once; older ones are for `conclave db query --global`.
pub(crate) const MOST: usize = 200;

/// The page.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Calls {
    /// The host's name.
    pub(crate) host: String,
    /// `None` before they were read.
    pub(crate) rows: Option<Vec<CallView>>,
    pub(super) problem: Option<Problem>,
    pub(crate) cursor: Cursor,
}

impl Calls {
    pub(super) fn of(host: &str) -> Self {
        Self { host: host.to_owned(), rows: None, problem: None, cursor: Cursor::default() }
    }

    fn rows(&self) -> &[CallView] {
        self.rows.as_deref().unwrap_or_default()
    }
}

fn parts(model: &Model) -> Parts {
    Parts::of(body(model), SHARE)
}

/// Which line of the list a click meets.
pub(crate) fn clicked(model: &Model, column: u16, row: u16) -> Option<usize> {
    let calls = model.hosts.calls.as_ref()?;
    let line = calls.cursor.top + parts(model).clicked(column, row)?;
    (line < calls.rows().len()).then_some(line)
}

/// Carries out an action of the page.
pub(super) fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    let page = isize::from(parts(model).list.height.max(1).cast_signed());
    let Some(calls) = &mut model.hosts.calls else { return Vec::new() };
    let length = calls.rows().len();
    match action {
        Action::Up => calls.cursor.step(-1, length),
        Action::Down => calls.cursor.step(1, length),
        Action::PageUp => calls.cursor.step(-page, length),
        Action::PageDown => calls.cursor.step(page, length),
        Action::Top => calls.cursor.selected = 0,
        Action::Bottom => calls.cursor.selected = length.saturating_sub(1),
        Action::Copy => {
            let text = calls.rows().get(calls.cursor.selected).map(|call| facts(call).join("\n"));
            let copy = |text| Effect::Copy { text, what: "the call".to_owned() };
            return text.map(copy).into_iter().collect();
        }
        Action::Back => {
            model.hosts.calls = None;
            return Vec::new();
        }
        _ => {}
    }
    fit(model);
    Vec::new()
}

/// They have been read: the cursor stays on its call, but at the top it stays with the newest.
pub(crate) fn arrived(model: &mut Model, host: &str, read: Result<Vec<CallView>, Problem>) {
    let Some(calls) = model.hosts.calls.as_mut().filter(|calls| calls.host == host) else { return };
    match read {
        Err(problem) => {
            calls.problem = Some(problem);
            calls.rows.get_or_insert_default();
        }
        Ok(rows) => {
            calls.problem = None;
            let before = calls.rows.replace(rows).unwrap_or_default();
            let chosen = before.get(calls.cursor.selected).filter(|_| calls.cursor.selected > 0);
            let place = chosen.and_then(|chosen| calls.rows().iter().position(|call| call == chosen));
            if let Some(place) = place {
                calls.cursor.top = (calls.cursor.top + place).saturating_sub(calls.cursor.selected);
                calls.cursor.selected = place;
            }
        }
    }
    fit(model);
}

/// Keeps the cursor in sight.
pub(super) fn fit(model: &mut Model) {
    let height = usize::from(parts(model).list.height);
    if let Some(calls) = &mut model.hosts.calls {
        let length = calls.rows().len();
        calls.cursor.show(length, height);
    }
}

/// Draws the page.
pub(crate) fn draw(model: &Model, calls: &Calls, frame: &mut Frame<'_>) {
    let theme = model.setting.theme;
    let parts = parts(model);
    let rows = calls.rows();
    let mut title = vec![Span::styled(format!(" {}  ", visible(&calls.host)), Theme::strong())];
    if !rows.is_empty() {
        let failed = rows.iter().filter(|call| call.class.is_some()).count() as u64;
        let all = counted(rows.len() as u64, "call", "calls");
        let last = if rows.len() >= MOST { "the last " } else { "" };
        title.push(Span::raw(format!("{last}{all} {} {} failed", theme.dot(), count(failed))));
    }
    draw_line(frame, parts.title, Line::from(title));
    if rows.is_empty() {
        let text = match (&calls.problem, &calls.rows) {
            (Some(problem), _) => problem.text.as_str(),
            (None, None) => "Reading the calls",
            (None, Some(_)) => "Nobody has asked it yet. a asks it something.",
        };
        let lines = wrapped(&visible(text), usize::from(parts.list.width).saturating_sub(4));
        for (y, line) in (parts.head.y + 1..parts.list.bottom()).zip(lines) {
            draw_line(frame, Rect { y, height: 1, ..parts.list }, Line::raw(format!("  {line}")));
        }
    } else {
        let columns = Columns::of(model, rows, parts.list.width);
        draw_line(frame, parts.head, Line::styled(columns.head(), theme.dim()));
        let seen = rows.iter().enumerate().skip(calls.cursor.top);
        for (y, (at, call)) in (0..parts.list.height).zip(seen) {
            let area = Rect { y: parts.list.y + y, height: 1, ..parts.list };
            let is_here = at == calls.cursor.selected;
            draw_line(frame, area, columns.row(model, is_here, call));
            if is_here {
                let area = area.intersection(frame.area());
                frame.buffer_mut().set_style(area, Theme::strong());
            }
        }
    }
    if let Some(area) = parts.rule {
        rule(model, frame, area);
    }
    if let (Some(area), Some(call)) = (parts.pane, rows.get(calls.cursor.selected)) {
        let room = usize::from(area.width).saturating_sub(3);
        let lines = joined(&facts(call), theme.dot(), room);
        for (y, line) in (area.y..area.bottom()).zip(lines) {
            draw_line(frame, Rect { y, height: 1, ..area }, Line::raw(format!(" {line}")));
        }
    }
}

/// All that is known of a call.
fn facts(call: &CallView) -> Vec<String> {
    let mut facts = vec![times::absolute(call.at)];
    facts.push(match outcome(call) {
        Some(failure) => format!("failed: {failure}"),
        None => "answered".to_owned(),
    });
    facts.push(format!("model {}", visible(&call.model)));
    facts.extend(call.task.iter().map(|task| format!("task {}", visible(task))));
    facts.extend(call.run.iter().map(|run| format!("run {}", visible(run))));
    facts.push(format!("attempt {} of its question", call.attempt));
    facts.extend(call.queued_ms.filter(|ms| *ms > 0).map(|ms| format!("{} in the queue", brief(ms))));
    facts.extend(call.first_ms.map(|ms| format!("first token after {}", brief(ms))));
    facts.push(format!("{} in all", brief(call.total_ms)));
    if call.tokens_in.is_some() || call.tokens_out.is_some() {
        let tokens = |tokens: Option<u64>| tokens.map_or_else(|| "?".to_owned(), count);
        facts.push(format!("tokens {} in, {} out", tokens(call.tokens_in), tokens(call.tokens_out)));
    }
    facts
}

/// How wide each column is; one that has no room is 0.
struct Columns {
    when: usize,
    outcome: usize,
    total: usize,
    first: usize,
    tokens: usize,
    model: usize,
    task: usize,
    mark: &'static str,
}

/// Spaces between two columns.
const GAP: usize = 2;

impl Columns {
    fn of(model: &Model, rows: &[CallView], room: u16) -> Self {
        let theme = model.setting.theme;
        let room = usize::from(room).saturating_sub(2);
        let widest = |text: &dyn Fn(&CallView) -> usize, least: usize, most: usize| {
            rows.iter().map(text).max().unwrap_or(0).clamp(least, most)
        };
        let when = widest(&|call| times::ago(model.now_ms, call.at).len(), 4, 5);
        let outcome = widest(&|call| width(&outcome_text(theme, call)), 8, 18);
        let mut left = room.saturating_sub(when + outcome + 2 * GAP + 5);
        // What is least missed has room last.
        let mut take = |wanted: usize| {
            if left >= wanted + GAP {
                left -= wanted + GAP;
                wanted
            } else {
                0
            }
        };
        let served = take(widest(&|call| width(&visible(&call.model)), 5, 24));
        let first = take(6);
        let tokens = take(widest(&|call| tokens(theme, call).len(), 6, 15));
        let task = take(widest(&|call| call.task.as_deref().map_or(0, |task| width(&visible(task))), 4, 20));
        Self { when, outcome, total: 5, first, tokens, model: served, task, mark: theme.sign("…", "~") }
    }

    fn head(&self) -> String {
        format!(
            "  {}{}{}{}{}{}{}",
            pad("when", self.when, true),
            self.cell("outcome", self.outcome, false),
            self.cell("total", self.total, true),
            self.cell("first", self.first, true),
            self.cell("tokens", self.tokens, true),
            self.cell("model", self.model, false),
            self.cell("task", self.task, false),
        )
    }

    fn row(&self, model: &Model, is_here: bool, call: &CallView) -> Line<'static> {
        let theme = model.setting.theme;
        let marker = if is_here { theme.marker() } else { " " };
        let style = if call.class.is_some() { theme.bad() } else { theme.good() };
        let task = call.task.as_deref().unwrap_or(theme.nothing());
        Line::from(vec![
            Span::styled(format!("{marker} "), theme.accent()),
            Span::raw(pad(&times::ago(model.now_ms, call.at), self.when, true)),
            Span::styled(self.cell(&outcome_text(theme, call), self.outcome, false), style),
            Span::raw(self.cell(&brief(call.total_ms), self.total, true)),
            Span::raw(self.cell(&brief_or(theme, call.first_ms), self.first, true)),
            Span::styled(self.cell(&tokens(theme, call), self.tokens, true), theme.dim()),
            Span::raw(self.cell(&visible(&call.model), self.model, false)),
            Span::styled(self.cell(&visible(task), self.task, false), theme.dim()),
        ])
    }

    fn cell(&self, text: &str, room: usize, is_right: bool) -> String {
        if room == 0 {
            return String::new();
        }
        format!("{}{}", " ".repeat(GAP), pad(&fit_with(text, room, self.mark), room, is_right))
    }
}

fn outcome_text(theme: Theme, call: &CallView) -> String {
    match outcome(call) {
        Some(failure) => format!("{} {failure}", theme.sign("✗", "x")),
        None => format!("{} answered", theme.sign("✓", "+")),
    }
}

/// Of the prompt and of the answer.
fn tokens(theme: Theme, call: &CallView) -> String {
    if call.tokens_in.is_none() && call.tokens_out.is_none() {
        return theme.nothing().to_owned();
    }
    let one = |tokens: Option<u64>| tokens.map_or_else(|| "?".to_owned(), count);
    format!("{}+{}", one(call.tokens_in), one(call.tokens_out))
}
