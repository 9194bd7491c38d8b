//! The list of runs, drawn.

use conclave_consensus::runs::{RunStatus, RunSummary, Stand};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::pane;
use crate::text::{count, counted, fit, fit_with, pad, visible, width};
use crate::times;
use crate::ui::answers;
use crate::ui::list_pane::{Parts, SHORT};
use crate::ui::model::Model;
use crate::ui::render::{body, draw_line, rule, wrapped};
use crate::ui::screens::tasks::Counts;
use crate::ui::theme::Theme;

/// The lower pane takes at most one part of so many.
const SHARE: u16 = 3;

fn parts(model: &Model) -> Parts {
    Parts::of(body(model), SHARE)
}

/// Lines of the list that are seen.
pub(crate) fn list_height(model: &Model) -> usize {
    usize::from(parts(model).list.height)
}

/// Which line of the list a click meets.
pub(crate) fn clicked(model: &Model, column: u16, row: u16) -> Option<usize> {
    Some(model.runs.cursor.top + parts(model).clicked(column, row)?)
}

/// Draws the screen.
pub(crate) fn draw(model: &Model, frame: &mut Frame<'_>) {
    let parts = parts(model);
    let theme = model.setting.theme;
    draw_line(frame, parts.title, title(model));
    if model.runs.rows.is_empty() {
        draw_empty(model, frame, parts);
        return;
    }
    let columns = Columns::of(model, parts.list.width);
    draw_line(frame, parts.head, Line::styled(columns.head(), theme.dim()));
    let rows = model.runs.rows.iter().enumerate().skip(model.runs.cursor.top);
    for (y, (at, run)) in (0..parts.list.height).zip(rows) {
        let area = Rect { y: parts.list.y + y, height: 1, ..parts.list };
        draw_line(frame, area, columns.row(model, at, run));
        if at == model.runs.cursor.selected {
            frame.buffer_mut().set_style(Rect { x: area.x, width: area.width, ..area }, Theme::strong());
        }
    }
    if let Some(area) = parts.rule {
        rule(model, frame, area);
    }
    if let Some(area) = parts.pane {
        pane::draw(model, frame, area);
    }
}

fn title(model: &Model) -> Line<'static> {
    let theme = model.setting.theme;
    let runs = &model.runs;
    let mut spans = vec![Span::styled(" Runs", Theme::strong())];
    let total = runs.total.map(count);
    let text = match (&total, runs.matching, runs.filter.is_empty()) {
        (Some(total), Some(matching), _) => format!("  {} of {total}", count(matching)),
        (Some(total), None, true) => format!("  {total}"),
        (Some(total), None, false) => format!("  … of {total}"),
        (None, ..) => String::new(),
    };
    spans.push(Span::raw(text));
    if runs.new_above() > 0 {
        let sign = theme.sign("↑", "^");
        spans.push(Span::styled(format!("  {sign} {} new", count(runs.new_above())), theme.accent()));
    }
    if !runs.marked.is_empty() {
        spans.push(Span::raw(format!("  {} marked", runs.marked.len())));
    }
    if let Some(input) = &runs.editing {
        spans.push(Span::styled("  / ", theme.accent()));
        spans.push(Span::raw(visible(input.before()).into_owned()));
        spans.push(Span::styled(theme.sign("▏", "_").to_owned(), theme.accent()));
        spans.push(Span::raw(
            visible(input.text().get(input.before().len()..).unwrap_or_default()).into_owned(),
        ));
    } else if !runs.filter.is_empty() {
        spans.push(Span::styled(format!("  filter: {}", visible(runs.filter.text())), theme.accent()));
    }
    Line::from(spans)
}

