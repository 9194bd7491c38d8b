//! The frame: one line on top, the screen, a notice where there is one, one line at the bottom.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::keymap::{self, Binding, Place};
use super::model::{Model, Notice, SMALLEST, Screen, State};
use super::overlay;
use super::screens::{run, runs, storage, trouble, welcome};
use crate::text::{fit_with, visible, width};

/// Draws the model. Keeps nothing.
pub(crate) fn render(model: &Model, frame: &mut Frame<'_>) {
    let area = frame.area();
    if area.width < SMALLEST.0 || area.height < SMALLEST.1 || !model.fits() {
        let times = model.setting.theme.sign("×", "x");
        let text = format!("needs {}{times}{}", SMALLEST.0, SMALLEST.1);
        draw_line(frame, Rect { height: area.height.min(1), ..area }, Line::raw(text));
        return;
    }
    draw_top(model, frame, Rect { height: 1, ..area });
    match (&model.state, model.screen, &model.run) {
        (State::Absent, ..) => welcome::draw(model, frame),
        (State::Failed(problem), ..) => trouble::draw(model, problem, frame),
        (_, Screen::Storage, _) => storage::view::draw(model, frame),
        (_, Screen::Runs, Some(run)) => run::view::draw(model, run, frame),
        (_, Screen::Runs, None) => runs::view::draw(model, frame),
    }
    if let Some(overlay) = &model.overlay {
        overlay::draw(model, overlay, frame);
    }
    let (line, footer) = (area.height.saturating_sub(2), area.height - 1);
    if let Some(line_above) = notice(model) {
        draw_line(frame, Rect { y: line, height: 1, ..area }, line_above);
    }
    draw_footer(model, frame, Rect { y: footer, height: 1, ..area });
}

/// The part of the screen that belongs to the content.
pub(crate) fn body(model: &Model) -> Rect {
    let (columns, lines) = model.size;
    let noticed = u16::from(model.has_line_above_footer());
    Rect { x: 0, y: 1, width: columns, height: lines.saturating_sub(2 + noticed) }
}

/// Draws one line, cut where it does not fit, over whatever was there.
pub(crate) fn draw_line(frame: &mut Frame<'_>, area: Rect, line: Line<'_>) {
    let area = area.intersection(frame.area());
    if area.height > 0 && area.width > 0 {
        frame.render_widget(line, Rect { height: 1, ..area });
    }
}

/// Draws a rule.
pub(crate) fn rule(model: &Model, frame: &mut Frame<'_>, area: Rect) {
    let theme = model.setting.theme;
    let inner = usize::from(area.width.saturating_sub(2));
    draw_line(frame, area, Line::styled(format!(" {}", theme.rule().repeat(inner)), theme.dim()));
}

/// Text in lines of at most `columns`, cut at spaces.
pub(crate) fn wrapped(text: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(1);
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last().map_or(0, |line| width(line));
        let word = fit_with(word, columns, "~");
        if line > 0 && line + 1 + width(&word) > columns {
            lines.push(word.into_owned());
        } else if let Some(last) = lines.last_mut() {
            if line > 0 {
                last.push(' ');
            }
            last.push_str(&word);
        }
    }
    lines
}

fn draw_top(model: &Model, frame: &mut Frame<'_>, area: Rect) {
    let theme = model.setting.theme;
    let mut spans = vec![Span::styled(" conclave ", theme.strong())];
    for (key, name, screen) in Screen::ALL {
        let is_here = screen == model.screen && matches!(model.state, State::Ready | State::Opening);
        let style = if is_here { theme.chosen() } else { ratatui::style::Style::new() };
        spans.push(Span::raw(" "));
        spans.push(Span::styled(format!("{key} {name}"), style));
    }
    if model.setting.read_only {
        spans.push(Span::styled("  read-only", theme.warning()));
    }
    draw_line(frame, area, Line::from(spans));
    let needs = model.needs.len();
    let right = match needs {
        0 => String::new(),
        1 => "! 1 needs you ".to_owned(),
        more => format!("! {more} need you "),
    };
    let room = u16::try_from(width(&right)).unwrap_or(0).min(area.width);
    let place = Rect { x: area.right() - room, width: room, ..area };
    draw_line(frame, place, Line::styled(right, theme.warning()));
}

/// Which screen a click on the top line means.
pub(crate) fn clicked_screen(column: u16) -> Option<Screen> {
    let mut left = 10;
    for (_, name, screen) in Screen::ALL {
        let end = left + 3 + u16::try_from(name.len()).unwrap_or(0);
        if (left..end).contains(&column) {
            return Some(screen);
        }
        left = end;
    }
    None
}

