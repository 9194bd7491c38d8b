//! Labels, dependencies and comments, three ways: sets with a base. What a side has added is there, what a side has
//! taken away is not, unless the other has changed it.

use std::collections::{HashMap, HashSet};

use super::same::{Fingerprint, fingerprint, same};
use crate::json::{self, Kind};
use crate::moment::Moment;

/// The keys whose values are such sets.
pub(super) const SETS: [&str; 3] = ["labels", "dependencies", "comments"];

/// Members of an element that say who made it and when, not what it says.
const MAKING: [&str; 4] = ["created_at", "created_by", "id", "issue_id"];

/// A set, merged.
pub(super) struct Set {
    /// The elements as they are spelled.
    pub(super) elements: Vec<Vec<u8>>,
    /// Elements that both sides have changed differently: base, left, right.
    pub(super) conflicts: Vec<[Option<Vec<u8>>; 3]>,
}

/// What makes two elements the same one, and which of several such it is.
type Identity = (Name, usize);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Name {
    Label(String),
    /// Target and type.
    Edge(String, String),
    /// Author, text and moment. Not the number: two stores give the same one to different comments.
    Comment(Fingerprint, Fingerprint, Result<Moment, Fingerprint>),
    /// One that is not as expected.
    Odd(Fingerprint),
}

struct Item<'value> {
    identity: Identity,
    bytes: &'value [u8],
    at: Option<Moment>,
}

/// A value as it stands in a record; `None` where the key is absent.
pub(super) type Value<'record> = Option<(&'record [u8], Kind)>;

/// Merges one of [`SETS`]; `None` where a value is no array. `right_is_later`: whose element is taken where both have
/// changed it.
pub(super) fn merge(
    key: &str,
    base: Value<'_>,
    left: Value<'_>,
    right: Value<'_>,
    right_is_later: bool,
) -> Option<Set> {
    // A base that is no array says nothing about elements.
    let base = items(key, base).unwrap_or_default();
    let (left, right) = (items(key, left)?, items(key, right)?);
    let base: HashMap<&Identity, &Item<'_>> = base.iter().map(|item| (&item.identity, item)).collect();
    let in_right: HashMap<&Identity, &Item<'_>> = right.iter().map(|item| (&item.identity, item)).collect();
    let in_left: HashSet<&Identity> = left.iter().map(|item| &item.identity).collect();
    let mut conflicts = Vec::new();
    let mut conflict = |base: Option<&[u8]>, left: Option<&[u8]>, right: Option<&[u8]>| {
        conflicts.push([base, left, right].map(|value| value.map(<[u8]>::to_vec)));
    };
    let mut kept: Vec<Placed<'_>> = Vec::new();
    for item in &left {
        let was = base.get(&item.identity).map(|item| item.bytes);
        match (in_right.get(&item.identity), was) {
            (Some(other), _) => {
                let unchanged = |bytes: &[u8]| was.is_some_and(|was| same(was, bytes));
                let both =
                    !same(item.bytes, other.bytes) && !unchanged(item.bytes) && !unchanged(other.bytes);
                if both && !same(&essence(item.bytes), &essence(other.bytes)) {
                    conflict(was, Some(item.bytes), Some(other.bytes));
                }
                let takes_right = if both {
                    right_is_later
                } else {
                    !same(item.bytes, other.bytes) && unchanged(item.bytes)
                };
                let bytes = if takes_right { other.bytes } else { item.bytes };
                kept.push((&item.identity, bytes, item.at));
            }
            (None, Some(was)) if same(was, item.bytes) => {}
            (None, Some(was)) => {
                conflict(Some(was), Some(item.bytes), None);
                kept.push((&item.identity, item.bytes, item.at));
            }
            (None, None) => kept.push((&item.identity, item.bytes, item.at)),
        }
    }
    let mut added: Vec<Placed<'_>> = Vec::new();
    for item in right.iter().filter(|item| !in_left.contains(&item.identity)) {
        if let Some(was) = base.get(&item.identity).map(|item| item.bytes) {
            if same(was, item.bytes) {
                continue;
            }
            conflict(Some(was), None, Some(item.bytes));
        }
        added.push((&item.identity, item.bytes, item.at));
    }
    let mut kept = if key == "comments" { by_moment(kept, added) } else { [kept, added].concat() };
    if key == "labels" && is_sorted(&left) && is_sorted(&right) {
        kept.sort_by(|(one, ..), (other, ..)| label(one).cmp(&label(other)));
    }
    let elements = kept.into_iter().map(|(_, bytes, _)| bytes.to_vec()).collect();
    Some(Set { elements, conflicts })
}

