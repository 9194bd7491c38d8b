//! Changing a record: the bytes of what changes are replaced, all others stay.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use super::projection::Edge;
use super::splice::{self, Item, Style};
use super::{Record, fields, reading};
use crate::json::{self, Flaw, Kind};
use crate::moment::Moment;
use crate::words;

const UPDATED_AT: &str = "updated_at";

/// A change of a record, made of steps. Separators copy the record's own; a changed value is replaced in place, a new
/// key is put before the closing brace in the order of [`super::FIELDS`] among those that are new (by name where they
/// are no fields), a removed one goes with one comma. A step that would change nothing (the same value, whatever its spelling for texts) does nothing.
///
/// A step that cannot be done (a value that is no JSON; an element for what is no array) fails at the end.
#[derive(Debug, Clone)]
pub struct Edit {
    record: Record,
    /// The keys whose values are other ones now, with those; `None` for one that is gone.
    changes: BTreeMap<String, Option<Vec<u8>>>,
    /// What the first step had that could not be done.
    flaw: Option<Flaw>,
}

impl Edit {
    pub(super) fn new(record: &Record) -> Self {
        Self { record: record.clone(), changes: BTreeMap::new(), flaw: None }
    }

    /// Sets a key to a text.
    pub fn set_text(&mut self, key: &str, text: &str) -> &mut Self {
        self.put(key, Some(json::encode(text).into_bytes()));
        self
    }

    /// Sets a key to a JSON value that [`crate::json::check`] passes. Line ends between its parts become blanks: a
    /// record is one line.
    pub fn set(&mut self, key: &str, value: &[u8]) -> &mut Self {
        if let Some(value) = self.checked(value) {
            self.put(key, Some(value));
        }
        self
    }

    /// Takes a key away.
    pub fn remove(&mut self, key: &str) -> &mut Self {
        self.put(key, None);
        self
    }

    /// Adds a label: sorted in where the labels were sorted, else last.
    pub fn add_label(&mut self, label: &str) -> &mut Self {
        self.change_labels(&[label], &[])
    }

    /// Takes a label away, every time that it is there; the last one goes with the key.
    pub fn remove_label(&mut self, label: &str) -> &mut Self {
        self.change_labels(&[], &[label])
    }

    /// Takes labels away, then adds labels: sorted in where those that are left are sorted, else last. One that is there
    /// stays where it is.
    pub fn change_labels<T: AsRef<str>>(&mut self, add: &[T], remove: &[T]) -> &mut Self {
        let gone: HashSet<&str> = remove.iter().map(AsRef::as_ref).collect();
        let add: Vec<&str> = add.iter().map(AsRef::as_ref).collect();
        self.relabel(&add, |label| gone.contains(label))
    }

    /// Leaves these labels and no others. Those that are there keep their bytes.
    pub fn set_labels<T: AsRef<str>>(&mut self, labels: &[T]) -> &mut Self {
        let wanted: Vec<&str> = labels.iter().map(AsRef::as_ref).collect();
        let kept: HashSet<&str> = wanted.iter().copied().collect();
        if self.current("labels").is_some_and(|value| !is_array(value)) {
            // What is no array has no labels to lose.
            self.remove("labels");
        }
        self.relabel(&wanted, |label| !kept.contains(label))
    }

    /// In one pass, as there may be a million.
    fn relabel(&mut self, add: &[&str], is_gone: impl Fn(&str) -> bool) -> &mut Self {
        if add.is_empty() && !self.current("labels").is_some_and(is_array) {
            return self;
        }
        let Some(array) = self.array_to_add("labels") else { return self };
        let labels: Vec<_> =
            reading::parts(&array).map(|(element, kind)| reading::text(element, kind)).collect();
        let stays: Vec<bool> = labels.iter().map(|label| !label.as_deref().is_some_and(&is_gone)).collect();
        let kept =
            || labels.iter().zip(&stays).filter(|(_, stays)| **stays).map(|(label, _)| label.as_deref());
        let mut there: HashSet<&str> = kept().flatten().collect();
        let mut added: Vec<&str> = add.iter().copied().filter(|label| there.insert(label)).collect();
        if added.is_empty() && !stays.contains(&false) {
            return self;
        }
        if added.is_empty() && !stays.contains(&true) {
            self.put("labels", None);
            return self;
        }
        let is_sorted = kept().all(|label| label.is_some()) && kept().is_sorted();
        if is_sorted {
            added.sort_unstable();
        }
        let mut added = added.into_iter().peekable();
        self.put_elements("labels", &array, |items| {
            let new = |label: &str| Item::New(json::encode(label).into_bytes());
            let mut all = Vec::with_capacity(labels.len() + add.len());
            let items = items.zip(&stays).filter(|(_, stays)| **stays).map(|(item, _)| item);
            for (item, label) in items.zip(kept()) {
                while let Some(before) = added.next_if(|added| is_sorted && Some(*added) < label) {
                    all.push(new(before));
                }
                all.push(item);
            }
            all.extend(added.map(new));
            all
        });
        self
    }

