//! JSON whose every mistake can be named with its place: line, column, record and field.
//!
//! Values are looked at one level at a time, as pieces of the text, so that where a piece stands is known without a tree
//! of our own. The syntax of the whole is checked first.

use std::collections::BTreeMap;
use std::fmt::{self, Display};
use std::path::Path;

use serde::de::{Deserializer as _, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::way_out;
use crate::error::{RegistryError, Result};
use crate::time;

/// What editors on Windows put before a text.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// A file's text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Document<'text> {
    path: &'text Path,
    text: &'text str,
}

/// Where a piece of a document begins, for messages that are made later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    line: usize,
    column: usize,
    /// Which record it is, such as `builders[0] "0031"`.
    pub(crate) record: String,
}

impl Place {
    /// The failure of what stands here.
    pub(crate) fn refuse(&self, path: &Path, what: impl Display) -> RegistryError {
        refused(path, format!("line {}, column {}: {}: {what}", self.line, self.column, self.record))
    }
}

/// The failure of a file whose content cannot be used.
pub(super) fn refused(path: &Path, text: String) -> RegistryError {
    RegistryError::Input { path: path.to_path_buf(), text, hint: way_out::of_refused(path) }
}

/// A value in a document.
#[derive(Debug, Clone, Copy)]
pub(super) struct Value<'text> {
    document: Document<'text>,
    raw: &'text RawValue,
}

/// A member of an object.
#[derive(Debug, Clone)]
pub(super) struct Member<'text> {
    pub(super) key: String,
    /// Where the key begins.
    at: usize,
    pub(super) value: Value<'text>,
}

impl<'text> Document<'text> {
    /// The text of these bytes, without a byte order mark; refused where they are none.
    pub(super) fn new(path: &'text Path, bytes: &'text [u8]) -> Result<Self> {
        let text = std::str::from_utf8(bytes).map_err(|error| {
            let line = bytes.iter().take(error.valid_up_to()).filter(|byte| **byte == b'\n').count() + 1;
            refused(path, format!("line {line}: is no UTF-8"))
        })?;
        Ok(Self { path, text: text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text) })
    }

    /// The one value that it is.
    pub(super) fn value(self) -> Result<Value<'text>> {
        if self.text.trim().is_empty() {
            return Err(refused(self.path, "line 1, column 1: the file is empty".to_owned()));
        }
        let raw = serde_json::from_str(self.text).map_err(|error| {
            let said = error.to_string();
            let said = said.split(" at line ").next().unwrap_or_default();
            let before = self.text.split('\n').nth(error.line().saturating_sub(1)).unwrap_or_default();
            // Bytes up to the place; people count characters.
            let before = before.get(..error.column()).map_or(error.column(), |before| before.chars().count());
            let what = if error.is_eof() { "the text is cut off: " } else { "" };
            refused(self.path, format!("line {}, column {}: {what}{said}", error.line(), before.max(1)))
        })?;
        Ok(Value { document: self, raw })
    }

    fn place(self, at: usize, record: &str) -> Place {
        let before = self.text.get(..at).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        Place { line, column, record: record.to_owned() }
    }
}

impl<'text> Value<'text> {
    /// Where it begins: a borrowed piece lies in the text that it was read from.
    fn at(self) -> usize {
        offset(self.document.text, self.raw)
    }

    pub(super) fn place(self, record: &str) -> Place {
        self.document.place(self.at(), record)
    }

    pub(super) fn refuse(self, record: &str, what: impl Display) -> RegistryError {
        self.place(record).refuse(self.document.path, what)
    }

    pub(super) fn is_null(self) -> bool {
        self.raw.get() == "null"
    }

    /// What it is, in a word.
    fn kind(self) -> &'static str {
        match self.raw.get().as_bytes().first() {
            Some(b'{') => "an object",
            Some(b'[') => "a list",
            Some(b'"') => "text",
            Some(b't' | b'f') => "a boolean",
            Some(b'n') => "null",
            _ => "a number",
        }
    }

    /// The members of an object, in their order, no two with the same key.
    pub(super) fn members(self, record: &str) -> Result<Vec<Member<'text>>> {
        let wanted = |_| self.refuse(record, format_args!("wanted an object, found {}", self.kind()));
        let mut deserializer = serde_json::Deserializer::from_str(self.raw.get());
        let pairs = deserializer.deserialize_map(Pairs).map_err(wanted)?;
        let mut members: Vec<Member<'text>> = Vec::new();
        let mut seen = BTreeMap::new();
        for (key, raw) in pairs {
            let at = offset(self.document.text, key);
            let value = Value { document: self.document, raw };
            let place = self.document.place(at, record);
            let key: String = serde_json::from_str(key.get())
                .map_err(|_| place.refuse(self.document.path, "a key is no Unicode text"))?;
            if let Some(line) = seen.insert(key.clone(), place.line) {
                let what = format_args!("the key {key:?} stands here twice, first in line {line}");
                return Err(place.refuse(self.document.path, what));
            }
            members.push(Member { key, at, value });
        }
        Ok(members)
    }

    /// The elements of a list.
    pub(super) fn elements(self, record: &str) -> Result<Vec<Self>> {
        let wanted = |_| self.refuse(record, format_args!("wanted a list, found {}", self.kind()));
        let mut deserializer = serde_json::Deserializer::from_str(self.raw.get());
        let pieces = deserializer.deserialize_seq(Pieces).map_err(wanted)?;
        Ok(pieces.into_iter().map(|raw| Value { document: self.document, raw }).collect())
    }
}

