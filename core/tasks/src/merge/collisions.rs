//! Two tasks that have one id: two clones that knew nothing of each other have given it twice.
//!
//! The one that was created later gets another id, made of what never changes in it: every clone that merges the two
//! finds the same one, whichever side each of them stands on, and whatever was edited since. What its own side says of
//! the old id follows.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use super::Conflict;
use super::elements::is_one_edge;
use super::record::Side;
use super::sides::{Entry, Sided};
use crate::ids::{self, Seed};
use crate::json::{self, Kind};
use crate::moment::Moment;
use crate::record::Record;

/// The three sides, with one task to each id.
pub(super) struct Separated {
    pub(super) base: Sided,
    pub(super) left: Sided,
    pub(super) right: Sided,
    /// What was given another id.
    pub(super) conflicts: Vec<Conflict>,
    /// Old and new ids of tasks of the left side that it had by the old ones only.
    pub(super) from_left: Vec<(String, String)>,
}

/// New ids by old ones.
type Renamed = BTreeMap<String, String>;

/// Gives the later ones of two tasks with one id another one; `None` where there are none.
pub(super) fn separate(base: &Sided, left: &Sided, right: &Sided) -> Option<Separated> {
    let (mut in_base, mut in_left, mut in_right) = (Renamed::new(), Renamed::new(), Renamed::new());
    let (mut conflicts, mut from_left) = (Vec::new(), Vec::new());
    let mut given = BTreeSet::new();
    // In the order of ids, so that both ways round come to the same.
    let shared: BTreeMap<&str, (&Record, &Record)> = left
        .entries
        .iter()
        .filter_map(task)
        .filter_map(|ours| Some((ours.id(), (ours, task(right.get(ours.id())?)?))))
        .filter(|(_, (ours, theirs))| are_two(ours, theirs))
        .collect();
    for (id, (ours, theirs)) in shared {
        let side = if theirs.projection().created_at > ours.projection().created_at {
            Side::Right
        } else {
            Side::Left
        };
        let later = side.of(ours, theirs);
        let Some((new, is_known)) = new_id(later, [base, left, right], &given) else { continue };
        match base.get(id) {
            None => {}
            // One side has renamed it since: what the other one still has by the old id belongs to the new one.
            Some(Entry::Task(before)) if is_known && is_one(before, later) => {
                in_base.insert(id.to_owned(), new.clone());
            }
            Some(_) => continue,
        }
        // Ours by the old id only: another clone may have renamed it, and nobody has told us. Theirs by the old id is
        // no news to us where it is known: we have it by the new one.
        let is_new_to_us = side == Side::Left && left.get(&new).is_none();
        if is_new_to_us {
            from_left.push((id.to_owned(), new.clone()));
        }
        if !is_known || is_new_to_us {
            let decided = format!("two tasks had this id: the later one is now {new}");
            let values = [None, Some(ours.bytes()), Some(theirs.bytes())];
            conflicts.push(Conflict::new(id, "", values, decided));
        }
        given.insert(new.clone());
        side.of(&mut in_left, &mut in_right).insert(id.to_owned(), new);
    }
    if in_left.is_empty() && in_right.is_empty() {
        return None;
    }
    let (base_side, left_side, right_side) = ((base, &in_base), (left, &in_left), (right, &in_right));
    Some(Separated {
        // What else the base says of the old id was said of the task that keeps it, or is changed on one side.
        base: renamed(base_side, |_, _, _| true),
        left: renamed(left_side, |id, edge, kind| {
            is_elsewhere(id, (edge, kind), left_side, base_side, right_side)
        }),
        right: renamed(right_side, |id, edge, kind| {
            is_elsewhere(id, (edge, kind), right_side, base_side, left_side)
        }),
        conflicts,
        from_left,
    })
}

fn task(entry: &Entry) -> Option<&Record> {
    match entry {
        Entry::Task(record) => Some(record),
        Entry::Other(_) => None,
    }
}

/// Whether both were created, each at another time.
fn are_two(one: &Record, other: &Record) -> bool {
    let created = |record: &Record| record.projection().created_at;
    matches!((created(one), created(other)), (Some(one), Some(other)) if !is_same_time(one, other))
}

/// Whether two records are of one task, whatever their ids.
fn is_one(record: &Record, other: &Record) -> bool {
    !are_two(record, other) && record.text("created_by") == other.text("created_by")
}

