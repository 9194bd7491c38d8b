//! The page of a task, drawn.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::model::Open;
use super::page::Tone;
use crate::text::{fit_with, visible};
use crate::ui::model::Model;
use crate::ui::render::{body, draw_line, wrapped};
use crate::ui::screens::tasks::task_words;
use crate::ui::theme::Theme;

/// Columns of the marker in front of a line.
const MARKER: u16 = 2;
/// Lines above the page: the title, and what the task is.
const HEAD: u16 = 2;

fn page_area(model: &Model) -> Rect {
    let area = body(model);
    let head = HEAD.min(area.height);
    Rect { y: area.y + head, height: area.height - head, ..area }
}

/// Columns and lines of the page that are seen.
pub(super) fn room(model: &Model) -> (usize, usize) {
    let area = page_area(model);
    (usize::from(area.width.saturating_sub(MARKER + 1)), usize::from(area.height))
}

/// Which line of the page a click meets.
pub(crate) fn clicked(model: &Model, column: u16, row: u16) -> Option<usize> {
    let area = page_area(model);
    let open = model.tasks.open.last()?;
    let line = area.contains((column, row).into()).then(|| open.cursor.top + usize::from(row - area.y))?;
    (line < open.lines.len()).then_some(line)
}

/// Draws the page.
pub(crate) fn draw(model: &Model, open: &Open, frame: &mut Frame<'_>) {
    let theme = model.setting.theme;
    let area = body(model);
    let room = usize::from(area.width).saturating_sub(2);
    let mark = theme.sign("…", "~");
    let line = |y: u16| Rect { y: area.y + y, height: u16::from(y < area.height), ..area };
    let Some(detail) = &open.detail else {
        draw_line(frame, line(0), Line::styled(format!(" {}", visible(&open.id)), Theme::strong()));
        let text = if open.missing { "There is no such task. Esc goes back." } else { "Reading the task" };
        for (y, text) in (HEAD..).zip(wrapped(text, room)) {
            draw_line(frame, line(y), Line::raw(format!("  {text}")));
        }
        return;
    };
    let row = &detail.row;
    let title = format!("{}  {}", visible(&row.id), visible(&row.title));
    draw_line(frame, line(0), Line::styled(format!(" {}", fit_with(&title, room, mark)), Theme::strong()));
    let (sign, word, style) = task_words::state(theme, model.now_ms, row);
    let mut facts = task_words::facts(model.now_ms, row);
    if detail.ready {
        facts.insert(0, "ready".to_owned());
    } else if row.blocked && word != "blocked" && !task_words::is_finished(row) {
        facts.insert(0, "blocked".to_owned());
    } else if let Some(aside) = task_words::aside(model.now_ms, row).filter(|_| !row.blocked) {
        facts.insert(0, aside);
    }
    let dot = format!(" {} ", theme.dot());
    let facts = format!("{dot}{}", facts.join(&dot));
    let status = format!("{sign} {word}");
    let left = room.saturating_sub(crate::text::width(&status));
    let spans =
        vec![Span::styled(format!(" {status}"), style), Span::raw(fit_with(&facts, left, mark).into_owned())];
    draw_line(frame, line(1), Line::from(spans));
    let page = page_area(model);
    let lines = open.lines.iter().enumerate().skip(open.cursor.top);
    for (y, (at, text)) in (page.y..page.bottom()).zip(lines) {
        let marker = if at == open.cursor.selected { theme.marker() } else { " " };
        let style = match text.tone {
            Tone::Heading => Theme::strong(),
            Tone::Plain => ratatui::style::Style::new(),
            Tone::Dim => theme.dim(),
            Tone::Warning => theme.warning(),
        };
        let spans =
            vec![Span::styled(format!("{marker} "), theme.accent()), Span::styled(text.text.clone(), style)];
        draw_line(frame, Rect { y, height: 1, ..page }, Line::from(spans));
    }
    draw_more(model, open, frame, page);
}

/// Says that there is more below.
fn draw_more(model: &Model, open: &Open, frame: &mut Frame<'_>, area: Rect) {
    let theme = model.setting.theme;
    let below = open.lines.len().saturating_sub(open.cursor.top + usize::from(area.height));
    if below == 0 || area.height < 2 {
        return;
    }
    let text = format!(" {} {} more ", theme.sign("↓", "v"), crate::text::count(below as u64));
    let wide = u16::try_from(crate::text::width(&text)).unwrap_or(0).min(area.width);
    let place = Rect { x: area.right() - wide, y: area.bottom() - 1, width: wide, height: 1 };
    draw_line(frame, place, Line::styled(text, theme.accent()));
}
