//! One run, drawn.

use conclave_consensus::runs::{AttemptDetail, OutputDetail};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::model::{Pane, Run, Tab};
use super::{diff, questions, timeline, verdict};
use crate::text::{fit, pad, size, visible};
use crate::times;
use crate::ui::answers;
use crate::ui::at_work;
use crate::ui::document::Document;
use crate::ui::list::Cursor;
use crate::ui::live;
use crate::ui::model::Model;
use crate::ui::render::{body, draw_line, rule};
use crate::ui::theme::Theme;

/// From this width on the list and the text stand side by side.
const WIDE: u16 = 110;
/// Below this width the tabs have shorter names.
const NARROW: u16 = 60;
/// From this many lines on there is room for more than the list and the text.
const ROOMY: u16 = 14;

#[derive(Debug, Clone, Copy)]
struct Parts {
    title: Rect,
    tabs: Rect,
    /// Above the list: what the vote comes to, the timeline.
    above: Rect,
    list: Rect,
    /// Below it: conflicts, and who is missing.
    below: Rect,
    rule: Rect,
    text: Rect,
}

fn parts(model: &Model) -> Parts {
    let area = body(model);
    let line = |y: u16, height: u16| Rect {
        y: area.y + y.min(area.height),
        height: height.min(area.height.saturating_sub(y)),
        ..area
    };
    let (title, tabs, none) = (line(0, 1), line(1, 1), line(0, 0));
    let rest = area.height.saturating_sub(2);
    let empty = Parts { title, tabs, above: none, list: none, below: none, rule: none, text: line(2, rest) };
    let Some(run) = model.run.as_ref().filter(|run| !run.zoomed && run.detail.is_some()) else {
        return empty;
    };
    if run.tab == Tab::Diff {
        return empty;
    }
    let lines = |lines: usize| u16::try_from(lines).unwrap_or(u16::MAX);
    let above = lines(self::above(model, run, usize::from(area.width)).len());
    // On a low screen the list keeps the greater part.
    let above = match run.tab {
        _ if rest >= ROOMY => above.min(rest / 3),
        Tab::Attempts => 0,
        _ => above.min(1).min(rest),
    };
    let length = lines(run.length());
    if area.width >= WIDE && length > 0 {
        let left = if run.tab == Tab::Verdict { area.width / 5 * 3 } else { area.width / 5 * 2 };
        let rest = rest - above;
        let below = lines(self::below(model, run, usize::from(left)).len()).min(rest / 3);
        let top = 2 + above;
        let list = length.min(rest - below);
        return Parts {
            above: line(2, above),
            list: Rect { width: left, ..line(top, list) },
            below: Rect { width: left, ..line(top + list, below) },
            text: Rect { x: area.x + left + 2, width: area.width - left - 2, ..line(top, rest) },
            ..empty
        };
    }
    let below = self::below(model, run, usize::from(area.width)).len();
    let below = if rest < ROOMY { 0 } else { lines(below).min(rest / 4) };
    let left = rest - above - below;
    let list = length.min((left / 5 * 3).saturating_sub(1));
    let ruled = u16::from(list > 0);
    Parts {
        above: line(2, above),
        list: line(2 + above, list),
        below: line(2 + above + list, below),
        rule: line(2 + above + list + below, ruled),
        text: line(2 + above + list + below + ruled, left - list - ruled),
        ..empty
    }
}

/// What stands above the list of the tab.
fn above(model: &Model, run: &Run, room: usize) -> Vec<Line<'static>> {
    let Some(detail) = &run.detail else { return Vec::new() };
    match run.tab {
        Tab::Questions => {
            let text = run.gate.as_ref().map(|gate| questions::head(gate)).unwrap_or_default();
            vec![Line::raw(format!(" {}", visible(&text)))]
        }
        Tab::Verdict if run.is_open() => vec![Line::raw(format!(" {}", at_work::head(model, detail)))],
        Tab::Verdict => verdict::above(model, run, room),
        Tab::Attempts => timeline::lines(model, detail, room),
        Tab::Outputs | Tab::Diff | Tab::Synthesis => Vec::new(),
    }
}

