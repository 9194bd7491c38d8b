//! The keys of objects, to find one that stands twice.

use std::borrow::Cow;
use std::collections::HashSet;
use std::ops::Range;

use super::text;

/// Up to here every pair of keys is compared: quicker than hashing them.
const FEW: usize = 16;

/// A key of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Key {
    /// Where it stands, with its quotes.
    pub(super) span: Range<usize>,
    /// Whether it has an escape, so that its bytes are not its text.
    pub(super) is_escaped: bool,
}

impl Key {
    /// The text of the key. `bytes` are those that were scanned.
    pub(super) fn text<'a>(&self, bytes: &'a [u8]) -> Cow<'a, str> {
        let quoted = bytes.get(self.span.clone()).unwrap_or_default();
        if self.is_escaped {
            return Cow::Owned(text::decode(quoted).unwrap_or_default());
        }
        let inner = quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default();
        Cow::Borrowed(std::str::from_utf8(inner).unwrap_or_default())
    }
}

/// The first key that repeats an earlier one of the same object.
pub(super) fn repeated<'a>(bytes: &[u8], keys: &'a [Key]) -> Option<&'a Key> {
    if keys.len() <= FEW && keys.iter().all(|key| !key.is_escaped) {
        let quoted = |key: &Key| bytes.get(key.span.clone());
        let mut later = keys.iter().enumerate();
        let twice =
            later.find(|(index, key)| keys.iter().take(*index).any(|other| quoted(other) == quoted(key)));
        return twice.map(|(_, key)| key);
    }
    let mut seen = HashSet::with_capacity(keys.len());
    keys.iter().find(|key| !seen.insert(key.text(bytes)))
}
