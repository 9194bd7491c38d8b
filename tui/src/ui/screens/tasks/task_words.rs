//! How tasks are told: sign and word of a status, priorities, what surrounds them.

use ratatui::style::Style;

use super::row::Row;
use crate::text::visible;
use crate::times;
use crate::ui::theme::Theme;

/// Sign, word and colour of a status.
pub(crate) fn status(theme: Theme, status: Option<&str>) -> (&'static str, String, Style) {
    let (sign, style) = match status {
        Some("open") => (theme.sign("○", "o"), Style::new()),
        Some("in_progress") => (theme.sign("●", "*"), theme.accent()),
        Some("blocked") => (theme.sign("✗", "x"), theme.bad()),
        Some("deferred") => (theme.sign("◌", "."), theme.dim()),
        Some("closed") => (theme.sign("✓", "+"), theme.good()),
        Some("pinned") => (theme.sign("◆", "#"), theme.accent()),
        Some("hooked") => (theme.sign("◐", "~"), theme.warning()),
        Some("tombstone") => (theme.sign("–", "-"), theme.dim()),
        _ => ("?", theme.dim()),
    };
    let word = match status {
        Some("tombstone") => "deleted".to_owned(),
        Some(status) => visible(&status.replace('_', " ")).into_owned(),
        None => "unknown".to_owned(),
    };
    (sign, word, style)
}

/// `P0`, or that there is none.
pub(crate) fn priority(row: &Row) -> String {
    row.priority.map_or_else(|| "no priority".to_owned(), |priority| format!("P{priority}"))
}

/// Who has it: for how long still, or that the claim has expired.
pub(crate) fn holder(now_ms: i64, row: &Row) -> Option<String> {
    match (&row.who, &row.expired_claim_of) {
        (Some(who), _) => {
            let left = row
                .expires
                .map_or_else(String::new, |at| format!(", {} left", times::clock(at.saturating_sub(now_ms))));
            Some(format!("{}{left}", visible(who)))
        }
        (None, Some(before)) => Some(format!("claim of {} has expired", visible(before))),
        (None, None) => None,
    }
}

/// What is said of a task in one line: priority, type, who has it, labels.
pub(crate) fn facts(now_ms: i64, row: &Row) -> Vec<String> {
    let mut facts = vec![priority(row)];
    facts.extend(row.kind.as_ref().map(|kind| visible(kind).into_owned()));
    facts.extend(holder(now_ms, row));
    if !row.labels.is_empty() {
        facts.push(format!("labels: {}", visible(&row.labels.join(", "))));
    }
    facts
}
