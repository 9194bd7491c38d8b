//! The log of one agent over the whole screen: it follows what is written, and can be scrolled back and searched.

use ratatui::Frame;
use ratatui::crossterm::event::KeyCode;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::log::Log;
use super::words;
use crate::text::{count, counted, fit_with, size, visible};
use crate::ui::document::Document;
use crate::ui::effect::Effect;
use crate::ui::field::typed;
use crate::ui::input::Input;
use crate::ui::keymap::Action;
use crate::ui::keys::Key;
use crate::ui::model::Model;
use crate::ui::render::{body, draw_line};
use crate::ui::theme::Theme;

/// Columns of the marker in front of a line.
const MARKER: u16 = 2;
/// Columns of a text that is looked for.
const NEEDLE: usize = 30;

/// Where the text is: below the title.
pub(super) fn page_area(model: &Model) -> Rect {
    let area = body(model);
    let head = 1.min(area.height);
    Rect { y: area.y + head, height: area.height - head, ..area }
}

/// Columns and lines of the text that are seen.
pub(super) fn room(model: &Model) -> (usize, usize) {
    let area = page_area(model);
    (usize::from(area.width.saturating_sub(MARKER + 1)), usize::from(area.height))
}

/// Lays the text out where the width has changed; keeps its end in sight while it follows, else the cursor.
pub(super) fn fit(model: &mut Model) {
    let (width, height) = room(model);
    if !model.agents.streams {
        return;
    }
    if let Some(log) = &mut model.agents.log {
        log.document.fit(width, height);
        if !log.held {
            log.document.cursor.selected = log.document.len().saturating_sub(1);
            log.document.fit(width, height);
        }
    }
}

/// Carries out an action of the page.
pub(super) fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    let page = isize::try_from(room(model).1.max(1)).unwrap_or(1);
    if action == Action::Back {
        let abandoned = model.agents.log.as_mut().and_then(Log::abandon);
        model.agents.streams = false;
        // The list below may stand elsewhere by now.
        let effects = super::keep_in_sight(model);
        return abandoned.into_iter().chain(effects).collect();
    }
    let Some(log) = &mut model.agents.log else { return Vec::new() };
    let abandoned = log.abandon();
    let length = log.document.len();
    let asked = match action {
        Action::Up | Action::PageUp => {
            log.held = true;
            log.document.cursor.step(if action == Action::Up { -1 } else { -page }, length);
            None
        }
        Action::Down => {
            log.document.cursor.step(1, length);
            None
        }
        Action::PageDown => {
            log.document.cursor.step(page, length);
            None
        }
        Action::Top => log.go_to_start(),
        Action::Bottom => Some(log.go_to_end()),
        Action::HoldLog => log.toggle(),
        Action::SearchLog => {
            log.held = true;
            log.searching = Some(Input::default());
            None
        }
        Action::NextMatch => log.find(true, false),
        Action::PreviousMatch => log.find(false, false),
        Action::Copy => {
            return vec![Effect::Copy { text: log.id.clone(), what: "the agent's id".to_owned() }];
        }
        _ => None,
    };
    let effects = asked.or_else(|| log.keep_in_sight()).or(abandoned);
    fit(model);
    effects.into_iter().collect()
}

/// A key while a text to look for is being typed, in a log or in changes. Gives nothing where none is.
pub(crate) fn key_in_search(model: &mut Model, key: Key) -> Option<Vec<Effect>> {
    let mut effects = Vec::new();
    if let Some(diff) = &mut model.agents.diff {
        let input = diff.searching.as_mut()?;
        match key.code {
            KeyCode::Esc => diff.searching = None,
            KeyCode::Enter => {
                let needle = input.text().to_owned();
                diff.searching = None;
                if !diff.document.set_search(&needle) {
                    model.say(format!("nothing matches {needle:?}"));
                }
            }
            _ => drop(input.key(key)),
        }
        super::diff::fit(model);
        return Some(effects);
    }
    let log = model.agents.log.as_mut().filter(|_| model.agents.streams)?;
    let input = log.searching.as_mut()?;
    match key.code {
        KeyCode::Esc => log.searching = None,
        KeyCode::Enter => {
            log.needle = input.text().to_owned();
            log.searching = None;
            // What was written last is nearest.
            effects.extend(log.find(false, true));
        }
        _ => drop(input.key(key)),
    }
    fit(model);
    Some(effects)
}

