//! The storage screen, drawn.

use std::time::Duration;

use conclave_consensus::migrate::MigrationStatus;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::model::{FileNumbers, WriterNumbers};
use crate::text::{count, size, visible};
use crate::times;
use crate::ui::model::{CheckState, Model};
use crate::ui::render::{body, draw_line, rule, wrapped};
use crate::ui::theme::Theme;

/// Lines of numbers above the rule.
const NUMBERS: u16 = 9;
/// Where the values begin.
const LABEL: usize = 12;

/// Lines for the checks.
pub(super) fn height_of_checks(model: &Model) -> usize {
    usize::from(body(model).height.saturating_sub(NUMBERS + 1))
}

/// Lines that the checks would fill.
pub(super) fn lines_of_checks(model: &Model) -> usize {
    checks(model).len()
}

/// Draws the screen.
pub(crate) fn draw(model: &Model, frame: &mut Frame<'_>) {
    let area = body(model);
    let lines = numbers(model);
    let above = NUMBERS.min(area.height);
    for (y, line) in (area.y..area.y + above).zip(lines) {
        draw_line(frame, Rect { y, height: 1, ..area }, line);
    }
    if area.height <= NUMBERS {
        return;
    }
    rule(model, frame, Rect { y: area.y + NUMBERS, height: 1, ..area });
    let below = area.y + NUMBERS + 1..area.bottom();
    for (y, line) in below.zip(checks(model).into_iter().skip(model.storage.top)) {
        draw_line(frame, Rect { y, height: 1, ..area }, line);
    }
}

fn labelled(label: &str, value: impl Into<Vec<Span<'static>>>) -> Line<'static> {
    let mut spans = vec![Span::raw(format!(" {label:<LABEL$}"))];
    spans.extend(value.into());
    Line::from(spans)
}

fn numbers(model: &Model) -> Vec<Line<'static>> {
    let theme = model.setting.theme;
    let Some(numbers) = &model.storage.numbers else {
        return vec![Line::styled(" Storage", theme.strong()), Line::raw("  Reading")];
    };
    let mut lines = vec![title(model)];
    match &numbers.file {
        Ok(file) => lines.extend(file_lines(theme, file)),
        Err(problem) => {
            lines.push(labelled("File", vec![Span::styled(visible(&problem.text).into_owned(), theme.bad())]))
        }
    }
    lines.extend(writer_lines(theme, &numbers.writer));
    let dot = theme.dot();
    let backup = match numbers.backups.first() {
        Some(newest) => format!(
            "{} ago {dot} {} {dot} {} kept {dot} {}",
            times::ago(model.now_ms, newest.made_ms),
            size(newest.bytes),
            numbers.backups.len(),
            visible(&newest.path.file_name().unwrap_or_default().to_string_lossy()),
        ),
        None => "none yet: `b` writes one".to_owned(),
    };
    lines.push(labelled("Backup", vec![Span::raw(backup)]));
    match &numbers.migration {
        Ok(migration) => lines.extend(migration_lines(theme, migration)),
        Err(problem) => lines.push(labelled(
            "Migration",
            vec![Span::styled(visible(&problem.text).into_owned(), theme.warning())],
        )),
    }
    lines
}

fn title(model: &Model) -> Line<'static> {
    let theme = model.setting.theme;
    let mut spans = vec![
        Span::styled(" Storage", theme.strong()),
        Span::raw(format!("  {}", visible(&model.setting.database))),
    ];
    if let Some(checks) = &model.storage.checks {
        let fine = checks.iter().filter(|check| check.state == CheckState::Ok).count();
        let worst = checks.iter().map(|check| check.state).max_by_key(|state| match state {
            CheckState::Ok => 0,
            CheckState::Warn => 1,
            CheckState::Fail => 2,
        });
        let (sign, _, style) = theme.check(worst.unwrap_or(CheckState::Ok));
        spans.push(Span::styled(format!("   {sign} doctor: {fine} of {}", checks.len()), style));
    }
    Line::from(spans)
}

