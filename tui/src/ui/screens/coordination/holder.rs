//! Who holds a lease and who waits for it, one line each.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::row::{self, Row};
use crate::text::{fit_with, visible};
use crate::times;
use crate::ui::keymap::Action;
use crate::ui::model::Model;
use crate::ui::render::{body, draw_line};
use crate::ui::theme::Theme;

/// Lines of the page that are seen.
fn height(model: &Model) -> usize {
    usize::from(body(model).height)
}

/// Carries out an action of the page.
pub(super) fn act(model: &mut Model, action: Action) {
    let page = height(model).max(1);
    let Some(top) = &mut model.coordination.open else { return };
    match action {
        Action::Up => *top = top.saturating_sub(1),
        Action::Down => *top += 1,
        Action::PageUp => *top = top.saturating_sub(page),
        Action::PageDown => *top = top.saturating_add(page),
        Action::Top => *top = 0,
        Action::Bottom => *top = usize::MAX / 2,
        Action::Back => model.coordination.open = None,
        _ => {}
    }
    fit(model);
}

/// Keeps the end of the page at the end of the screen.
pub(super) fn fit(model: &mut Model) {
    let length = super::selected(&model.coordination).map_or(0, |row| lines(model, row).len());
    let last = length.saturating_sub(height(model));
    if let Some(top) = &mut model.coordination.open {
        *top = (*top).min(last);
    }
}

/// Draws the page.
pub(crate) fn draw(model: &Model, top: usize, frame: &mut Frame<'_>) {
    let area = body(model);
    let Some(row) = super::selected(&model.coordination) else { return };
    for (y, line) in (area.y..area.bottom()).zip(lines(model, row).into_iter().skip(top)) {
        draw_line(frame, Rect { y, height: 1, ..area }, line);
    }
}

fn lines(model: &Model, row: &Row) -> Vec<Line<'static>> {
    let theme = model.setting.theme;
    let room = usize::from(model.size.0).saturating_sub(4);
    let cut = |text: &str| fit_with(&visible(text), room, theme.sign("…", "~")).into_owned();
    let place = if row.global { "lease of the whole machine" } else { "lease of this project" };
    let title = format!(" {}", cut(&format!("{}  {place}", row.name)));
    let mut lines = vec![Line::styled(title, Theme::strong())];
    if row.grants.is_empty() {
        lines.push(Line::raw("   nobody holds it"));
    }
    for grant in &row.grants {
        let left = if grant.expired {
            "it is over, until somebody takes it".to_owned()
        } else {
            format!("{} left", times::clock(grant.ends.saturating_sub(model.now_ms)))
        };
        let pid = grant.pid.map_or_else(String::new, |pid| format!(", process {pid}"));
        lines.push(Line::raw(format!("   {}", cut(&format!("{}{pid}", grant.holder)))));
        let told = format!("{}, fence {}, {left}", row::mode(grant.mode), grant.fence);
        lines.push(Line::raw(format!("     {}", cut(&told))));
        lines.push(Line::styled(
            format!("     {}", cut(&format!("since {}", times::absolute(grant.since)))),
            theme.dim(),
        ));
    }
    let waiting = match row.waiters.len() {
        0 => "nobody waits".to_owned(),
        1 => "1 waits".to_owned(),
        many => format!("{many} wait, the first first"),
    };
    lines.push(Line::raw(""));
    lines.push(Line::styled(format!("   {waiting}"), theme.dim()));
    for waiter in &row.waiters {
        let since = times::ago(model.now_ms, waiter.since);
        let told =
            format!("{}, process {}, {}, for {since}", waiter.holder, waiter.pid, row::mode(waiter.mode));
        lines.push(Line::raw(format!("   {}", cut(&told))));
    }
    lines
}
