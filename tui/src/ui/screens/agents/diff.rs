//! What an agent has changed in its worktree, to be read.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::row::Who;
use super::stream;
use crate::text::visible;
use crate::ui::document::Document;
use crate::ui::effect::Effect;
use crate::ui::input::Input;
use crate::ui::keymap::Action;
use crate::ui::model::Model;
use crate::ui::render::draw_line;
use crate::ui::theme::Theme;

/// The changes of one agent.
#[derive(Debug, Clone)]
pub(crate) struct Diff {
    pub(crate) id: String,
    /// Whose they are.
    pub(super) who: Who,
    pub(crate) document: Document,
    pub(crate) searching: Option<Input>,
}

impl Diff {
    pub(crate) fn new(who: &Who, text: &str) -> Self {
        Self { id: who.id().to_owned(), who: who.clone(), document: Document::plain(text), searching: None }
    }
}

/// Carries out an action of the page.
pub(super) fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    let height = stream::room(model).1;
    let page = isize::try_from(height.max(1)).unwrap_or(1);
    let Some(diff) = &mut model.agents.diff else { return Vec::new() };
    let length = diff.document.len();
    let cursor = &mut diff.document.cursor;
    let found = match action {
        Action::Up => {
            cursor.step(-1, length);
            true
        }
        Action::Down => {
            cursor.step(1, length);
            true
        }
        Action::PageUp => {
            cursor.step(-page, length);
            true
        }
        Action::PageDown => {
            cursor.step(page, length);
            true
        }
        Action::Top => {
            cursor.selected = 0;
            true
        }
        Action::Bottom => {
            cursor.selected = length.saturating_sub(1);
            true
        }
        Action::SearchLog => {
            diff.searching = Some(Input::default());
            true
        }
        Action::NextMatch => diff.document.find_next(true),
        Action::PreviousMatch => diff.document.find_next(false),
        Action::Copy => {
            let text = diff.document.text().to_owned();
            return vec![Effect::Copy { text, what: format!("the changes of {}", diff.id) }];
        }
        Action::Back => {
            model.agents.diff = None;
            return Vec::new();
        }
        _ => true,
    };
    if !found {
        let text = if diff.document.search().is_empty() { "/ looks for a text" } else { "nothing matches" };
        model.say(text);
    }
    fit(model);
    Vec::new()
}

/// Lays the text out where the width has changed, and keeps the cursor in sight.
pub(super) fn fit(model: &mut Model) {
    let (width, height) = stream::room(model);
    if let Some(diff) = &mut model.agents.diff {
        diff.document.fit(width, height);
    }
}

/// Draws the page.
pub(crate) fn draw(model: &Model, diff: &Diff, frame: &mut Frame<'_>) {
    let theme = model.setting.theme;
    let area = stream::page_area(model);
    let mut spans =
        vec![Span::styled(format!(" {}", visible(&diff.id)), Theme::strong()), Span::raw("  changes")];
    let search = diff.searching.as_ref();
    spans.extend(stream::search_spans(theme, search, diff.document.search()));
    let title = Rect { y: area.y.saturating_sub(1), height: 1, ..area };
    draw_line(frame, title, Line::from(spans));
    if diff.document.text().trim().is_empty() {
        draw_line(frame, Rect { height: 1, ..area }, Line::raw("  Nothing has changed since its base."));
        return;
    }
    stream::draw_document(model, &diff.document, frame, area, |text| match text.as_bytes().first() {
        Some(b'+') => theme.good(),
        Some(b'-') => theme.bad(),
        Some(b'@') => theme.accent(),
        _ if text.starts_with("diff ") => Theme::strong(),
        _ => ratatui::style::Style::new(),
    });
}
