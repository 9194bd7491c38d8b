//! A verdict in the words of the screen.

use std::collections::BTreeSet;

use conclave_consensus::verdict::{FieldVote, Outcome, Position, Unusable, Verdict};
use ratatui::style::Style;
use serde_json::Value;

use super::theme::Theme;

/// What the vote comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Votes {
    usable: usize,
    expected: usize,
    fields: usize,
    agreed: usize,
    split: usize,
    families: usize,
    all_families: usize,
}

impl Votes {
    pub(crate) fn of(verdict: &Verdict) -> Self {
        let of = |outcomes: &[Outcome]| {
            verdict.fields.iter().filter(|field| outcomes.contains(&field.outcome)).count()
        };
        let families = |usable: bool| {
            let agents = verdict.agents.iter().filter(|agent| agent.usable || !usable);
            agents.map(|agent| agent.family.as_str()).collect::<BTreeSet<_>>().len()
        };
        Self {
            usable: verdict.usable,
            expected: verdict.expected,
            fields: verdict.fields.len(),
            agreed: of(&[Outcome::Unanimous, Outcome::Majority]),
            split: of(&[Outcome::Split]),
            families: families(true),
            all_families: families(false),
        }
    }

    pub(crate) fn in_words(self, theme: Theme) -> String {
        let mut parts = vec![format!("{} of {} answers usable", self.usable, self.expected)];
        if self.fields > 0 {
            parts.push(format!("agreed on {} of {} fields", self.agreed, self.fields));
        }
        if self.split > 0 {
            parts.push(format!("{} split", self.split));
        }
        if self.all_families > 0 {
            parts.push(format!("{} families of {}", self.families, self.all_families));
        }
        parts.join(&format!(" {} ", theme.dot()))
    }
}

/// Who gave no usable answer, and which required fields are nowhere.
pub(crate) fn missing(verdict: &Verdict) -> String {
    let list = |names: &[String]| if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    let mut text = format!("missing: {}", list(&verdict.missing));
    if !verdict.fields_missing.is_empty() {
        text = format!("{text}; required fields not found: {}", list(&verdict.fields_missing));
    } else if !verdict.fields_found.is_empty() {
        text = format!("{text}; required fields found: {}", list(&verdict.fields_found));
    }
    text
}

/// Sign, words and colour of a field's outcome.
pub(crate) fn outcome(theme: Theme, field: &FieldVote) -> (&'static str, String, Style) {
    let of = format!("{} of {}", field.k, field.n);
    match field.outcome {
        Outcome::Unanimous => (theme.sign("✓", "+"), of, theme.good()),
        Outcome::Majority => (theme.sign("◐", "~"), of, theme.warning()),
        Outcome::Split if field.tie => (theme.sign("✗", "x"), "tie".to_owned(), theme.bad()),
        Outcome::Split => (theme.sign("✗", "x"), "split".to_owned(), theme.bad()),
        Outcome::Insufficient => (theme.sign("○", "o"), of, theme.dim()),
    }
}

/// A value in a few words.
pub(crate) fn short(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => crate::text::counted(items.len() as u64, "item", "items"),
        Value::Object(fields) => crate::text::counted(fields.len() as u64, "key", "keys"),
        other => other.to_string(),
    }
}

/// Who gave a value: `gemini, claude "high"`.
pub(crate) fn position(position: &Position) -> String {
    format!("{} {}", position.agents.join(", "), position.value)
}

/// Why an answer does not count, in words.
pub(crate) const fn unusable(why: Unusable) -> &'static str {
    match why {
        Unusable::NoAnswer => "gave no answer",
        Unusable::Failed => "failed before it gave one",
        Unusable::Empty => "nothing but white space",
        Unusable::Template => "the schema of the prompt, echoed back",
        Unusable::NotJson => "no JSON, where the stage asks for it",
    }
}
