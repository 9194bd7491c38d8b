//! The scanner: RFC 8259, checked without recursion; spans of the members of an object and the elements of an array.

use std::borrow::Cow;
use std::ops::Range;

use super::keys::{self, Key};
use super::text;

/// Arrays and objects within each other, at most.
pub const DEPTH: usize = 10_000;

/// Characters of a key that a [`Flaw`] names, at most.
const NAMED: usize = 60;

/// Why bytes are no JSON that can be kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} at byte {at}")]
pub struct Flaw {
    /// What is wrong: "expected a value", "the key \"id\" is there twice", "half of a surrogate pair", "no UTF-8".
    pub what: String,
    /// Where, in bytes from the beginning of what was given.
    pub at: usize,
}

impl Flaw {
    pub(crate) fn new(what: impl Into<String>, at: usize) -> Self {
        Self { what: what.into(), at }
    }
}

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `null`
    Null,
    /// `true` or `false`
    Boolean,
    /// A number, however it is spelled.
    Number,
    /// A text.
    Text,
    /// An array.
    Array,
    /// An object.
    Object,
}

/// A member of an object. Spans are of the bytes that were scanned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The key, its escapes resolved.
    pub key: String,
    /// The key with its quotes.
    pub key_span: Range<usize>,
    /// The value, without blanks around it.
    pub span: Range<usize>,
    /// What the value is.
    pub kind: Kind,
}

/// A member of an object without its text: nothing is allocated for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Span {
    key: Key,
    /// The value, without blanks around it.
    pub(crate) value: Range<usize>,
    /// What the value is.
    pub(crate) kind: Kind,
}

impl Span {
    /// The key, its escapes resolved. `bytes` are those that were scanned.
    pub(crate) fn key<'a>(&self, bytes: &'a [u8]) -> Cow<'a, str> {
        self.key.text(bytes)
    }

    /// The key with its quotes.
    pub(crate) fn key_span(&self) -> Range<usize> {
        self.key.span.clone()
    }
}

/// Checks one value and nothing but blanks around it: grammar, UTF-8, escapes that are half of a pair, keys that stand
/// twice in one object (compared with their escapes resolved), depth beyond [`DEPTH`]. Gives what it is.
pub fn check(bytes: &[u8]) -> Result<Kind, Flaw> {
    scan(bytes, &mut ())
}

/// [`check`] and the members of the object that it is, in one pass; none for anything else than an object.
pub(crate) fn check_members(bytes: &[u8]) -> Result<(Kind, Vec<Span>), Flaw> {
    let mut found = Vec::with_capacity(16);
    let kind = scan(bytes, &mut found)?;
    Ok((kind, found))
}

/// The members of an object that [`check`] has passed, in their order. An error for anything else than an object.
pub fn members(object: &[u8]) -> Result<Vec<Member>, Flaw> {
    let (kind, found) = check_members(object)?;
    if kind != Kind::Object {
        return Err(Flaw::new("no object", 0));
    }
    let member = |span: Span| Member {
        key: span.key(object).into_owned(),
        key_span: span.key.span,
        span: span.value,
        kind: span.kind,
    };
    Ok(found.into_iter().map(member).collect())
}

/// The elements of an array that [`check`] has passed, in their order. An error for anything else than an array.
pub fn elements(array: &[u8]) -> Result<Vec<(Range<usize>, Kind)>, Flaw> {
    let mut found = Elements(Vec::new());
    match scan(array, &mut found)? {
        Kind::Array => Ok(found.0),
        _ => Err(Flaw::new("no array", 0)),
    }
}

/// The bytes without the blanks around them, and how many stood before.
pub(crate) fn trim(bytes: &[u8]) -> (&[u8], usize) {
    let begin = bytes.iter().position(|&byte| !is_blank(byte)).unwrap_or(bytes.len());
    let end = bytes.iter().rposition(|&byte| !is_blank(byte)).map_or(begin, |last| last + 1);
    (bytes.get(begin..end).unwrap_or_default(), begin)
}

