//! Changing a record: the bytes of what changes are replaced, all others stay.

use super::Record;
use super::projection::Edge;
use crate::json::Flaw;
use crate::moment::Moment;

/// A change of a record, made of steps. Separators copy the record's own; a changed value is replaced in place, a new
/// key is put before the closing brace in the order of [`super::FIELDS`] among those that are new, a removed one goes
/// with one comma. A step that would change nothing (the same value, whatever its spelling for texts) does nothing.
#[derive(Debug, Clone)]
pub struct Edit {
    record: Record,
}

impl Edit {
    pub(super) fn new(record: &Record) -> Self {
        Self { record: record.clone() }
    }

    /// Sets a key to a text.
    pub fn set_text(&mut self, key: &str, text: &str) -> &mut Self {
        let _ = (key, text);
        todo!("B1")
    }

    /// Sets a key to a JSON value that [`crate::json::check`] passes.
    pub fn set(&mut self, key: &str, value: &[u8]) -> &mut Self {
        let _ = (key, value);
        todo!("B1")
    }

    /// Takes a key away.
    pub fn remove(&mut self, key: &str) -> &mut Self {
        let _ = key;
        todo!("B1")
    }

    /// Adds a label: sorted in where the labels were sorted, else last.
    pub fn add_label(&mut self, label: &str) -> &mut Self {
        let _ = label;
        todo!("B1")
    }

    /// Takes a label away, every time that it is there; the last one goes with the key.
    pub fn remove_label(&mut self, label: &str) -> &mut Self {
        let _ = label;
        todo!("B1")
    }

    /// Adds a dependency, last, with who added it and when.
    pub fn add_dependency(&mut self, edge: &Edge, who: &str, now: Moment) -> &mut Self {
        let _ = (edge, who, now);
        todo!("B1")
    }

    /// Takes the dependencies on a task away: those of this type, or all.
    pub fn remove_dependency(&mut self, target: &str, kind: Option<&str>) -> &mut Self {
        let _ = (target, kind);
        todo!("B1")
    }

    /// Adds a comment, last. `id` is JSON: a number, or a text where the record's own are texts.
    pub fn add_comment(&mut self, id: &[u8], author: &str, text: &str, now: Moment) -> &mut Self {
        let _ = (id, author, text, now);
        todo!("B1")
    }

    /// Replaces a whole array by these elements, spelled as given; an empty one takes the key away.
    pub fn set_elements(&mut self, key: &str, elements: &[Vec<u8>]) -> &mut Self {
        let _ = (key, elements);
        todo!("B1")
    }

    /// Whether any step has changed anything.
    pub fn has_changed(&self) -> bool {
        todo!("B1")
    }

    /// The keys whose values are other ones now, sorted.
    pub fn changed_keys(&self) -> Vec<String> {
        todo!("B1")
    }

    /// The record as it is now; where anything has changed, `updated_at` is `now`.
    pub fn finish(self, now: Moment) -> Result<Record, Flaw> {
        let _ = now;
        todo!("B1")
    }

    /// The record as it is now, with the `updated_at` that it has.
    pub fn finish_as_it_is(self) -> Result<Record, Flaw> {
        Ok(self.record)
    }
}
