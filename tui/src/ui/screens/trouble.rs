//! The page in place of a state that cannot be used: what is wrong and what to do. It is left by itself as
//! soon as the file can be used.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::text::visible;
use crate::ui::model::Model;
use crate::ui::problem::Problem;
use crate::ui::render::{body, draw_line, wrapped};
use crate::ui::theme::Theme;

/// Draws the page.
pub(crate) fn draw(model: &Model, problem: &Problem, frame: &mut Frame<'_>) {
    let theme = model.setting.theme;
    let area = body(model);
    let room = usize::from(area.width).saturating_sub(4);
    let mut lines =
        vec![Line::raw(""), Line::styled("  The state cannot be used.", Theme::strong()), Line::raw("")];
    let paragraph = |text: &str| {
        wrapped(&visible(text), room).into_iter().map(|part| format!("  {part}")).collect::<Vec<_>>()
    };
    lines.extend(paragraph(&problem.text).into_iter().map(|part| Line::styled(part, theme.bad())));
    if let Some(hint) = &problem.hint {
        lines.push(Line::raw(""));
        lines.extend(paragraph(hint).into_iter().map(Line::raw));
    }
    lines.push(Line::raw(""));
    let more = if problem.kind == "needs-migration" && !model.setting.read_only {
        "M migrates it now; a verified backup comes first where rows are rewritten."
    } else {
        "This page goes away by itself when the file can be used; r looks now."
    };
    lines.extend(paragraph(more).into_iter().map(|part| Line::styled(part, theme.dim())));
    for (y, line) in (area.y..area.bottom()).zip(lines) {
        draw_line(frame, Rect { y, height: 1, ..area }, line);
    }
}
