//! What a line of a file is.

use super::{Record, reading};
use crate::json::{self, Flaw, Kind, Span};
use crate::moment::Moment;

/// How the lines begin that git leaves in a file where two sides changed the same place.
const CONFLICT_MARKERS: [&[u8]; 4] = [b"<<<<<<<", b"=======", b">>>>>>>", b"|||||||"];

/// A line that is not blank.
#[derive(Debug, Clone, PartialEq)]
pub enum Line {
    /// A task: an object with a filled text `id`, and no `_type`, or the `_type` "issue". A deletion marker
    /// (`_deleted: true`) is a task whose status reads as `tombstone`.
    Task(Record),
    /// Another object: a header, a memory, a kind that is not known, or one without a usable `id`.
    Other(Other),
}

/// A line that is kept as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Other {
    /// What it is.
    pub kind: OtherKind,
    /// Its `id`, if it has a filled one.
    pub id: Option<String>,
    /// Of a header what its `_schema` says, as JSON.
    pub schema: Option<String>,
    /// Its `updated_at`, if it has a readable one.
    pub updated_at: Option<Moment>,
    /// The bytes, without surrounding blanks.
    pub bytes: Vec<u8>,
}

/// What makes a line the one that it is: two lines of one identity are the same one, at different times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Identity<'line> {
    /// That of a task, or of another line.
    Id(&'line str),
    /// What the `_schema` of a header without an id says: a later one describes the file anew.
    Header(&'line str),
    /// A line that has nothing else is itself.
    Bytes(&'line [u8]),
}

impl<'line> Identity<'line> {
    pub(crate) fn of(id: Option<&'line str>, schema: Option<&'line str>, bytes: &'line [u8]) -> Self {
        match (id, schema) {
            (Some(id), _) => Self::Id(id),
            (None, Some(schema)) => Self::Header(schema),
            (None, None) => Self::Bytes(bytes),
        }
    }
}

impl Other {
    /// What makes it the line that it is.
    pub fn identity(&self) -> Identity<'_> {
        Identity::of(self.id.as_deref(), self.schema.as_deref(), &self.bytes)
    }
}

/// What another line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OtherKind {
    /// It has `_schema`: it describes the file, and stands first on export.
    Header,
    /// Anything else.
    Record,
}

/// Reads one line without its end. An error is what is wrong with it: conflict markers of git are named as such, a
/// blank line is no value.
pub fn parse(line: &[u8]) -> Result<Line, Flaw> {
    if CONFLICT_MARKERS.iter().any(|marker| line.starts_with(marker)) {
        return Err(Flaw::new("a conflict marker of git", 0));
    }
    let (bytes, before) = json::trim(line);
    // Where something stands is counted from the beginning of the line: that is what an editor shows.
    let (kind, members) = json::check_members(bytes).map_err(|flaw| Flaw { at: flaw.at + before, ..flaw })?;
    if kind != Kind::Object {
        return Err(Flaw::new("no object", before));
    }
    let text = |key: &str| text_of(bytes, find(bytes, &members, key)?);
    let id = text("id").filter(|id| !id.is_empty());
    let is_issue = find(bytes, &members, "_type").is_none() || text("_type").as_deref() == Some("issue");
    if let (Some(id), true) = (&id, is_issue) {
        let projection = reading::project(bytes, &members, id);
        return Ok(Line::Task(Record::new(bytes, members, projection)));
    }
    let schema = find(bytes, &members, "_schema").map(|member| {
        let value = bytes.get(member.value.clone()).unwrap_or_default();
        json::decode(value)
            .map_or_else(|| String::from_utf8_lossy(value).into_owned(), |text| json::encode(&text))
    });
    let kind = if schema.is_some() { OtherKind::Header } else { OtherKind::Record };
    let updated_at = text("updated_at").and_then(|text| Moment::parse(&text));
    Ok(Line::Other(Other { kind, id, schema, updated_at, bytes: bytes.to_vec() }))
}

/// The member with this key.
pub(super) fn find<'a>(bytes: &[u8], members: &'a [Span], key: &str) -> Option<&'a Span> {
    members.iter().find(|member| member.key(bytes) == key)
}

/// The text of a member; `None` where it is no text.
pub(super) fn text_of(bytes: &[u8], member: &Span) -> Option<String> {
    json::decode(bytes.get(member.value.clone())?)
}

#[cfg(test)]
mod tests;
