//! Splicing: a list within bytes is written anew with some items taken out, put in or replaced; all others keep their
//! bytes, and so does what stands between them.

use std::borrow::Cow;
use std::ops::Range;

use crate::json::{self, Flaw, Span};

/// An item of the new list.
pub(super) enum Item<'a> {
    /// One of the old list, by its number there, with the bytes that it has now.
    Kept(usize, Cow<'a, [u8]>),
    /// Another one.
    New(Vec<u8>),
}

/// The bytes of an array or object whose items stand at `spans`, with these items instead. Kept ones must be in the
/// old order. What separates new ones is what separates the first two, or else `comma`.
pub(super) fn list(bytes: &[u8], spans: &[Range<usize>], items: &[Item<'_>], comma: &[u8]) -> Vec<u8> {
    let between = |index: usize| {
        let (before, after) = (spans.get(index.checked_sub(1)?)?, spans.get(index)?);
        bytes.get(before.end..after.start)
    };
    let comma = between(1).unwrap_or(comma);
    let (begin, end) = match (spans.first(), spans.last()) {
        (Some(first), Some(last)) => (bytes.get(..first.start), bytes.get(last.end..)),
        // The blanks of an empty one belong to nothing.
        _ => (bytes.get(..1), bytes.get(bytes.len().saturating_sub(1)..)),
    };
    let mut list = Vec::with_capacity(bytes.len() + 128);
    list.extend_from_slice(begin.unwrap_or_default());
    for (number, item) in items.iter().enumerate() {
        let (own_comma, value): (_, &[u8]) = match item {
            Item::Kept(index, value) => (between(*index), value),
            Item::New(value) => (None, value),
        };
        if number > 0 {
            list.extend_from_slice(own_comma.unwrap_or(comma));
        }
        list.extend_from_slice(value);
    }
    list.extend_from_slice(end.unwrap_or_default());
    list
}

/// How a record separates: what its first member has.
#[derive(Debug, Clone)]
pub(super) struct Style {
    /// Between members, with its blanks.
    pub(super) comma: Vec<u8>,
    /// Between a key and its value, with its blanks.
    pub(super) colon: Vec<u8>,
}

impl Style {
    /// The style of an object with these members.
    pub(super) fn of(bytes: &[u8], members: &[Span]) -> Self {
        let colon = members.first().and_then(|first| bytes.get(first.key_span().end..first.value.start));
        let colon = colon.unwrap_or(b":").to_vec();
        let comma = match members {
            [first, second, ..] => bytes.get(first.value.end..second.key_span().start),
            _ => None,
        };
        let usual: &[u8] = if colon.ends_with(b" ") { b", " } else { b"," };
        Self { comma: comma.unwrap_or(usual).to_vec(), colon }
    }

    /// A member.
    pub(super) fn member(&self, key: &str, value: &[u8]) -> Vec<u8> {
        [json::encode(key).as_bytes(), &self.colon, value].concat()
    }

    /// An object of texts and other values, which are JSON.
    pub(super) fn object(&self, members: &[(&str, Vec<u8>)]) -> Vec<u8> {
        let members: Vec<_> = members.iter().map(|(key, value)| self.member(key, value)).collect();
        [b"{".as_slice(), &members.join(self.comma.as_slice()), b"}"].concat()
    }
}

/// A value without blanks around it and line ends within it, which would end the record's line: outside of its texts,
/// where alone they can stand, they are blanks like others. An error for what is no JSON.
pub(super) fn on_one_line(value: &[u8]) -> Result<Vec<u8>, Flaw> {
    json::check(value)?;
    let blank = |&byte: &u8| if matches!(byte, b'\n' | b'\r') { b' ' } else { byte };
    Ok(json::trim(value).0.iter().map(blank).collect())
}