fn notice(model: &Model) -> Option<Line<'static>> {
    let theme = model.setting.theme;
    match (&model.notice, &model.working) {
        (Some(Notice::Problem(problem)), _) => {
            let mut spans = vec![Span::styled(
                format!(" {} {}", theme.sign("✗", "x"), one_line(&problem.text)),
                theme.bad(),
            )];
            if let Some(hint) = &problem.hint {
                spans.push(Span::raw(format!("  ({})", one_line(hint))));
            }
            Some(Line::from(spans))
        }
        (Some(Notice::Said(text)), _) => {
            Some(Line::styled(format!(" {} {}", theme.sign("✓", "+"), one_line(text)), theme.good()))
        }
        (None, Some(working)) => {
            let far = match (working.total, working.phase) {
                (0, "") => String::new(),
                (0, phase) => format!(": {phase}"),
                (total, phase) => format!(": {phase} {} %", working.done.min(total) * 100 / total),
            };
            Some(Line::styled(
                format!(" {} {}{far}", theme.sign("●", "*"), working.work.name()),
                theme.accent(),
            ))
        }
        (None, None) => None,
    }
}

fn one_line(text: &str) -> String {
    visible(&text.replace('\n', " ")).into_owned()
}

fn draw_footer(model: &Model, frame: &mut Frame<'_>, area: Rect) {
    let theme = model.setting.theme;
    let actor = format!("{} ", model.setting.actor);
    let room = usize::from(area.width).saturating_sub(1);
    let mut spans = vec![Span::raw(" ")];
    let mut used = 1;
    for (key, word) in hints(model) {
        let wide = width(&key) + 1 + width(word) + 2;
        if used + wide > room {
            continue;
        }
        used += wide;
        spans.push(Span::styled(key, theme.accent()));
        spans.push(Span::raw(format!(" {word}  ")));
    }
    draw_line(frame, area, Line::from(spans));
    if used + width(&actor) <= room {
        let wide = u16::try_from(width(&actor)).unwrap_or(0);
        draw_line(
            frame,
            Rect { x: area.right() - wide, width: wide, ..area },
            Line::styled(actor, theme.dim()),
        );
    }
}

/// Keys and words of the footer, from the keymap.
fn hints(model: &Model) -> Vec<(String, &'static str)> {
    use super::overlay::Overlay;
    let fixed =
        |pairs: &[(&str, &'static str)]| pairs.iter().map(|(key, word)| ((*key).to_owned(), *word)).collect();
    match &model.overlay {
        Some(Overlay::Help { .. }) => return fixed(&[("up/down", "scroll"), ("esc", "back")]),
        Some(Overlay::Palette(_)) => {
            return fixed(&[("enter", "run"), ("tab", "complete"), ("up/down", "choose"), ("esc", "back")]);
        }
        Some(Overlay::NeedsYou { .. } | Overlay::Prompt { .. }) => return fixed(&[("esc", "back")]),
        Some(Overlay::Ask { .. }) => return fixed(&[("y", "yes"), ("n", "no"), ("esc", "back")]),
        None => {}
    }
    if model.runs.editing.is_some() || model.run.as_ref().is_some_and(|run| run.searching.is_some()) {
        return fixed(&[("enter", "keep"), ("esc", "clear")]);
    }
    let shown = |binding: &&Binding| !binding.hint.is_empty() && !(binding.writes && model.setting.read_only);
    let place = model.place();
    let mut bindings: Vec<&Binding> = keymap::at(place).filter(shown).collect();
    // The way back and the way out are never cut off.
    let (last, first): (Vec<&Binding>, Vec<&Binding>) =
        bindings.drain(..).partition(|binding| binding.place == Place::Global);
    let names = |binding: &&Binding| (binding.key_name(), binding.hint);
    let last: Vec<_> = last.iter().map(names).collect();
    let kept: usize = last.iter().map(|(key, word)| width(key) + width(word) + 3).sum();
    let mut room = usize::from(model.size.0).saturating_sub(2 + kept);
    let mut hints: Vec<_> = Vec::new();
    for (key, word) in first.iter().map(names) {
        let wide = width(&key) + width(word) + 3;
        if wide <= room {
            room -= wide;
            hints.push((key, word));
        }
    }
    hints.extend(last);
    hints
}

#[cfg(test)]
mod tests;
