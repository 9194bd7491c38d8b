//! The agent under the cursor: what it is, and the last lines that it wrote.

use conclave_registry::agents::End;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::row::{Origin, Row};
use super::{stream, words};
use crate::text::{fit_with, visible};
use crate::times;
use crate::ui::model::Model;
use crate::ui::render::{draw_line, joined, wrapped};
use crate::ui::theme::Theme;

/// A pane below this width says one thing on each line.
const WIDE_PANE: u16 = 60;

/// Draws the pane.
pub(super) fn draw(model: &Model, frame: &mut Frame<'_>, area: Rect) {
    let Some(row) = super::selected(&model.agents) else { return };
    let theme = model.setting.theme;
    let mark = theme.sign("…", "~");
    let room = usize::from(area.width).saturating_sub(4);
    let (sign, word, style) = words::state(theme, row);
    let log = model.agents.log.as_ref().filter(|log| row.is_registered() && log.id == row.id);
    let mut head = vec![
        Span::styled(format!(" {}", visible(&row.id)), Theme::strong()),
        Span::styled(format!("  {sign} {}", visible(&word)), style),
    ];
    let is_wide = area.width >= WIDE_PANE;
    if let Some(log) = log.filter(|_| is_wide) {
        head.push(Span::styled(format!("  {}", stream::stands(log)), theme.dim()));
    }
    let mut lines = vec![Line::from(head)];
    let facts = facts(model, row);
    // A low pane keeps its room for what was written.
    let has_log = log.is_some_and(|log| log.bytes.is_some_and(|bytes| bytes > 0));
    if is_wide {
        let text = facts.join(&format!(" {} ", theme.dot()));
        let parts = joined(&facts, theme.dot(), room);
        let most = if has_log { 1 } else { usize::from(area.height).saturating_sub(2) };
        let text = if parts.len() > most && has_log {
            vec![fit_with(&text, room, mark).into_owned()]
        } else {
            parts.into_iter().take(most).collect()
        };
        lines.extend(
            text.into_iter().filter(|text| !text.is_empty()).map(|text| Line::raw(format!("   {text}"))),
        );
    } else {
        for fact in &facts {
            lines.extend(wrapped(fact, room).into_iter().map(|text| Line::raw(format!(" {text}"))));
        }
        let stands = log.map(stream::stands).unwrap_or_default();
        lines.push(Line::raw(""));
        lines.push(Line::styled(format!(" {stands}"), theme.dim()));
    }
    let left = usize::from(area.height).saturating_sub(lines.len());
    match (log, row.origin) {
        (Some(log), _) if has_log => {
            for text in log.last_lines(left) {
                let text = crate::text::visible_lines(text);
                lines.push(Line::styled(format!("   {}", fit_with(&text, room, mark)), theme.dim()));
            }
        }
        (Some(log), _) if log.loaded => {
            let said = if log.bytes.is_some() {
                "Nothing was written yet."
            } else {
                "No log: its output goes to a terminal, or it was started elsewhere."
            };
            let said = wrapped(said, room).into_iter().take(left);
            lines.extend(said.map(|text| Line::styled(format!("   {text}"), theme.dim())));
        }
        (_, Origin::Run(run)) => {
            let said = model.live.line(run, &row.id).unwrap_or_default();
            let said = format!("   {}", fit_with(&visible(said.trim()), room, mark));
            lines.push(Line::styled(said, theme.dim()));
        }
        _ => {}
    }
    for (y, line) in (area.y..area.bottom()).zip(lines) {
        draw_line(frame, Rect { y, height: 1, ..area }, line);
    }
}

/// What there is to say of it, one thing after the other.
fn facts(model: &Model, row: &Row) -> Vec<String> {
    let mut facts = Vec::new();
    let mut add = |text: String| facts.push(visible(&text).into_owned());
    // What it says of itself stands in its state only while it runs under somebody's eyes.
    if let Some(status) = row.status.as_ref().filter(|_| row.life != conclave_registry::agents::Life::Running)
    {
        add(format!("said {status}"));
    }
    if let Some(phase) = &row.phase {
        add(phase.clone());
    }
    if let Some(given) = &row.given {
        add(given.replace('\n', " "));
    }
    if let Some(branch) = &row.branch {
        add(branch.clone());
    }
    if !row.cmd.is_empty() {
        add(row.cmd.clone());
    }
    match (row.origin, row.ended) {
        (Origin::Run(run), _) => add(format!("answers in run {run}; enter shows it")),
        (_, Some(ended)) => {
            let ago = times::ago(model.now_ms, ended.at);
            add(match ended.how {
                End::Lost => format!("nobody saw it end; noticed {ago} ago"),
                End::Stopped if row.pid.is_none() => format!("never ran; ended {ago} ago"),
                _ => format!("ran {}, ended {ago} ago", times::clock(ended.at.saturating_sub(row.started))),
            });
        }
        _ => add(format!("since {}", times::absolute(row.started))),
    }
    facts
}