fn draw_empty(model: &Model, frame: &mut Frame<'_>, parts: Parts) {
    let runs = &model.runs;
    let text: &[&str] = if !runs.loaded {
        &["Reading the runs"]
    } else if runs.filter.is_empty() {
        &[
            "A run is one question to several agents, with every answer that came.",
            "",
            "There are none yet. `n` starts one with the [[agents]] of config.toml; `:migrate import FILE` brings in \
             those of a legacy database.",
        ]
    } else {
        &["No run matches. Esc shows all again."]
    };
    let complaint = runs.filter.complaint();
    let area = body(model);
    let room = usize::from(area.width).saturating_sub(4);
    let short = area.height < SHORT;
    let text = text.iter().copied().filter(|line| !short || !line.is_empty());
    let tasks = runs.loaded.then(|| tasks_elsewhere(model)).flatten();
    // On a low screen not all is seen, and work is more than how to begin other work.
    let (first, last) = if short { (tasks, None) } else { (None, tasks) };
    let text = first.as_deref().into_iter().chain(text).chain(complaint.as_deref()).chain(last.as_deref());
    let lines = text.flat_map(|line| wrapped(line, room));
    for (y, line) in (parts.head.y + 1..area.bottom()).zip(lines) {
        draw_line(frame, Rect { y, height: 1, ..area }, Line::raw(format!("  {line}")));
    }
}

/// Where there is no run, but work: which key shows it.
fn tasks_elsewhere(model: &Model) -> Option<String> {
    let counts = model.tasks.counts.filter(|counts| *counts != Counts::default())?;
    Some(match counts.ready {
        0 => "There are tasks: 3 shows them.".to_owned(),
        ready => format!("{} ready: 3 shows them.", counted(ready, "task is", "tasks are")),
    })
}

/// How wide each column is; computed from the window, so that a page more changes little.
struct Columns {
    number: usize,
    spec: usize,
    stage: usize,
    agents: usize,
    when: usize,
    took: usize,
}

/// `◐ insufficient` is the widest.
const VERDICT: usize = 14;
/// No name of an agent is cut shorter.
const SHORTEST_NAME: usize = 3;
/// Below this width the words of a row are cut shorter.
const NARROW: usize = 60;

impl Columns {
    fn of(model: &Model, room: u16) -> Self {
        let runs = &model.runs;
        let widest = |text: &dyn Fn(&RunSummary) -> usize, least: usize, most: usize| {
            runs.rows.iter().map(text).max().unwrap_or(0).clamp(least, most)
        };
        let room = usize::from(room);
        let number = widest(&|run| run.id.to_string().len(), 3, 12);
        let stage = widest(&|run| width(&run.stage), 5, if room < NARROW { 6 } else { 12 });
        let (when, took) = (4, widest(&|run| took(model.now_ms, run).len(), 4, 9));
        let fixed = 3 + number + 2 + 2 + stage + 2 + VERDICT + 2 + when + 1;
        let spec = widest(&|run| width(&run.spec), 4, 24.min(room.saturating_sub(fixed).max(8)));
        let agents = room.saturating_sub(fixed + spec + 2 + took + 2);
        Self { number, spec, stage, agents, when, took }
    }

    fn head(&self) -> String {
        let mut text = format!(
            "   {}  {}  {}  {}",
            pad("#", self.number, true),
            pad("spec", self.spec, false),
            pad("stage", self.stage, false),
            pad("status", VERDICT, false),
        );
        if self.agents >= 8 {
            text = format!("{text}  {}", pad("agents", self.agents, false));
        }
        format!("{text}  {}{}", pad("when", self.when, true), pad("took", self.took + 2, true))
    }

