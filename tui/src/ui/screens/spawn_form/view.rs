//! The form, drawn.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::command;
use super::model::{Field, Form, What};
use crate::text::{pad, visible};
use crate::ui::field::{label, typed};
use crate::ui::model::Model;
use crate::ui::render::{body, draw_line, rule, wrapped};
use crate::ui::theme::Theme;

/// Columns of the names of the fields, with the marker.
const LABEL: usize = 13;

/// Draws the form.
pub(crate) fn draw(model: &Model, form: &Form, frame: &mut Frame<'_>) {
    let theme = model.setting.theme;
    let area = body(model);
    let columns = usize::from(area.width);
    draw_line(frame, Rect { height: 1, ..area }, Line::styled(" Spawn an agent", Theme::strong()));
    let mut y = area.y + 1;
    for line in fields(model, form, columns) {
        if y < area.bottom() {
            draw_line(frame, Rect { y, height: 1, ..area }, line);
            y += 1;
        }
    }
    // Without room for a rule one line still says what is missing.
    let begin = if y + 1 < area.bottom() {
        rule(model, frame, Rect { y, height: 1, ..area });
        y + 1
    } else {
        y
    };
    let text = match form.spawn() {
        Ok(spawn) => command::line(&spawn),
        Err((_, missing)) => missing.to_owned(),
    };
    let lines = wrapped(&visible(&text), columns.saturating_sub(2));
    for (y, line) in (begin..area.bottom()).zip(lines) {
        draw_line(frame, Rect { y, height: 1, ..area }, Line::styled(format!(" {line}"), theme.dim()));
    }
}

fn fields(model: &Model, form: &Form, columns: usize) -> Vec<Line<'static>> {
    let theme = model.setting.theme;
    let room = columns.saturating_sub(LABEL + 2);
    let line = |field: Field| {
        let is_here = form.field == field;
        let marker = if is_here { theme.marker() } else { " " };
        let name = match (field, form.what) {
            (Field::What, _) => "for",
            (Field::Text, What::Spec) => "id",
            (Field::Text, What::Protocol) => "name",
            (Field::Text, _) => "text",
            (Field::Command, _) => "command",
            (Field::Worktree, _) => "worktree",
            (Field::Port, _) => "port",
        };
        let mut spans =
            vec![Span::styled(format!(" {marker} {}", pad(name, LABEL - 3, false)), label(theme, is_here))];
        let hint = |text: &'static str| Span::styled(text, theme.dim());
        let turns = if is_here { "  left/right: the other" } else { "" };
        match field {
            Field::What => {
                spans.push(Span::raw(form.what.word()));
                spans.push(hint(if is_here { "  left/right: the next one" } else { "" }));
            }
            Field::Text if form.what == What::Shell => spans.push(hint("a shell has none")),
            Field::Text => spans.extend(typed(theme, &form.text, is_here, room)),
            Field::Command => {
                spans.extend(typed(theme, &form.command, is_here, room));
                if form.command.is_empty() {
                    spans.push(hint(if is_here {
                        " as for a shell; none: only registered"
                    } else {
                        "none: only registered"
                    }));
                }
            }
            Field::Worktree => {
                spans.push(Span::raw(if form.worktree { "one of its own" } else { "none" }));
                spans.push(hint(turns));
            }
            Field::Port => {
                spans.push(Span::raw(if form.port { "one of this project's" } else { "none" }));
                spans.push(hint(turns));
            }
        }
        Line::from(spans)
    };
    Field::ALL.into_iter().map(line).collect()
}
