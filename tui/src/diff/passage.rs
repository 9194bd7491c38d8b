//! A passage that differs: its words, and which of its lines belong beside each other.

use super::script::{self, Step};
use super::{Change, Piece, Precision, Row, Side, whole};

/// Most words of a passage, on each side, that are compared one by one.
const MOST_WORDS: usize = 40_000;

/// Lines that have become other lines.
#[derive(Debug, Clone, Copy)]
pub(super) struct Passage<'text> {
    pub(super) left: &'text [&'text str],
    pub(super) right: &'text [&'text str],
    /// The number of the first line of each, from 1.
    pub(super) first_left: usize,
    pub(super) first_right: usize,
}

/// Both sides, and the lines of each that belong beside each other, as places in the passage.
type Compared = (Vec<Side>, Vec<Side>, Vec<(usize, usize)>);

/// A word, a run of spaces, or a sign, and the line of the passage that it stands on.
#[derive(Debug, Clone, Copy)]
struct Word<'text> {
    text: &'text str,
    line: usize,
}

impl Passage<'_> {
    /// Writes the lines of both sides beside each other.
    pub(super) fn compare(&self, rows: &mut Vec<Row>) -> Precision {
        let one_side = self.left.is_empty() || self.right.is_empty();
        let compared = if one_side { None } else { self.words() };
        let precision = if one_side || compared.is_some() { Precision::Words } else { Precision::Lines };
        let (left, right, pairs) = compared.unwrap_or_else(|| {
            let whole = |lines: &[&str], first: usize| {
                lines.iter().enumerate().map(|(at, line)| whole(first + at, line, true)).collect()
            };
            (whole(self.left, self.first_left), whole(self.right, self.first_right), Vec::new())
        });
        beside(left, right, &pairs, rows);
        precision
    }

    /// Both sides with the words marked that differ, and the lines that belong beside each other; `None` where
    /// that is too much.
    fn words(&self) -> Option<Compared> {
        let (left, right) = (cut(self.left)?, cut(self.right)?);
        let texts = |words: &[Word<'_>]| words.iter().map(|word| word.text.to_owned()).collect::<Vec<_>>();
        let (steps, complete) = script::between(&texts(&left), &texts(&right));
        if !complete {
            return None;
        }
        let mut left_side = Marked::new(self.left.len());
        let mut right_side = Marked::new(self.right.len());
        // Letters in common of each pair of lines that has any.
        let mut common: Vec<(usize, usize, usize)> = Vec::new();
        let (mut left, mut right) = (left.into_iter(), right.into_iter());
        for step in steps {
            let (gone, come, differs) = match step {
                Step::Same(length) => (length, length, false),
                Step::Replaced { left, right } => (left, right, true),
            };
            let gone: Vec<Word<'_>> = left.by_ref().take(gone).collect();
            let come: Vec<Word<'_>> = right.by_ref().take(come).collect();
            if !differs {
                for (one, other) in gone.iter().zip(&come).filter(|(one, _)| !one.text.trim().is_empty()) {
                    let weight = one.text.len();
                    match common.last_mut() {
                        Some((left, right, sum)) if (*left, *right) == (one.line, other.line) => {
                            *sum += weight;
                        }
                        _ => common.push((one.line, other.line, weight)),
                    }
                }
            }
            for word in gone {
                left_side.push(word, differs);
            }
            for word in come {
                right_side.push(word, differs);
            }
        }
        let pairs = pairs(&common);
        Some((left_side.lines(self.first_left), right_side.lines(self.first_right), pairs))
    }
}

/// Each left line with the right line that it has most in common with, in order.
fn pairs(common: &[(usize, usize, usize)]) -> Vec<(usize, usize)> {
    let mut pairs: Vec<(usize, usize)> = Vec::new();
    for same_left in common.chunk_by(|one, other| one.0 == other.0) {
        let after = pairs.last().map_or(0, |(_, right)| right + 1);
        let best = same_left.iter().filter(|(_, right, _)| *right >= after).max_by_key(|(.., sum)| *sum);
        pairs.extend(best.map(|(left, right, _)| (*left, *right)));
    }
    pairs
}

/// Puts lines beside each other: the pairs, and what lies between them in its order.
fn beside(left: Vec<Side>, right: Vec<Side>, pairs: &[(usize, usize)], rows: &mut Vec<Row>) {
    let ends = (left.len(), right.len());
    let (mut left, mut right) = (left.into_iter(), right.into_iter());
    let (mut at_left, mut at_right) = (0, 0);
    for (to_left, to_right) in pairs.iter().copied().chain([ends]) {
        for _ in 0..(to_left - at_left).max(to_right - at_right) {
            let one = if at_left < to_left { left.next() } else { None };
            let other = if at_right < to_right { right.next() } else { None };
            at_left += usize::from(one.is_some());
            at_right += usize::from(other.is_some());
            push(rows, one, other);
        }
        if let (Some(one), Some(other)) = (left.next(), right.next()) {
            at_left += 1;
            at_right += 1;
            push(rows, Some(one), Some(other));
        }
    }
}

fn push(rows: &mut Vec<Row>, left: Option<Side>, right: Option<Side>) {
    let change = match (&left, &right) {
        (Some(_), Some(_)) => Change::Changed,
        (Some(_), None) => Change::Left,
        (None, Some(_)) => Change::Right,
        (None, None) => return,
    };
    rows.push(Row { change, left, right });
}

/// Cuts lines into words; `None` where they are too many.
fn cut<'text>(lines: &[&'text str]) -> Option<Vec<Word<'text>>> {
    let mut words = Vec::new();
    for (line, text) in lines.iter().enumerate() {
        let mut start = 0;
        let mut last: Option<Kind> = None;
        for (at, character) in text.char_indices() {
            let kind = Kind::of(character);
            if last.is_some_and(|last| last != kind || kind == Kind::Sign) {
                words.push(Word { text: text.get(start..at).unwrap_or_default(), line });
                start = at;
            }
            last = Some(kind);
            if words.len() > MOST_WORDS {
                return None;
            }
        }
        words.push(Word { text: text.get(start..).unwrap_or_default(), line });
    }
    Some(words)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Word,
    Space,
    Sign,
}

impl Kind {
    fn of(character: char) -> Self {
        if character.is_alphanumeric() || character == '_' {
            Self::Word
        } else if character.is_whitespace() {
            Self::Space
        } else {
            Self::Sign
        }
    }
}

/// Lines that are put together from words.
struct Marked {
    lines: Vec<Vec<Piece>>,
}

impl Marked {
    fn new(lines: usize) -> Self {
        Self { lines: vec![Vec::new(); lines] }
    }

    fn push(&mut self, word: Word<'_>, differs: bool) {
        let Some(line) = self.lines.get_mut(word.line).filter(|_| !word.text.is_empty()) else { return };
        match line.last_mut().filter(|piece| piece.differs == differs) {
            Some(piece) => piece.text.push_str(word.text),
            None => line.push(Piece { text: word.text.to_owned(), differs }),
        }
    }

    fn lines(self, first: usize) -> Vec<Side> {
        let side = |(at, pieces)| Side { number: first + at, pieces };
        self.lines.into_iter().enumerate().map(side).collect()
    }
}
