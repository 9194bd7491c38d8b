//! One record, three ways.

use std::collections::HashMap;

use super::elements::{self, SETS, Value};
use super::same::{same, same_or_absent};
use super::{Conflict, MergeOptions, text};
use crate::json::{self, Kind};
use crate::record::Record;
use crate::words;

/// Texts that are merged line by line.
const TEXTS: [&str; 4] = ["description", "design", "acceptance_criteria", "notes"];

/// What belongs to a status: it comes from the side that the status comes from.
const OF_STATUS: [&str; 3] = ["closed_at", "close_reason", "closed_by_session"];

/// What is computed of other keys or records: nobody has decided on it, so it is no conflict.
const COMPUTED: [&str; 5] =
    ["updated_at", "content_hash", "dependency_count", "dependent_count", "comment_count"];

/// Between two texts that both stay.
const BETWEEN: &str = "\n\n---\n\n";

/// A tombstone wins for a week at least, whatever is configured.
const LEAST_DAYS: u32 = 7;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;
const SKEW_MS: i64 = 60 * 60 * 1000;

/// What came of a record.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// The record; `None` where it is removed.
    pub record: Option<Record>,
    /// What both sides had changed differently.
    pub conflicts: Vec<Conflict>,
}

/// Merges one record. Where the result says the same as one side, it has that side's bytes; else it is the left one's
/// with the right one's changes spliced in.
pub fn merge_records(
    base: Option<&Record>,
    left: Option<&Record>,
    right: Option<&Record>,
    options: &MergeOptions,
) -> Outcome {
    match (left, right) {
        (None, None) => plain(None),
        (Some(only), None) => one_side(base, only, Side::Left),
        (None, Some(only)) => one_side(base, only, Side::Right),
        (Some(left), Some(right)) => both_sides(base, left, right, options),
    }
}

/// Which side something is taken from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Left,
    Right,
}

impl Side {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Left => "left",
            Self::Right => "right",
        }
    }

    pub(super) fn of<T>(self, left: T, right: T) -> T {
        match self {
            Self::Left => left,
            Self::Right => right,
        }
    }
}

fn plain(record: Option<&Record>) -> Outcome {
    Outcome { record: record.cloned(), conflicts: Vec::new() }
}

/// A record that the other side does not have: new, removed there, or removed there and changed here.
fn one_side(base: Option<&Record>, only: &Record, side: Side) -> Outcome {
    let Some(base) = base else { return plain(Some(only)) };
    if same(base.bytes(), only.bytes()) {
        return plain(None);
    }
    if is_tombstone(only) {
        // Both have deleted it; this one says so.
        return plain(Some(only));
    }
    let record = Some(only.bytes());
    let decided = format!("{}: changed, though the other side has removed it", side.word());
    let conflict = Conflict::new(
        only.id(),
        "",
        [Some(base.bytes()), side.of(record, None), side.of(None, record)],
        decided,
    );
    Outcome { record: Some(only.clone()), conflicts: vec![conflict] }
}

fn both_sides(base: Option<&Record>, left: &Record, right: &Record, options: &MergeOptions) -> Outcome {
    if left.bytes() == right.bytes() {
        return plain(Some(left));
    }
    if let Some(base) = base {
        // Bytes first, so that a side that was not touched never decides how the other one is spelled.
        if base.bytes() == left.bytes() {
            return plain(Some(right));
        }
        if base.bytes() == right.bytes() || same(base.bytes(), right.bytes()) {
            return plain(Some(left));
        }
        if same(base.bytes(), left.bytes()) {
            return plain(Some(right));
        }
    }
    if same(left.bytes(), right.bytes()) {
        return plain(Some(left));
    }
    match (is_tombstone(left), is_tombstone(right)) {
        (true, false) => deleted_and_changed(base, left, right, Side::Left, options),
        (false, true) => deleted_and_changed(base, right, left, Side::Right, options),
        _ => Keys::new(base, left, right, options).merge(),
    }
}