    fn row(&self, model: &Model, at: usize, run: &RunSummary) -> Line<'static> {
        let theme = model.setting.theme;
        let marker = if at == model.runs.cursor.selected { theme.marker() } else { " " };
        let mark = if model.runs.marked.contains(&run.id) { theme.sign("•", "#") } else { " " };
        let column = |text: &str, room: usize| pad(&fit(&visible(text), room), room, false);
        let (sign, word, style) = theme.run(run);
        let mut spans = vec![
            Span::styled(format!(" {marker}{mark}"), theme.accent()),
            Span::raw(pad(&run.id.to_string(), self.number, true)),
            Span::raw(format!("  {}  {}  ", column(&run.spec, self.spec), column(&run.stage, self.stage))),
            Span::styled(pad(&format!("{sign} {word}"), VERDICT, false), style),
        ];
        if self.agents >= 8 {
            spans.push(Span::raw("  "));
            spans.extend(agents(model, run, self.agents));
        }
        let when = run.started_at.map_or("?".to_owned(), |then| times::ago(model.now_ms, then));
        spans.push(Span::styled(format!("  {}", pad(&when, self.when, true)), theme.dim()));
        spans.push(Span::styled(pad(&took(model.now_ms, run), self.took + 2, true), theme.dim()));
        Line::from(spans)
    }
}

/// From the first to the last of a run, where both are known; of one that somebody drives, until now.
fn took(now_ms: i64, run: &RunSummary) -> String {
    match (run.started_at, run.updated_at) {
        (Some(from), _) if run.status == RunStatus::Running && !run.interrupted => {
            times::clock(now_ms.saturating_sub(from))
        }
        (Some(from), Some(to)) if to > from => times::clock(to - from),
        _ => String::new(),
    }
}

/// Who was asked, each with a sign of how far it is, in exactly `room` columns.
fn agents(model: &Model, run: &RunSummary, room: usize) -> Vec<Span<'static>> {
    let theme = model.setting.theme;
    let marks = model.runs.marks.get(&run.id).map(Vec::as_slice).unwrap_or_default();
    let unmarked = run.agents.iter().filter(|agent| !marks.iter().any(|mark| mark.agent == **agent));
    let unmarked = unmarked.map(|agent| (agent.as_str(), Stand::Nothing, 0));
    let all = marks.iter().map(|mark| (mark.agent.as_str(), mark.stand, mark.attempts)).chain(unmarked);
    let all: Vec<_> = all
        .map(|(agent, stand, attempts)| {
            let (sign, style) = match stand {
                Stand::Answered => (theme.sign("✓", "+").to_owned(), theme.good()),
                Stand::Unusable => (answers::does_not_count(theme).to_owned(), theme.warning()),
                Stand::Running | Stand::Retrying if run.interrupted => {
                    (theme.sign("◌", "!").to_owned(), theme.warning())
                }
                Stand::Running => (theme.spinner(model.now_ms).to_owned(), theme.accent()),
                Stand::Retrying => (format!("{}{}", theme.retry(), attempts + 1), theme.warning()),
                Stand::Failed => (theme.sign("✗", "x").to_owned(), theme.bad()),
                Stand::Nothing => (theme.nothing().to_owned(), theme.dim()),
            };
            (visible(agent).into_owned(), sign, style)
        })
        .collect();
    // The signs matter more than the whole names: where both do not fit, the longest names are cut.
    let wide = |most: usize| -> usize {
        let each = all.iter().map(|(agent, sign, _)| width(agent).min(most) + width(sign) + 2);
        each.sum::<usize>().saturating_sub(1)
    };
    let longest = all.iter().map(|(agent, ..)| width(agent)).max().unwrap_or(0);
    let most = (SHORTEST_NAME..=longest).rev().find(|most| wide(*most) <= room).unwrap_or(SHORTEST_NAME);
    let mark = theme.sign("…", "~");
    let mut spans = Vec::new();
    let mut left = room;
    for (at, (agent, sign, style)) in all.iter().enumerate() {
        let gap = if at == 0 { "" } else { " " };
        let name = format!("{gap}{} ", fit_with(agent, most, mark));
        let needed = width(&name) + width(sign);
        // Room is kept to say that there are more.
        if needed + usize::from(at + 1 < all.len()) > left {
            let mark = fit_with(mark, left, "").into_owned();
            left -= width(&mark);
            spans.push(Span::raw(mark));
            break;
        }
        left -= needed;
        spans.push(Span::raw(name));
        spans.push(Span::styled(sign.clone(), *style));
    }
    spans.push(Span::raw(" ".repeat(left)));
    spans
}
