//! The form, drawn.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::command;
use super::model::{Field, Form};
use crate::text::{fit_with, pad, visible};
use crate::ui::field::{label, typed};
use crate::ui::model::Model;
use crate::ui::render::{body, draw_line, rule, wrapped};
use crate::ui::theme::Theme;

/// Columns of the names of the fields, with the marker.
const LABEL: usize = 15;

/// Draws the form.
pub(crate) fn draw(model: &Model, form: &Form, frame: &mut Frame<'_>) {
    let theme = model.setting.theme;
    let area = body(model);
    let columns = usize::from(area.width);
    let title = match &form.before {
        None => " New task".to_owned(),
        Some(before) => format!(" Edit {}", visible(&before.row.id)),
    };
    let title = fit_with(&title, columns, theme.sign("…", "~")).into_owned();
    draw_line(frame, Rect { height: 1, ..area }, Line::styled(title, Theme::strong()));
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
    let text = match (form.write(), form.asked()) {
        (Err((_, missing)), _) => missing.to_owned(),
        (Ok(None), _) => "nothing has changed yet".to_owned(),
        (Ok(Some(_)), Ok(asked)) if form.before.is_none() => command::line(&asked),
        (Ok(Some(_)), _) => "enter writes only what has changed".to_owned(),
    };
    let lines = wrapped(&visible(&text), columns.saturating_sub(2));
    for (y, line) in (begin..area.bottom()).zip(lines) {
        draw_line(frame, Rect { y, height: 1, ..area }, Line::styled(format!(" {line}"), theme.dim()));
    }
}

fn fields(model: &Model, form: &Form, columns: usize) -> Vec<Line<'static>> {
    let theme = model.setting.theme;
    let room = columns.saturating_sub(LABEL + 2);
    let line = |(name, field): (&'static str, Field)| {
        let is_here = form.field == field;
        let marker = if is_here { theme.marker() } else { " " };
        let mut spans =
            vec![Span::styled(format!(" {marker} {}", pad(name, LABEL - 3, false)), label(theme, is_here))];
        let hint = |text: &'static str| Span::styled(text, theme.dim());
        let input = match field {
            Field::Title => &form.title,
            Field::Priority => &form.priority,
            Field::Type => &form.kind,
            Field::Assignee => &form.assignee,
            Field::Labels => &form.labels,
            Field::Description => {
                spans.extend(form.description.spans(theme, is_here, room, "none"));
                return Line::from(spans);
            }
        };
        spans.extend(typed(theme, input, is_here, room));
        match field {
            Field::Priority | Field::Type if is_here => {
                spans.push(hint(if input.is_offered() { ", " } else { "  " }));
                spans.push(hint("left/right: the next one"));
            }
            Field::Priority if !input.is_empty() => spans.push(hint("  0 is the most urgent")),
            Field::Assignee if input.is_empty() => {
                spans.push(hint(if is_here { " nobody" } else { "nobody" }));
            }
            Field::Labels if input.is_empty() => {
                spans.push(hint(if is_here { " words, with commas between" } else { "none" }));
            }
            _ => {}
        }
        Line::from(spans)
    };
    Field::ALL.into_iter().map(line).collect()
}