fn is_tombstone(record: &Record) -> bool {
    record.projection().status.as_deref() == Some(words::TOMBSTONE)
}

/// A tombstone and an edit: the tombstone wins as long as it is young, so that what was deleted does not come back
/// from a clone that had not heard of it. Without a base only what was updated after the deletion is an edit: an old
/// copy, however old the tombstone is, is what was deleted.
fn deleted_and_changed(
    base: Option<&Record>,
    dead: &Record,
    alive: &Record,
    dead_side: Side,
    options: &MergeOptions,
) -> Outcome {
    let days = options.tombstone_days.max(LEAST_DAYS);
    let deleted = dead.projection().deleted_at.or(dead.projection().updated_at);
    let edited = alive.projection().updated_at;
    let is_stale = base.is_none() && edited <= deleted;
    if is_stale && edited.is_some() {
        return plain(Some(dead));
    }
    let ends = deleted.map(|at| at.ms().saturating_add(i64::from(days) * DAY_MS + SKEW_MS));
    let is_young = ends.is_none_or(|ends| ends > options.now_ms);
    let (taken, decided) = if is_young || is_stale {
        (dead, format!("{}: deleted", dead_side.word()))
    } else {
        let side = dead_side.of(Side::Right, Side::Left);
        (alive, format!("{}: changed, and deleted more than {days} days ago", side.word()))
    };
    let (left, right) = (dead_side.of(dead, alive), dead_side.of(alive, dead));
    let values = [base.map(Record::bytes), Some(left.bytes()), Some(right.bytes())];
    let conflict = Conflict::new(dead.id(), "", values, decided);
    Outcome { record: Some(taken.clone()), conflicts: vec![conflict] }
}

/// The members of a record, by key.
struct Members<'record> {
    order: Vec<String>,
    values: HashMap<String, (&'record [u8], Kind)>,
}

impl<'record> Members<'record> {
    fn of(record: Option<&'record Record>) -> Self {
        let bytes = record.map(Record::bytes).unwrap_or_default();
        let (mut order, mut values) = (Vec::new(), HashMap::new());
        for member in json::members(bytes).unwrap_or_default() {
            if let Some(value) = bytes.get(member.span) {
                order.push(member.key.clone());
                values.insert(member.key, (value, member.kind));
            }
        }
        Self { order, values }
    }

    fn get(&self, key: &str) -> Value<'record> {
        self.values.get(key).copied()
    }

    fn bytes(&self, key: &str) -> Option<&'record [u8]> {
        self.get(key).map(|(bytes, _)| bytes)
    }
}

/// Who has changed a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Changed {
    /// Nobody, or both to the same.
    Alike,
    By(Side),
    Differently,
}

/// What is done with a key.
enum Step {
    /// What the left side has stays.
    Stay,
    TakeRight,
    Text(String),
    Elements(Vec<Vec<u8>>),
}

/// Two records that both differ from their base.
struct Keys<'record> {
    left_record: &'record Record,
    right_record: &'record Record,
    base: Members<'record>,
    left: Members<'record>,
    right: Members<'record>,
    /// The side that was updated later; the left one of equals.
    later: Side,
    /// Why that side.
    why: &'static str,
    /// Where the status comes from, where it differs.
    status_from: Option<Side>,
    /// Where what belongs to a claim comes from: who has it, until when, and the status are of one side.
    claim_from: Option<Side>,
    concat: bool,
    conflicts: Vec<Conflict>,
}

