//! Reading a record: from the spans of its members to what it says.

use std::collections::HashSet;

use super::fields::{self, Known};
use super::projection::{Comment, Edge, Oddity, Projection};
use crate::json::{self, Kind, Span};
use crate::moment::Moment;
use crate::words;

/// Bytes of a title, at most; as bd counts them.
const LONGEST_TITLE: usize = 500;
/// Bytes of a status, at most.
const LONGEST_STATUS: usize = 50;

/// Reads the members of a record, which [`json::check_members`] has found in these bytes.
pub(super) fn project(bytes: &[u8], members: &[Span], id: &str) -> Projection {
    let mut reading = Reading::default();
    for member in members {
        let key = member.key(bytes);
        let Some(known) = fields::known(&key) else { continue };
        let value = bytes.get(member.value.clone()).unwrap_or_default();
        // A null is how some writers say that it is not closed; then its kind is all that is odd.
        if member.kind == Kind::Text || key != "closed_at" {
            reading.seen.push(known.field.key);
        }
        if known.field.kind.is_some_and(|kind| kind != member.kind) {
            reading.unreadable(known.field.key);
        } else if known.is_time {
            reading.time(known, value);
        } else {
            reading.field(known.field.key, value);
        }
    }
    reading.finish(id)
}

/// What has been read so far.
#[derive(Default)]
struct Reading {
    projection: Projection,
    /// The known keys that are there, whatever they say.
    seen: Vec<&'static str>,
    /// `type`, for where there is no `issue_type`.
    other_type: Option<String>,
    /// `_deleted_at`, for where there is no `deleted_at`.
    marked_at: Option<Moment>,
    is_marker: bool,
}

impl Reading {
    fn odd(&mut self, oddity: Oddity) {
        self.projection.oddities.push(oddity);
    }

    fn unreadable(&mut self, key: &str) {
        self.odd(Oddity::Unreadable(key.to_owned()));
    }

    fn has(&self, key: &str) -> bool {
        self.seen.contains(&key)
    }

    fn time(&mut self, known: Known, value: &[u8]) {
        let key = known.field.key;
        let moment = moment(value);
        if moment.is_none() {
            self.odd(Oddity::NoTime(key.to_owned()));
        }
        let projection = &mut self.projection;
        match key {
            "created_at" => projection.created_at = moment,
            "updated_at" => projection.updated_at = moment,
            "closed_at" => projection.closed_at = moment,
            "due_at" => projection.due_at = moment,
            "defer_until" => projection.defer_until = moment,
            "deleted_at" => projection.deleted_at = moment,
            "_deleted_at" => self.marked_at = moment,
            "claim_expires_at" => projection.claim_expires_at = moment,
            _ => {}
        }
    }

    /// A field of the expected kind that is no time.
    fn field(&mut self, key: &str, value: &[u8]) {
        let projection = &mut self.projection;
        match key {
            "title" => projection.title = json::decode(value),
            "status" => self.status(value),
            "priority" => self.priority(value),
            "issue_type" => projection.issue_type = json::decode(value),
            "type" => self.other_type = json::decode(value),
            "assignee" => projection.assignee = json::decode(value).filter(|name| !name.is_empty()),
            "close_reason" => projection.close_reason = json::decode(value),
            "external_ref" => projection.external_ref = json::decode(value),
            "pinned" => projection.pinned = value == b"true",
            "ephemeral" | "wisp" => projection.ephemeral |= value == b"true",
            "_deleted" => self.is_marker = value == b"true",
            "attempt_count" => match integer(value).and_then(|count| u64::try_from(count).ok()) {
                Some(count) => projection.attempt_count = count,
                None => self.unreadable(key),
            },
            "labels" => self.labels(value),
            "dependencies" => self.dependencies(value),
            "comments" => self.comments(value),
            _ => {}
        }
    }

    fn status(&mut self, value: &[u8]) {
        let status = json::decode(value).filter(|status| (1..=LONGEST_STATUS).contains(&status.len()));
        if status.is_none() {
            self.unreadable("status");
        }
        self.projection.status = status;
    }

