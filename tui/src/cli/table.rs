//! Tables of text: columns as wide as their widest cell, cut at the terminal's edge and nowhere else.

use std::fmt::Write as _;

use crate::text::{fit, pad, visible, width};

/// A column's heading, and on which side its cells begin.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Column {
    pub(crate) name: &'static str,
    pub(crate) right: bool,
}

/// A column of words.
pub(crate) const fn left(name: &'static str) -> Column {
    Column { name, right: false }
}

/// A column of numbers.
pub(crate) const fn right(name: &'static str) -> Column {
    Column { name, right: true }
}

/// A table that may be printed in parts: columns only ever become wider.
#[derive(Debug)]
pub(crate) struct Table {
    columns: &'static [Column],
    widths: Vec<usize>,
    edge: Option<usize>,
}

impl Table {
    /// A table that is cut at `edge`, where there is one.
    pub(crate) fn new(columns: &'static [Column], edge: Option<usize>) -> Self {
        Self { columns, widths: columns.iter().map(|column| width(column.name)).collect(), edge }
    }

    /// The rows as lines, the headings first where `headed`.
    pub(crate) fn lines(&mut self, rows: &[Vec<String>], headed: bool) -> String {
        let rows: Vec<Vec<_>> =
            rows.iter().map(|row| row.iter().map(|cell| visible(cell)).collect()).collect();
        for row in &rows {
            for (wide, cell) in self.widths.iter_mut().zip(row) {
                *wide = (*wide).max(width(cell));
            }
        }
        let mut text = String::new();
        if headed {
            self.line(&mut text, self.columns.iter().map(|column| column.name));
        }
        for row in &rows {
            self.line(&mut text, row.iter().map(AsRef::as_ref));
        }
        text
    }

    fn line<'cell>(&self, text: &mut String, cells: impl Iterator<Item = &'cell str>) {
        let mut line = String::new();
        for ((column, wide), cell) in self.columns.iter().zip(&self.widths).zip(cells) {
            let gap = if line.is_empty() { "" } else { "  " };
            let _ = write!(line, "{gap}{}", pad(cell, *wide, column.right));
        }
        let line = line.trim_end();
        let line = self.edge.map_or(std::borrow::Cow::Borrowed(line), |edge| fit(line, edge));
        let _ = writeln!(text, "{line}");
    }
}

#[cfg(test)]
mod tests {
    use super::{Column, Table, left, right};

    const COLUMNS: &[Column] = &[right("#"), left("name"), left("what")];

    fn row(cells: [&str; 3]) -> Vec<String> {
        cells.map(str::to_owned).to_vec()
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut table = Table::new(COLUMNS, None);
        let first = table.lines(&[row(["7", "a", "x"]), row(["12", "日本", "a\nb"])], true);
        assert_eq!(first, " #  name  what\n 7  a     x\n12  日本  a␊b\n");
        assert_eq!(table.lines(&[row(["3", "later", "y"])], false), " 3  later  y\n");
    }

    #[test]
    fn only_a_terminal_cuts() {
        assert_eq!(Table::new(COLUMNS, Some(9)).lines(&[row(["7", "abcdefgh", "x"])], false), "7  abcde…\n");
    }
}
