//! The task under the cursor in a few lines: what it is, what holds it up, what waits for it, what happened last.

use conclave_tasks::read::AuditRow;
use conclave_tasks::words;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::row::{Detail, Neighbour, Row};
use super::{change, task_words};
use crate::text::{fit_with, pad, visible, width};
use crate::times;
use crate::ui::model::Model;
use crate::ui::render::{draw_line, wrapped};
use crate::ui::theme::Theme;

/// A pane below this width says one thing on each line.
const WIDE_PANE: u16 = 60;

/// Draws the pane.
pub(super) fn draw(model: &Model, frame: &mut Frame<'_>, area: Rect) {
    let Some(row) = super::selected(&model.tasks) else { return };
    let theme = model.setting.theme;
    let detail = model.tasks.preview.as_ref().filter(|detail| detail.row.id == row.id);
    let mut lines = match detail {
        Some(detail) if area.width < WIDE_PANE => tall(model, detail, area),
        Some(detail) => flat(model, detail, area),
        None => vec![head(model, row, area), Line::styled("   reading", theme.dim())],
    };
    lines.truncate(usize::from(area.height));
    for (y, line) in (area.y..area.bottom()).zip(lines) {
        draw_line(frame, Rect { y, height: 1, ..area }, line);
    }
}

/// Id, status and facts in one line.
fn head(model: &Model, row: &Row, area: Rect) -> Line<'static> {
    let theme = model.setting.theme;
    let (sign, word, style) = task_words::state(theme, model.now_ms, row);
    let dot = format!(" {} ", theme.dot());
    let (id, status) = (format!(" {}  ", visible(&row.id)), format!("{sign} {word}"));
    let room = usize::from(area.width).saturating_sub(width(&id) + width(&status) + 1);
    let facts = format!("{dot}{}", task_words::facts(model.now_ms, row).join(&dot));
    let facts = fit_with(&facts, room, theme.sign("…", "~")).into_owned();
    Line::from(vec![Span::styled(id, Theme::strong()), Span::styled(status, style), Span::raw(facts)])
}

/// As a wide pane of few lines.
fn flat(model: &Model, detail: &Detail, area: Rect) -> Vec<Line<'static>> {
    let theme = model.setting.theme;
    let room = usize::from(area.width).saturating_sub(4);
    let mark = theme.sign("…", "~");
    let cut = |text: &str| format!("   {}", fit_with(text, room, mark));
    let mut lines = vec![head(model, &detail.row, area)];
    lines.push(Line::styled(cut(&visible(&detail.row.title)), Theme::strong()));
    let blocks = blocks(detail);
    let blocks = if blocks.is_empty() { None } else { Some(format!("blocks {blocks}")) };
    let stands: Vec<String> = held_up(model.now_ms, detail).into_iter().chain(blocks).collect();
    if !stands.is_empty() {
        lines.push(Line::raw(cut(&stands.join(&format!(" {} ", theme.dot())))));
    }
    let last = history(theme, model.now_ms, detail);
    // The last line tells what happened.
    let left = usize::from(area.height).saturating_sub(lines.len() + 1);
    lines.extend(tree(model, detail, room, left));
    lines.push(Line::styled(cut(&last.join(&format!(" {} ", theme.dot()))), theme.dim()));
    lines
}

