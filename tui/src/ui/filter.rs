//! The filter language of lists: words that match anywhere, fuzzily, and `field:value` for one column.

use conclave_consensus::runs::{RunFilter, RunStatus, RunSummary};

use super::filter_words::FilterWords;
use super::fuzzy;

/// Which runs a list shows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Filter {
    /// What was typed.
    text: String,
    words: Vec<String>,
    fields: Vec<(Field, String)>,
    /// The first name before a colon that is no field.
    unknown: Option<String>,
    /// The part that the database can answer by itself.
    exact: RunFilter,
}

/// A column that a filter can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Spec,
    Stage,
    Status,
    Agent,
    Key,
}

impl Field {
    const NAMES: [(&'static str, Self); 5] = [
        ("spec", Self::Spec),
        ("stage", Self::Stage),
        ("status", Self::Status),
        ("agent", Self::Agent),
        ("key", Self::Key),
    ];
}

impl Filter {
    /// Understands any text: what names no field is a word.
    pub(crate) fn parse(text: &str) -> Self {
        let mut filter = Self { text: text.trim().to_owned(), ..Self::default() };
        let found = FilterWords::parse(text, &Field::NAMES);
        (filter.words, filter.unknown) = (found.words, found.unknown);
        for (field, value) in found.fields {
            filter.add(field, value);
        }
        filter
    }

    fn add(&mut self, field: Field, value: &str) {
        match (field, RunStatus::parse(value)) {
            (Field::Status, Some(status)) if self.exact.status.is_none() => self.exact.status = Some(status),
            _ => self.fields.push((field, value.to_lowercase())),
        }
    }

    /// What to say of a name that is no field, where the text has one.
    pub(crate) fn complaint(&self) -> Option<String> {
        let names = Field::NAMES.map(|(name, _)| name).join(", ");
        self.unknown.as_ref().map(|name| format!("There is no field {name}; the fields are {names}."))
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Whether it lets everything through.
    pub(crate) fn is_empty(&self) -> bool {
        self.words.is_empty() && self.fields.is_empty() && self.exact == RunFilter::default()
    }

    /// The part that the database answers.
    pub(crate) const fn exact(&self) -> &RunFilter {
        &self.exact
    }

    /// Whether the database answers all of it.
    pub(crate) fn is_exact(&self) -> bool {
        self.words.is_empty() && self.fields.is_empty()
    }

    /// The part that the database does not answer.
    pub(crate) fn matches(&self, run: &RunSummary) -> bool {
        self.fields.iter().all(|(field, value)| match field {
            Field::Spec => contains(&run.spec, value),
            Field::Stage => contains(&run.stage, value),
            Field::Status => contains(run.status.as_str(), value),
            Field::Agent => run.agents.iter().any(|agent| contains(agent, value)),
            Field::Key => contains(&run.run_key, value),
        }) && self.words.iter().all(|word| matches_word(run, word))
    }
}

fn contains(text: &str, lower: &str) -> bool {
    text.to_lowercase().contains(lower)
}

fn matches_word(run: &RunSummary, word: &str) -> bool {
    let columns = [run.spec.as_str(), &run.stage, run.status.as_str(), &run.run_key];
    run.id.to_string() == word
        || columns
            .into_iter()
            .chain(run.agents.iter().map(String::as_str))
            .any(|text| fuzzy::score(word, text).is_some())
}

#[cfg(test)]
mod tests;
