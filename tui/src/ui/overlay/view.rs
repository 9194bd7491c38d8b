//! Overlays, drawn: a page over the screen, with a rule above and below and no box.

use conclave_consensus::migrate::Attention;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Clear;

use super::{HelpLine, Overlay, Palette, Purpose, help_lines, palette};
use crate::text::{pad, visible, width};
use crate::ui::driving;
use crate::ui::keymap::Place;
use crate::ui::model::Model;
use crate::ui::render::{body, draw_line, rule, wrapped};
use crate::ui::theme::Theme;

/// Lines of help that are seen.
pub(crate) fn height_of_help(model: &Model) -> usize {
    usize::from(body(model).height.saturating_sub(2))
}

/// All lines of the help, as wide as the screen.
pub(crate) fn help_page(model: &Model, place: Place, filter: &str) -> Vec<Line<'static>> {
    // Below this width the keys stand closer.
    const NARROW: u16 = 60;
    let theme = model.setting.theme;
    let wide = if model.size.0 < NARROW { 12 } else { 22 };
    let room = usize::from(model.size.0).saturating_sub(wide + 5);
    let mut lines = Vec::new();
    for line in help_lines(place, filter, model.setting.read_only) {
        match line {
            HelpLine::Heading(text) => lines.push(Line::styled(format!(" {text}"), Theme::strong())),
            HelpLine::Binding(binding) => {
                let mut names = wrapped(&binding.key_names_at(place), wide).into_iter();
                let mut words = wrapped(binding.help, room).into_iter();
                loop {
                    let (name, word) = (names.next(), words.next());
                    if name.is_none() && word.is_none() {
                        break;
                    }
                    let name = pad(&name.unwrap_or_default(), wide, false);
                    lines.push(Line::from(vec![
                        Span::styled(format!("   {name} "), theme.accent()),
                        Span::raw(word.unwrap_or_default()),
                    ]));
                }
            }
        }
    }
    lines
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
            let lines = help_page(model, *place, filter.text());
            page(model, frame, body, Line::from(head), lines.into_iter().skip(*top));
        }
        Overlay::Palette(palette) => draw_palette(model, palette, frame, body),
        Overlay::NeedsYou { cursor } => {
            let needs: Vec<_> = model.needs().collect();
            let mut head = vec![Span::styled(format!(" Needs you  {}", needs.len()), Theme::strong())];
            let chosen = needs.get(cursor.selected);
            if chosen.is_some_and(|need| matches!(need.kind, "run" | "pipeline")) && !model.setting.read_only
            {
                head.push(Span::styled("   enter shows it, r goes on with it", theme.dim()));
            }
            let head = Line::from(head);
            if needs.is_empty() {
                let text = "Nothing. Open questions, left runs, lost agents, unfinished imports, failed checks wait here.";
                let lines = wrapped(text, usize::from(body.width).saturating_sub(4));
                let height = u16::try_from(lines.len()).unwrap_or(u16::MAX).saturating_add(3);
                let lines = lines.into_iter().map(|line| Line::raw(format!("   {line}")));
                page(model, frame, lower(body, height), head, lines);
            } else {
                let entries =
                    needs.iter().enumerate().map(|(at, need)| need_lines(model, need, at == cursor.selected));
                let entries: Vec<_> = entries.collect();
                let all: usize = entries.iter().map(Vec::len).sum();
                // Where not all are seen, the chosen one stands on top.
                let fits = all <= usize::from(body.height.saturating_sub(2));
                let lines = entries.into_iter().skip(if fits { 0 } else { cursor.selected }).flatten();
                page(model, frame, body, head, lines);
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
        Overlay::Leave => {
            let head = Line::styled(format!("  {}", driving::in_progress(model)), Theme::strong());
            let choice = |key: &'static str, words: &'static str| {
                Line::from(vec![
                    Span::styled(format!("  {key}"), theme.accent()),
                    Span::raw(format!(" {words}")),
                ])
            };
            let lines = [
                choice("w", "wait: quit when they are done"),
                choice("c", "cancel: close them with the answers they have, then quit"),
                choice("l", "leave: end agents; resume later"),
                choice("s", "stay (enter)"),
            ];
            page(model, frame, lower(body, 6), head, lines.into_iter());
        }
        Overlay::Prompt { label, input, purpose } => {
            let label = format!("{}: ", visible(label));
            let room = usize::from(body.width).saturating_sub(4);
            // A long question has lines of its own, and the answer the one below.
            let mut above = Vec::new();
            let mut typed = vec![Span::raw("  ")];
            let mut left = room;
            if width(&label) * 2 > room {
                above = wrapped(label.trim_end(), room);
                above.truncate(usize::from(body.height).saturating_sub(4).max(1));
            } else {
                left = room.saturating_sub(width(&label));
                typed.push(Span::styled(label, Theme::strong()));
            }
            typed.extend(crate::ui::field::typed(theme, input, true, left));
            let mut lines: Vec<Line<'_>> =
                above.into_iter().map(|line| Line::styled(format!("  {line}"), Theme::strong())).collect();
            lines.push(Line::from(typed));
            let hint = match purpose {
                Purpose::Import => "enter starts, esc leaves",
                Purpose::Answer { .. } => "enter answers, esc leaves",
                Purpose::DependsOn(_) => "its id; tab completes, enter adds, esc leaves",
            };
            let hint = wrapped(hint, room).into_iter();
            lines.extend(hint.map(|line| Line::styled(format!("  {line}"), theme.dim())));
            let height = u16::try_from(lines.len()).unwrap_or(u16::MAX).saturating_add(1);
            let head = lines.remove(0);
            page(model, frame, lower(body, height), head, lines.into_iter());
        }
    }
}

/// One of what needs someone: why, and below it what to do.
fn need_lines(model: &Model, need: &Attention, is_chosen: bool) -> Vec<Line<'static>> {
    let theme = model.setting.theme;
    let room = usize::from(model.size.0).saturating_sub(6);
    let mut lines = Vec::new();
    for (part, text) in
        wrapped(&visible(&format!("{}: {}", need.kind, need.why)), room).into_iter().enumerate()
    {
        let marker = if is_chosen && part == 0 { theme.marker() } else { " " };
        let inset = if part == 0 { "" } else { "  " };
        lines.push(Line::raw(format!(" {marker} {inset}{text}")));
    }
    let advice = wrapped(&visible(&need.advice), room);
    lines.extend(advice.into_iter().map(|text| Line::styled(format!("     {text}"), theme.dim())));
    lines
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
    if entries.is_empty() {
        let text =
            format!("nothing is called {}; backspace shows more", visible(palette.input.text().trim()));
        let lines = wrapped(&text, usize::from(area.width).saturating_sub(4));
        let lines: Vec<_> = lines.into_iter().map(|line| Line::raw(format!("   {line}"))).collect();
        return page(model, frame, area, Line::from(head), lines.into_iter());
    }
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
