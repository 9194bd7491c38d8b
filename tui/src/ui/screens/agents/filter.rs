//! The filter language of the agents: words that match anywhere, fuzzily, and `field:value` for one column.

use super::row::Row;
use crate::ui::filter_words::FilterWords;
use crate::ui::fuzzy;

/// Which agents the list shows.
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
    Kind,
    Type,
    Life,
    Status,
}

const NAMES: [(&str, Field); 4] =
    [("kind", Field::Kind), ("type", Field::Type), ("life", Field::Life), ("status", Field::Status)];

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

    /// Whether it lets an agent through.
    pub(crate) fn matches(&self, row: &Row) -> bool {
        let in_field = |(field, value): &(Field, String)| match field {
            Field::Kind => contains(row.kind_word(), value),
            Field::Type => contains(&row.type_word, value),
            Field::Life => row.life.as_str().starts_with(value.as_str()),
            Field::Status => match &row.status {
                Some(status) => contains(status, value),
                None => value == "none",
            },
        };
        self.fields.iter().all(in_field) && self.words.iter().all(|word| matches_word(row, word))
    }
}

fn contains(text: &str, lower: &str) -> bool {
    text.to_lowercase().contains(lower)
}

fn matches_word(row: &Row, word: &str) -> bool {
    [Some(&row.id), Some(&row.type_word), row.status.as_ref(), row.phase.as_ref(), row.given.as_ref()]
        .into_iter()
        .flatten()
        .chain([&row.place])
        .any(|text| fuzzy::score(word, text).is_some())
}

#[cfg(test)]
mod tests {
    use super::Filter;
    use crate::ui::fixture::agents::all;

    #[test]
    fn words_match_anywhere_and_fields_one_column() {
        let found = |text: &str| {
            let filter = Filter::parse(text);
            all(8).into_iter().filter(|row| filter.matches(row)).map(|row| row.id).collect::<Vec<_>>()
        };
        assert_eq!(found("").len(), 8);
        assert_eq!(found("kind:architect"), ["main"]);
        assert_eq!(found("life:lost"), ["0029"]);
        assert_eq!(found("life:un").len(), 2, "unsupervised and unknown");
        assert_eq!(found("type:task status:blocked"), ["task-aB3x"]);
        assert_eq!(found("status:none life:running"), ["main"]);
        assert_eq!(found("implementing 31"), ["0031"]);
        assert!(Filter::parse("kind: life:").is_empty(), "still being typed");
        assert!(Filter::parse("foo:bar").complaint().is_some_and(|said| said.contains("kind, type")));
    }
}