/// What is looked for, as it stands in a title.
pub(super) fn search_spans(theme: Theme, search: Option<&Input>, needle: &str) -> Vec<Span<'static>> {
    match search {
        Some(input) => {
            let mut spans = vec![Span::styled("  / ", theme.accent())];
            spans.extend(typed(theme, input, true, NEEDLE));
            spans
        }
        None if needle.is_empty() => Vec::new(),
        None => {
            let needle = visible(needle);
            let needle = fit_with(&needle, NEEDLE, theme.sign("…", "~")).into_owned();
            vec![Span::styled(format!("  / {needle}"), theme.accent())]
        }
    }
}

/// How a log stands: whether it follows, and how large it is.
pub(super) fn stands(log: &Log) -> String {
    let lines = log.lines().filter(|lines| *lines > 0).map(|lines| counted(lines as u64, "line", "lines"));
    let bytes = lines.or_else(|| log.bytes.map(size)).unwrap_or_default();
    match (log.bytes, log.held) {
        (None, _) => String::new(),
        (Some(_), false) => format!("following  (f: hold)  {bytes}"),
        (Some(_), true) if log.behind => format!("held, more was written  (f: follow)  {bytes}"),
        (Some(_), true) => format!("held  (f: follow)  {bytes}"),
    }
}

/// Draws the page.
pub(crate) fn draw(model: &Model, log: &Log, frame: &mut Frame<'_>) {
    let theme = model.setting.theme;
    let area = page_area(model);
    let row = model.agents.rows.iter().find(|row| row.is_registered() && row.id == log.id);
    let mut spans = vec![Span::styled(format!(" {}", visible(&log.id)), Theme::strong())];
    // What is typed is not to be cut off.
    let is_searching = log.searching.is_some();
    if let Some(row) = row.filter(|_| !is_searching) {
        let (sign, word, style) = words::state(theme, row);
        spans.push(Span::styled(format!("  {sign} {}", visible(&word)), style));
    }
    if !is_searching {
        spans.push(Span::styled(format!("  {}", stands(log)), theme.dim()));
        if log.held && log.lines().is_some() {
            let line = log.document.line() as u64 + 1;
            spans.push(Span::styled(format!("  at line {}", count(line)), theme.dim()));
        }
    }
    spans.extend(search_spans(theme, log.searching.as_ref(), &log.needle));
    let title = Rect { y: area.y.saturating_sub(1), height: 1, ..area };
    draw_line(frame, title, Line::from(spans));
    let said = match (log.loaded, log.bytes) {
        (false, _) => Some("Reading the log"),
        (true, None) => Some("It has no log: its output went to a terminal, or it was started elsewhere."),
        (true, Some(0)) => Some("Nothing was written yet."),
        _ => None,
    };
    match said {
        Some(said) => {
            let lines = crate::ui::render::wrapped(said, usize::from(area.width).saturating_sub(4));
            for (y, line) in (area.y..area.bottom()).zip(lines) {
                draw_line(frame, Rect { y, height: 1, ..area }, Line::raw(format!("  {line}")));
            }
        }
        None => draw_document(model, &log.document, frame, area, |_| Style::new()),
    }
}

/// Draws the rows of a text that are seen, each in the style of its text.
pub(crate) fn draw_document(
    model: &Model,
    document: &Document,
    frame: &mut Frame<'_>,
    area: Rect,
    style: impl Fn(&str) -> Style,
) {
    let theme = model.setting.theme;
    for (y, (at, row)) in (area.y..area.bottom()).zip(document.rows(usize::from(area.height))) {
        let marker = if at == document.cursor.selected { theme.marker() } else { " " };
        let spans = vec![
            Span::styled(format!("{marker} "), theme.accent()),
            Span::styled(row.text.clone(), style(&row.text)),
        ];
        draw_line(frame, Rect { y, height: 1, ..area }, Line::from(spans));
    }
}