    fn priority(&mut self, value: &[u8]) {
        let priority =
            integer(value).and_then(|number| u8::try_from(number).ok()).filter(|number| *number <= 4);
        if priority.is_none() {
            self.unreadable("priority");
        }
        self.projection.priority = priority;
    }

    fn labels(&mut self, value: &[u8]) {
        let mut seen = HashSet::new();
        for (element, kind) in parts(value) {
            match text(element, kind) {
                Some(label) if seen.insert(label.clone()) => self.projection.labels.push(label),
                Some(_) => {}
                None => self.unreadable("labels"),
            }
        }
    }

    fn dependencies(&mut self, value: &[u8]) {
        let mut seen = HashSet::new();
        for (element, kind) in parts(value) {
            let Some(edge) = edge(element, kind) else {
                self.unreadable("dependencies");
                continue;
            };
            if looks_effective(&edge.kind) {
                self.odd(Oddity::DependencyType(edge.kind.clone()));
            }
            if seen.insert((edge.target.clone(), edge.kind.clone())) {
                self.projection.dependencies.push(edge);
            }
        }
    }

    fn comments(&mut self, value: &[u8]) {
        for (element, kind) in parts(value) {
            match comment(element, kind) {
                Some((comment, is_whole)) => {
                    self.projection.comments.push(comment);
                    if !is_whole {
                        self.unreadable("comments");
                    }
                }
                None => self.unreadable("comments"),
            }
        }
    }

    fn finish(mut self, id: &str) -> Projection {
        id.clone_into(&mut self.projection.id);
        self.defaults();
        // A deletion marker says only that there is nothing any more.
        if !self.is_marker {
            self.rules();
        }
        let mut projection = self.projection;
        projection.oddities.sort();
        projection.oddities.dedup();
        projection
    }

    fn defaults(&mut self) {
        if self.is_marker {
            self.projection.status = Some(words::TOMBSTONE.to_owned());
        } else if !self.has("status") {
            self.projection.status = Some(words::OPEN.to_owned());
        }
        if !self.has("priority") {
            self.projection.priority = Some(0);
        }
        if !self.has("issue_type") {
            let other = if self.has("type") { self.other_type.take() } else { Some("task".to_owned()) };
            self.projection.issue_type = other;
        }
        self.projection.deleted_at = self.projection.deleted_at.or(self.marked_at);
    }

    fn rules(&mut self) {
        let title = self.projection.title.as_deref();
        if !self.has("title") || title.is_some_and(|title| title.is_empty() || title.len() > LONGEST_TITLE) {
            self.odd(Oddity::Title);
        }
        if !self.has("priority") {
            self.odd(Oddity::NoPriority);
        }
        let Some(status) = self.projection.status.clone() else { return };
        match (status.as_str(), self.has("closed_at")) {
            (words::CLOSED, false) => self.odd(Oddity::ClosedWithoutTime),
            // What was closed before it was deleted keeps its time, also in bd.
            (words::CLOSED | words::TOMBSTONE, _) | (_, false) => {}
            (_, true) => self.odd(Oddity::OpenWithClosedTime),
        }
        if !words::STATUSES.contains(&status.as_str()) {
            self.odd(Oddity::Status(status));
        }
    }
}

/// The elements of an array, each with its bytes.
pub(super) fn parts(array: &[u8]) -> impl Iterator<Item = (&[u8], Kind)> {
    let elements = json::elements(array).unwrap_or_default();
    elements.into_iter().map(|(span, kind)| (array.get(span).unwrap_or_default(), kind))
}

/// The text that a value is.
pub(super) fn text(value: &[u8], kind: Kind) -> Option<String> {
    (kind == Kind::Text).then(|| json::decode(value)).flatten()
}

