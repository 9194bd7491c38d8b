//! One record: the bytes of a line, and what they say.

mod edit;
mod fields;
mod line;
mod projection;
mod reading;
mod splice;

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

pub use edit::Edit;
pub use fields::{FIELDS, Field};
pub use line::{Identity, Line, Other, OtherKind, parse};
pub use projection::{Comment, Edge, Oddity, Projection};

use crate::json::{self, Flaw, Span};

/// Up to here the members of a record are looked through for a key: quicker than hashing them.
const FEW: usize = 64;

/// A record of a task: the bytes as they came or were spliced, without surrounding blanks, and their projection.
/// Cheap to clone.
#[derive(Debug, Clone)]
pub struct Record(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    bytes: Box<[u8]>,
    /// The members of the object.
    members: Vec<Span>,
    /// Where each key stands among them, once one of more than [`FEW`] has been asked for.
    places: OnceLock<HashMap<String, usize>>,
    projection: Projection,
}

/// All else is a function of the bytes.
impl PartialEq for Record {
    fn eq(&self, other: &Self) -> bool {
        self.bytes() == other.bytes()
    }
}

impl Record {
    fn new(bytes: &[u8], members: Vec<Span>, projection: Projection) -> Self {
        Self(Arc::new(Parts { bytes: bytes.into(), members, places: OnceLock::new(), projection }))
    }

    /// The bytes, one JSON object.
    pub fn bytes(&self) -> &[u8] {
        &self.0.bytes
    }

    /// The task's name; never empty.
    pub fn id(&self) -> &str {
        &self.0.projection.id
    }

    /// What the bytes say, as far as Conclave knows the fields.
    pub fn projection(&self) -> &Projection {
        &self.0.projection
    }

    /// Reads bytes that a store has kept. An error means that they are no record of a task.
    pub fn read(bytes: &[u8]) -> Result<Self, Flaw> {
        match parse(bytes)? {
            Line::Task(record) => Ok(record),
            Line::Other(_) => Err(Flaw::new("no record of a task", 0)),
        }
    }

    /// A record with these members, in the order of [`FIELDS`], compact. Values are JSON. Keys that are no field come
    /// last, in the order given. Must have an `id`.
    pub fn compose(members: &[(&str, Vec<u8>)]) -> Result<Self, Flaw> {
        let mut sorted: Vec<_> = members.iter().collect();
        sorted.sort_by_key(|(key, _)| fields::place(key));
        let mut bytes = vec![b'{'];
        for (number, (key, value)) in sorted.into_iter().enumerate() {
            if number > 0 {
                bytes.push(b',');
            }
            bytes.extend_from_slice(json::encode(key).as_bytes());
            bytes.push(b':');
            bytes.extend_from_slice(&splice::on_one_line(value)?);
        }
        bytes.push(b'}');
        Self::read(&bytes)
    }

    /// The bytes of the value of a key, `None` where the key is absent.
    pub fn value(&self, key: &str) -> Option<&[u8]> {
        self.bytes().get(self.find(key)?.value.clone())
    }

    /// The text of a key; `None` where it is absent or no text.
    pub fn text(&self, key: &str) -> Option<String> {
        line::text_of(self.bytes(), self.find(key)?)
    }

    /// The keys, their escapes resolved, and the bytes of their values, in the record's order.
    pub fn members(&self) -> impl Iterator<Item = (Cow<'_, str>, &[u8])> {
        let value = |span: &Span| self.bytes().get(span.value.clone()).unwrap_or_default();
        self.spans().iter().map(move |span| (span.key(self.bytes()), value(span)))
    }

    /// Begins a change.
    pub fn edit(&self) -> Edit {
        Edit::new(self)
    }

    /// The member with this key.
    fn find(&self, key: &str) -> Option<&Span> {
        if self.spans().len() <= FEW {
            return line::find(self.bytes(), self.spans(), key);
        }
        let places = self.0.places.get_or_init(|| {
            let keys = self.spans().iter().map(|span| span.key(self.bytes()).into_owned());
            keys.zip(0..).collect()
        });
        self.spans().get(*places.get(key)?)
    }

    fn spans(&self) -> &[Span] {
        &self.0.members
    }
}