/// What stands below it.
fn below(model: &Model, run: &Run, room: usize) -> Vec<Line<'static>> {
    match (run.tab, run.verdict()) {
        (Tab::Verdict, Some(verdict)) if !run.is_open() => verdict::below(model, verdict, room),
        _ => Vec::new(),
    }
}

/// Lines of the list that are seen.
pub(crate) fn height_of_list(model: &Model) -> usize {
    usize::from(parts(model).list.height)
}

/// Columns and lines of the text.
pub(crate) fn size_of_text(model: &Model) -> (usize, usize) {
    let text = parts(model).text;
    (usize::from(text.width.saturating_sub(3)), usize::from(text.height))
}

/// Columns and lines of a comparison.
pub(crate) fn size_of_diff(model: &Model) -> (usize, usize) {
    let text = parts(model).text;
    (usize::from(text.width), usize::from(text.height.saturating_sub(1)))
}

/// Lines that a page is.
pub(crate) fn height_of_pane(model: &Model) -> usize {
    let in_list =
        model.run.as_ref().is_some_and(|run| !run.zoomed && run.pane == Pane::List && run.length() > 0);
    if in_list { height_of_list(model) } else { size_of_text(model).1 }
}

/// Which line of the list a click meets.
pub(crate) fn clicked(model: &Model, column: u16, row: u16) -> Option<usize> {
    let list = parts(model).list;
    let run = model.run.as_ref()?;
    list.contains((column, row).into()).then(|| run.top() + usize::from(row - list.y))
}

/// Draws the screen.
pub(crate) fn draw(model: &Model, run: &Run, frame: &mut Frame<'_>) {
    let theme = model.setting.theme;
    let parts = parts(model);
    title(model, run, frame, parts.title);
    draw_line(frame, parts.tabs, tabs(theme, run, parts.tabs.width));
    let Some(detail) = &run.detail else {
        let text = match (run.gone, run.was_there) {
            (false, _) => "  Reading the run",
            (true, true) => "  This run is gone. Esc goes back.",
            (true, false) => "  There is no such run. Esc goes back.",
        };
        draw_line(frame, parts.text, Line::raw(text));
        return;
    };
    let columns = usize::from(parts.list.width);
    block(frame, parts.above, above(model, run, usize::from(parts.above.width)));
    match run.tab {
        Tab::Questions => {
            if let Some(gate) = &run.gate {
                let rows = gate.issues.iter().map(|issue| questions::row(theme, issue));
                list(model, frame, parts.list, run.questions, run, rows);
            }
        }
        Tab::Diff => return diff::draw(model, run, frame, parts.text),
        Tab::Verdict if run.is_open() => {
            let rows = at_work::lines(model, detail, columns).into_iter();
            // The list puts its own marker where the lines begin.
            let rows = rows.map(|line| line.spans).map(|mut spans| {
                if let Some(first) = spans.first_mut() {
                    *first = Span::raw(first.content.trim_start().to_owned());
                }
                spans
            });
            list(model, frame, parts.list, run.fields, run, rows);
        }
        Tab::Verdict => {
            if let Some(verdict) = run.verdict() {
                let rows = verdict::rows(model, verdict);
                list(model, frame, parts.list, run.fields, run, rows.into_iter());
            }
        }
        Tab::Outputs => {
            let rows = detail.outputs.iter().map(|output| output_line(theme, output));
            list(model, frame, parts.list, run.outputs, run, rows);
        }
        Tab::Attempts => {
            let rows = detail.attempts.iter().map(|attempt| attempt_line(theme, attempt));
            list(model, frame, parts.list, run.attempts, run, rows);
        }
        Tab::Synthesis => {}
    }
    block(frame, parts.below, below(model, run, usize::from(parts.below.width)));
    if parts.rule.height > 0 {
        rule(model, frame, parts.rule);
    }
    match &run.document {
        Some(document) if !document.text().is_empty() => text(theme, run, document, frame, parts.text),
        _ => draw_line(frame, parts.text, Line::styled(nothing(run), theme.dim())),
    }
}

