//! The storage screen, drawn.

use std::time::Duration;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::model::{FileNumbers, WriterNumbers};
use super::{migration, stores};
use crate::text::{count, size, visible};
use crate::times;
use crate::ui::model::{CheckState, Model};
use crate::ui::problem::Problem;
use crate::ui::render::{body, draw_line, wrapped};
use crate::ui::theme::Theme;

/// Where the values begin.
pub(super) const LABEL: usize = 12;

/// Lines of the page that are seen.
pub(super) fn height(model: &Model) -> usize {
    usize::from(body(model).height)
}

/// Lines of the whole page.
pub(super) fn length(model: &Model) -> usize {
    page(model).len()
}

/// Draws the screen.
pub(crate) fn draw(model: &Model, frame: &mut Frame<'_>) {
    let area = body(model);
    let page = page(model);
    let top = model.storage.top.min(page.len().saturating_sub(usize::from(area.height)));
    let below = page.len().saturating_sub(top + usize::from(area.height));
    for (y, line) in (area.y..area.bottom()).zip(page.into_iter().skip(top)) {
        draw_line(frame, Rect { y, height: 1, ..area }, line);
    }
    if below > 0 && area.height > 1 {
        let sign = model.setting.theme.sign("↓", "v");
        let text = format!(" {sign} {} ", format_args!("{} more", count(below as u64)));
        let wide = u16::try_from(text.chars().count()).unwrap_or(0).min(area.width);
        let place = Rect { x: area.right() - wide, y: area.bottom() - 1, width: wide, height: 1 };
        draw_line(frame, place, Line::styled(text, model.setting.theme.accent()));
    }
}

/// The numbers, then the checks.
fn page(model: &Model) -> Vec<Line<'static>> {
    let theme = model.setting.theme;
    let mut lines = vec![title(model)];
    lines.extend(numbers(model));
    let inner = usize::from(model.size.0).saturating_sub(2);
    lines.push(Line::styled(format!(" {}", theme.rule().repeat(inner)), theme.dim()));
    lines.extend(checks(model));
    lines
}

/// A label and its parts, on as many lines as they need.
pub(super) fn labelled(model: &Model, label: &str, parts: Vec<Span<'static>>) -> Vec<Line<'static>> {
    let theme = model.setting.theme;
    let room = usize::from(model.size.0);
    let begin = |label: &str| vec![Span::raw(format!(" {label:<LABEL$}"))];
    let (mut lines, mut spans, mut used) = (Vec::new(), begin(label), LABEL + 1);
    // What is wider than a line alone takes several.
    let widest = room.saturating_sub(LABEL + 1);
    let split = |part: Span<'static>| {
        if part.width() <= widest {
            return vec![part];
        }
        let style = part.style;
        wrapped(&part.content, widest).into_iter().map(|text| Span::styled(text, style)).collect()
    };
    let parts = parts.into_iter().map(split);
    for (at, mut pieces) in parts.enumerate() {
        if pieces.len() > 1 {
            if at > 0 {
                lines.push(Line::from(std::mem::replace(&mut spans, begin(""))));
            }
            let last = pieces.pop().unwrap_or_default();
            for piece in pieces {
                spans.push(piece);
                lines.push(Line::from(std::mem::replace(&mut spans, begin(""))));
            }
            used = LABEL + 1 + last.width();
            spans.push(last);
            continue;
        }
        let part = pieces.pop().unwrap_or_default();
        if at > 0 && used + 3 + part.width() > room {
            lines.push(Line::from(std::mem::replace(&mut spans, begin(""))));
            used = LABEL + 1;
        } else if at > 0 {
            spans.push(Span::raw(format!(" {} ", theme.dot())));
            used += 3;
        }
        used += part.width();
        spans.push(part);
    }
    lines.push(Line::from(spans));
    lines
}

fn numbers(model: &Model) -> Vec<Line<'static>> {
    let theme = model.setting.theme;
    let Some(numbers) = &model.storage.numbers else {
        return vec![Line::raw("  Reading")];
    };
    let said = |text: String| Span::raw(visible(&text).into_owned());
    let failed = |problem: &Problem| Span::styled(visible(&problem.text).into_owned(), theme.bad());
    let mut lines = Vec::new();
    match &numbers.file {
        Ok(file) => lines.extend(file_lines(model, file)),
        Err(problem) => lines.extend(labelled(model, "File", vec![failed(problem)])),
    }
    lines.extend(writer_lines(model, &numbers.writer));
    let backup = match numbers.backups.first() {
        Some(newest) => vec![
            said(format!("{} ago", times::ago(model.now_ms, newest.made_ms))),
            said(size(newest.bytes)),
            said(format!("{} kept", numbers.backups.len())),
            said(newest.path.file_name().unwrap_or_default().to_string_lossy().into_owned()),
        ],
        None => vec![said("none yet: `b` writes one".to_owned())],
    };
    lines.extend(labelled(model, "Backup", backup));
    match &numbers.migration {
        Ok(migration) => lines.extend(migration::lines(model, migration)),
        Err(problem) => lines.extend(labelled(model, "Migration", vec![failed(problem)])),
    }
    lines.extend(stores::lines(model));
    lines
}