/// Whether two moments are one that was written with fewer digits once: some stores keep whole seconds only.
fn is_same_time(one: Moment, other: Moment) -> bool {
    let (one, other) = (one.nanoseconds(), other.nanoseconds());
    let within =
        |unit: i64| (one % unit == 0 || other % unit == 0) && one.abs_diff(other) < unit.unsigned_abs();
    one == other || [1_000_000_000, 1_000_000, 1_000].into_iter().any(within)
}

/// Another id for a task, and whether one of the sides has it by that id already. `None` where all are taken.
fn new_id(record: &Record, sides: [&Sided; 3], given: &BTreeSet<String>) -> Option<(String, bool)> {
    let (id, created_by) = (record.id(), record.text("created_by"));
    let prefix = ids::prefix_of(id).unwrap_or("task");
    let seed = Seed {
        // Not the title: the task may be renamed by one clone after its title was changed by another.
        title: id,
        description: "",
        creator: created_by.as_deref().unwrap_or_default(),
        created_ns: i128::from(record.projection().created_at?.nanoseconds()),
    };
    let hash = id.get(prefix.len() + 1..).and_then(|rest| rest.split('.').next()).unwrap_or_default();
    let (least, most) = (*ids::LENGTHS.start(), *ids::LENGTHS.end());
    for length in (hash.len() + 1).clamp(least + 1, most)..=most {
        for nonce in 0..ids::NONCES {
            let new = ids::hashed(prefix, &seed, length, nonce);
            if given.contains(&new) {
                continue;
            }
            let mut there = sides.iter().filter_map(|side| side.get(&new)).peekable();
            let is_known = there.peek().is_some();
            if there.all(|entry| task(entry).is_some_and(|there| is_one(there, record))) {
                return Some((new, is_known));
            }
        }
    }
    None
}

/// Whether an edge of the task `id` is not of its side alone: the base's record of that task has it, or the other side's
/// has it byte for byte. What a side has added names the task that this side has.
fn is_elsewhere(
    id: &str,
    edge: (&[u8], Kind),
    (_, ids): (&Sided, &Renamed),
    base: (&Sided, &Renamed),
    other: (&Sided, &Renamed),
) -> bool {
    // One that gets another id there is another task.
    let edges = |(side, renamed): (&Sided, &Renamed)| {
        let record = side.get(id).and_then(task).filter(|_| !renamed.contains_key(id));
        record.and_then(|record| elements(record, "dependencies")).unwrap_or_default()
    };
    let named = named(edge, ids);
    edges(other).iter().any(|(theirs, _)| theirs == edge.0)
        || edges(base).iter().any(|(before, kind)| {
            let before = (before.as_slice(), *kind);
            is_one_edge(before, edge) && self::named(before, ids) == named
        })
}

/// Which of these ids an edge names, and by which key.
fn named((edge, kind): (&[u8], Kind), ids: &Renamed) -> BTreeSet<(String, String)> {
    let named = RefCell::new(BTreeSet::new());
    let name = |key: &str, text: &str| {
        if NAMING.contains(&key) && ids.contains_key(text) {
            named.borrow_mut().insert((key.to_owned(), text.to_owned()));
        }
        None
    };
    if kind == Kind::Text {
        json::decode(edge).and_then(|target| name(TARGET, &target));
    } else {
        with_texts(edge, &name);
    }
    named.into_inner()
}

/// What a dependency calls its target.
const TARGET: &str = "depends_on_id";

/// The keys by which a dependency names tasks other than its own.
const NAMING: [&str; 2] = [TARGET, "spawner_id"];

/// The elements of an array of a record.
fn elements(record: &Record, key: &str) -> Option<Vec<(Vec<u8>, Kind)>> {
    let array = record.value(key).filter(|value| value.starts_with(b"["))?;
    let spans = json::elements(array).ok()?;
    Some(spans.into_iter().map(|(span, kind)| (array.get(span).unwrap_or_default().to_vec(), kind)).collect())
}

