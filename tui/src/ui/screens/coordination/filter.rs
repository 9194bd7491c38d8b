//! The filter language of the leases: words that match anywhere, fuzzily, and `field:value` for one column.

use super::row::{self, Row};
use crate::ui::filter_words::FilterWords;
use crate::ui::fuzzy;

/// Which leases the list shows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Filter {
    /// What was typed.
    text: String,
    words: Vec<String>,
    fields: Vec<(Field, String)>,
    /// The first name before a colon that is no field.
    unknown: Option<String>,
}

/// A column that a filter can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Name,
    Holder,
    Mode,
    Waiting,
    Where,
}

const NAMES: [(&str, Field); 5] = [
    ("name", Field::Name),
    ("holder", Field::Holder),
    ("mode", Field::Mode),
    ("waiting", Field::Waiting),
    ("where", Field::Where),
];

impl Filter {
    /// Understands any text: what names no field is a word.
    pub(crate) fn parse(text: &str) -> Self {
        let found = FilterWords::parse(text, &NAMES);
        Self {
            text: text.trim().to_owned(),
            words: found.words,
            fields: found.fields.into_iter().map(|(field, value)| (field, value.to_lowercase())).collect(),
            unknown: found.unknown,
        }
    }

    /// What to say of a name that is no field, where the text has one.
    pub(crate) fn complaint(&self) -> Option<String> {
        let names = NAMES.map(|(name, _)| name).join(", ");
        self.unknown.as_ref().map(|name| format!("There is no field {name}; the fields are {names}."))
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Whether it lets everything through.
    pub(crate) fn is_empty(&self) -> bool {
        self.words.is_empty() && self.fields.is_empty()
    }

    /// Whether it lets a lease through.
    pub(crate) fn matches(&self, row: &Row) -> bool {
        let in_field = |(field, value): &(Field, String)| match field {
            Field::Name => contains(&row.name, value),
            Field::Holder => row.grants.iter().any(|grant| contains(&grant.holder, value)),
            Field::Mode => row.grants.iter().any(|grant| contains(row::mode(grant.mode), value)),
            Field::Waiting => row.waiters.iter().any(|waiter| contains(&waiter.holder, value)),
            Field::Where => contains(if row.global { "global" } else { "project" }, value),
        };
        self.fields.iter().all(in_field) && self.words.iter().all(|word| matches_word(row, word))
    }
}

fn contains(text: &str, lower: &str) -> bool {
    text.to_lowercase().contains(lower)
}

fn matches_word(row: &Row, word: &str) -> bool {
    let holders = row.grants.iter().map(|grant| &grant.holder);
    let waiters = row.waiters.iter().map(|waiter| &waiter.holder);
    [&row.name].into_iter().chain(holders).chain(waiters).any(|text| fuzzy::score(word, text).is_some())
}
