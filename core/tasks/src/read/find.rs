//! From what a person types to an id.

use conclave_db::Db;

use crate::error::{Result, TaskError};
use crate::ids;
use crate::store::finding;

/// So many ids of an ambiguous one are named.
const CANDIDATES: usize = 10;

/// The id that is meant: an exact one wins; else the only one that begins with it, or whose part after the prefix does
/// (`a3f8` of `bd-a3f8`). Several: `Ambiguous`; none: `NotFound`.
///
/// A whole part after the prefix goes before the beginning of one, and a task before those below it (`bd-a3f8` before
/// `bd-a3f8.1`) where nothing else can be meant, so that no child hides its parent; a tombstone is meant only where no
/// other task can be. Nothing in the text is a wild card.
pub fn find(db: &Db, text: &str) -> Result<String> {
    if text.is_empty() {
        return Err(TaskError::not_found(text));
    }
    let mut found: [Candidates; 4] = Default::default();
    let mut exact = None;
    db.read(|conn| {
        finding::each_id(conn, |id, is_tombstone| {
            let rest = ids::prefix_of(id).and_then(|prefix| id.get(prefix.len() + 1..)).unwrap_or_default();
            if id == text {
                exact = Some(id.to_owned());
            } else if rest == text {
                found[usize::from(is_tombstone)].add(id);
            } else if id.starts_with(text) || rest.starts_with(text) {
                found[2 + usize::from(is_tombstone)].add(id);
            }
        })
    })?;
    if let Some(exact) = exact {
        return Ok(exact);
    }
    let [whole, gone_whole, part, gone_part] = found;
    let found = [whole, part, gone_whole, gone_part].into_iter().find(|found| !found.ids.is_empty());
    let Candidates { ids: mut candidates, others, more } = found.unwrap_or_default();
    match candidates.len() {
        0 => Err(TaskError::not_found(text)),
        _ if !others => Ok(candidates.swap_remove(0)),
        _ => Err(TaskError::Ambiguous { given: text.to_owned(), candidates, more }),
    }
}

/// Ids that a text may be short for: the first few, and how many more.
#[derive(Debug, Default)]
struct Candidates {
    ids: Vec<String>,
    /// Whether there are any but the first one and those below it.
    others: bool,
    more: usize,
}

impl Candidates {
    /// One more, in the order of ids: a task comes before all that are below it.
    fn add(&mut self, id: &str) {
        if let Some(first) = self.ids.first() {
            self.others |= !id.strip_prefix(first.as_str()).is_some_and(|rest| rest.starts_with('.'));
        }
        if self.ids.len() < CANDIDATES {
            self.ids.push(id.to_owned());
        } else {
            self.more += 1;
        }
    }
}

#[cfg(test)]
mod tests;
