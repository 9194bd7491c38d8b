//! JSON as lines that fold, in the order and with the spelling of the text.
//!
//! A parser into values would sort keys, round numbers and recurse; this one cuts the text into lines and keeps
//! every scalar as it was written. Content that is no JSON after all gives `None` and is shown as text.

use std::ops::Range;

/// The deepest nesting that is shown as a tree.
const DEEPEST: usize = 200;

/// One line of the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) depth: u16,
    /// The key as written, with its quotes.
    pub(crate) key: Option<Range<usize>>,
    pub(crate) value: Value,
    /// Whether a comma follows.
    pub(crate) comma: bool,
}

/// What stands on a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    /// A string, number or word, as written.
    Scalar(Range<usize>),
    /// `{` or `[`; `end` is the line that closes it, `items` how many it holds.
    Open { object: bool, end: usize, items: usize },
    /// `}` or `]`.
    Close { object: bool },
}

/// Cuts the text into lines.
pub(crate) fn parse(text: &str) -> Option<Vec<Line>> {
    let mut parser = Parser { bytes: text.as_bytes(), at: 0, lines: Vec::new(), open: Vec::new() };
    parser.document()?;
    Some(parser.lines)
}

struct Parser<'text> {
    bytes: &'text [u8],
    at: usize,
    lines: Vec<Line>,
    /// The lines that opened what is open now.
    open: Vec<usize>,
}

impl Parser<'_> {
    fn document(&mut self) -> Option<()> {
        self.value(None)?;
        while let Some(opened) = self.open.last().copied() {
            let object = matches!(self.lines.get(opened)?.value, Value::Open { object: true, .. });
            let close = if object { b'}' } else { b']' };
            self.space();
            if self.peek()? == close {
                self.at += 1;
                self.close(opened, object)?;
                continue;
            }
            if self.count(opened)? > 0 {
                self.expect(b',')?;
                self.lines.last_mut()?.comma = true;
                self.space();
            }
            let key = if object {
                let key = self.string()?;
                self.space();
                self.expect(b':')?;
                Some(key)
            } else {
                None
            };
            if let Value::Open { items, .. } = &mut self.lines.get_mut(opened)?.value {
                *items += 1;
            }
            self.value(key)?;
        }
        self.space();
        (self.at == self.bytes.len()).then_some(())
    }

    fn value(&mut self, key: Option<Range<usize>>) -> Option<()> {
        self.space();
        let depth = u16::try_from(self.open.len()).ok()?;
        let value = match self.peek()? {
            first @ (b'{' | b'[') => {
                if self.open.len() >= DEEPEST {
                    return None;
                }
                self.at += 1;
                self.open.push(self.lines.len());
                Value::Open { object: first == b'{', end: 0, items: 0 }
            }
            b'"' => Value::Scalar(self.string()?),
            _ => Value::Scalar(self.word()?),
        };
        self.lines.push(Line { depth, key, value, comma: false });
        Some(())
    }

    fn close(&mut self, opened: usize, object: bool) -> Option<()> {
        self.open.pop();
        let end = self.lines.len();
        if let Value::Open { end: place, .. } = &mut self.lines.get_mut(opened)?.value {
            *place = end;
        }
        let depth = u16::try_from(self.open.len()).ok()?;
        self.lines.push(Line { depth, key: None, value: Value::Close { object }, comma: false });
        Some(())
    }

    fn count(&self, opened: usize) -> Option<usize> {
        match self.lines.get(opened)?.value {
            Value::Open { items, .. } => Some(items),
            _ => None,
        }
    }

    /// A string with its quotes. Escapes are left as they are.
    fn string(&mut self) -> Option<Range<usize>> {
        let start = self.at;
        self.expect(b'"')?;
        loop {
            match self.peek()? {
                b'"' => {
                    self.at += 1;
                    return Some(start..self.at);
                }
                b'\\' => self.at += 2,
                _ => self.at += 1,
            }
        }
    }

    /// A number or `true`, `false`, `null`.
    fn word(&mut self) -> Option<Range<usize>> {
        let start = self.at;
        while self
            .bytes
            .get(self.at)
            .is_some_and(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(byte))
        {
            self.at += 1;
        }
        let word = std::str::from_utf8(self.bytes.get(start..self.at)?).ok()?;
        let known = matches!(word, "true" | "false" | "null") || word.parse::<f64>().is_ok();
        (known && !word.is_empty()).then_some(start..self.at)
    }

    fn space(&mut self) {
        while self.bytes.get(self.at).is_some_and(|byte| matches!(byte, b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn expect(&mut self, wanted: u8) -> Option<()> {
        (self.peek()? == wanted).then(|| self.at += 1)
    }
}

#[cfg(test)]
mod tests;
