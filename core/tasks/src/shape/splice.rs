//! Members of an object replaced and added in its bytes, all others as they are.

use serde_json::value::RawValue;

use crate::json::{Kind, Member, members};

/// An object that is being changed.
pub(super) struct Splice<'record> {
    bytes: &'record [u8],
    members: Vec<Member>,
    /// Values by the place of the member that they replace.
    replaced: Vec<(usize, String)>,
    added: Vec<(&'static str, String)>,
}

impl<'record> Splice<'record> {
    /// Begins with the bytes of a record.
    pub(super) fn of(bytes: &'record [u8]) -> Self {
        let members = members(bytes).unwrap_or_default();
        Self { bytes, members, replaced: Vec::new(), added: Vec::new() }
    }

    /// Begins with an object that has no members.
    pub(super) const fn empty() -> Self {
        Self { bytes: b"{}", members: Vec::new(), replaced: Vec::new(), added: Vec::new() }
    }

    fn place(&self, key: &str) -> Option<usize> {
        self.members.iter().position(|member| member.key == key)
    }

    /// Whether the object itself has this key.
    pub(super) fn has(&self, key: &str) -> bool {
        self.place(key).is_some()
    }

    /// The key has this value, which is JSON.
    pub(super) fn set(&mut self, key: &'static str, value: String) {
        if let Some(place) = self.place(key) {
            self.replaced.retain(|(replaced, _)| *replaced != place);
            self.replaced.push((place, value));
        } else {
            self.added.retain(|(added, _)| *added != key);
            self.added.push((key, value));
        }
    }

    /// The key has this value where it has none, or `null`.
    pub(super) fn fill(&mut self, key: &'static str, value: &str) {
        if self.place(key).is_none_or(|place| self.members[place].kind == Kind::Null) {
            self.set(key, value.to_owned());
        }
    }

    /// The key has this value where the object has the key.
    pub(super) fn replace(&mut self, key: &'static str, value: &str) {
        if self.has(key) {
            self.set(key, value.to_owned());
        }
    }

    /// The bytes of the whole, which is one object.
    pub(super) fn into_json(mut self) -> String {
        self.replaced.sort_unstable_by_key(|(place, _)| *place);
        let mut whole = Vec::with_capacity(self.bytes.len() + 256);
        let mut from = 0;
        for (place, value) in &self.replaced {
            let span = &self.members[*place].span;
            whole.extend_from_slice(&self.bytes[from..span.start]);
            whole.extend_from_slice(value.as_bytes());
            from = span.end;
        }
        // The last byte is the closing brace: records have no blanks around them.
        whole.extend_from_slice(&self.bytes[from..self.bytes.len() - 1]);
        let mut is_first = self.members.is_empty();
        for (key, value) in &self.added {
            if !is_first {
                whole.push(b',');
            }
            is_first = false;
            whole.extend_from_slice(format!("\"{key}\":").as_bytes());
            whole.extend_from_slice(value.as_bytes());
        }
        whole.push(b'}');
        String::from_utf8(whole).unwrap_or_else(|_| "null".to_owned())
    }

    /// The same as a value. serde looks over it once more, without a tree and without recursion.
    pub(super) fn finish(self) -> Box<RawValue> {
        RawValue::from_string(self.into_json()).unwrap_or_else(|_| RawValue::NULL.to_owned())
    }
}
