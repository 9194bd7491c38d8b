//! Tasks and their edges in words, for everything that people read.

use conclave_db::process::{self, Liveness};
use conclave_tasks::read::{AttemptOutcome, AttemptRow, TaskRow};
use conclave_tasks::words;

use crate::text::visible;
use crate::times;

/// From which end an edge is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// From the task that depends.
    Issue,
    /// From the one that is depended on.
    Target,
}

/// What a task has to do with the other end of an edge: "waits for", "is a child of".
pub(crate) fn edge(kind: &str, from: End) -> String {
    let (issue, target) = match kind {
        words::BLOCKS => ("waits for", "blocks"),
        words::PARENT_CHILD => ("is a child of", "is the parent of"),
        words::CONDITIONAL_BLOCKS => ("is for the failure of", "lets begin by failing"),
        words::WAITS_FOR => ("waits for the children of", "blocks by its children"),
        "related" | "relates-to" => ("is related to", "is related to"),
        "discovered-from" => ("was discovered from", "led to"),
        "duplicates" => ("duplicates", "is duplicated by"),
        "supersedes" => ("supersedes", "is superseded by"),
        "replies-to" => ("replies to", "is answered by"),
        other => {
            let kind = visible(other);
            return match from {
                End::Issue => format!("depends ({kind}) on"),
                End::Target => format!("is depended on ({kind}) by"),
            };
        }
    };
    match from {
        End::Issue => issue,
        End::Target => target,
    }
    .to_owned()
}

/// A task behind an edge: `bd-1 (open): Fix the import`.
pub(crate) fn named(id: &str, row: Option<&TaskRow>) -> String {
    let id = visible(id);
    let Some(row) = row else { return format!("{id} (does not exist)") };
    format!("{id} ({}): {}", visible(status(row)), visible(row.title()))
}

/// The status in a word.
pub(crate) fn status(row: &TaskRow) -> &str {
    row.status.as_deref().unwrap_or("unknown")
}

/// Whether it is neither closed nor deleted.
pub(crate) fn is_unfinished(row: &TaskRow) -> bool {
    !matches!(row.status.as_deref(), Some(words::CLOSED | words::TOMBSTONE))
}

/// Why something is blocked, behind "it": the library says "waits for bd-1" and "its parent bd-1 is …".
pub(crate) fn sentence(why: &str) -> String {
    let why = why
        .strip_prefix("its parent")
        .map_or_else(|| why.to_owned(), |rest| format!("is a child, and its parent{rest}"));
    visible(&why).into_owned()
}

/// Whether it is put off to a later time.
pub(crate) fn is_put_off(row: &TaskRow, now_ms: i64) -> bool {
    row.record.projection().defer_until.is_some_and(|until| until.ms() > now_ms)
}

/// Why an open task is not ready, beside that others block it. Empty for a task that is not open: its status says it.
pub(crate) fn kept_back(row: &TaskRow, now_ms: i64) -> Vec<String> {
    let mut why = Vec::new();
    if row.status.as_deref() != Some(words::OPEN) {
        return why;
    }
    let said = row.record.projection();
    if let Some(until) = said.defer_until.filter(|_| is_put_off(row, now_ms)) {
        why.push(format!("deferred until {}", times::absolute(until.ms())));
    }
    if let Some(kind) = said.issue_type.as_deref().filter(|kind| words::NEVER_READY.contains(kind)) {
        why.push(format!("tasks of the type {kind} never are"));
    }
    let marks = words::NEVER_READY_IDS.into_iter().filter(|mark| row.id().contains(mark));
    why.extend(marks.map(|mark| format!("tasks with {mark} in their id never are")));
    if said.pinned {
        why.push("pinned".to_owned());
    }
    if said.ephemeral {
        why.push("ephemeral".to_owned());
    }
    why
}

/// Whom the dispatcher gave a task, and how that ended: `claude: failed`; nothing of an attempt that was written by hand.
pub(crate) fn tried(attempt: &AttemptRow) -> Option<String> {
    let agent = attempt.agent.as_deref()?;
    let is_gone = || attempt.owner.as_ref().is_some_and(|owner| process::liveness(owner) == Liveness::Dead);
    let word = match attempt.outcome {
        Some(AttemptOutcome::Answered) => "answered",
        Some(AttemptOutcome::Retried) => "failed, and was asked again",
        Some(AttemptOutcome::Failed) => "failed",
        Some(AttemptOutcome::Stopped) if attempt.error.is_some() => "put off",
        Some(AttemptOutcome::Stopped) => "stopped",
        Some(AttemptOutcome::Lost) => "lost",
        None if is_gone() => "lost; the next `conclave work` gives the task back",
        None => "under way",
    };
    Some(format!("{agent}: {word}"))
}

#[cfg(test)]
mod tests {
    use super::{End, edge};

    #[test]
    fn both_ends_of_an_edge_are_said() {
        for (kind, issue, target) in [
            ("blocks", "waits for", "blocks"),
            ("parent-child", "is a child of", "is the parent of"),
            ("parent_child", "depends (parent_child) on", "is depended on (parent_child) by"),
            ("a\u{1b}", "depends (a\u{241b}) on", "is depended on (a\u{241b}) by"),
        ] {
            assert_eq!((edge(kind, End::Issue).as_str(), edge(kind, End::Target).as_str()), (issue, target));
        }
    }
}