/// The dependency that an element is; `None` for one that names no task.
pub(super) fn edge(element: &[u8], kind: Kind) -> Option<Edge> {
    if kind == Kind::Text {
        let target = json::decode(element).filter(|target| !target.is_empty())?;
        return Some(Edge { target, kind: words::BLOCKS.to_owned(), spawner: None, any_child: false });
    }
    let (_, members) = json::check_members(element).ok()?;
    let (mut target, mut edge_kind, mut metadata) = (None, Some(words::BLOCKS.to_owned()), None);
    for member in &members {
        let value = element.get(member.value.clone()).unwrap_or_default();
        match member.key(element).as_ref() {
            "depends_on_id" => target = text(value, member.kind).filter(|target| !target.is_empty()),
            "type" => edge_kind = text(value, member.kind),
            "metadata" => metadata = Some((value, member.kind)),
            _ => {}
        }
    }
    let (target, kind) = (target?, edge_kind?);
    if kind != words::WAITS_FOR {
        return Some(Edge { target, kind, spawner: None, any_child: false });
    }
    let (spawner, any_child) = metadata.map_or((None, false), |(value, kind)| gate(value, kind));
    Some(Edge { spawner: Some(spawner.unwrap_or_else(|| target.clone())), target, kind, any_child })
}

/// What the metadata of a `waits-for` say: whose children, and whether one is enough. They are JSON within a text, or
/// JSON as it is.
fn gate(value: &[u8], kind: Kind) -> (Option<String>, bool) {
    let inner = text(value, kind).map(String::into_bytes);
    let object = inner.as_deref().unwrap_or(value);
    let Ok((Kind::Object, members)) = json::check_members(object) else { return (None, false) };
    let (mut spawner, mut any_child) = (None, false);
    for member in &members {
        let value = text(object.get(member.value.clone()).unwrap_or_default(), member.kind);
        match member.key(object).as_ref() {
            "spawner_id" => spawner = value.filter(|spawner| !spawner.is_empty()),
            "gate" => any_child = value.as_deref() == Some("any-children"),
            _ => {}
        }
    }
    (spawner, any_child)
}

/// The comment that an element is, and whether all that is known of it could be read; `None` for no object.
fn comment(element: &[u8], kind: Kind) -> Option<(Comment, bool)> {
    if kind != Kind::Object {
        return None;
    }
    let (_, members) = json::check_members(element).ok()?;
    let mut comment = Comment { id: None, author: None, text: None, created_at: None };
    let mut is_whole = true;
    for member in &members {
        let value = element.get(member.value.clone()).unwrap_or_default();
        let text = || text(value, member.kind);
        is_whole &= match member.key(element).as_ref() {
            "id" => {
                comment.id = matches!(member.kind, Kind::Number | Kind::Text)
                    .then(|| String::from_utf8_lossy(value).into_owned());
                comment.id.is_some()
            }
            "author" => {
                comment.author = text();
                comment.author.is_some()
            }
            "text" => {
                comment.text = text();
                comment.text.is_some()
            }
            "created_at" => {
                comment.created_at = text().and_then(|text| Moment::parse(&text));
                comment.created_at.is_some()
            }
            _ => true,
        };
    }
    Some((comment, is_whole))
}

/// Whether a dependency type looks like one with an effect and is none.
fn looks_effective(kind: &str) -> bool {
    if words::WAITING.contains(&kind) {
        return false;
    }
    let plain = kind.trim().to_ascii_lowercase().replace(['_', ' '], "-");
    words::WAITING.contains(&plain.as_str()) || ["parent", "blocked-by"].contains(&plain.as_str())
}

/// A number that is spelled as an integer and fits.
fn integer(value: &[u8]) -> Option<i64> {
    std::str::from_utf8(value).ok()?.parse().ok()
}

/// The moment that a text names. Without an escape, which no writer puts there, nothing is allocated.
fn moment(quoted: &[u8]) -> Option<Moment> {
    let inner = quoted.get(1..quoted.len().saturating_sub(1))?;
    if inner.contains(&b'\\') {
        return Moment::parse(&json::decode(quoted)?);
    }
    Moment::parse(std::str::from_utf8(inner).ok()?)
}

#[cfg(test)]
mod tests;
