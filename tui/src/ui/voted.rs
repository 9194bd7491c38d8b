//! The fields of a verdict in the words of the screen.

use conclave_consensus::verdict::{FieldVote, Outcome, Position};
use ratatui::style::Style;
use serde_json::Value;

use super::theme::Theme;

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
