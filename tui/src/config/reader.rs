//! Values of a configuration file, each checked where it is read; a mistake says where it stands.

use std::ops::{Range, RangeInclusive};
use std::path::{Path, PathBuf};
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::durations;
use crate::failure::Failure;
use crate::sizes;

/// The most characters of a name.
const NAME_LENGTH: usize = 64;

/// A value with its place in the file.
pub(super) type Value<'text> = Spanned<DeValue<'text>>;

/// Says of each mistake where it stands.
pub(super) struct Reader<'file> {
    pub(super) file: &'file Path,
    pub(super) text: &'file str,
}

impl Reader<'_> {
    pub(super) fn table<'value, 'text>(
        &self,
        key: &str,
        value: &'value Value<'text>,
    ) -> Result<&'value DeTable<'text>, Failure> {
        match value.get_ref() {
            DeValue::Table(table) => Ok(table),
            other => Err(self.wrong(key, value.span(), "a table", other)),
        }
    }

    pub(super) fn list<'value, 'text>(
        &self,
        key: &str,
        value: &'value Value<'text>,
        wanted: &str,
    ) -> Result<&'value [Value<'text>], Failure> {
        match value.get_ref() {
            DeValue::Array(values) => Ok(values),
            other => Err(self.wrong(key, value.span(), wanted, other)),
        }
    }

    pub(super) fn path(&self, key: &str, value: &Value<'_>) -> Result<PathBuf, Failure> {
        match value.get_ref() {
            DeValue::String(text) if text.is_empty() => {
                Err(self.refuse(&value.span(), &format!("{key}: is empty, wanted a path")))
            }
            DeValue::String(text) => Ok(PathBuf::from(text.as_ref())),
            other => Err(self.wrong(key, value.span(), "a path in quotes", other)),
        }
    }

    /// Any text that a program can be given: without NUL.
    pub(super) fn text(&self, key: &str, value: &Value<'_>) -> Result<String, Failure> {
        match value.get_ref() {
            DeValue::String(text) if text.contains('\0') => Err(self.refuse(
                &value.span(),
                &format!("{key}: holds a NUL character, which no program can be given"),
            )),
            DeValue::String(text) => Ok(text.to_string()),
            other => Err(self.wrong(key, value.span(), "text in quotes", other)),
        }
    }

    /// Text of which something is to be seen.
    pub(super) fn filled(&self, key: &str, value: &Value<'_>) -> Result<String, Failure> {
        let text = self.text(key, value)?;
        if text.trim().is_empty() {
            return Err(self.refuse(&value.span(), &format!("{key}: is empty")));
        }
        Ok(text)
    }

    /// A list of texts.
    pub(super) fn texts(&self, key: &str, value: &Value<'_>, wanted: &str) -> Result<Vec<String>, Failure> {
        self.list(key, value, wanted)?.iter().map(|one| self.text(key, one)).collect()
    }

    /// A duration in words, or a number of seconds.
    pub(super) fn duration(&self, key: &str, value: &Value<'_>) -> Result<Duration, Failure> {
        let text = match value.get_ref() {
            DeValue::String(text) => text.to_string(),
            DeValue::Integer(number) => number.to_string(),
            other => return Err(self.wrong(key, value.span(), "a duration such as \"7d\"", other)),
        };
        durations::parse(&text).map_err(|wrong| self.refuse(&value.span(), &format!("{key}: {wrong}")))
    }

    /// A whole number within bounds.
    pub(super) fn number(&self, key: &str, value: &Value<'_>, bounds: Range<u32>) -> Result<u32, Failure> {
        let wanted = format!("a whole number from {} to {}", bounds.start, bounds.end - 1);
        match value.get_ref() {
            DeValue::Integer(number) => {
                let found = u32::from_str_radix(number.as_str(), number.radix()).ok();
                found.filter(|found| bounds.contains(found)).ok_or_else(|| {
                    self.refuse(&value.span(), &format!("{key}: wanted {wanted}, found {number}"))
                })
            }
            other => Err(self.wrong(key, value.span(), &wanted, other)),
        }
    }

    /// A whole number within bounds, which may be below zero.
    pub(super) fn integer(
        &self,
        key: &str,
        value: &Value<'_>,
        bounds: &RangeInclusive<i64>,
    ) -> Result<i64, Failure> {
        let wanted = format!("a whole number from {} to {}", bounds.start(), bounds.end());
        let DeValue::Integer(number) = value.get_ref() else {
            return Err(self.wrong(key, value.span(), &wanted, value.get_ref()));
        };
        let found = i64::from_str_radix(number.as_str(), number.radix()).ok();
        found
            .filter(|found| bounds.contains(found))
            .ok_or_else(|| self.refuse(&value.span(), &format!("{key}: wanted {wanted}, found {number}")))
    }

    /// A number of bytes within bounds; `such_as` is an example, and `wanted` the bounds in words.
    pub(super) fn bytes(
        &self,
        key: &str,
        value: &Value<'_>,
        such_as: &str,
        (bounds, wanted): (&RangeInclusive<u64>, &str),
    ) -> Result<u64, Failure> {
        let text = match value.get_ref() {
            DeValue::String(text) => text.to_string(),
            DeValue::Integer(number) => number.to_string(),
            other => {
                return Err(self.wrong(key, value.span(), &format!("a size such as {such_as:?}"), other));
            }
        };
        let bytes =
            sizes::parse(&text).map_err(|wrong| self.refuse(&value.span(), &format!("{key}: {wrong}")))?;
        if !bounds.contains(&bytes) {
            return Err(self.refuse(&value.span(), &format!("{key}: wanted {wanted}, found {text}")));
        }
        Ok(bytes)
    }

    /// A name: it is printed in tables, and taken apart at commas where several are given.
    pub(super) fn name(&self, key: &str, value: &Value<'_>) -> Result<String, Failure> {
        let name = self.filled(key, value)?;
        let odd = |character: char| character.is_control() || character == ',';
        if name.trim() != name || name.chars().any(odd) || name.chars().count() > NAME_LENGTH {
            let wanted = format!(
                "{key}: wanted at most {NAME_LENGTH} characters without commas, control characters and space around them"
            );
            return Err(self.refuse(&value.span(), &wanted));
        }
        Ok(name)
    }

    pub(super) fn boolean(&self, key: &str, value: &Value<'_>) -> Result<bool, Failure> {
        match value.get_ref() {
            DeValue::Boolean(value) => Ok(*value),
            other => Err(self.wrong(key, value.span(), "true or false", other)),
        }
    }

    pub(super) fn wrong(&self, key: &str, span: Range<usize>, wanted: &str, found: &DeValue<'_>) -> Failure {
        let found = match found {
            DeValue::String(_) => "text",
            DeValue::Integer(_) | DeValue::Float(_) => "a number",
            DeValue::Boolean(_) => "a boolean",
            DeValue::Datetime(_) => "a time",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        };
        self.refuse(&span, &format!("{key}: wanted {wanted}, found {found}"))
    }

    pub(super) fn unknown(&self, span: Range<usize>, table: &str, key: &str, known: &[&str]) -> Failure {
        self.refuse(&span, &format!("{table}{key}: no such key"))
            .hint(format!("known here: {}", known.join(", ")))
    }

    /// The line of a place, from 1.
    pub(super) fn line(&self, at: usize) -> usize {
        self.before(at).matches('\n').count() + 1
    }

    pub(super) fn refuse(&self, span: &Range<usize>, what: &str) -> Failure {
        let before = self.before(span.start);
        let line = self.line(span.start);
        // Characters, as editors count them.
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        Failure::configuration(format!("configuration: {}:{line}:{column}: {what}", self.file.display()))
            .hint("mend this line, or move the file away: every setting has a default")
    }

    fn before(&self, at: usize) -> &str {
        self.text.get(..at).unwrap_or(self.text)
    }
}