fn title(model: &Model) -> Line<'static> {
    let theme = model.setting.theme;
    let mut spans = vec![Span::styled(" Storage", Theme::strong())];
    if let Some(checks) = &model.storage.checks {
        let fine = checks.iter().filter(|check| check.state == CheckState::Ok).count();
        let worst = checks.iter().map(|check| check.state).max_by_key(|state| weight(*state));
        let (sign, _, style) = theme.check(worst.unwrap_or(CheckState::Ok));
        spans.push(Span::styled(format!("  {sign} doctor: {fine} of {}", checks.len()), style));
    }
    // Last, since it is what a narrow screen can do without.
    spans.push(Span::raw(format!("  {}", visible(&model.setting.database))));
    Line::from(spans)
}

const fn weight(state: CheckState) -> u8 {
    match state {
        CheckState::Ok => 0,
        CheckState::Warn => 1,
        CheckState::Fail => 2,
    }
}

fn file_lines(model: &Model, file: &FileNumbers) -> Vec<Line<'static>> {
    let theme = model.setting.theme;
    let vacuum = if file.incremental {
        Span::raw("in slices: `v` gives free pages back")
    } else {
        Span::styled("needs a conversion first: `C` rewrites the file", theme.warning())
    };
    let sizes = vec![
        Span::raw(size(file.file_bytes)),
        Span::raw(format!("wal {}", size(file.wal_bytes))),
        Span::raw(format!("free {} ({} %)", size(file.free_bytes), file.free_percent)),
    ];
    let format = vec![
        Span::raw(format!("schema {}", file.schema)),
        Span::raw(format!("journal {}", visible(&file.journal))),
        Span::raw(format!("SQLite {}", file.sqlite)),
    ];
    let mut lines = labelled(model, "File", sizes);
    lines.extend(labelled(model, "Format", format));
    let mut vacuum = vec![vacuum];
    if let Some((when, stats)) = &model.storage.vacuumed {
        let freed = size(stats.size_before.saturating_sub(stats.size_after));
        vacuum.push(Span::raw(format!("last freed {freed} in {}", times::took(stats.took))));
        vacuum.push(Span::raw(format!("longest stall {}", times::took(stats.longest_stall))));
        vacuum.push(Span::raw(format!("{} ago", times::ago(model.now_ms, *when))));
    }
    lines.extend(labelled(model, "Vacuum", vacuum));
    lines
}

fn writer_lines(model: &Model, writer: &WriterNumbers) -> Vec<Line<'static>> {
    let time = |micros| times::took(Duration::from_micros(micros));
    let writes = if writer.commits == 0 {
        vec![Span::raw("none by this program yet")]
    } else {
        vec![
            Span::raw(format!("{} in {} commits", count(writer.writes), count(writer.commits))),
            Span::raw(format!("groups of {}", writer.group)),
            Span::raw(format!("commit p50 {} p99 {}", time(writer.commit_p50), time(writer.commit_p99))),
            Span::raw(format!("{} queued", writer.queued)),
        ]
    };
    let mut readers = vec![Span::raw(format!("{} now", writer.readers))];
    if let Some((place, age)) = &writer.oldest {
        readers.push(Span::raw(format!("oldest {} at {place}", times::took(*age))));
    }
    if writer.held_up > 0 {
        readers.push(Span::raw(format!("{} checkpoints held up", count(writer.held_up))));
    }
    let mut lines = labelled(model, "Writes", writes);
    lines.extend(labelled(model, "Readers", readers));
    lines
}

fn checks(model: &Model) -> Vec<Line<'static>> {
    let theme = model.setting.theme;
    let Some(checks) = &model.storage.checks else {
        return vec![Line::styled("  `D` runs the doctor: every check with its advice.", theme.dim())];
    };
    let room = usize::from(model.size.0).saturating_sub(4);
    let mut lines = Vec::new();
    // What is wrong is not to be looked for below what is right.
    let mut checks: Vec<_> = checks.iter().collect();
    checks.sort_by_key(|check| std::cmp::Reverse(weight(check.state)));
    for check in checks {
        let (sign, word, style) = theme.check(check.state);
        let name = visible(&check.name);
        // The first line begins with the name; what does not fit goes on below it.
        let mut parts =
            wrapped(&visible(&format!("{name} {}", check.detail)), room.saturating_sub(6)).into_iter();
        let first = parts.next().unwrap_or_default();
        let detail = first.strip_prefix(&*name).unwrap_or_default().to_owned();
        lines.push(Line::from(vec![
            Span::styled(format!("  {sign} {word:<5}"), style),
            Span::styled(name.into_owned(), Theme::strong()),
            Span::raw(format!(" {detail}")),
        ]));
        lines.extend(parts.map(|part| Line::raw(format!("          {part}"))));
        if let Some(advice) = &check.advice {
            let parts = wrapped(&visible(advice), room.saturating_sub(10));
            lines
                .extend(parts.into_iter().map(|part| Line::styled(format!("          {part}"), theme.dim())));
        }
    }
    lines
}
