//! A difference as lines of a screen: both sides wrapped to their columns, everything safe to be shown.

use unicode_width::UnicodeWidthChar as _;

use super::{Change, Difference, Piece, Side};
use crate::text::visible_lines;

/// One line of the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LaidOut {
    /// Which row of the difference it belongs to.
    pub(crate) row: usize,
    pub(crate) change: Change,
    /// Pieces, together at most as wide as one side; empty where this side has nothing here.
    pub(crate) left: Vec<Piece>,
    pub(crate) right: Vec<Piece>,
}

impl Difference {
    /// Lays the rows out, each side `columns` wide.
    pub(crate) fn lay_out(&self, columns: usize) -> Vec<LaidOut> {
        let columns = columns.max(2);
        let mut lines = Vec::new();
        for (row, each) in self.rows.iter().enumerate() {
            let mut left = wrap(each.left.as_ref(), columns).into_iter();
            let mut right = wrap(each.right.as_ref(), columns).into_iter();
            loop {
                let (one, other) = (left.next(), right.next());
                if one.is_none() && other.is_none() {
                    break;
                }
                lines.push(LaidOut {
                    row,
                    change: each.change,
                    left: one.unwrap_or_default(),
                    right: other.unwrap_or_default(),
                });
            }
        }
        lines
    }
}

/// Cuts a side into lines; an empty line is one line.
fn wrap(side: Option<&Side>, columns: usize) -> Vec<Vec<Piece>> {
    let Some(side) = side else { return Vec::new() };
    let mut lines: Vec<Vec<Piece>> = vec![Vec::new()];
    let mut used = 0;
    for piece in &side.pieces {
        let mut text = String::new();
        let finish = |text: &mut String, lines: &mut Vec<Vec<Piece>>| {
            if let Some(line) = lines.last_mut().filter(|_| !text.is_empty()) {
                line.push(Piece { text: std::mem::take(text), differs: piece.differs });
            }
        };
        for character in visible_lines(&piece.text).chars() {
            let wide = character.width().unwrap_or(0);
            if used + wide > columns {
                finish(&mut text, &mut lines);
                lines.push(Vec::new());
                used = 0;
            }
            used += wide;
            text.push(character);
        }
        finish(&mut text, &mut lines);
    }
    lines
}
