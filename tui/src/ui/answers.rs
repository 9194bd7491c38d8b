//! An answer in a sign and a word: only one that counts has a check mark.

use conclave_consensus::runs::{OutputDetail, RunDetail};
use conclave_consensus::verdict::Unusable;
use ratatui::style::Style;

use super::theme::Theme;

/// Sign, word and colour of an answer.
pub(crate) fn standing(theme: Theme, output: &OutputDetail) -> (&'static str, &'static str, Style) {
    match output.unusable {
        Some(why) => (does_not_count(theme), word(why), theme.warning()),
        None if output.valid_json => (theme.sign("✓", "+"), "JSON", theme.good()),
        None => (theme.sign("✓", "+"), "text", theme.good()),
    }
}

/// The sign of an answer that does not count.
pub(crate) const fn does_not_count(theme: Theme) -> &'static str {
    theme.sign("○", "o")
}

/// Why an answer does not count, in a word or two.
pub(crate) const fn word(why: Unusable) -> &'static str {
    match why {
        Unusable::NoAnswer => "nothing",
        Unusable::Failed => "failed",
        Unusable::TimedOut => "timed out",
        Unusable::Cancelled => "cancelled",
        Unusable::Empty => "empty",
        Unusable::Template => "template",
        Unusable::NotJson => "no JSON",
    }
}

/// The newest answer of an agent.
pub(crate) fn newest<'run>(detail: &'run RunDetail, agent: &str) -> Option<&'run OutputDetail> {
    let own = detail.outputs.iter().filter(|output| output.agent == agent);
    own.max_by_key(|output| (output.attempt, output.sequence))
}

/// Why what an attempt of an agent brought does not count, where it brought something.
pub(crate) fn of_attempt(detail: &RunDetail, agent: &str, attempt: i64) -> Option<Unusable> {
    let own = detail.outputs.iter().filter(|output| output.agent == agent && output.attempt == attempt);
    own.max_by_key(|output| output.sequence)?.unusable
}