fn file_lines(theme: Theme, file: &FileNumbers) -> Vec<Line<'static>> {
    let dot = theme.dot();
    let vacuum = if file.incremental {
        Span::raw("in slices: `v` gives free pages back")
    } else {
        Span::styled("needs a conversion first: `C` rewrites the file", theme.warning())
    };
    vec![
        labelled(
            "File",
            vec![Span::raw(format!(
                "{} {dot} wal {} {dot} free {} ({} %)",
                size(file.file_bytes),
                size(file.wal_bytes),
                size(file.free_bytes),
                file.free_percent
            ))],
        ),
        labelled(
            "Format",
            vec![Span::raw(format!(
                "schema {} {dot} journal {} {dot} SQLite {}",
                file.schema, file.journal, file.sqlite
            ))],
        ),
        labelled("Vacuum", vec![vacuum]),
    ]
}

fn writer_lines(theme: Theme, writer: &WriterNumbers) -> Vec<Line<'static>> {
    let dot = theme.dot();
    let time = |micros| times::took(Duration::from_micros(micros));
    let writes = if writer.commits == 0 {
        "none by this program yet".to_owned()
    } else {
        format!(
            "{} in {} commits {dot} groups of {} {dot} commit p50 {} p99 {} {dot} {} queued",
            count(writer.writes),
            count(writer.commits),
            writer.group,
            time(writer.commit_p50),
            time(writer.commit_p99),
            writer.queued
        )
    };
    let oldest = match &writer.oldest {
        Some((place, age)) => format!(" {dot} oldest {} at {place}", times::took(*age)),
        None => String::new(),
    };
    let held = if writer.held_up > 0 {
        format!(" {dot} {} checkpoints held up", writer.held_up)
    } else {
        String::new()
    };
    vec![
        labelled("Writes", vec![Span::raw(writes)]),
        labelled("Readers", vec![Span::raw(format!("{} now{oldest}{held}", writer.readers))]),
    ]
}

fn migration_lines(theme: Theme, migration: &MigrationStatus) -> Vec<Line<'static>> {
    let dot = theme.dot();
    let differences = if migration.mismatches == 0 {
        Span::styled("0 differences", theme.good())
    } else {
        Span::styled(format!("{} differences", count(migration.mismatches)), theme.bad())
    };
    let copied = migration.backfill.copied;
    let all = copied + migration.backfill.remaining;
    let share = if all == 0 {
        String::new()
    } else {
        format!("{dot} {} of {} rows copied ", count(copied), count(all))
    };
    let next = match migration.next.phase {
        None => "the end is reached".to_owned(),
        Some(next) if migration.next.missing.is_empty() => format!("next: phase {next}"),
        Some(next) => format!("next: phase {next}, missing: {}", visible(&migration.next.missing.join(", "))),
    };
    vec![
        labelled(
            "Migration",
            vec![
                Span::raw(format!("phase {} {} {share}{dot} ", migration.phase, migration.phase_name)),
                differences,
            ],
        ),
        labelled("", vec![Span::styled(next, theme.dim())]),
    ]
}

fn checks(model: &Model) -> Vec<Line<'static>> {
    let theme = model.setting.theme;
    let Some(checks) = &model.storage.checks else {
        return vec![Line::styled("  `D` runs the doctor: every check with its advice.", theme.dim())];
    };
    let room = usize::from(model.size.0).saturating_sub(4);
    let mut lines = Vec::new();
    for check in checks {
        let (sign, word, style) = theme.check(check.state);
        lines.push(Line::from(vec![
            Span::styled(format!("  {sign} {word:<5}"), style),
            Span::styled(visible(&check.name).into_owned(), theme.strong()),
            Span::raw(format!("  {}", visible(&check.detail))),
        ]));
        if let Some(advice) = &check.advice {
            let parts = wrapped(&visible(advice), room.saturating_sub(10));
            lines
                .extend(parts.into_iter().map(|part| Line::styled(format!("          {part}"), theme.dim())));
        }
    }
    lines
}