    /// Adds a dependency, last, with who added it and when. One that is there already, by target and type, stays as
    /// it is.
    pub fn add_dependency(&mut self, edge: &Edge, who: &str, now: Moment) -> &mut Self {
        let Some(array) = self.array_to_add("dependencies") else { return self };
        let is_there = reading::parts(&array)
            .filter_map(|(element, kind)| reading::edge(element, kind))
            .any(|other| other.target == edge.target && other.kind == edge.kind);
        if is_there {
            return self;
        }
        let text = |text: &str| json::encode(text).into_bytes();
        let mut members = vec![
            ("issue_id", text(self.record.id())),
            ("depends_on_id", text(&edge.target)),
            ("type", text(&edge.kind)),
            ("created_at", text(&now.text())),
            ("created_by", text(who)),
        ];
        members.extend(metadata(edge).map(|metadata| ("metadata", text(&metadata))));
        self.push("dependencies", &array, &members);
        self
    }

    /// Takes the dependencies on a task away: those of this type, or all. The last one goes with the key.
    pub fn remove_dependency(&mut self, target: &str, kind: Option<&str>) -> &mut Self {
        self.remove_elements("dependencies", |element, element_kind| {
            reading::edge(element, element_kind)
                .is_some_and(|edge| edge.target == target && kind.is_none_or(|kind| edge.kind == kind))
        });
        self
    }

    /// Adds a comment, last. `id` is JSON: a number, or a text where the record's own are texts.
    pub fn add_comment(&mut self, id: &[u8], author: &str, text: &str, now: Moment) -> &mut Self {
        let Some(id) = self.checked(id) else { return self };
        let Some(array) = self.array_to_add("comments") else { return self };
        let quoted = |text: &str| json::encode(text).into_bytes();
        let members = [
            ("id", id),
            ("issue_id", quoted(self.record.id())),
            ("author", quoted(author)),
            ("text", quoted(text)),
            ("created_at", quoted(&now.text())),
        ];
        self.push("comments", &array, &members);
        self
    }

    /// Replaces a whole array by these elements, spelled as given; an empty one takes the key away. Elements that are
    /// there already keep what stands before them.
    pub fn set_elements(&mut self, key: &str, elements: &[Vec<u8>]) -> &mut Self {
        let checked: Option<Vec<_>> = elements.iter().map(|element| self.checked(element)).collect();
        let Some(checked) = checked else { return self };
        let array = self.current(key).filter(|value| is_array(value)).map(<[u8]>::to_vec);
        if checked.is_empty() {
            // An array that is empty already has no element to lose.
            if array.as_deref().is_none_or(|array| reading::parts(array).next().is_some()) {
                self.put(key, None);
            }
            return self;
        }
        self.put_elements(key, &array.unwrap_or_else(|| b"[]".to_vec()), |kept| {
            let mut there: HashMap<Vec<u8>, VecDeque<Item<'_>>> = HashMap::new();
            for item in kept {
                if let Item::Kept(_, value) = &item {
                    there.entry(value.to_vec()).or_default().push_back(item);
                }
            }
            let mut item = |element: Vec<u8>| {
                there.get_mut(&element).and_then(VecDeque::pop_front).unwrap_or(Item::New(element))
            };
            checked.into_iter().map(&mut item).collect()
        });
        self
    }

    /// Whether any step has changed anything.
    pub fn has_changed(&self) -> bool {
        !self.changes.is_empty()
    }

    /// The keys whose values are other ones now, sorted.
    pub fn changed_keys(&self) -> Vec<String> {
        self.changes.keys().cloned().collect()
    }

    /// The record as it is now; where anything has changed, `updated_at` is `now`. An error for a step that could not
    /// be done, or where this is no record of a task any more.
    pub fn finish(mut self, now: Moment) -> Result<Record, Flaw> {
        if self.has_changed() {
            self.set_text(UPDATED_AT, &now.text());
        }
        self.finish_as_it_is()
    }

    /// The record as it is now, with the `updated_at` that it has.
    pub fn finish_as_it_is(self) -> Result<Record, Flaw> {
        match self.flaw {
            Some(flaw) => Err(flaw),
            None if self.changes.is_empty() => Ok(self.record),
            None => Record::read(&self.bytes()),
        }
    }

    fn bytes(&self) -> Vec<u8> {
        let (bytes, members) = (self.record.bytes(), self.record.spans());
        let style = Style::of(bytes, members);
        let mut items = Vec::with_capacity(members.len() + self.changes.len());
        let mut spans = Vec::with_capacity(members.len());
        for (index, member) in members.iter().enumerate() {
            let key = member.key_span();
            let slice = |begin: usize, end: usize| bytes.get(begin..end).unwrap_or_default();
            match self.changes.get(member.key(bytes).as_ref()) {
                None => items.push(Item::Kept(index, slice(key.start, member.value.end).into())),
                Some(Some(value)) => {
                    items.push(Item::Kept(
                        index,
                        [slice(key.start, member.value.start), value].concat().into(),
                    ));
                }
                Some(None) => {}
            }
            spans.push(key.start..member.value.end);
        }
        let mut added: Vec<_> =
            self.changes.iter().filter(|(key, _)| self.record.value(key).is_none()).collect();
        added.sort_by_key(|(key, _)| fields::place(key));
        let added = added.into_iter().filter_map(|(key, value)| Some(style.member(key, value.as_deref()?)));
        items.extend(added.map(Item::New));
        splice::list(bytes, &spans, &items, &style.comma)
    }