const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// What is done with what stands directly in the outermost value.
trait Found {
    fn member(&mut self, key: &Key, value: Range<usize>, kind: Kind);
    fn element(&mut self, value: Range<usize>, kind: Kind);
}

impl Found for () {
    fn member(&mut self, _: &Key, _: Range<usize>, _: Kind) {}
    fn element(&mut self, _: Range<usize>, _: Kind) {}
}

impl Found for Vec<Span> {
    fn member(&mut self, key: &Key, value: Range<usize>, kind: Kind) {
        self.push(Span { key: key.clone(), value, kind });
    }
    fn element(&mut self, _: Range<usize>, _: Kind) {}
}

struct Elements(Vec<(Range<usize>, Kind)>);

impl Found for Elements {
    fn member(&mut self, _: &Key, _: Range<usize>, _: Kind) {}
    fn element(&mut self, value: Range<usize>, kind: Kind) {
        self.0.push((value, kind));
    }
}

fn scan(bytes: &[u8], found: &mut impl Found) -> Result<Kind, Flaw> {
    // As a whole and first, because that is quickest. What follows then only has to look at ASCII.
    if let Err(error) = std::str::from_utf8(bytes) {
        return Err(Flaw::new("no UTF-8", error.valid_up_to()));
    }
    Scanner { bytes, at: 0, levels: Vec::new(), keys: Vec::with_capacity(16), begin: 0 }.run(found)
}

/// An array or object that has begun and not ended.
struct Level {
    is_object: bool,
    /// Where its keys begin among all keys.
    keys: usize,
}

struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
    levels: Vec<Level>,
    /// The keys of all objects that are open, those of the innermost last.
    keys: Vec<Key>,
    /// Where the value began that stands directly in the outermost one.
    begin: usize,
}

