//! JSON in a form that can be compared line by line.

use std::borrow::Cow;

use crate::ui::json_tree::{self, Line, Value};

/// JSON with one value on each line and the keys in order, every value spelled as it was; other text as it is.
pub(crate) fn comparable(text: &str) -> Cow<'_, str> {
    match json_tree::parse(text).filter(|lines| lines.len() > 1) {
        Some(lines) => {
            let mut writer = Writer { text, lines: &lines, written: String::with_capacity(text.len() * 2) };
            writer.value(0, 0);
            Cow::Owned(writer.written)
        }
        None => Cow::Borrowed(text),
    }
}

struct Writer<'text> {
    text: &'text str,
    lines: &'text [Line],
    written: String,
}

impl<'text> Writer<'text> {
    /// Writes the value that begins at a line. As deep as the parser lets it be.
    fn value(&mut self, at: usize, depth: usize) {
        let Some(line) = self.lines.get(at) else { return };
        match &line.value {
            Value::Scalar(range) => {
                let written = self.text.get(range.clone()).unwrap_or_default();
                self.written.push_str(written);
            }
            Value::Open { object, end, .. } => {
                let (open, close) = if *object { ("{", "}") } else { ("[", "]") };
                self.written.push_str(open);
                let mut items = self.items(at, *end);
                if *object {
                    items.sort_by_key(|(key, _)| *key);
                }
                for (place, (key, item)) in items.iter().enumerate() {
                    self.written.push_str(if place == 0 { "\n" } else { ",\n" });
                    self.indent(depth + 1);
                    if *object {
                        self.written.push_str(key);
                        self.written.push_str(": ");
                    }
                    self.value(*item, depth + 1);
                }
                if !items.is_empty() {
                    self.written.push('\n');
                    self.indent(depth);
                }
                self.written.push_str(close);
            }
            Value::Close { .. } => {}
        }
    }

    /// The keys of what is between two lines, and where their values begin.
    fn items(&self, start: usize, end: usize) -> Vec<(&'text str, usize)> {
        let mut items = Vec::new();
        let mut at = start + 1;
        while let Some(line) = self.lines.get(at).filter(|_| at < end) {
            let key = line.key.clone().and_then(|range| self.text.get(range)).unwrap_or_default();
            items.push((key, at));
            at = match line.value {
                Value::Open { end, .. } => end.max(at) + 1,
                _ => at + 1,
            };
        }
        items
    }

    fn indent(&mut self, depth: usize) {
        self.written.extend(std::iter::repeat_n("  ", depth));
    }
}