/// As a narrow pane of many lines.
fn tall(model: &Model, detail: &Detail, area: Rect) -> Vec<Line<'static>> {
    let theme = model.setting.theme;
    let room = usize::from(area.width).saturating_sub(3);
    let row = &detail.row;
    let (sign, word, style) = task_words::state(theme, model.now_ms, row);
    let mut lines = vec![Line::from(vec![
        Span::styled(format!(" {}  ", visible(&row.id)), Theme::strong()),
        Span::styled(format!("{sign} {word}"), style),
    ])];
    let mut push = |text: &str, style: ratatui::style::Style| {
        let parts = wrapped(text, room);
        lines.extend(parts.into_iter().map(|part| Line::styled(format!(" {part}"), style)));
    };
    push(&visible(&row.title), Theme::strong());
    push(
        &task_words::facts(model.now_ms, row).join(&format!(" {} ", theme.dot())),
        ratatui::style::Style::new(),
    );
    push("", theme.dim());
    if let Some(held_up) = held_up(model.now_ms, detail) {
        push(&held_up, ratatui::style::Style::new());
    }
    let blocks = blocks(detail);
    if !blocks.is_empty() {
        push(&format!("blocks {blocks}"), ratatui::style::Style::new());
    }
    let left = usize::from(area.height).saturating_sub(lines.len() + 5).min(15);
    lines.extend(listed(model, detail, room, left));
    lines.push(Line::raw(""));
    for line in history(theme, model.now_ms, detail) {
        let parts = wrapped(&line, room);
        lines.extend(parts.into_iter().map(|part| Line::styled(format!(" {part}"), theme.dim())));
    }
    let text = crate::text::visible_lines(&detail.description);
    if !text.trim().is_empty() {
        lines.push(Line::raw(""));
        for line in text.lines() {
            if lines.len() >= usize::from(area.height) {
                break;
            }
            lines.extend(wrapped(line, room).into_iter().map(|part| Line::raw(format!(" {part}"))));
        }
    }
    lines
}

/// What holds it up, in words; or why it is not for work. Nothing where it is finished.
fn held_up(now_ms: i64, detail: &Detail) -> Option<String> {
    if task_words::is_finished(&detail.row) {
        return None;
    }
    if detail.by.is_empty() {
        let aside = task_words::aside(now_ms, &detail.row);
        return Some(aside.unwrap_or_else(|| "blocked by nothing".to_owned()));
    }
    let why: Vec<String> = detail.by.iter().map(|by| visible(&by.why).into_owned()).collect();
    Some(format!("blocked: {}", why.join("; ")))
}

/// Whether an edge of this type holds anybody up.
fn holds_up(kind: &str) -> bool {
    [words::BLOCKS, words::CONDITIONAL_BLOCKS, words::WAITS_FOR].contains(&kind)
}

/// Whether a task at the other end of an edge is one that is finished.
fn is_finished(other: &Neighbour) -> bool {
    other.row.as_ref().is_some_and(task_words::is_finished)
}

/// The ids of what it blocks.
fn blocks(detail: &Detail) -> String {
    if task_words::is_finished(&detail.row) {
        return String::new();
    }
    let is_blocked = |other: &&Neighbour| holds_up(&other.kind) && other.row.is_some() && !is_finished(other);
    let blocked = detail.dependents.iter().filter(is_blocked);
    blocked.map(|other| visible(&other.id).into_owned()).collect::<Vec<_>>().join(", ")
}

/// What it depends on and what depends on it, each under the word for it.
fn listed(model: &Model, detail: &Detail, room: usize, height: usize) -> Vec<Line<'static>> {
    let theme = model.setting.theme;
    let mark = theme.sign("…", "~");
    let mut lines = Vec::new();
    for (name, others) in groups(detail) {
        lines.push(Line::styled(format!(" {name}"), theme.dim()));
        let seen = others.len().min(height / 3).max(1);
        for (at, other) in others.iter().take(seen).enumerate() {
            let is_last = at + 1 == others.len();
            let rail = if is_last { theme.sign("└─", "`-") } else { theme.sign("├─", "|-") };
            let text = fit_with(&told(model, detail, other), room.saturating_sub(3), mark).into_owned();
            lines.push(Line::from(vec![Span::styled(format!(" {rail} "), theme.dim()), Span::raw(text)]));
        }
        if others.len() > seen {
            lines.push(Line::styled(format!("    and {} more", others.len() - seen), theme.dim()));
        }
    }
    lines
}

