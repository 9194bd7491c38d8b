//! Overlays, drawn: a page over the screen, with a rule above and below and no box.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Clear;

use super::{HelpLine, Overlay, Palette, help_lines, palette};
use crate::text::{pad, visible};
use crate::ui::model::Model;
use crate::ui::render::{body, draw_line, rule, wrapped};
use crate::ui::theme::Theme;

/// Lines of help that are seen.
pub(crate) fn height_of_help(model: &Model) -> usize {
    usize::from(body(model).height.saturating_sub(2))
}

/// Draws the overlay over the screen.
pub(crate) fn draw(model: &Model, overlay: &Overlay, frame: &mut Frame<'_>) {
    let theme = model.setting.theme;
    let body = body(model);
    match overlay {
        Overlay::Help { place, filter, top } => {
            let head = vec![
                Span::styled(" Help  ", Theme::strong()),
                Span::raw("type to filter: "),
                Span::styled(format!("{}{}", visible(filter.text()), theme.sign("▏", "_")), theme.accent()),
            ];
            let lines = help_lines(*place, filter.text(), model.setting.read_only);
            let lines = lines.into_iter().skip(*top).map(|line| match line {
                HelpLine::Heading(text) => Line::styled(format!(" {text}"), Theme::strong()),
                HelpLine::Binding(binding) => Line::from(vec![
                    Span::styled(format!("   {} ", pad(&binding.key_names(), 22, false)), theme.accent()),
                    Span::raw(binding.help),
                ]),
            });
            page(model, frame, body, Line::from(head), lines);
        }
        Overlay::Palette(palette) => draw_palette(model, palette, frame, body),
        Overlay::NeedsYou { cursor } => {
            let head = Line::styled(format!(" Needs you  {}", model.needs.len()), Theme::strong());
            if model.needs.is_empty() {
                let text = "   Nothing. Gates, conflicts, lost agents and failed checks will wait here.";
                page(model, frame, lower(body, 4), head, [Line::raw(text)].into_iter());
            } else {
                let rows = model.needs.iter().enumerate().map(|(at, need)| {
                    let marker = if at == cursor.selected { theme.marker() } else { " " };
                    Line::raw(format!(" {marker} {}  {}", visible(&need.what), visible(&need.why)))
                });
                page(model, frame, body, head, rows);
            }
        }
        Overlay::Ask { question, .. } => {
            let lines = wrapped(question, usize::from(body.width).saturating_sub(4));
            let height = u16::try_from(lines.len()).unwrap_or(u16::MAX).saturating_add(3);
            let answers = Line::from(vec![
                Span::raw("  "),
                Span::styled("y", theme.accent()),
                Span::raw(" yes   "),
                Span::styled("n", theme.accent()),
                Span::styled(" no (enter)", Theme::strong()),
            ]);
            let mut lines: Vec<Line<'_>> =
                lines.into_iter().map(|line| Line::styled(format!("  {line}"), Theme::strong())).collect();
            let head = lines.remove(0);
            lines.push(answers);
            page(model, frame, lower(body, height), head, lines.into_iter());
        }
        Overlay::Prompt { label, input } => {
            let head = Line::from(vec![
                Span::styled(format!("  {label}: "), Theme::strong()),
                Span::raw(visible(input.before()).into_owned()),
                Span::styled(theme.sign("▏", "_"), theme.accent()),
                Span::raw(visible(input.text().get(input.before().len()..).unwrap_or_default()).into_owned()),
            ]);
            let hint = Line::styled("  enter starts, esc leaves", theme.dim());
            page(model, frame, lower(body, 3), head, [hint].into_iter());
        }
    }
}

fn draw_palette(model: &Model, palette: &Palette, frame: &mut Frame<'_>, body: Rect) {
    let theme = model.setting.theme;
    let entries = palette.entries(model);
    let mut head = vec![
        Span::styled(" :", theme.accent()),
        Span::raw(visible(palette.input.before()).into_owned()),
        Span::styled(theme.sign("▏", "_"), theme.accent()),
        Span::raw(
            visible(palette.input.text().get(palette.input.before().len()..).unwrap_or_default())
                .into_owned(),
        ),
    ];
    if let Some(last) = model.last_result.as_ref().filter(|_| palette.input.is_empty()) {
        head.push(Span::styled(format!("   last: {}", visible(last)), theme.dim()));
    }
    let height =
        u16::try_from(entries.len()).unwrap_or(u16::MAX).saturating_add(2).min(body.height / 4 * 3).max(4);
    let area = lower(body, height);
    let seen = usize::from(area.height.saturating_sub(2)).max(1);
    let top = (palette.selected + 1).saturating_sub(seen);
    let widest = entries.iter().map(|entry| palette::label(entry).chars().count()).max().unwrap_or(0).min(32);
    let lines = entries.iter().enumerate().skip(top).map(|(at, entry)| {
        let marker = if at == palette.selected { theme.marker() } else { " " };
        Line::from(vec![
            Span::styled(format!(" {marker} "), theme.accent()),
            Span::styled(
                pad(&visible(&palette::label(entry)), widest, false),
                if at == palette.selected { Theme::strong() } else { ratatui::style::Style::new() },
            ),
            Span::styled(format!("  {}", visible(&entry.note)), theme.dim()),
        ])
    });
    page(model, frame, area, Line::from(head), lines);
}

/// The lowest part of the screen.
fn lower(body: Rect, height: u16) -> Rect {
    let height = height.min(body.height);
    Rect { y: body.bottom() - height, height, ..body }
}

fn page<'line>(
    model: &Model,
    frame: &mut Frame<'_>,
    area: Rect,
    head: Line<'line>,
    lines: impl Iterator<Item = Line<'line>>,
) {
    // The terminal may have shrunk since the model heard of its size.
    frame.render_widget(Clear, area.intersection(frame.area()));
    if area.height == 0 {
        return;
    }
    rule(model, frame, Rect { height: 1, ..area });
    let below = area.y + 1..area.bottom();
    for (y, line) in below.zip(std::iter::once(head).chain(lines)) {
        draw_line(frame, Rect { y, height: 1, ..area }, line);
    }
}
