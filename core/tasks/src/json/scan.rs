//! The scanner: RFC 8259, checked without recursion; spans of the members of an object and the elements of an array.

use std::ops::Range;

/// Arrays and objects within each other, at most.
pub const DEPTH: usize = 10_000;

/// Why bytes are no JSON that can be kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} at byte {at}")]
pub struct Flaw {
    /// What is wrong: "expected a value", "the key \"id\" is there twice", "half of a surrogate pair", "no UTF-8".
    pub what: String,
    /// Where, in bytes from the beginning of the value.
    pub at: usize,
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

/// Checks one value and nothing but blanks around it: grammar, UTF-8, escapes that are half of a pair, keys that stand
/// twice in one object (compared with their escapes resolved), depth beyond [`DEPTH`]. Gives what it is.
pub fn check(bytes: &[u8]) -> Result<Kind, Flaw> {
    let _ = bytes;
    todo!("B1")
}

/// The members of an object that [`check`] has passed, in their order. An error for anything else than an object.
pub fn members(object: &[u8]) -> Result<Vec<Member>, Flaw> {
    let _ = object;
    todo!("B1")
}

/// The elements of an array that [`check`] has passed, in their order. An error for anything else than an array.
pub fn elements(array: &[u8]) -> Result<Vec<(Range<usize>, Kind)>, Flaw> {
    let _ = array;
    todo!("B1")
}
