//! One record: the bytes of a line, and what they say.

mod edit;
mod fields;
mod line;
mod projection;

use std::sync::Arc;

pub use edit::Edit;
pub use fields::{FIELDS, Field};
pub use line::{Line, Other, OtherKind, parse};
pub use projection::{Comment, Edge, Oddity, Projection};

/// A record of a task: the bytes as they came or were spliced, without surrounding blanks, and their projection.
/// Cheap to clone.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    bytes: Arc<[u8]>,
    projection: Arc<Projection>,
}

impl Record {
    /// The bytes, one JSON object.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The task's name; never empty.
    pub fn id(&self) -> &str {
        &self.projection.id
    }

    /// What the bytes say, as far as Conclave knows the fields.
    pub fn projection(&self) -> &Projection {
        &self.projection
    }

    /// Reads bytes that a store has kept. An error means that they are no record of a task.
    pub fn read(bytes: &[u8]) -> Result<Self, crate::json::Flaw> {
        let _ = bytes;
        todo!("B1")
    }

    /// A record with these members, in the order of [`FIELDS`], compact. Values are JSON. Keys that are no field come
    /// last, in the order given. Must have an `id`.
    pub fn compose(members: &[(&str, Vec<u8>)]) -> Result<Self, crate::json::Flaw> {
        let _ = members;
        todo!("B1")
    }

    /// The bytes of the value of a key, `None` where the key is absent.
    pub fn value(&self, key: &str) -> Option<&[u8]> {
        let _ = key;
        todo!("B1")
    }

    /// The text of a key; `None` where it is absent or no text.
    pub fn text(&self, key: &str) -> Option<String> {
        let _ = key;
        todo!("B1")
    }

    /// Begins a change.
    pub fn edit(&self) -> Edit {
        Edit::new(self)
    }
}
