//! One run, drawn.

use conclave_consensus::runs::{AttemptDetail, OutputDetail};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::model::{Pane, Run, Tab};
use crate::text::{fit, pad, size, visible};
use crate::times;
use crate::ui::document::Document;
use crate::ui::model::Model;
use crate::ui::render::{body, draw_line, rule};
use crate::ui::theme::Theme;

/// From this width on the list and the text stand side by side.
const WIDE: u16 = 110;

#[derive(Debug, Clone, Copy)]
struct Parts {
    title: Rect,
    tabs: Rect,
    list: Rect,
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
    let (title, tabs) = (line(0, 1), line(1, 1));
    let rest = area.height.saturating_sub(2);
    let (zoomed, length) = model.run.as_ref().map_or((false, 0), |run| (run.zoomed, run.length()));
    if zoomed {
        let text = line(2, rest);
        return Parts { title, tabs, list: line(0, 0), rule: line(0, 0), text };
    }
    let length = u16::try_from(length).unwrap_or(u16::MAX);
    if area.width >= WIDE && length > 0 {
        let left = area.width / 5 * 2;
        let text = Rect { x: area.x + left + 2, width: area.width - left - 2, ..line(2, rest) };
        return Parts { title, tabs, list: Rect { width: left, ..line(2, rest) }, rule: line(0, 0), text };
    }
    let list = length.min((rest / 2).saturating_sub(1));
    let ruled = u16::from(list > 0);
    Parts {
        title,
        tabs,
        list: line(2, list),
        rule: line(2 + list, ruled),
        text: line(2 + list + ruled, rest - list - ruled),
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
    let top = if run.tab == Tab::Attempts { run.attempts.top } else { run.outputs.top };
    list.contains((column, row).into()).then(|| top + usize::from(row - list.y))
}

/// Draws the screen.
pub(crate) fn draw(model: &Model, run: &Run, frame: &mut Frame<'_>) {
    let theme = model.setting.theme;
    let parts = parts(model);
    title(model, run, frame, parts.title);
    draw_line(frame, parts.tabs, tabs(theme, run));
    let Some(detail) = &run.detail else {
        let text = match (run.gone, run.was_there) {
            (false, _) => "  Reading the run",
            (true, true) => "  This run is gone. Esc goes back.",
            (true, false) => "  There is no such run. Esc goes back.",
        };
        draw_line(frame, parts.text, Line::raw(text));
        return;
    };
    match run.tab {
        Tab::Outputs => {
            let rows = detail.outputs.iter().map(|output| output_line(theme, output));
            list(model, frame, parts.list, run.outputs.top, run.outputs.selected, run, rows);
        }
        Tab::Attempts => {
            let rows = detail.attempts.iter().map(|attempt| attempt_line(theme, attempt));
            list(model, frame, parts.list, run.attempts.top, run.attempts.selected, run, rows);
        }
        Tab::Synthesis => {}
    }
    if parts.rule.height > 0 {
        rule(model, frame, parts.rule);
    }
    match &run.document {
        Some(document) if !document.text().is_empty() => text(theme, run, document, frame, parts.text),
        _ => draw_line(frame, parts.text, Line::styled(nothing(run), theme.dim())),
    }
}

fn nothing(run: &Run) -> &'static str {
    match run.tab {
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
    let (sign, style) = theme.status(summary.status);
    let took = match (summary.started_at, summary.updated_at) {
        (Some(from), Some(to)) if to > from => format!("   {}", times::clock(to - from)),
        _ => String::new(),
    };
    let right = format!("{sign} {}{took} ", summary.status);
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

fn tabs(theme: Theme, run: &Run) -> Line<'static> {
    let mut spans = vec![Span::raw(" ")];
    for (name, tab) in Tab::ALL {
        let style = if tab == run.tab { Theme::chosen() } else { theme.dim() };
        let name = if tab == run.tab { format!("[{name}]") } else { format!(" {name} ") };
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
    top: usize,
    selected: usize,
    run: &Run,
    rows: impl Iterator<Item = Vec<Span<'static>>>,
) {
    let theme = model.setting.theme;
    for (y, (at, mut spans)) in (area.y..area.bottom()).zip(rows.enumerate().skip(top)) {
        let is_here = at == selected;
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
    let (sign, word, style) = if output.bytes == 0 {
        (theme.sign("○", "o"), "empty", theme.warning())
    } else if output.valid_json {
        (theme.sign("✓", "+"), "JSON", theme.good())
    } else {
        (theme.sign("◐", "~"), "no JSON", theme.warning())
    };
    let which = if output.attempt == 1 && output.sequence == 1 {
        String::new()
    } else {
        format!("try {} answer {}", output.attempt, output.sequence)
    };
    vec![
        Span::raw(pad(&fit(&visible(&output.agent), 16), 16, false)),
        Span::styled(format!(" {} ", pad(&format!("{sign} {word}"), 9, false)), style),
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
        "failed" | "lost" | "killed" => theme.bad(),
        _ => Style::new(),
    };
    let took = match (attempt.spawned_at, attempt.completed_at) {
        (Some(from), Some(to)) => times::clock(to.saturating_sub(from)),
        _ => theme.nothing().to_owned(),
    };
    let when = attempt.spawned_at.map_or("?".to_owned(), times::absolute);
    vec![
        Span::raw(pad(&fit(&visible(&attempt.agent), 16), 16, false)),
        Span::raw(format!(" try {} ", attempt.attempt)),
        Span::styled(pad(&visible(&attempt.state), 10, false), style),
        Span::raw(format!("{took:>8}  {when}")),
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
