//! The form of a question, drawn.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::form::{Field, Form};
use crate::text::{fit_with, pad, visible};
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
    draw_line(frame, Rect { height: 1, ..area }, Line::styled(" Ask a model", Theme::strong()));
    let mut y = area.y + 1;
    for line in fields(theme, form, columns) {
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
    let text = match form.asked() {
        Ok(asked) => asked.line(),
        Err((_, missing)) => missing.to_owned(),
    };
    let lines = wrapped(&visible(&text), columns.saturating_sub(2));
    for (y, line) in (begin..area.bottom()).zip(lines) {
        draw_line(frame, Rect { y, height: 1, ..area }, Line::styled(format!(" {line}"), theme.dim()));
    }
}

fn fields(theme: Theme, form: &Form, columns: usize) -> Vec<Line<'static>> {
    let room = columns.saturating_sub(LABEL + 2);
    let line = |(name, field): (&'static str, Field)| {
        let is_here = form.field == field;
        let marker = if is_here { theme.marker() } else { " " };
        let mut spans =
            vec![Span::styled(format!(" {marker} {}", pad(name, LABEL - 3, false)), label(theme, is_here))];
        let hint = |text: &'static str| Span::styled(text, theme.dim());
        match field {
            Field::Question => {
                spans.extend(form.question.spans(theme, is_here, room, "what the model is asked"));
            }
            Field::Host => {
                let name = form.host.and_then(|at| form.hosts.get(at));
                let name = name.map_or("whoever is first in line", String::as_str);
                let name = fit_with(&visible(name), room, theme.sign("…", "~")).into_owned();
                spans.push(Span::raw(name));
                spans.push(hint(if is_here { "  left/right: the next one" } else { "" }));
            }
            Field::Model => {
                spans.extend(typed(theme, &form.model, is_here, room));
                spans.push(hint(if form.model.is_empty() { " any" } else { "" }));
            }
            Field::Task => {
                spans.extend(typed(theme, &form.task, is_here, room));
                spans.push(hint(if form.task.is_empty() { " of no type: any host" } else { "" }));
            }
            Field::Cloud => {
                let text = match (form.local, form.host) {
                    (true, _) => "never",
                    (false, Some(_)) => "never: one host alone is asked",
                    (false, None) => "answers where no host does",
                };
                spans.push(Span::raw(text));
                let turns = is_here && form.host.is_none();
                spans.push(hint(if turns { "  left/right: the other" } else { "" }));
            }
        }
        Line::from(spans)
    };
    Field::ALL.into_iter().map(line).collect()
}
