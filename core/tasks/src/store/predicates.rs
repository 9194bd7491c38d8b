//! What is ready, blocked, unfinished, and in which order: each said once, for every query that asks.
//!
//! All of them speak of a table `tasks` under its own name; `?1` is now, in nanoseconds since 1970.

use std::fmt;
use std::sync::LazyLock;

use crate::words::{CLOSED, NEVER_READY, NEVER_READY_IDS, TOMBSTONE};

macro_rules! expired {
    () => {
        "(tasks.status = 'in_progress' AND ifnull(tasks.claim_expires_at <= ?1, 0))"
    };
}

/// Whether a claim is over, as [`crate::record::Projection::has_expired`] says it.
pub(crate) const EXPIRED: &str = expired!();

/// The status that holds now: a claim that has expired is none.
pub(crate) const EFFECTIVE_STATUS: &str =
    concat!("CASE WHEN ", expired!(), " THEN 'open' ELSE tasks.status END");

/// The order of lists. What is unknown comes last. The expressions are those of `idx_tasks_ready`.
pub(crate) const ORDER: &str =
    "ifnull(tasks.priority, 5), ifnull(tasks.created_at, 9223372036854775807), tasks.id";

/// Open for everybody, whatever others do: all that makes a task ready but `blocked`.
pub(crate) static WORKABLE: LazyLock<String> = LazyLock::new(|| {
    format!(
        "tasks.status IN ('open', 'in_progress') AND (tasks.status = 'open' OR {EXPIRED}) \
         AND (tasks.defer_until IS NULL OR tasks.defer_until <= ?1) AND NOT {}",
        *NEVER
    )
});

/// What makes a task never ready, whatever else holds: the part of `WORKABLE` that time and work do not change.
pub(crate) static NEVER: LazyLock<String> = LazyLock::new(|| {
    let ids: Vec<String> =
        NEVER_READY_IDS.iter().map(|mark| format!("instr(tasks.id, {}) > 0", quoted(&[mark]))).collect();
    format!(
        "(tasks.pinned = 1 OR tasks.ephemeral = 1 OR ifnull(tasks.issue_type, '') IN ({}) OR {})",
        quoted(&NEVER_READY),
        ids.join(" OR ")
    )
});

/// The one rule of what is ready. Its first two terms are those of `idx_tasks_ready`; the second one follows from the
/// rest, and stands here because SQLite looks for it word by word (sqlite.org/partialindex.html).
pub(crate) static READY: LazyLock<String> = LazyLock::new(|| {
    format!(
        "tasks.blocked = 0 \
         AND (tasks.status = 'open' OR (tasks.status = 'in_progress' AND tasks.claim_expires_at IS NOT NULL)) AND {}",
        *WORKABLE
    )
});

/// The one rule of what a list of blocked tasks holds: not finished, and held up by others.
pub(crate) static HELD_UP: LazyLock<String> =
    LazyLock::new(|| format!("tasks.blocked = 1 AND tasks.status NOT IN ({})", quoted(&FINISHED)));

/// Statuses of which nothing more comes.
pub(crate) const FINISHED: [&str; 2] = [CLOSED, TOMBSTONE];

/// Words as a list of SQL texts, in parentheses.
pub(crate) struct List(pub(crate) &'static [&'static str]);

impl fmt::Display for List {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "({})", quoted(self.0))
    }
}

/// Words as a list of SQL texts.
pub(crate) fn quoted(words: &[&str]) -> String {
    let mut list = String::new();
    for word in words {
        let comma = if list.is_empty() { "" } else { ", " };
        list.push_str(comma);
        list.push('\'');
        list.push_str(&word.replace('\'', "''"));
        list.push('\'');
    }
    list
}

#[cfg(test)]
mod tests;