/// A side with these ids changed. Edges of tasks that keep theirs stay as they are where they `stay`.
fn renamed((side, ids): (&Sided, &Renamed), stays: impl Fn(&str, &[u8], Kind) -> bool) -> Sided {
    if ids.is_empty() {
        return side.clone();
    }
    Sided::of(side.entries.iter().map(|entry| match entry {
        Entry::Task(record) => {
            let (id, own) = (record.id(), ids.get(record.id()));
            let stays = |edge: &[u8], kind: Kind| own.is_none() && stays(id, edge, kind);
            Entry::Task(rewritten(record, own, ids, &stays))
        }
        Entry::Other(_) => entry.clone(),
    }))
}

/// A record with its own id changed, and the ids that its edges name, but for edges that stay.
fn rewritten(
    record: &Record,
    own: Option<&String>,
    ids: &Renamed,
    stays: &dyn Fn(&[u8], Kind) -> bool,
) -> Record {
    let mut edit = record.edit();
    if let Some(new) = own {
        edit.set_text("id", new);
    }
    // `None` where nothing changes.
    let changed = |key: &str, rewrite: &dyn Fn(&[u8], Kind) -> Vec<u8>| {
        let before = elements(record, key)?;
        let after: Vec<Vec<u8>> = before.iter().map(|(element, kind)| rewrite(element, *kind)).collect();
        let is_as_before = before.iter().map(|(element, _)| element).eq(&after);
        (!is_as_before).then_some(after)
    };
    let owner =
        |key: &str, text: &str| (key == "issue_id" && text == record.id()).then(|| own.cloned()).flatten();
    let edge = |key: &str, text: &str| match key {
        key if NAMING.contains(&key) => ids.get(text).cloned(),
        _ => owner(key, text),
    };
    let dependency = |element: &[u8], kind: Kind| {
        let new = match kind {
            Kind::Text => json::decode(element)
                .and_then(|target| edge(TARGET, &target))
                .map_or_else(|| element.to_vec(), |new| json::encode(&new).into_bytes()),
            _ => with_texts(element, &edge).into_owned(),
        };
        if new == element || stays(element, kind) { element.to_vec() } else { new }
    };
    if let Some(elements) = changed("dependencies", &dependency) {
        edit.set_elements("dependencies", &elements);
    }
    if own.is_some()
        && let Some(elements) = changed("comments", &|element, _| with_texts(element, &owner).into_owned())
    {
        edit.set_elements("comments", &elements);
    }
    edit.finish_as_it_is().unwrap_or_else(|flaw| {
        tracing::error!(%flaw, id = record.id(), "a task that cannot get another id");
        record.clone()
    })
}

/// An object whose texts are what `other` says, where it says something; also those of its `metadata`, which are an
/// object or a text that holds one.
fn with_texts<'object>(
    object: &'object [u8],
    other: &dyn Fn(&str, &str) -> Option<String>,
) -> Cow<'object, [u8]> {
    let Ok(members) = json::members(object) else { return Cow::Borrowed(object) };
    let mut rewritten = object.to_vec();
    // From the end, so that what stands before keeps its place.
    for member in members.into_iter().rev() {
        let value = object.get(member.span.clone()).unwrap_or_default();
        let new = match (member.key.as_str(), member.kind) {
            ("metadata", Kind::Object) => shallow(value, other),
            ("metadata", Kind::Text) => json::decode(value)
                .and_then(|text| shallow(text.as_bytes(), other))
                .and_then(|new| Some(json::encode(&String::from_utf8(new).ok()?).into_bytes())),
            (key, Kind::Text) => text(key, value, other),
            _ => None,
        };
        if let Some(new) = new {
            rewritten.splice(member.span, new);
        }
    }
    Cow::Owned(rewritten)
}

/// The same of the texts of one object only; `None` where they stay.
fn shallow(object: &[u8], other: &dyn Fn(&str, &str) -> Option<String>) -> Option<Vec<u8>> {
    let members = json::members(object).ok()?;
    let mut rewritten = object.to_vec();
    let mut has_changed = false;
    for member in members.into_iter().rev().filter(|member| member.kind == Kind::Text) {
        if let Some(new) = text(&member.key, object.get(member.span.clone())?, other) {
            rewritten.splice(member.span, new);
            has_changed = true;
        }
    }
    has_changed.then_some(rewritten)
}

fn text(key: &str, quoted: &[u8], other: &dyn Fn(&str, &str) -> Option<String>) -> Option<Vec<u8>> {
    Some(json::encode(&other(key, &json::decode(quoted)?)?).into_bytes())
}

#[cfg(test)]
mod tests;
