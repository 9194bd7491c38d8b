//! The run under the cursor in a few lines: its agents while it runs, its verdict once it is closed.

use conclave_consensus::runs::{RunDetail, RunSummary};
use conclave_consensus::verdict::{Conflict, Verdict};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::text::{counted, fit, fit_with, pad, size, visible};
use crate::times;
use crate::ui::model::Model;
use crate::ui::render::{draw_line, wrapped};
use crate::ui::theme::Theme;
use crate::ui::voted;
use crate::ui::{answers, at_work, live};
use crate::verdict_words;

/// A pane below this width says one thing on each line.
const WIDE_PANE: u16 = 60;

/// Draws the pane.
pub(super) fn draw(model: &Model, frame: &mut Frame<'_>, area: Rect) {
    let Some(run) = super::selected(&model.runs) else { return };
    let theme = model.setting.theme;
    let detail = model.runs.preview.as_ref().filter(|detail| detail.summary.id == run.id);
    let narrow = area.width < WIDE_PANE;
    let lines = match detail {
        Some(detail) if live::is_open(detail) => {
            let mut lines = titled(theme, run, &at_work::head(model, detail), area.width, narrow);
            lines.extend(at_work::lines(model, detail, usize::from(area.width)));
            lines
        }
        Some(detail) => {
            if let Some(verdict) = &detail.verdict {
                judged(model, run, verdict, area.width, narrow)
            } else {
                let mut lines = summary(theme, run, narrow);
                lines.extend(outputs(theme, detail));
                lines
            }
        }
        None => {
            let mut lines = summary(theme, run, narrow);
            lines.push(Line::styled("   reading", theme.dim()));
            lines
        }
    };
    let lines = shortened(theme, lines, usize::from(area.height));
    for (y, line) in (area.y..area.bottom()).zip(lines) {
        draw_line(frame, Rect { y, height: 1, ..area }, line);
    }
}

/// What does not fit is counted.
fn shortened(theme: Theme, mut lines: Vec<Line<'static>>, room: usize) -> Vec<Line<'static>> {
    if lines.len() > room && room > 0 {
        let more = lines.len() - room + 1;
        lines.truncate(room - 1);
        lines.push(Line::styled(format!("   and {more} more"), theme.dim()));
    }
    lines
}

/// The run's name with something behind it; below it where that is too long.
fn titled(theme: Theme, run: &RunSummary, behind: &str, columns: u16, narrow: bool) -> Vec<Line<'static>> {
    let name = format!(" {} {}", visible(&run.spec), visible(&run.stage));
    let strong = |text: String| Span::styled(text, Theme::strong());
    if narrow {
        let room = usize::from(columns).saturating_sub(2);
        let mut lines = vec![Line::from(strong(name))];
        lines.extend(wrapped(behind, room).into_iter().map(|line| Line::raw(format!(" {line}"))));
        return lines;
    }
    vec![Line::from(vec![strong(name), Span::raw(format!(" {} {behind}", theme.dot()))])]
}

fn summary(theme: Theme, run: &RunSummary, narrow: bool) -> Vec<Line<'static>> {
    let dot = theme.dot();
    let when = run.started_at.map_or("time unknown".to_owned(), times::absolute);
    let agents = counted(run.agents.len() as u64, "agent", "agents");
    let outputs = counted(run.output_count, "output", "outputs");
    let name = Span::styled(format!(" {} {}", visible(&run.spec), visible(&run.stage)), Theme::strong());
    if narrow {
        let second = Line::raw(format!(" {agents} {dot} {outputs}"));
        return vec![Line::from(name), second, Line::raw(format!(" {when}"))];
    }
    vec![Line::from(vec![name, Span::raw(format!(" {dot} {agents} {dot} {outputs} {dot} {when}"))])]
}

/// A verdict in four lines.
fn judged(
    model: &Model,
    run: &RunSummary,
    verdict: &Verdict,
    columns: u16,
    narrow: bool,
) -> Vec<Line<'static>> {
    let theme = model.setting.theme;
    let room = usize::from(columns).saturating_sub(4);
    let cut = |text: &str| fit_with(&visible(text), room, theme.sign("…", "~")).into_owned();
    let (sign, style) = theme.status(verdict.status);
    let status = format!("{sign} {}: {}", verdict.status, visible(&verdict.reason));
    let mut lines = if narrow {
        let mut lines = titled(theme, run, "", columns, true);
        lines.truncate(1);
        lines.extend(wrapped(&status, room).into_iter().map(|line| Line::styled(format!(" {line}"), style)));
        lines
    } else {
        let name = format!(" {} {} {} ", visible(&run.spec), visible(&run.stage), theme.dot());
        let room = (room + 3).saturating_sub(crate::text::width(&name));
        let status = fit_with(&status, room, theme.sign("…", "~")).into_owned();
        vec![Line::from(vec![Span::styled(name, Theme::strong()), Span::styled(status, style)])]
    };
    let votes = verdict_words::agreement(verdict, theme.dot());
    lines.push(Line::raw(format!("   {}", cut(&votes))));
    let mut conflicts = verdict.conflicts.iter().map(|conflict| said(theme, conflict));
    if let Some(first) = conflicts.next() {
        let more = conflicts.count();
        let more = if more > 0 { format!(" (and {more} more)") } else { String::new() };
        lines.push(Line::raw(format!("   {}", cut(&format!("conflict{more}: {first}")))));
    } else if let Some(first) = verdict.agreements.first() {
        lines.push(Line::raw(format!("   {}", cut(&format!("agreed: {first}")))));
    }
    let mut last = verdict_words::missing(verdict, theme.dot());
    if let Some(recorded) = &run.recorded {
        last = format!("{last} {} recorded: {recorded}", theme.dot());
    }
    lines.push(Line::styled(format!("   {}", cut(&last)), theme.dim()));
    lines
}

/// A conflict in one line.
fn said(theme: Theme, conflict: &Conflict) -> String {
    match conflict {
        Conflict::Said { agent, text } => format!("{agent}: \"{text}\""),
        Conflict::Decision { field, positions } => {
            let positions: Vec<String> = positions.iter().map(voted::position).collect();
            format!("{field}: {}", positions.join(&format!(" {} ", theme.dot())))
        }
    }
}

fn outputs(theme: Theme, detail: &RunDetail) -> Vec<Line<'static>> {
    let mut lines: Vec<Line<'static>> = detail
        .outputs
        .iter()
        .map(|output| {
            let (sign, what, style) = answers::standing(theme, output);
            let model_name = output.model_version.as_deref().unwrap_or_default();
            Line::from(vec![
                Span::raw(format!("   {} ", pad(&fit(&visible(&output.agent), 16), 16, false))),
                Span::styled(pad(&format!("{sign} {what}"), 10, false), style),
                Span::raw(format!("{:>10}  ", size(output.bytes))),
                Span::styled(visible(model_name).into_owned(), theme.dim()),
            ])
        })
        .collect();
    if let Some(recorded) = &detail.summary.recorded {
        lines.push(Line::styled(format!("   recorded: {}", visible(recorded)), Style::new()));
    }
    lines
}
