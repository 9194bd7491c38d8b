//! Tasks and their edges in words, for everything that people read.

use conclave_tasks::read::TaskRow;
use conclave_tasks::words;

use crate::text::visible;

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
        words::BLOCKS => ("waits for", "holds up"),
        words::PARENT_CHILD => ("is a child of", "is the parent of"),
        words::CONDITIONAL_BLOCKS => ("is for the failure of", "lets begin by failing"),
        words::WAITS_FOR => ("waits for the children of", "holds up by its children"),
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

#[cfg(test)]
mod tests {
    use super::{End, edge};

    #[test]
    fn both_ends_of_an_edge_are_said() {
        for (kind, issue, target) in [
            ("blocks", "waits for", "holds up"),
            ("parent-child", "is a child of", "is the parent of"),
            ("parent_child", "depends (parent_child) on", "is depended on (parent_child) by"),
            ("a\u{1b}", "depends (a\u{241b}) on", "is depended on (a\u{241b}) by"),
        ] {
            assert_eq!((edge(kind, End::Issue).as_str(), edge(kind, End::Target).as_str()), (issue, target));
        }
    }
}