/// Lines one below the other.
fn block(frame: &mut Frame<'_>, area: Rect, lines: Vec<Line<'static>>) {
    for (y, line) in (area.y..area.bottom()).zip(lines) {
        draw_line(frame, Rect { y, height: 1, ..area }, line);
    }
}

fn nothing(run: &Run) -> &'static str {
    match run.tab {
        Tab::Verdict => "   There is no verdict: nobody was asked, and nobody answered.",
        Tab::Questions => "   The gate asks nothing.",
        Tab::Diff => "",
        Tab::Outputs if run.output().is_none() => "   Nobody has answered yet.",
        Tab::Outputs => "   The answer is empty.",
        Tab::Synthesis => "   No synthesis was stored for this run.",
        Tab::Attempts if run.attempt().is_none() => "   No attempts were recorded for this run.",
        Tab::Attempts => "   This attempt left no text.",
    }
}

fn title(model: &Model, run: &Run, frame: &mut Frame<'_>, area: Rect) {
    let theme = model.setting.theme;
    let Some(detail) = &run.detail else {
        draw_line(frame, area, Line::styled(format!(" Run {}", run.id), Theme::strong()));
        return;
    };
    let summary = &detail.summary;
    let (sign, word, style) = theme.run(summary);
    let took = match (summary.started_at, summary.updated_at) {
        (Some(from), _) if live::is_driven(detail) => {
            format!("   {}", times::clock(model.now_ms.saturating_sub(from)))
        }
        (Some(from), Some(to)) if to > from => format!("   {}", times::clock(to - from)),
        _ => String::new(),
    };
    let right = format!("{sign} {word}{took} ");
    let when = summary.started_at.map_or("time unknown".to_owned(), times::absolute);
    let left = vec![
        Span::styled(
            format!(" Run {}  {} {}", run.id, visible(&summary.spec), visible(&summary.stage)),
            Theme::strong(),
        ),
        Span::styled(format!("   {when}"), theme.dim()),
    ];
    let room = u16::try_from(crate::text::width(&right)).unwrap_or(area.width).min(area.width);
    // One space at least between the two.
    draw_line(frame, Rect { width: area.width.saturating_sub(room + 1), ..area }, Line::from(left));
    let place = Rect { x: area.right() - room, width: room, ..area };
    draw_line(frame, place, Line::styled(right, style));
}

fn tabs(theme: Theme, run: &Run, columns: u16) -> Line<'static> {
    let mut spans = vec![Span::raw(" ")];
    let narrow = columns < NARROW;
    for (name, short, tab) in run.tabs() {
        let name = if narrow { short } else { name };
        let style = if tab == run.tab { Theme::chosen() } else { theme.dim() };
        let name = match (tab == run.tab, narrow) {
            (true, _) => format!("[{name}]"),
            (false, false) => format!(" {name} "),
            (false, true) => name.to_owned(),
        };
        spans.push(Span::styled(name, style));
        spans.push(Span::raw(" "));
    }
    if run.zoomed
        && let Some(output) = run.output().filter(|_| run.tab == Tab::Outputs)
    {
        spans.push(Span::raw(format!(" {} ", visible(&output.agent))));
    }
    if let Some(input) = &run.searching {
        spans.push(Span::styled(
            format!("  / {}{}", visible(input.text()), theme.sign("▏", "_")),
            theme.accent(),
        ));
    } else if let Some(document) = &run.document {
        if !document.search().is_empty() {
            spans.push(Span::styled(format!("  search: {}", visible(document.search())), theme.accent()));
        }
        if document.is_json() {
            spans.push(Span::styled(if document.is_raw() { "  raw" } else { "  tree" }, theme.dim()));
        }
    }
    if let Some(recorded) = run.detail.as_ref().and_then(|detail| detail.summary.recorded.as_ref()) {
        spans.push(Span::styled(format!("  recorded: {}", visible(recorded)), theme.dim()));
    }
    Line::from(spans)
}

