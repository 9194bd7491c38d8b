//! A text as its escapes mean it, with the way back to where each byte stands in it.

use std::ops::Range;

/// Bytes of a long text that are decoded at once: what stands where takes many times their memory.
const AT_ONCE: usize = 64 << 10;

/// The longest escape of one byte: `\u002d`.
const ESCAPE: usize = 6;

/// The most bytes that a form of this length takes, and one escape that is begun.
pub(super) const fn longest_escaped(form: usize) -> usize {
    (form + 1) * ESCAPE
}

/// Where one of these forms stands escaped.
pub(super) fn find_decoded(text: &str, forms: &[String]) -> Vec<Range<usize>> {
    let mut spans = Vec::new();
    let Some(longest) = forms.iter().map(String::len).max() else { return spans };
    let mut at = 0;
    while at < text.len() {
        // What begins in one part may end in the next.
        let end = (at + AT_ONCE + longest_escaped(longest)).min(text.len());
        if let Some(decoded) = Decoded::of(text.as_bytes().get(at..end).unwrap_or_default()) {
            for form in forms {
                let found = decoded.find(form.as_bytes());
                spans.extend(found.into_iter().map(|span| at + span.start..at + span.end));
            }
        }
        at += AT_ONCE;
    }
    spans
}

/// A text without the escapes of URLs (`%2D`) and of JSON (`\u002d`, `\/`).
pub(super) struct Decoded {
    pub(super) bytes: Vec<u8>,
    /// Where each byte begins in the text, and where the last one ends.
    pub(super) starts: Vec<usize>,
    /// Where an escape begins that has no end yet.
    pub(super) unfinished: Option<usize>,
}

impl Decoded {
    /// `None` where there is no escape.
    pub(super) fn of(source: &[u8]) -> Option<Self> {
        if !source.iter().any(|byte| matches!(byte, b'%' | b'\\')) {
            return None;
        }
        let mut decoded = Self { bytes: Vec::new(), starts: Vec::new(), unfinished: None };
        let mut at = 0;
        while let Some(rest) = source.get(at..)
            && !rest.is_empty()
        {
            decoded.starts.push(at);
            let (byte, length) = match escape(rest, Depth::Once) {
                Escape::Byte(byte, length) => (byte, length),
                Escape::None => (rest.first().copied().unwrap_or_default(), 1),
                Escape::Unfinished => {
                    decoded.unfinished = Some(at);
                    return Some(decoded);
                }
            };
            decoded.bytes.push(byte);
            at += length;
        }
        decoded.starts.push(source.len());
        Some(decoded)
    }

    fn find(&self, form: &[u8]) -> Vec<Range<usize>> {
        let found = self.bytes.windows(form.len()).enumerate().filter(|(_, window)| *window == form);
        found.filter_map(|(at, _)| Some(*self.starts.get(at)?..*self.starts.get(at + form.len())?)).collect()
    }
}

/// A line without white space and escapes, also those that are escaped themselves, in small letters.
pub(super) struct Loose {
    bytes: Vec<u8>,
    /// Where each of them stands in the line.
    places: Vec<Range<usize>>,
}

impl Loose {
    pub(super) fn of(line: &str) -> Self {
        let source = line.as_bytes();
        let mut loose = Self { bytes: Vec::new(), places: Vec::new() };
        let mut at = 0;
        while let Some(rest) = source.get(at..)
            && let Some(first) = rest.first()
        {
            let (byte, length) = match escape(rest, Depth::All) {
                Escape::Byte(byte, length) => (byte, length),
                Escape::None | Escape::Unfinished => (*first, 1),
            };
            if !byte.is_ascii_whitespace() {
                loose.bytes.push(byte.to_ascii_lowercase());
                loose.places.push(at..at + length);
            }
            at += length;
        }
        loose
    }

    /// Where a part of this length is the one that is looked for.
    pub(super) fn find(&self, length: usize, is_it: impl Fn(&[u8]) -> bool) -> Vec<Range<usize>> {
        let found = self.bytes.windows(length).enumerate().filter(|(_, part)| is_it(part));
        found
            .filter_map(|(at, _)| Some(self.places.get(at)?.start..self.places.get(at + length - 1)?.end))
            .collect()
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Depth {
    Once,
    /// `%252D` is `%2D`, which is `-`.
    All,
}

enum Escape {
    /// What it stands for, and its length.
    Byte(u8, usize),
    None,
    Unfinished,
}

/// No key has a byte outside of ASCII.
const NEVER: u8 = 0xFF;

fn escape(rest: &[u8], depth: Depth) -> Escape {
    let is_digit = |at: usize| rest.get(at).is_some_and(u8::is_ascii_hexdigit);
    let (digits, skip) = match rest {
        [b'%', ..] => {
            let mut skip = 1;
            while depth == Depth::All
                && rest.get(skip..skip + 2) == Some(b"25")
                && is_digit(skip + 2)
                && is_digit(skip + 3)
            {
                skip += 2;
            }
            (2, skip)
        }
        [b'\\', b'u', ..] => (4, 2),
        // A backslash before a backslash stays one: so an escape is found wherever it begins.
        [b'\\', letter @ (b'"' | b'/'), ..] => return Escape::Byte(*letter, 2),
        [b'\\'] => return Escape::Unfinished,
        _ => return Escape::None,
    };
    let mut value: u32 = 0;
    for at in skip..skip + digits {
        match rest.get(at).map(|byte| char::from(*byte).to_digit(16)) {
            Some(Some(digit)) => value = value * 16 + digit,
            Some(None) => return Escape::None,
            None => return Escape::Unfinished,
        }
    }
    Escape::Byte(u8::try_from(value).unwrap_or(NEVER), skip + digits)
}
