//! Two answers side by side.

use std::fmt::Write as _;

use conclave_consensus::runs::{OutputDetail, RunDetail};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};

use super::model::{Run, Tab};
use crate::diff::{Change, Difference, LaidOut, Piece, compare_answers};
use crate::text::{counted, pad, visible, width};
use crate::ui::list::Cursor;
use crate::ui::model::Model;
use crate::ui::render::draw_line;
use crate::ui::theme::Theme;

/// A difference, as it is seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Compared {
    /// The ids of both outputs.
    of: (i64, i64),
    difference: Difference,
    lines: Vec<LaidOut>,
    columns: usize,
    pub(super) cursor: Cursor,
}

/// The newest answer of each agent that said something, in the order of the roster.
fn answers(detail: &RunDetail) -> Vec<&OutputDetail> {
    let mut newest: Vec<&OutputDetail> = Vec::new();
    for output in detail.outputs.iter().filter(|output| !output.content.trim().is_empty()) {
        match newest.iter_mut().find(|known| known.agent == output.agent) {
            Some(known) if (known.attempt, known.sequence) <= (output.attempt, output.sequence) => {
                *known = output;
            }
            Some(_) => {}
            None => newest.push(output),
        }
    }
    // Who answers first is chance: the roster has an order.
    let place = |output: &&OutputDetail| detail.roster.iter().position(|entry| entry.agent == output.agent);
    newest.sort_by_key(|output| place(output).unwrap_or(usize::MAX));
    newest
}

/// Each two of the answers.
fn pairs(detail: &RunDetail) -> Vec<(&OutputDetail, &OutputDetail)> {
    let answers = answers(detail);
    let with = |at: usize, one| answers.iter().skip(at + 1).map(move |other| (one, *other));
    answers.iter().enumerate().flat_map(|(at, one)| with(at, *one)).collect()
}

/// Goes to the next two answers.
pub(super) fn next_pair(run: &mut Run) {
    let count = run.detail.as_ref().map_or(0, |detail| pairs(detail).len());
    run.pair = (run.pair + 1) % count.max(1);
}

/// Compares what the cursor asks for, unless that is done, and lays it out for the screen.
pub(super) fn prepare(run: &mut Run, columns: usize, height: usize) {
    if run.tab != Tab::Diff {
        return;
    }
    let Some(detail) = run.detail.clone() else { return };
    let pairs = pairs(&detail);
    let Some((left, right)) = pairs.get(run.pair).or(pairs.first()) else {
        run.compared = None;
        return;
    };
    let of = (left.id, right.id);
    if run.compared.as_ref().is_none_or(|compared| compared.of != of) {
        let difference = compare_answers(&left.content, &right.content);
        run.compared =
            Some(Compared { of, difference, lines: Vec::new(), columns: 0, cursor: Cursor::default() });
    }
    let Some(compared) = &mut run.compared else { return };
    let side = columns.saturating_sub(3) / 2;
    if compared.columns != side || compared.lines.is_empty() {
        compared.columns = side;
        compared.lines = compared.difference.lay_out(side);
    }
    compared.cursor.show(compared.lines.len(), height);
}

impl Compared {
    pub(super) fn step(&mut self, by: isize) {
        self.cursor.step(by, self.lines.len());
    }

    /// Goes to where the next change begins, or the one before; gives whether there is one.
    pub(super) fn change(&mut self, forward: bool) -> bool {
        let differs = |at: usize| self.lines.get(at).is_some_and(|line| line.change != Change::Same);
        let begins = |at: &usize| differs(*at) && (*at == 0 || !differs(*at - 1));
        let here = self.cursor.selected;
        let found =
            if forward { (here + 1..self.lines.len()).find(begins) } else { (0..here).rev().find(begins) };
        self.cursor.selected = found.unwrap_or(here);
        found.is_some()
    }

    /// The whole comparison as text, for the clipboard.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        let side = |pieces: Option<&crate::diff::Side>| -> String {
            pieces.map_or_else(String::new, |side| {
                side.pieces.iter().map(|piece| piece.text.as_str()).collect()
            })
        };
        for row in &self.difference.rows {
            let (left, right) = (side(row.left.as_ref()), side(row.right.as_ref()));
            let _ = match row.change {
                Change::Same => writeln!(text, "  {left}"),
                Change::Left => writeln!(text, "- {left}"),
                Change::Right => writeln!(text, "+ {right}"),
                Change::Changed => writeln!(text, "- {left}\n+ {right}"),
            };
        }
        text
    }
}

/// Draws the tab: who is compared, then both sides.
pub(super) fn draw(model: &Model, run: &Run, frame: &mut Frame<'_>, area: Rect) {
    let theme = model.setting.theme;
    let Some(detail) = &run.detail else { return };
    let Some(compared) = &run.compared else {
        let text = "   Nothing to compare: fewer than two agents have answered.";
        return draw_line(frame, area, Line::styled(text, theme.dim()));
    };
    let pairs = pairs(detail);
    let at = run.pair.min(pairs.len().saturating_sub(1));
    let Some((left, right)) = pairs.get(at) else { return };
    let mut head = vec![Span::styled(
        format!(" {} {} {}", visible(&left.agent), theme.sign("↔", "<>"), visible(&right.agent)),
        Theme::strong(),
    )];
    let changed = if compared.difference.is_empty() {
        "no difference".to_owned()
    } else {
        let rows = compared.difference.rows.iter();
        let lines = rows.filter(|row| row.change != Change::Same).count();
        counted(lines as u64, "line differs", "lines differ")
    };
    let dot = theme.dot();
    head.push(Span::raw(format!(" {dot} {changed} {dot} pair {} of {}", at + 1, pairs.len())));
    if let Some(note) = compared.difference.precision.note() {
        head.push(Span::styled(format!(" {dot} {note}"), theme.warning()));
    }
    draw_line(frame, area, Line::from(head));
    let rows = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
    let lines = compared.lines.iter().enumerate().skip(compared.cursor.top);
    for (y, (at, line)) in (rows.y..rows.bottom()).zip(lines) {
        let is_here = at == compared.cursor.selected;
        let mut spans = vec![Span::styled(if is_here { theme.marker() } else { " " }, theme.accent())];
        side(theme, &line.left, compared.columns, theme.bad(), &mut spans);
        spans.push(Span::styled(line.change.sign(), theme.accent()));
        side(theme, &line.right, compared.columns, theme.good(), &mut spans);
        draw_line(frame, Rect { y, height: 1, ..rows }, Line::from(spans));
    }
}

fn side(theme: Theme, pieces: &[Piece], columns: usize, differs: Style, spans: &mut Vec<Span<'static>>) {
    let mut used = 0;
    for piece in pieces {
        used += width(&piece.text);
        let style = if piece.differs {
            differs.add_modifier(Modifier::BOLD | Modifier::UNDERLINED)
        } else {
            theme.dim()
        };
        spans.push(Span::styled(piece.text.clone(), style));
    }
    spans.push(Span::raw(pad("", columns.saturating_sub(used), false)));
}