impl<'record> Keys<'record> {
    fn new(
        base: Option<&'record Record>,
        left: &'record Record,
        right: &'record Record,
        options: &MergeOptions,
    ) -> Self {
        let (left_at, right_at) = (left.projection().updated_at, right.projection().updated_at);
        let later = if right_at > left_at { Side::Right } else { Side::Left };
        let why = if left_at == right_at { "both are of the same time" } else { "updated later" };
        let mut keys = Self {
            left_record: left,
            right_record: right,
            base: Members::of(base),
            left: Members::of(Some(left)),
            right: Members::of(Some(right)),
            later,
            why,
            status_from: None,
            claim_from: None,
            concat: options.concat,
            conflicts: Vec::new(),
        };
        keys.status_from = keys.taken_from("status").map(|side| keys.finished(base).unwrap_or(side));
        let is_claimed = |record: &Record| record.projection().status.as_deref() == Some(words::IN_PROGRESS);
        if is_claimed(left) || is_claimed(right) {
            keys.claim_from = keys.status_from.or_else(|| keys.taken_from("assignee"));
        }
        keys
    }

    /// The side that has closed it, where the other one has only changed its status otherwise: what is finished is not
    /// done again. Whoever opens it again had it closed in the base.
    fn finished(&self, base: Option<&Record>) -> Option<Side> {
        let is_closed = |record: &Record| record.projection().status.as_deref() == Some(words::CLOSED);
        if base.is_none_or(is_closed) || self.changed("status") != Changed::Differently {
            return None;
        }
        match (is_closed(self.left_record), is_closed(self.right_record)) {
            (true, false) => Some(Side::Left),
            (false, true) => Some(Side::Right),
            _ => None,
        }
    }

    /// The side that a key comes from whose later value wins; `None` where both are alike.
    fn taken_from(&self, key: &str) -> Option<Side> {
        match self.changed(key) {
            Changed::Alike => None,
            Changed::By(side) => Some(side),
            Changed::Differently => Some(self.later),
        }
    }

    fn changed(&self, key: &str) -> Changed {
        let (base, left, right) = (self.base.bytes(key), self.left.bytes(key), self.right.bytes(key));
        if same_or_absent(left, right) {
            Changed::Alike
        } else if same_or_absent(base, left) {
            Changed::By(Side::Right)
        } else if same_or_absent(base, right) {
            Changed::By(Side::Left)
        } else {
            Changed::Differently
        }
    }

    fn merge(mut self) -> Outcome {
        let mut edit = self.left_record.edit();
        let more = self.right.order.iter().filter(|key| !self.left.values.contains_key(*key));
        let keys: Vec<String> = self.left.order.iter().chain(more).cloned().collect();
        for key in &keys {
            match self.step(key) {
                Step::Stay => {}
                Step::TakeRight => match self.right.bytes(key) {
                    Some(value) => {
                        edit.set(key, value);
                    }
                    None => {
                        edit.remove(key);
                    }
                },
                Step::Text(text) => {
                    edit.set_text(key, &text);
                }
                Step::Elements(elements) => {
                    edit.set_elements(key, &elements);
                }
            }
        }
        let conflicts = self.conflicts;
        let record = match edit.finish_as_it_is() {
            // Who spelled it, where the outcome is what one side says.
            Ok(merged) if same(merged.bytes(), self.right_record.bytes()) => self.right_record.clone(),
            Ok(merged) if same(merged.bytes(), self.left_record.bytes()) => self.left_record.clone(),
            Ok(merged) => merged,
            Err(flaw) => {
                tracing::error!(%flaw, id = self.left_record.id(), "a merge that is no record");
                self.later.of(self.left_record, self.right_record).clone()
            }
        };
        Outcome { record: Some(record), conflicts }
    }

    fn step(&mut self, key: &str) -> Step {
        let changed = self.changed(key);
        if changed == Changed::Alike {
            return Step::Stay;
        }
        if key == "updated_at" {
            return take(self.later);
        }
        let (from, what) = match key {
            "assignee" => (self.claim_from.and(self.status_from), "status"),
            "claim_expires_at" if self.status_from.is_none() => (self.claim_from, "claim"),
            "claim_expires_at" => (self.status_from, "status"),
            _ => (self.status_from.filter(|_| OF_STATUS.contains(&key)), "status"),
        };
        if let Some(side) = from {
            if changed != Changed::By(side) {
                self.conflict(key, format!("{}: the {what} is taken from there", side.word()));
            }
            return take(side);
        }
        match changed {
            Changed::Alike => Step::Stay,
            Changed::By(side) => take(side),
            Changed::Differently => self.differently(key),
        }
    }

