//! A file that would empty the store is mostly the wrong one, or was cut off.

use crate::error::{Result, TaskError};
use crate::merge::{Entry, Sided};

use super::Seen;

/// Fewer tasks than that may go whatever their share is.
const FEW: usize = 3;

/// Ids that a message names, at most.
const NAMED: usize = 5;

const HINT: &str =
    "if they are to go, sync with --force; else bring the file back first, or sync with another one";

/// Refuses a file that has no task of its base, and one that would remove most of them. `removed`: the tasks that
/// would go, sorted.
pub(super) fn refuse_loss(base: &Sided, file: &Seen, removed: &[&str]) -> Result<()> {
    let known = tasks(base).count();
    let is_another = known > 0 && !tasks(base).any(|id| file.side.get(id).is_some());
    let is_most = known > 0 && removed.len() >= FEW && removed.len() > known / 2;
    if !is_another && !is_most {
        return Ok(());
    }
    let mut named = removed.get(..NAMED.min(removed.len())).unwrap_or_default().join(", ");
    if removed.len() > NAMED {
        named.push_str(", …");
    }
    let path = file.path.display();
    let what = if is_another {
        format!("{path} has none of the tasks that it had at the last sync")
    } else {
        format!("{path} has lost most of the tasks that it had at the last sync")
    };
    let gone = match removed.len() {
        0 => String::new(),
        number => format!("; {number} would be removed here: {named}"),
    };
    Err(TaskError::refused(what + &gone, Some(HINT)))
}

fn tasks(side: &Sided) -> impl Iterator<Item = &str> {
    side.entries.iter().filter_map(|entry| match entry {
        Entry::Task(record) => Some(record.id()),
        Entry::Other(_) => None,
    })
}