/// What it waits for and what it blocks, now and before; its parent and its children; and what is otherwise related.
fn groups(detail: &Detail) -> Vec<(String, Vec<&Neighbour>)> {
    let is_done = task_words::is_finished(&detail.row);
    let holds = |other: &Neighbour| detail.by.iter().any(|by| by.id == other.id);
    let (mut waits, mut waited, mut parents, mut related) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for other in &detail.dependencies {
        match other.kind.as_str() {
            words::PARENT_CHILD => parents.push(other),
            kind if !holds_up(kind) => related.push(other),
            // One that is closed may still hold up what is for its failure.
            _ if is_done || is_finished(other) && !holds(other) => waited.push(other),
            _ => waits.push(other),
        }
    }
    let (mut blocks, mut blocked, mut children) = (Vec::new(), Vec::new(), Vec::new());
    for other in &detail.dependents {
        match other.kind.as_str() {
            words::PARENT_CHILD => children.push(other),
            kind if !holds_up(kind) => related.push(other),
            _ if is_done || is_finished(other) => blocked.push(other),
            _ => blocks.push(other),
        }
    }
    let closed = children.iter().filter(|other| is_finished(other)).count();
    let groups = [
        ("waits for".to_owned(), waits),
        ("blocks".to_owned(), blocks),
        (format!("{closed} of {} closed", children.len()), children),
        ("part of".to_owned(), parents),
        ("waited for".to_owned(), waited),
        ("held up".to_owned(), blocked),
        ("related".to_owned(), related),
    ];
    groups.into_iter().filter(|(_, others)| !others.is_empty()).collect()
}

/// The same as a tree of one level each.
fn tree(model: &Model, detail: &Detail, room: usize, height: usize) -> Vec<Line<'static>> {
    let theme = model.setting.theme;
    let groups = groups(detail);
    let wide = groups.iter().map(|(name, _)| width(name)).max().unwrap_or(0);
    let mut lines = Vec::new();
    let mut left = height;
    for (at, (name, others)) in groups.iter().enumerate() {
        // Each group keeps a line of the room.
        let seen = left.saturating_sub(groups.len() - at - 1).min(others.len());
        left -= seen;
        for (number, other) in others.iter().take(seen).enumerate() {
            let is_first = number == 0;
            let is_last = number + 1 == seen;
            let rail = match (is_first, is_last) {
                (true, true) => theme.sign("───", "---"),
                (true, false) => theme.sign("─┬─", "-+-"),
                (false, true) => theme.sign(" └─", " `-"),
                (false, false) => theme.sign(" ├─", " |-"),
            };
            let name = if is_first { name.as_str() } else { "" };
            let more = others.len() - seen;
            let more = if is_last && more > 0 { format!(" (and {more} more)") } else { String::new() };
            let begin = format!("   {} {rail} ", pad(name, wide, false));
            let space = (room + 3).saturating_sub(width(&begin) + width(&more));
            let text = fit_with(&told(model, detail, other), space, theme.sign("…", "~")).into_owned();
            lines.push(Line::from(vec![
                Span::styled(begin, theme.dim()),
                Span::raw(text),
                Span::styled(more, theme.dim()),
            ]));
        }
    }
    lines
}

/// The other end of an edge, with the type where the word of its group does not say it.
fn told(model: &Model, detail: &Detail, other: &Neighbour) -> String {
    let theme = model.setting.theme;
    let is_child = other.kind == words::PARENT_CHILD && detail.dependents.contains(other);
    let kind = if is_child || other.kind == words::BLOCKS {
        String::new()
    } else {
        format!(" [{}]", visible(&other.kind))
    };
    match &other.row {
        Some(row) => {
            let (sign, word, _) = task_words::state(theme, model.now_ms, row);
            format!("{}  {sign} {word}{kind}  {}", visible(&row.id), visible(&row.title))
        }
        None => format!("{}  ? does not exist{kind}", visible(&other.id)),
    }
}

/// The last changes, the newest first; with how it began where they do not say so.
fn history(theme: Theme, now_ms: i64, detail: &Detail) -> Vec<String> {
    let told = |row: &AuditRow| format!("{} ago {}", times::ago(now_ms, row.at), change(theme, row));
    let mut lines: Vec<String> = detail.audit.iter().take(3).map(told).collect();
    if lines.is_empty()
        && let Some(created) = detail.row.created
    {
        lines.push(format!("created {} ago", times::ago(now_ms, created)));
    }
    lines
}
