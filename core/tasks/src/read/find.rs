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
/// A whole part after the prefix goes before the beginning of one, so that a child does not hide its parent; and a
/// tombstone is meant only where no other task can be. Nothing in the text is a wild card.
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
    let candidates = [whole, part, gone_whole, gone_part].into_iter().find(|found| !found.first.is_empty());
    let Candidates { first: mut candidates, more } = candidates.unwrap_or_default();
    match candidates.len() {
        0 => Err(TaskError::not_found(text)),
        1 => Ok(candidates.swap_remove(0)),
        _ => Err(TaskError::Ambiguous { given: text.to_owned(), candidates, more }),
    }
}

/// Ids that a text may be short for: the first few, and how many more.
#[derive(Debug, Default)]
struct Candidates {
    first: Vec<String>,
    more: usize,
}

impl Candidates {
    fn add(&mut self, id: &str) {
        if self.first.len() < CANDIDATES {
            self.first.push(id.to_owned());
        } else {
            self.more += 1;
        }
    }
}

#[cfg(test)]
mod tests;
