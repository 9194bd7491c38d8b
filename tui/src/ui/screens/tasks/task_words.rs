//! How tasks are told: sign and word of a status, priorities, what surrounds them.

use conclave_tasks::words::{
    BLOCKED, CLOSED, DEFERRED, HOOKED, IN_PROGRESS, NEVER_READY, NEVER_READY_IDS, OPEN, PINNED, TOMBSTONE,
};
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

/// The same of a task: an open one that others hold up is blocked, and one that is put off is deferred.
pub(crate) fn state(theme: Theme, now_ms: i64, row: &Row) -> (&'static str, String, Style) {
    let shown = match row.status.as_deref() {
        Some(OPEN) if row.blocked => Some(BLOCKED),
        Some(OPEN) if is_put_off(now_ms, row) => Some(DEFERRED),
        stored => stored,
    };
    status(theme, shown)
}

fn is_put_off(now_ms: i64, row: &Row) -> bool {
    row.until.is_some_and(|until| until > now_ms)
}

/// Whether nothing more comes of it: it holds nobody up, and nobody holds it up.
pub(crate) fn is_finished(row: &Row) -> bool {
    matches!(row.status.as_deref(), Some(CLOSED | TOMBSTONE))
}

/// Why a task that is not finished, and that nobody works on, is not for work, whatever others do; `None` where it is.
pub(crate) fn aside(now_ms: i64, row: &Row) -> Option<String> {
    let until = row.until.filter(|_| is_put_off(now_ms, row)).map(times::absolute);
    let why = match row.status.as_deref() {
        Some(CLOSED | TOMBSTONE | IN_PROGRESS) => return None,
        Some(OPEN) if row.pinned => "pinned: kept in sight, never ready".to_owned(),
        Some(OPEN) if row.ephemeral => "ephemeral: never ready".to_owned(),
        Some(OPEN) => match row.kind.as_deref().filter(|kind| NEVER_READY.contains(kind)) {
            Some(kind) => format!("type {kind}: never ready"),
            None => match NEVER_READY_IDS.into_iter().find(|mark| row.id.contains(mark)) {
                Some(mark) => format!("{mark} in its id: never ready"),
                None => format!("not before {}", until?),
            },
        },
        Some(DEFERRED) => {
            until.map_or_else(|| "put off".to_owned(), |until| format!("put off until {until}"))
        }
        Some(HOOKED) => "on an agent's hook".to_owned(),
        Some(PINNED) => "pinned: kept in sight".to_owned(),
        Some(BLOCKED) => "somebody says that it is blocked".to_owned(),
        Some(other) => format!("its status is {}", visible(other)),
        None => "its status cannot be read".to_owned(),
    };
    Some(why)
}

/// Whether it is in none of the lists ready, in progress, blocked and closed.
pub(crate) fn is_in_no_other_list(now_ms: i64, row: &Row) -> bool {
    let is_in_blocked = row.blocked && row.status.is_some();
    !is_in_blocked && aside(now_ms, row).is_some()
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
    facts.extend(row.at_work.as_ref().map(|work| work.told(now_ms)));
    if !row.labels.is_empty() {
        facts.push(format!("labels: {}", visible(&row.labels.join(", "))));
    }
    facts
}