    /// The value of a key as it is now.
    fn current(&self, key: &str) -> Option<&[u8]> {
        match self.changes.get(key) {
            Some(value) => value.as_deref(),
            None => self.record.value(key),
        }
    }

    fn put(&mut self, key: &str, value: Option<Vec<u8>>) {
        if is_same(self.current(key), value.as_deref()) {
            return;
        }
        if is_same(self.record.value(key), value.as_deref()) {
            self.changes.remove(key);
        } else {
            self.changes.insert(key.to_owned(), value);
        }
    }

    /// A value as it is put into a record; `None` for what is no JSON, which fails at the end.
    fn checked(&mut self, value: &[u8]) -> Option<Vec<u8>> {
        match splice::on_one_line(value) {
            Ok(value) => Some(value),
            Err(flaw) => {
                self.flaw.get_or_insert(flaw);
                None
            }
        }
    }

    /// The array to put an element into: an empty one where there is none. What is neither cannot take it without
    /// being lost; this fails at the end.
    fn array_to_add(&mut self, key: &str) -> Option<Vec<u8>> {
        match self.current(key) {
            None | Some(b"null") => return Some(b"[]".to_vec()),
            Some(value) if is_array(value) => return Some(value.to_vec()),
            Some(_) => {}
        }
        self.flaw.get_or_insert_with(|| Flaw::new(format!("{key} is no array"), 0));
        None
    }

    /// Puts an object at the end of an array.
    fn push(&mut self, key: &str, array: &[u8], members: &[(&str, Vec<u8>)]) {
        let added = Style::of(self.record.bytes(), self.record.spans()).object(members);
        self.put_elements(key, array, |kept| kept.chain([Item::New(added)]).collect());
    }

    fn remove_elements(&mut self, key: &str, is_gone: impl Fn(&[u8], Kind) -> bool) {
        let Some(array) = self.current(key).filter(|value| is_array(value)).map(<[u8]>::to_vec) else {
            return;
        };
        let gone: Vec<_> = reading::parts(&array).map(|(element, kind)| is_gone(element, kind)).collect();
        if !gone.contains(&true) {
            return;
        }
        if !gone.contains(&false) {
            return self.put(key, None);
        }
        self.put_elements(key, &array, |kept| {
            kept.zip(&gone).filter(|(_, is_gone)| !**is_gone).map(|(item, _)| item).collect()
        });
    }

    /// Writes an array anew, with the items that `choose` gives for its elements.
    fn put_elements<'a>(
        &mut self,
        key: &str,
        array: &'a [u8],
        choose: impl FnOnce(&mut dyn Iterator<Item = Item<'a>>) -> Vec<Item<'a>>,
    ) {
        let spans: Vec<_> =
            json::elements(array).unwrap_or_default().into_iter().map(|(span, _)| span).collect();
        let element = |span: &std::ops::Range<usize>| array.get(span.clone()).unwrap_or_default();
        let mut kept = spans.iter().enumerate().map(|(index, span)| Item::Kept(index, element(span).into()));
        let items = choose(&mut kept);
        let style = Style::of(self.record.bytes(), self.record.spans());
        let value = splice::list(array, &spans, &items, &style.comma);
        self.put(key, Some(value));
    }
}

/// Whether two values are the same: byte for byte, or as texts.
fn is_same(one: Option<&[u8]>, other: Option<&[u8]>) -> bool {
    let (Some(a), Some(b)) = (one, other) else { return one == other };
    let is_text = |value: &[u8]| value.starts_with(b"\"");
    a == b || (is_text(a) && is_text(b) && json::decode(a) == json::decode(b))
}

fn is_array(value: &[u8]) -> bool {
    value.starts_with(b"[")
}

/// What only a `waits-for` says, as JSON; `None` where it is as without.
fn metadata(edge: &Edge) -> Option<String> {
    let spawner = edge.spawner.as_deref().filter(|spawner| *spawner != edge.target);
    if edge.kind != words::WAITS_FOR || (spawner.is_none() && !edge.any_child) {
        return None;
    }
    let gate = if edge.any_child { "any-children" } else { "all-children" };
    let spawner = spawner.map(|spawner| format!(r#","spawner_id":{}"#, json::encode(spawner)));
    Some(format!(r#"{{"gate":"{gate}"{}}}"#, spawner.unwrap_or_default()))
}

#[cfg(test)]
mod tests;
