//! `[tasks]`: how tasks are named, checked and merged here.

use super::reader::{Reader, Value};
use crate::failure::Failure;

/// The keys of the table.
pub(super) const KEYS: [&str; 6] =
    ["prefix", "statuses", "types", "max_line", "tombstone_days", "text_conflicts"];

/// Bytes of a status or a type.
const WORD: usize = 50;
/// Bytes of a prefix.
const PREFIX: usize = 50;
/// Bytes that a line may be allowed to have: a record must fit into a row of the database.
const LINES: std::ops::RangeInclusive<u64> = 1024..=512 * 1024 * 1024;

/// The settings of tasks.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct TaskSettings {
    /// What the ids of new tasks begin with.
    pub(crate) prefix: Option<String>,
    /// Further statuses.
    pub(crate) statuses: Option<Vec<String>>,
    /// Further types.
    pub(crate) types: Option<Vec<String>>,
    /// Bytes of one line of an import, at most.
    pub(crate) max_line: Option<u64>,
    /// Days that a deletion wins over an edit in a merge.
    pub(crate) tombstone_days: Option<u32>,
    /// Whether texts that both sides have changed are put one after the other.
    pub(crate) concat: Option<bool>,
}

impl TaskSettings {
    /// The other's where this one is silent.
    pub(super) fn or(self, other: Self) -> Self {
        Self {
            prefix: self.prefix.or(other.prefix),
            statuses: self.statuses.or(other.statuses),
            types: self.types.or(other.types),
            max_line: self.max_line.or(other.max_line),
            tombstone_days: self.tombstone_days.or(other.tombstone_days),
            concat: self.concat.or(other.concat),
        }
    }
}

pub(super) fn read(reader: &Reader<'_>, value: &Value<'_>) -> Result<TaskSettings, Failure> {
    let mut settings = TaskSettings::default();
    for (key, value) in reader.table("tasks", value)? {
        match key.get_ref().as_ref() {
            "prefix" => settings.prefix = Some(prefix(reader, value)?),
            "statuses" => settings.statuses = Some(statuses(reader, value)?),
            "types" => settings.types = Some(types(reader, value)?),
            "max_line" => {
                let bounds = (&LINES, "1KiB to 512MiB");
                settings.max_line = Some(reader.bytes("tasks.max_line", value, "64MiB", bounds)?);
            }
            "tombstone_days" => {
                // Deletions that are forgotten sooner come back from a checkout that was away for a week.
                settings.tombstone_days = Some(reader.number("tasks.tombstone_days", value, 7..36_501)?);
            }
            "text_conflicts" => settings.concat = Some(text_conflicts(reader, value)?),
            other => return Err(reader.unknown(key.span(), "tasks.", other, &KEYS)),
        }
    }
    Ok(settings)
}

/// What may stand before the last `-` of an id.
fn prefix(reader: &Reader<'_>, value: &Value<'_>) -> Result<String, Failure> {
    let text = reader.filled("tasks.prefix", value)?;
    let plain = |character: char| character.is_ascii_alphanumeric();
    let fits = text.len() <= PREFIX
        && text.chars().all(|character| plain(character) || "-_.".contains(character))
        && text.starts_with(plain)
        && text.ends_with(plain);
    if fits {
        return Ok(text);
    }
    Err(reader.refuse(
        &value.span(),
        &format!(
            "tasks.prefix: wanted 1 to {PREFIX} of A-Z a-z 0-9 - _ . that begin and end with a letter or a digit, \
             found {text:?}"
        ),
    ))
}

fn statuses(reader: &Reader<'_>, value: &Value<'_>) -> Result<Vec<String>, Failure> {
    let key = "tasks.statuses";
    let mut statuses = Vec::new();
    for one in reader.list(key, value, "a list such as [\"review\"]")? {
        let text = reader.filled(key, one)?;
        let fits = text.len() <= WORD
            && text.starts_with(|first: char| first.is_ascii_lowercase())
            && text
                .chars()
                .all(|other| other.is_ascii_lowercase() || other.is_ascii_digit() || "_-".contains(other));
        if !fits {
            let what =
                format!("{key}: wanted 1 to {WORD} of a-z 0-9 _ - that begin with a letter, found {text:?}");
            return Err(reader.refuse(&one.span(), &what));
        }
        statuses.push(text);
    }
    Ok(statuses)
}

fn types(reader: &Reader<'_>, value: &Value<'_>) -> Result<Vec<String>, Failure> {
    let key = "tasks.types";
    let mut types = Vec::new();
    for one in reader.list(key, value, "a list such as [\"spec\"]")? {
        let text = reader.filled(key, one)?;
        if text.len() > WORD {
            return Err(
                reader.refuse(&one.span(), &format!("{key}: wanted at most {WORD} bytes, found {text:?}"))
            );
        }
        types.push(text);
    }
    Ok(types)
}

fn text_conflicts(reader: &Reader<'_>, value: &Value<'_>) -> Result<bool, Failure> {
    let key = "tasks.text_conflicts";
    match reader.text(key, value)?.as_str() {
        "later" => Ok(false),
        "concat" => Ok(true),
        other => {
            Err(reader
                .refuse(&value.span(), &format!("{key}: wanted \"later\" or \"concat\", found {other:?}")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::TaskSettings;

    #[test]
    fn what_one_file_leaves_open_the_other_says() {
        let all = |word: &str, number: u32| TaskSettings {
            prefix: Some(word.to_owned()),
            statuses: Some(vec![word.to_owned()]),
            types: Some(vec![word.to_owned()]),
            max_line: Some(u64::from(number)),
            tombstone_days: Some(number),
            concat: Some(number == 7),
        };
        let (one, other) = (all("one", 7), all("other", 8));
        assert_eq!(TaskSettings::default().or(other.clone()), other);
        assert_eq!(one.clone().or(other), one);
    }
}