impl Member<'_> {
    pub(super) fn key_place(&self, record: &str) -> Place {
        self.value.document.place(self.at, record)
    }
}

/// The fields of one object, of which it is known which were asked for.
#[derive(Debug)]
pub(super) struct Fields<'text> {
    whole: Value<'text>,
    members: Vec<Member<'text>>,
    asked: Vec<&'static str>,
    /// What it is called in messages.
    pub(super) record: String,
}

impl<'text> Fields<'text> {
    /// Those of an object that is called so.
    pub(super) fn of(value: Value<'text>, record: impl Into<String>) -> Result<Self> {
        let record = record.into();
        let members = value.members(&record)?;
        Ok(Self { whole: value, members, asked: Vec::new(), record })
    }

    /// Where it begins.
    pub(super) fn place(&self) -> Place {
        self.whole.place(&self.record)
    }

    /// The field, where it is there and is not null.
    pub(super) fn optional(&mut self, key: &'static str) -> Option<Value<'text>> {
        self.asked.push(key);
        let found = self.members.iter().find(|member| member.key == key)?;
        (!found.value.is_null()).then_some(found.value)
    }

    /// The field, which must be there.
    pub(super) fn required(&mut self, key: &'static str) -> Result<Value<'text>> {
        self.optional(key).ok_or_else(|| self.refuse(self.whole, key, "is missing"))
    }

    pub(super) fn refuse(&self, value: Value<'_>, key: &str, what: impl Display) -> RegistryError {
        value.refuse(&self.record, format_args!("field {key:?}: {what}"))
    }

    pub(super) fn text(&mut self, key: &'static str) -> Result<String> {
        let value = self.required(key)?;
        self.as_text(key, value)
    }

    pub(super) fn optional_text(&mut self, key: &'static str) -> Result<Option<String>> {
        self.optional(key).map(|value| self.as_text(key, value)).transpose()
    }

    pub(super) fn as_text(&self, key: &str, value: Value<'_>) -> Result<String> {
        if !value.raw.get().starts_with('"') {
            return Err(self.refuse(value, key, format_args!("wanted text, found {}", value.kind())));
        }
        serde_json::from_str(value.raw.get()).map_err(|_| self.refuse(value, key, "is no Unicode text"))
    }

    /// A whole number, where it is there and is not null.
    pub(super) fn optional_whole(&mut self, key: &'static str) -> Result<Option<i64>> {
        self.optional(key).map(|value| self.as_whole(key, value)).transpose()
    }

    pub(super) fn as_whole(&self, key: &str, value: Value<'_>) -> Result<i64> {
        value.raw.get().parse().map_err(|_| {
            let found = match value.kind() {
                "a number" => value.raw.get(),
                other => other,
            };
            self.refuse(value, key, format_args!("wanted a whole number, found {found}"))
        })
    }

    /// A time with an offset, in milliseconds since 1970.
    pub(super) fn time(&mut self, key: &'static str) -> Result<i64> {
        let value = self.required(key)?;
        let text = self.as_text(key, value)?;
        time::ms_of(&text).ok_or_else(|| {
            let wanted = "wanted a time such as \"2024-01-01T00:00:00.000Z\"";
            self.refuse(value, key, format_args!("{wanted}, found {text:?}"))
        })
    }

    /// The keys that nobody asked for, in one sentence.
    pub(super) fn unknown(&self) -> Option<String> {
        let unknown = self.members.iter().filter(|member| !self.asked.contains(&member.key.as_str()));
        let keys: Vec<String> = unknown.map(|member| format!("{:?}", member.key)).collect();
        let first = self.members.iter().find(|member| !self.asked.contains(&member.key.as_str()))?;
        let line = first.key_place(&self.record).line;
        Some(format!(
            "line {line}: {}: not taken over, since nobody here knows it: {}",
            self.record,
            keys.join(", ")
        ))
    }
}

/// Where a piece begins in the text that it was borrowed from.
fn offset(text: &str, piece: &RawValue) -> usize {
    piece.get().as_ptr().addr().saturating_sub(text.as_ptr().addr())
}

/// Keys and values as they are spelled.
struct Pairs;

impl<'text> Visitor<'text> for Pairs {
    type Value = Vec<(&'text RawValue, &'text RawValue)>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'text>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut pairs = Vec::new();
        while let Some(pair) = map.next_entry()? {
            pairs.push(pair);
        }
        Ok(pairs)
    }
}

/// Elements as they are spelled.
struct Pieces;

impl<'text> Visitor<'text> for Pieces {
    type Value = Vec<&'text RawValue>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'text>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut pieces = Vec::new();
        while let Some(piece) = list.next_element()? {
            pieces.push(piece);
        }
        Ok(pieces)
    }
}

#[cfg(test)]
mod tests;