    fn differently(&mut self, key: &str) -> Step {
        if SETS.contains(&key)
            && let Some(step) = self.set(key)
        {
            return step;
        }
        if TEXTS.contains(&key)
            && let Some(step) = self.text(key)
        {
            return step;
        }
        if key == "priority" {
            // One that cannot be read is less urgent than any.
            let urgent = |record: &Record| record.projection().priority.map_or(u8::MAX, |priority| priority);
            let (left, right) = (urgent(self.left_record), urgent(self.right_record));
            if left != right {
                let side = if right < left { Side::Right } else { Side::Left };
                self.conflict(key, format!("{}: more urgent", side.word()));
                return take(side);
            }
        }
        if let Some(side) = self.status_from.filter(|side| key == "status" && *side != self.later) {
            self.conflict(key, format!("{}: closed", side.word()));
            return take(side);
        }
        if !COMPUTED.contains(&key) {
            self.conflict(key, format!("{}: {}", self.later.word(), self.why));
        }
        take(self.later)
    }

    fn set(&mut self, key: &str) -> Option<Step> {
        let (base, left, right) = (self.base.get(key), self.left.get(key), self.right.get(key));
        let set = elements::merge(key, base, left, right, self.later == Side::Right)?;
        for [base, left, right] in set.conflicts {
            let decided = match (&left, &right) {
                (Some(_), Some(_)) => format!("{}: {}", self.later.word(), self.why),
                (Some(_), None) => "left: changed, though the other side has removed it".to_owned(),
                _ => "right: changed, though the other side has removed it".to_owned(),
            };
            let values = [base.as_deref(), left.as_deref(), right.as_deref()];
            self.conflicts.push(Conflict::new(self.left_record.id(), key, values, decided));
        }
        let is = |value: Value<'_>| match value {
            Some((array, Kind::Array)) => json::elements(array).is_ok_and(|spans| {
                spans.len() == set.elements.len()
                    && spans
                        .into_iter()
                        .zip(&set.elements)
                        .all(|((span, _), element)| array.get(span) == Some(element.as_slice()))
            }),
            _ => set.elements.is_empty(),
        };
        Some(if is(left) {
            Step::Stay
        } else if is(right) {
            Step::TakeRight
        } else {
            Step::Elements(set.elements)
        })
    }

    fn text(&mut self, key: &str) -> Option<Step> {
        let read = |value: Value<'_>| match value {
            None => Some(String::new()),
            Some((quoted, Kind::Text)) => json::decode(quoted),
            Some(_) => None,
        };
        let (left, right) = (read(self.left.get(key))?, read(self.right.get(key))?);
        // A base that is no text says nothing about lines.
        let base = read(self.base.get(key)).unwrap_or_default();
        if self.left.get(key).is_some()
            && self.right.get(key).is_some()
            && let Some(merged) = text::merge(&base, &left, &right)
        {
            return Some(Step::Text(merged));
        }
        if self.concat && !left.is_empty() && !right.is_empty() {
            self.conflict(key, "both, one after the other".to_owned());
            return Some(Step::Text(format!("{left}{BETWEEN}{right}")));
        }
        None
    }

    fn conflict(&mut self, key: &str, decided: String) {
        let values = [self.base.bytes(key), self.left.bytes(key), self.right.bytes(key)];
        self.conflicts.push(Conflict::new(self.left_record.id(), key, values, decided));
    }
}

fn take(side: Side) -> Step {
    side.of(Step::Stay, Step::TakeRight)
}

#[cfg(test)]
mod tests;