type Placed<'item> = (&'item Identity, &'item [u8], Option<Moment>);

/// What was added, put in before the first that is later. Those that are there stay in their order.
fn by_moment<'item>(kept: Vec<Placed<'item>>, added: Vec<Placed<'item>>) -> Vec<Placed<'item>> {
    let mut all = Vec::with_capacity(kept.len() + added.len());
    let mut added = added.into_iter().peekable();
    for item in kept {
        while let Some(earlier) = added.next_if(|(_, _, at)| at.is_some() && item.2.is_some() && *at < item.2)
        {
            all.push(earlier);
        }
        all.push(item);
    }
    all.extend(added);
    all
}

fn is_sorted(items: &[Item<'_>]) -> bool {
    items.iter().all(|item| label(&item.identity).is_some())
        && items.is_sorted_by(|one, other| label(&one.identity) <= label(&other.identity))
}

fn label(identity: &Identity) -> Option<&str> {
    match &identity.0 {
        Name::Label(label) => Some(label),
        _ => None,
    }
}

/// The elements of an array; of none where the key is absent or `null`.
fn items<'value>(key: &str, value: Value<'value>) -> Option<Vec<Item<'value>>> {
    let array = match value {
        None | Some((_, Kind::Null)) => return Some(Vec::new()),
        Some((array, Kind::Array)) => array,
        Some(_) => return None,
    };
    let mut seen: HashMap<Name, usize> = HashMap::new();
    let mut items = Vec::new();
    for (span, kind) in json::elements(array).ok()? {
        let bytes = array.get(span)?;
        let (name, at) = name(key, bytes, kind);
        let count = seen.entry(name.clone()).or_default();
        items.push(Item { identity: (name, *count), bytes, at });
        *count += 1;
    }
    Some(items)
}

/// Whether two dependencies are the same one, whatever else they say.
pub(super) fn is_one_edge(one: (&[u8], Kind), other: (&[u8], Kind)) -> bool {
    let name = |(bytes, kind)| name("dependencies", bytes, kind).0;
    name(one) == name(other)
}

fn name(key: &str, bytes: &[u8], kind: Kind) -> (Name, Option<Moment>) {
    let odd = || (Name::Odd(fingerprint(bytes)), None);
    match (key, kind) {
        ("labels", Kind::Text) => json::decode(bytes).map_or_else(odd, |label| (Name::Label(label), None)),
        ("dependencies", Kind::Text) => json::decode(bytes)
            .map_or_else(odd, |target| (Name::Edge(target, crate::words::BLOCKS.to_owned()), None)),
        ("dependencies", Kind::Object) => {
            let Ok(members) = json::members(bytes) else { return odd() };
            let find = |key: &str| members.iter().find(|member| member.key == key);
            let text = |key: &str| {
                let member = find(key).filter(|member| member.kind == Kind::Text)?;
                json::decode(bytes.get(member.span.clone())?)
            };
            let kind = match find("type") {
                None => Some(crate::words::BLOCKS.to_owned()),
                Some(_) => text("type"),
            };
            match (text("depends_on_id"), kind) {
                (Some(target), Some(kind)) => (Name::Edge(target, kind), None),
                _ => odd(),
            }
        }
        ("comments", Kind::Object) => {
            let Ok(members) = json::members(bytes) else { return odd() };
            let value = |key: &str| {
                let span = members.iter().find(|member| member.key == key)?.span.clone();
                bytes.get(span)
            };
            let print = |key: &str| fingerprint(value(key).unwrap_or_default());
            let at = value("created_at").and_then(json::decode).and_then(|text| Moment::parse(&text));
            let made = at.ok_or_else(|| print("created_at"));
            (Name::Comment(print("author"), print("text"), made), at)
        }
        _ => odd(),
    }
}

/// An element without who made it and when.
fn essence(bytes: &[u8]) -> Vec<u8> {
    let Ok(members) = json::members(bytes) else { return bytes.to_vec() };
    let mut kept = vec![b'{'];
    for member in members.iter().filter(|member| !MAKING.contains(&member.key.as_str())) {
        kept.extend_from_slice(bytes.get(member.key_span.clone()).unwrap_or_default());
        kept.push(b':');
        kept.extend_from_slice(bytes.get(member.span.clone()).unwrap_or_default());
        kept.push(b',');
    }
    kept.push(b'}');
    kept
}

#[cfg(test)]
mod tests;
