//! The filter language of the tasks: words that match anywhere, fuzzily, `field:value` for one column, and `text:`
//! with everything behind it for a search in all texts of all tasks.

use conclave_tasks::words::BLOCKED;

use super::row::Row;
use crate::ui::filter_words::FilterWords;
use crate::ui::fuzzy;

/// Which tasks a list shows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Filter {
    /// What was typed.
    text: String,
    words: Vec<String>,
    fields: Vec<(Field, String)>,
    /// What is searched for in all texts, of tasks of any status.
    search: Option<String>,
    /// The first name before a colon that is no field.
    unknown: Option<String>,
}

/// A column that a filter can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Label,
    Who,
    Priority,
    Type,
    Status,
    Id,
}

const NAMES: [(&str, Field); 6] = [
    ("label", Field::Label),
    ("who", Field::Who),
    ("p", Field::Priority),
    ("type", Field::Type),
    ("status", Field::Status),
    ("id", Field::Id),
];

/// What begins a search in all texts.
pub(crate) const SEARCH: &str = "text:";

impl Filter {
    /// Understands any text: what names no field is a word.
    pub(crate) fn parse(text: &str) -> Self {
        let mut filter = Self { text: text.trim().to_owned(), ..Self::default() };
        let mut filtered = text;
        if let Some(at) =
            text.find(SEARCH).filter(|at| *at == 0 || text[..*at].ends_with(char::is_whitespace))
        {
            filtered = &text[..at];
            let words = text[at + SEARCH.len()..].trim();
            filter.search = Some(words.to_owned()).filter(|words| !words.is_empty());
        }
        let found = FilterWords::parse(filtered, &NAMES);
        (filter.words, filter.unknown) = (found.words, found.unknown);
        filter.fields =
            found.fields.into_iter().map(|(field, value)| (field, value.to_lowercase())).collect();
        filter
    }

    /// What to say of a name that is no field, where the text has one.
    pub(crate) fn complaint(&self) -> Option<String> {
        let names = NAMES.map(|(name, _)| name).join(", ");
        self.unknown.as_ref().map(|name| format!("There is no field {name}; the fields are {names}, text."))
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// What is searched for in all texts.
    pub(crate) fn search(&self) -> Option<&str> {
        self.search.as_deref()
    }

    /// Whether it lets everything of its list through.
    pub(crate) fn is_empty(&self) -> bool {
        self.search.is_none() && self.lets_all_through()
    }

    /// Whether no row has to be looked at.
    pub(crate) fn lets_all_through(&self) -> bool {
        self.words.is_empty() && self.fields.is_empty()
    }

    /// Whether it lets a task through.
    pub(crate) fn matches(&self, row: &Row) -> bool {
        let in_field = |(field, value): &(Field, String)| match field {
            Field::Label => row.labels.iter().any(|label| contains(label, value)),
            Field::Who => match &row.who {
                Some(who) => contains(who, value),
                None => value == "none",
            },
            Field::Priority => {
                row.priority.map_or("none".to_owned(), |priority| priority.to_string()) == *value
            }
            Field::Type => row.kind.as_ref().is_some_and(|kind| contains(kind, value)),
            Field::Status => {
                let status = row.status.as_deref().unwrap_or("unknown");
                contains(status, value) || row.blocked && contains(BLOCKED, value)
            }
            Field::Id => contains(&row.id, value),
        };
        self.fields.iter().all(in_field) && self.words.iter().all(|word| matches_word(row, word))
    }
}

fn contains(text: &str, lower: &str) -> bool {
    text.to_lowercase().contains(lower)
}

fn matches_word(row: &Row, word: &str) -> bool {
    [Some(&row.id), Some(&row.title), row.who.as_ref()]
        .into_iter()
        .flatten()
        .chain(&row.labels)
        .any(|text| fuzzy::score(word, text).is_some())
}

#[cfg(test)]
mod tests;