impl Scanner<'_> {
    fn run(mut self, found: &mut impl Found) -> Result<Kind, Flaw> {
        loop {
            let Some(kind) = self.begin_value()? else { continue };
            if let Some(outermost) = self.end_value(kind, found)? {
                self.skip_blanks();
                return match self.peek() {
                    None => Ok(outermost),
                    Some(_) => Err(self.flaw("more after the end of the value")),
                };
            }
        }
    }

    /// Reads a value, or the beginning of one: then `None`, and the next value is the first in it.
    fn begin_value(&mut self) -> Result<Option<Kind>, Flaw> {
        self.skip_blanks();
        if self.levels.len() == 1 {
            self.begin = self.at;
        }
        let kind = match self.peek() {
            Some(b'"') => self.text().map(|_| Kind::Text)?,
            Some(b'{') => {
                self.open(true)?;
                if self.peek() != Some(b'}') {
                    self.key()?;
                    return Ok(None);
                }
                self.close();
                Kind::Object
            }
            Some(b'[') => {
                self.open(false)?;
                if self.peek() != Some(b']') {
                    return Ok(None);
                }
                self.close();
                Kind::Array
            }
            Some(b't') => self.word(b"true", Kind::Boolean)?,
            Some(b'f') => self.word(b"false", Kind::Boolean)?,
            Some(b'n') => self.word(b"null", Kind::Null)?,
            Some(b'-' | b'0'..=b'9') => self.number()?,
            _ => return Err(self.expected("a value")),
        };
        Ok(Some(kind))
    }

    /// Reads what follows a value: the ends of those that it ends, then the comma before the next one. Gives the kind
    /// of the outermost value once that has ended.
    fn end_value(&mut self, mut kind: Kind, found: &mut impl Found) -> Result<Option<Kind>, Flaw> {
        loop {
            let outermost = self.levels.len() == 1;
            let Some(level) = self.levels.last() else { return Ok(Some(kind)) };
            let (is_object, keys) = (level.is_object, level.keys);
            if outermost {
                let value = self.begin..self.at;
                match self.keys.last() {
                    Some(key) if is_object => found.member(key, value, kind),
                    _ => found.element(value, kind),
                }
            }
            self.skip_blanks();
            match (self.peek(), is_object) {
                (Some(b','), _) => {
                    self.at += 1;
                    if is_object {
                        self.skip_blanks();
                        self.key()?;
                    }
                    return Ok(None);
                }
                (Some(b'}'), true) => {
                    self.check_keys(keys)?;
                    kind = Kind::Object;
                }
                (Some(b']'), false) => kind = Kind::Array,
                (_, true) => return Err(self.expected("a comma or the end of the object")),
                (_, false) => return Err(self.expected("a comma or the end of the array")),
            }
            self.close();
        }
    }

    fn open(&mut self, is_object: bool) -> Result<(), Flaw> {
        if self.levels.len() == DEPTH {
            return Err(self.flaw(format!("more than {DEPTH} arrays and objects within each other")));
        }
        self.levels.push(Level { is_object, keys: self.keys.len() });
        self.at += 1;
        self.skip_blanks();
        Ok(())
    }

    fn close(&mut self) {
        self.at += 1;
        self.levels.pop();
    }

    /// Reads a key and its colon.
    fn key(&mut self) -> Result<(), Flaw> {
        if self.peek() != Some(b'"') {
            return Err(self.expected("a key"));
        }
        let begin = self.at;
        let is_escaped = self.text()?;
        self.keys.push(Key { span: begin..self.at, is_escaped });
        self.skip_blanks();
        if self.peek() != Some(b':') {
            return Err(self.expected("a colon"));
        }
        self.at += 1;
        Ok(())
    }

    /// Checks the keys of the object that ends here, and forgets them.
    fn check_keys(&mut self, from: usize) -> Result<(), Flaw> {
        if let Some(key) = keys::repeated(self.bytes, self.keys.get(from..).unwrap_or_default()) {
            let named: String = key.text(self.bytes).chars().take(NAMED).collect();
            return Err(Flaw::new(format!("the key {named:?} is there twice"), key.span.start));
        }
        self.keys.truncate(from);
        Ok(())
    }

    /// Reads a text. Gives whether it has an escape.
    fn text(&mut self) -> Result<bool, Flaw> {
        let begin = self.at;
        let mut is_escaped = false;
        self.at += 1;
        loop {
            self.at = text::plain_end(self.bytes, self.at);
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => {
                    is_escaped = true;
                    let (_, length) = text::escape(self.bytes, self.at).map_err(|what| self.flaw(what))?;
                    self.at += length;
                }
                Some(_) => return Err(self.flaw("a control character in a text")),
                None => return Err(Flaw::new("a text without an end", begin)),
            }
        }
        self.at += 1;
        Ok(is_escaped)
    }

    fn word(&mut self, word: &[u8], kind: Kind) -> Result<Kind, Flaw> {
        if !self.bytes.get(self.at..).is_some_and(|rest| rest.starts_with(word)) {
            return Err(self.expected("a value"));
        }
        self.at += word.len();
        Ok(kind)
    }

    fn number(&mut self) -> Result<Kind, Flaw> {
        let begin = self.at;
        let flaw = || Flaw::new("a number that is none", begin);
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else if !self.digits() {
            return Err(flaw());
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            if !self.digits() {
                return Err(flaw());
            }
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            if !self.digits() {
                return Err(flaw());
            }
        }
        // `01`, and `1x`: better named here than as what is missing after it.
        if matches!(self.peek(), Some(b'0'..=b'9' | b'.' | b'a'..=b'z' | b'A'..=b'Z' | b'+' | b'-' | b'_')) {
            return Err(flaw());
        }
        Ok(Kind::Number)
    }

    /// Reads digits. Gives whether there was one.
    fn digits(&mut self) -> bool {
        let begin = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        self.at > begin
    }

    fn skip_blanks(&mut self) {
        while self.peek().is_some_and(is_blank) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn expected(&self, what: &str) -> Flaw {
        match self.peek() {
            Some(_) => self.flaw(format!("expected {what}")),
            None => self.flaw(format!("expected {what}, not the end")),
        }
    }

    fn flaw(&self, what: impl Into<String>) -> Flaw {
        Flaw::new(what, self.at)
    }
}

#[cfg(test)]
mod tests;
