//! The first page in a folder without state: what this is for, and the keys that begin it. It creates nothing.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::text::visible;
use crate::ui::keymap::{Action, BINDINGS, Place};
use crate::ui::model::Model;
use crate::ui::render::{body, draw_line, wrapped};
use crate::ui::theme::Theme;

/// Draws the page.
pub(crate) fn draw(model: &Model, frame: &mut Frame<'_>) {
    let theme = model.setting.theme;
    let area = body(model);
    let room = usize::from(area.width).saturating_sub(4);
    let purpose = "conclave keeps what several coding agents answer, take and share on this repo.";
    let mut lines = vec![Line::raw("")];
    lines.extend(
        wrapped(purpose, room).into_iter().map(|part| Line::styled(format!("  {part}"), Theme::strong())),
    );
    lines.push(Line::raw(""));
    for binding in BINDINGS.iter().filter(|binding| binding.place == Place::Welcome) {
        if !binding.is_open(model.setting.read_only) {
            continue;
        }
        let more = match binding.action {
            Action::Init => format!("start here: creates .conclave/ in {}", visible(&model.setting.root)),
            _ => binding.help.to_owned(),
        };
        lines.push(Line::from(vec![
            Span::styled(format!("   {}  ", binding.key_name()), theme.accent()),
            Span::styled(format!("{:<9}", binding.hint), Theme::strong()),
            Span::raw(more),
        ]));
    }
    lines.push(Line::from(vec![
        Span::styled("   ?  ", theme.accent()),
        Span::styled(format!("{:<9}", "help"), Theme::strong()),
        Span::styled("q  ", theme.accent()),
        Span::styled("quit", Theme::strong()),
    ]));
    for (y, line) in (area.y..area.bottom()).zip(lines) {
        draw_line(frame, Rect { y, height: 1, ..area }, line);
    }
}
