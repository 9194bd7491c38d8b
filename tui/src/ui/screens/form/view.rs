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

/// Most agents that are seen at once.
const AGENTS: usize = 8;
/// Columns of the names of the fields, with the marker.
const LABEL: usize = 11;

/// What helps where nobody can be asked.
const NOBODY: &str = "nobody yet: name agents under [[agents]] in .conclave/config.toml, or install claude, codex, \
  gemini, opencode or aider; then open this form again. `conclave demo` has three of its own.";

/// Draws the form.
pub(crate) fn draw(model: &Model, form: &Form, frame: &mut Frame<'_>) {
    let theme = model.setting.theme;
    let area = body(model);
    draw_line(frame, Rect { height: 1, ..area }, Line::styled(" New run", Theme::strong()));
    let lines = fields(model, form, usize::from(area.width), usize::from(area.height).saturating_sub(4));
    let mut y = area.y + 1;
    for line in lines {
        if y < area.bottom() {
            draw_line(frame, Rect { y, height: 1, ..area }, line);
            y += 1;
        }
    }
    if y + 1 < area.bottom() {
        rule(model, frame, Rect { y, height: 1, ..area });
        let text = match form.asked() {
            Ok(asked) => command::line(&asked),
            Err((_, missing)) => missing.to_owned(),
        };
        let lines = wrapped(&visible(&text), usize::from(area.width).saturating_sub(2));
        for (y, line) in (y + 1..area.bottom()).zip(lines) {
            draw_line(frame, Rect { y, height: 1, ..area }, Line::styled(format!(" {line}"), theme.dim()));
        }
    }
}

fn fields(model: &Model, form: &Form, columns: usize, height: usize) -> Vec<Line<'static>> {
    let theme = model.setting.theme;
    let room = columns.saturating_sub(LABEL + 2);
    let mut lines = Vec::new();
    for (name, field) in Field::ALL {
        let is_here = form.field == field;
        let marker = if is_here { theme.marker() } else { " " };
        // An agent has a column of its own for the marker.
        let wide = if field == Field::Agents { LABEL - 4 } else { LABEL - 3 };
        let label = Span::styled(format!(" {marker} {}", pad(name, wide, false)), label(theme, is_here));
        let hint = |text: &'static str| Span::styled(text, theme.dim());
        let mut spans = vec![label];
        match field {
            Field::Spec => spans.extend(typed(theme, &form.spec, is_here, room)),
            Field::Stage => {
                spans.extend(typed(theme, &form.stage, is_here, room));
                if is_here {
                    let or = if form.stage.is_offered() { ", " } else { "  " };
                    spans.push(hint(or));
                    spans.push(hint("left/right: the next stage"));
                }
            }
            Field::Prompt => {
                spans.extend(form.prompt.spans(theme, is_here, room, "the stage's own"));
            }
            Field::Quorum => {
                spans.extend(typed(theme, &form.quorum, is_here, room));
                if form.quorum.is_empty() {
                    spans.push(hint(" all of one or two, else the majority"));
                }
            }
            Field::Agents => {
                let agents = agents(model, form, is_here, room, AGENTS.min(height.saturating_sub(4)));
                let mut agents = agents.into_iter();
                spans.extend(agents.next().unwrap_or_default());
                lines.push(Line::from(spans));
                lines.extend(agents.map(|agent| {
                    let mut spans = vec![Span::raw(" ".repeat(LABEL - 1))];
                    spans.extend(agent);
                    Line::from(spans)
                }));
                continue;
            }
        }
        lines.push(Line::from(spans));
    }
    lines
}

/// One entry for each agent that is seen.
fn agents(model: &Model, form: &Form, is_here: bool, room: usize, height: usize) -> Vec<Vec<Span<'static>>> {
    let theme = model.setting.theme;
    let choices = form.choices();
    if choices.is_empty() {
        let text = if form.choices.is_none() { "looking who is there" } else { NOBODY };
        let lines = wrapped(text, room).into_iter().take(height.max(1));
        return lines.map(|line| vec![Span::styled(line, theme.dim())]).collect();
    }
    let height = height.max(1);
    let top = (form.agent + 1).saturating_sub(height);
    let seen = choices.iter().enumerate().skip(top).take(height);
    seen.map(|(at, choice)| {
        let chosen = form.is_chosen(choice);
        let sign = if chosen { theme.sign("[✓]", "[x]") } else { "[ ]" };
        let style = if is_here && at == form.agent { Theme::strong() } else { ratatui::style::Style::new() };
        let marker = if is_here && at == form.agent { theme.marker() } else { " " };
        let family = choice.family.as_deref().unwrap_or_default();
        let note = if choice.installed { family.to_owned() } else { format!("{family} not installed") };
        let name =
            fit_with(&visible(&choice.name), room.saturating_sub(6), theme.sign("…", "~")).into_owned();
        vec![
            Span::styled(format!("{marker}{sign} {name}"), style),
            Span::styled(format!("  {}", visible(note.trim_start())), theme.dim()),
        ]
    })
    .collect()
}
