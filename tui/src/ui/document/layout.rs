//! Lines of a text or of a tree, cut to a width.

use std::collections::HashSet;
use std::ops::Range;

use unicode_width::UnicodeWidthChar as _;

use crate::text::visible_lines;
use crate::ui::json_tree::{Line, Value};

/// The narrowest column that text is wrapped to.
const NARROWEST: usize = 8;
/// The deepest indentation: deeper lines would leave no room for themselves.
const WIDEST_INDENT: usize = 40;

/// One line as it is drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    /// Which line of the tree or of the text it belongs to.
    pub(crate) line: usize,
    pub(crate) text: String,
    /// Bytes of the text that are indentation and key.
    pub(crate) key: usize,
}

/// The rows of a text.
pub(super) fn plain(text: &str, width: usize) -> Vec<Row> {
    let lines = text.strip_suffix('\n').unwrap_or(text).split('\n').enumerate();
    lines
        .flat_map(|(line, text)| {
            wrap(text, width.max(NARROWEST)).into_iter().map(move |part| Row {
                line,
                text: text[part].to_owned(),
                key: 0,
            })
        })
        .collect()
}

/// The rows of a tree, without what is folded.
pub(super) fn tree(text: &str, lines: &[Line], folded: &HashSet<usize>, width: usize) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut at = 0;
    while let Some(line) = lines.get(at) {
        let fold = match line.value {
            Value::Open { end, .. } if folded.contains(&at) => Some(end),
            _ => None,
        };
        let comma = fold.and_then(|end| lines.get(end)).unwrap_or(line).comma;
        push(&mut rows, at, line, text, fold.is_some(), comma, width);
        at = fold.map_or(at, |end| end.max(at)) + 1;
    }
    rows
}

fn push(rows: &mut Vec<Row>, at: usize, line: &Line, text: &str, is_folded: bool, comma: bool, width: usize) {
    let indent = (usize::from(line.depth) * 2).min(WIDEST_INDENT).min(width / 2);
    let mut head = " ".repeat(indent);
    if let Some(key) = &line.key {
        head.push_str(&unescaped(text, key).replace('\n', "␊"));
        head.push_str(": ");
    }
    let comma = if comma { "," } else { "" };
    let value = match &line.value {
        Value::Scalar(range) => unescaped(text, range) + comma,
        Value::Open { object, items, .. } => {
            let (open, close) = brackets(*object);
            let count = if *items == 1 { "1 item".to_owned() } else { format!("{items} items") };
            if is_folded { format!("{open} {count} {close}{comma}") } else { open.to_owned() }
        }
        Value::Close { object } => brackets(*object).1.to_owned() + comma,
    };
    let whole = head.clone() + &value;
    let hanging = " ".repeat(indent + 2);
    let width = width.max(NARROWEST);
    for (number, part) in whole.split('\n').enumerate() {
        let room = if number == 0 { width } else { width.saturating_sub(hanging.len()).max(NARROWEST) };
        for (piece, range) in wrap_hanging(part, room, width.saturating_sub(hanging.len()).max(NARROWEST))
            .into_iter()
            .enumerate()
        {
            let is_first = number == 0 && piece == 0;
            let text = if is_first { part[range].to_owned() } else { hanging.clone() + &part[range] };
            let key = if is_first { head.len().min(text.len()) } else { hanging.len() };
            let key = if text.is_char_boundary(key) { key } else { 0 };
            rows.push(Row { line: at, text, key });
        }
    }
}

const fn brackets(object: bool) -> (&'static str, &'static str) {
    if object { ("{", "}") } else { ("[", "]") }
}

/// A scalar for people: line breaks of strings are line breaks, quotes inside are quotes.
fn unescaped(text: &str, range: &Range<usize>) -> String {
    let written = text.get(range.clone()).unwrap_or_default();
    let shown = match serde_json::from_str::<String>(written) {
        Ok(string) => format!("\"{string}\""),
        Err(_) => written.to_owned(),
    };
    visible_lines(&shown).into_owned()
}

/// Cuts a line into parts of at most `width` columns, at spaces where that wastes less than half of a line.
fn wrap(text: &str, width: usize) -> Vec<Range<usize>> {
    wrap_hanging(text, width, width)
}

fn wrap_hanging(text: &str, first: usize, others: usize) -> Vec<Range<usize>> {
    let mut parts = Vec::new();
    let (mut start, mut used, mut space) = (0, 0, None);
    let mut width = first;
    for (at, character) in text.char_indices() {
        let wide = character.width().unwrap_or(0);
        if used + wide > width && at > start {
            let end = match space {
                Some((after, columns)) if columns * 2 > width => after,
                _ => at,
            };
            parts.push(start..end);
            used = text[end..at].chars().map(|character| character.width().unwrap_or(0)).sum();
            (start, space, width) = (end, None, others);
        }
        used += wide;
        if character == ' ' {
            space = Some((at + 1, used));
        }
    }
    if start < text.len() || parts.is_empty() {
        parts.push(start..text.len());
    }
    parts
}
