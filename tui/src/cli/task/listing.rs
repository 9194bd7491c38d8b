//! Tasks as lines: id, priority, state, title, who has it, and how old it is. On a terminal the title gives way, so
//! that nothing else is cut.

use std::fmt::Write as _;

use conclave_tasks::read::TaskRow;
use conclave_tasks::words;

use crate::cli::output::{Output, Paint};
use crate::cli::table::{Column, left, right};
use crate::task_words::{is_put_off, is_unfinished, status};
use crate::text::{fit, pad, visible, width};
use crate::times;

/// Columns that a title keeps on the narrowest terminal.
pub(super) const TITLE: usize = 12;
/// Columns between two cells.
const GAP: usize = 2;

/// Whether the lines say the state of each task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// They do.
    Said,
    /// It is the same for all.
    Left,
}

const HEADINGS: [Column; 6] =
    [left("id"), right("P"), left("state"), left("title"), left("who"), right("age")];
/// Which of them are the state and the title.
const STATE: usize = 2;
const TITLES: usize = 3;

/// The tasks, one line each, under their headings.
pub(super) fn table(output: &Output, rows: &[TaskRow], now_ms: i64, state: State) -> String {
    lines(output, rows, now_ms, state).concat()
}

/// The same, line by line: the headings, then one for each task.
pub(super) fn lines(output: &Output, rows: &[TaskRow], now_ms: i64, state: State) -> Vec<String> {
    let shown = |column: &usize| *column != STATE || state == State::Said;
    let columns: Vec<usize> = (0..HEADINGS.len()).filter(shown).collect();
    let headings = HEADINGS.map(|column| column.name.to_owned());
    let mut cells = vec![headings];
    cells.extend(rows.iter().map(|row| row_cells(output, row, now_ms)));
    let mut widths = HEADINGS.map(|_| 0);
    for row in &cells {
        for (wide, cell) in widths.iter_mut().zip(row) {
            *wide = (*wide).max(width(cell));
        }
    }
    if let Some(edge) = output.columns {
        let others = columns.iter().filter(|column| **column != TITLES).map(|column| widths[*column] + GAP);
        let room = edge.saturating_sub(others.sum()).max(TITLE);
        widths[TITLES] = widths[TITLES].min(room);
    }
    let line = |row: &[String; HEADINGS.len()]| {
        let mut line = String::new();
        for &column in &columns {
            let gap = if line.is_empty() { "" } else { "  " };
            let cell = if column == TITLES {
                fit(&row[column], widths[column])
            } else {
                row[column].as_str().into()
            };
            let _ = write!(line, "{gap}{}", pad(&cell, widths[column], HEADINGS[column].right));
        }
        let line = line.trim_end();
        format!("{}\n", output.columns.map_or(line.into(), |edge| fit(line, edge)))
    };
    cells.iter().map(line).collect()
}

fn row_cells(output: &Output, row: &TaskRow, now_ms: i64) -> [String; HEADINGS.len()] {
    let said = row.record.projection();
    let none = output.sign("–", "-");
    let who = match (&row.assignee, &row.expired_claim_of) {
        (Some(who), _) => visible(who).into_owned(),
        (None, Some(whose)) => format!("{} (expired)", visible(whose)),
        (None, None) => none.to_owned(),
    };
    let (sign, word) = standing(output, row, now_ms);
    [
        visible(row.id()).into_owned(),
        said.priority.map_or_else(|| none.to_owned(), |priority| priority.to_string()),
        format!("{sign} {}", visible(word)),
        visible(row.title()).into_owned(),
        who,
        said.created_at.map_or_else(|| none.to_owned(), |created| times::ago(now_ms, created.ms())),
    ]
}

/// How a task stands: a sign and a word. One that is open may still be blocked by others, or deferred by a date.
fn standing<'row>(output: &Output, row: &'row TaskRow, now_ms: i64) -> (&'static str, &'row str) {
    let sign = match row.status.as_deref() {
        Some(words::OPEN) if row.blocked => return (output.sign("◐", "~"), "blocked"),
        Some(words::OPEN) if is_put_off(row, now_ms) => return (output.sign("◌", "."), "deferred"),
        Some(words::OPEN) => output.sign("○", "o"),
        Some(words::IN_PROGRESS | words::HOOKED) => output.sign("●", "*"),
        Some(words::CLOSED) => output.sign("✓", "+"),
        Some(words::BLOCKED) => output.sign("✗", "x"),
        Some(words::DEFERRED | words::PINNED) => output.sign("◌", "."),
        Some(words::TOMBSTONE) => output.sign("†", "t"),
        _ => "?",
    };
    (sign, status(row))
}

/// The sign and the word of a task.
pub(super) fn plain_standing(output: &Output, row: &TaskRow) -> String {
    let (sign, word) = standing(output, row, super::now_ms());
    format!("{sign} {}", visible(word))
}

/// The same in their colour.
pub(super) fn coloured_standing(output: &Output, row: &TaskRow) -> String {
    let text = plain_standing(output, row);
    let paint = match row.status.as_deref() {
        Some(words::OPEN) if row.blocked => Paint::Yellow,
        Some(words::IN_PROGRESS | words::HOOKED) => Paint::Cyan,
        Some(words::CLOSED) => Paint::Green,
        Some(words::BLOCKED) => Paint::Red,
        _ => return text,
    };
    output.coloured(&text, paint)
}

/// `P1`, `P?` where it is unknown.
pub(super) fn priority(row: &TaskRow) -> String {
    row.record.projection().priority.map_or_else(|| "P?".to_owned(), |priority| format!("P{priority}"))
}

/// What was done with each task, one line each.
pub(super) fn done(what: &str, rows: &[TaskRow]) -> String {
    let mut text = String::new();
    for row in rows {
        let _ = write!(text, "{what} {}: {}", visible(row.id()), visible(row.title()));
        let is_shown = is_unfinished(row);
        let _ = match (is_shown, &row.assignee) {
            (true, Some(who)) => writeln!(text, " ({}, {})", visible(status(row)), visible(who)),
            (true, None) => writeln!(text, " ({})", visible(status(row))),
            (false, _) => writeln!(text),
        };
    }
    text
}
