//! Two texts side by side, with the words that differ marked. Pure, and bounded for whatever it is given.
//!
//! Lines are compared first; then, within each passage that differs, words. What is too long or too different for
//! that is compared more coarsely, and the answer says so.

mod comparable;
mod layout;
mod passage;
mod script;

use self::comparable::comparable;
pub(crate) use self::layout::LaidOut;
use self::script::Step;

/// How two texts differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Difference {
    /// The lines of both, beside each other.
    pub(crate) rows: Vec<Row>,
    /// How closely they were compared.
    pub(crate) precision: Precision,
}

impl Difference {
    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.rows.iter().all(|row| row.change == Change::Same)
    }
}

/// How closely two texts were compared, the closest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Precision {
    /// Word by word.
    Words,
    /// Some passages are too long or too different: of those only whole lines.
    Lines,
    /// The texts are too different: only what they begin and end with was recognised.
    Ends,
}

impl Precision {
    /// What to say where it is not the closest.
    pub(crate) const fn note(self) -> Option<&'static str> {
        match self {
            Self::Words => None,
            Self::Lines => Some("some passages are too long or too different: compared by lines"),
            Self::Ends => Some("too different to be compared: only beginning and end were recognised"),
        }
    }
}

/// A line of each text, or of one of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) change: Change,
    pub(crate) left: Option<Side>,
    pub(crate) right: Option<Side>,
}

/// What became of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    /// It is in both.
    Same,
    /// It is another one on the right.
    Changed,
    /// It is on the left only.
    Left,
    /// It is on the right only.
    Right,
}

impl Change {
    /// The sign between the two: a difference must be seen without colour.
    pub(crate) const fn sign(self) -> &'static str {
        match self {
            Self::Same => " ",
            Self::Changed => "|",
            Self::Left => "<",
            Self::Right => ">",
        }
    }
}

/// One line of one text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Side {
    /// Its number, from 1.
    pub(crate) number: usize,
    /// The line, cut where it begins or ceases to differ.
    pub(crate) pieces: Vec<Piece>,
}

/// A part of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Piece {
    /// The part as it is, with whatever controls are in it.
    pub(crate) text: String,
    /// Whether the other text has something else here.
    pub(crate) differs: bool,
}

/// Compares two answers: JSON by its values, whatever the order of its keys and its line breaks; the rest as text.
pub(crate) fn compare_answers(left: &str, right: &str) -> Difference {
    compare(&comparable(left), &comparable(right))
}

/// Compares two texts.
pub(crate) fn compare(left: &str, right: &str) -> Difference {
    let (left, right) = (lines(left), lines(right));
    let (steps, complete) = script::between(&left, &right);
    let mut difference =
        Difference { rows: Vec::new(), precision: if complete { Precision::Words } else { Precision::Ends } };
    let (mut at_left, mut at_right) = (0, 0);
    for step in steps {
        match step {
            Step::Same(length) => {
                for (line, other) in left.iter().skip(at_left).zip(right.iter().skip(at_right)).take(length) {
                    at_left += 1;
                    at_right += 1;
                    difference.rows.push(Row {
                        change: Change::Same,
                        left: Some(whole(at_left, line, false)),
                        right: Some(whole(at_right, other, false)),
                    });
                }
            }
            Step::Replaced { left: gone, right: come } => {
                let passage = passage::Passage {
                    left: left.get(at_left..at_left + gone).unwrap_or_default(),
                    right: right.get(at_right..at_right + come).unwrap_or_default(),
                    first_left: at_left + 1,
                    first_right: at_right + 1,
                };
                let precision = passage.compare(&mut difference.rows);
                difference.precision = difference.precision.max(precision);
                at_left += gone;
                at_right += come;
            }
        }
    }
    difference
}

fn lines(text: &str) -> Vec<&str> {
    let text = text.strip_suffix('\n').unwrap_or(text);
    if text.is_empty() { Vec::new() } else { text.split('\n').collect() }
}

fn whole(number: usize, line: &str, differs: bool) -> Side {
    let pieces = if line.is_empty() { Vec::new() } else { vec![Piece { text: line.to_owned(), differs }] };
    Side { number, pieces }
}

#[cfg(test)]
mod tests;