fn list(
    model: &Model,
    frame: &mut Frame<'_>,
    area: Rect,
    cursor: Cursor,
    run: &Run,
    rows: impl Iterator<Item = Vec<Span<'static>>>,
) {
    let theme = model.setting.theme;
    for (y, (at, mut spans)) in (area.y..area.bottom()).zip(rows.enumerate().skip(cursor.top)) {
        let is_here = at == cursor.selected;
        let marker = if is_here { theme.marker() } else { " " };
        spans.insert(0, Span::styled(format!(" {marker} "), theme.accent()));
        let place = Rect { y, height: 1, ..area };
        draw_line(frame, place, Line::from(spans));
        if is_here && run.pane == Pane::List {
            frame.buffer_mut().set_style(place, Theme::strong());
        }
    }
}

fn output_line(theme: Theme, output: &OutputDetail) -> Vec<Span<'static>> {
    let (sign, word, style) = answers::standing(theme, output);
    let which = if output.attempt == 1 && output.sequence == 1 {
        String::new()
    } else {
        format!("try {} answer {}", output.attempt, output.sequence)
    };
    vec![
        Span::raw(pad(&fit(&visible(&output.agent), 16), 16, false)),
        Span::styled(format!(" {} ", pad(&format!("{sign} {word}"), 10, false)), style),
        Span::raw(format!("{:>10}  {}", size(output.bytes), pad(&which, 14, false))),
        Span::styled(
            format!("  {}", visible(output.model_version.as_deref().unwrap_or_default())),
            theme.dim(),
        ),
    ]
}

fn attempt_line(theme: Theme, attempt: &AttemptDetail) -> Vec<Span<'static>> {
    let style = match attempt.state.as_str() {
        "completed" => theme.good(),
        "failed" | "lost" | "killed" | "timed_out" | "cancelled" => theme.bad(),
        _ => Style::new(),
    };
    let took = match (attempt.spawned_at, timeline::known_end(attempt)) {
        (Some(from), Some(to)) => times::clock(to.saturating_sub(from)),
        _ => theme.nothing().to_owned(),
    };
    let when = attempt.spawned_at.map_or("?".to_owned(), times::absolute);
    vec![
        Span::raw(pad(&fit(&visible(&attempt.agent), 16), 16, false)),
        Span::raw(format!(" try {} ", attempt.attempt)),
        Span::styled(pad(&visible(&attempt.state), 10, false), style),
        Span::raw(format!("{took:>8}  {when}")),
        Span::styled(
            format!("  {}", visible(attempt.details.message.as_deref().unwrap_or_default())),
            theme.dim(),
        ),
    ]
}

fn text(theme: Theme, run: &Run, document: &Document, frame: &mut Frame<'_>, area: Rect) {
    let in_text = run.zoomed || run.pane == Pane::Text || run.length() == 0;
    let needle = document.search().to_lowercase();
    for (y, (at, row)) in (area.y..area.bottom()).zip(document.rows(usize::from(area.height))) {
        let is_here = in_text && at == document.cursor.selected;
        let marker = if is_here { theme.marker() } else { " " };
        let (key, value) = row.text.split_at(row.key);
        let matches = !needle.is_empty() && row.text.to_lowercase().contains(&needle);
        let base = if matches { Theme::selected() } else { Style::new() };
        let spans = vec![
            Span::styled(format!(" {marker} "), theme.accent()),
            Span::styled(key.to_owned(), base.patch(theme.accent())),
            Span::styled(value.to_owned(), base),
        ];
        draw_line(frame, Rect { y, height: 1, ..area }, Line::from(spans));
    }
}
