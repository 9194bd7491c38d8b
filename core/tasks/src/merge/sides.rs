//! All lines of one side, one per id, and three such sides into one.

use std::collections::{HashMap, HashSet};

use super::collisions::separate;
use super::record::{Side, merge_records};
use super::same::same;
use super::{Conflict, MergeOptions};
use crate::exchange::{Lines, Ranked};
use crate::moment::Moment;
use crate::record::{Identity, Line, Other, OtherKind, Record};

/// A line that is kept: a task or anything else.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Entry {
    Task(Record),
    Other(Other),
}

impl From<Line> for Entry {
    fn from(line: Line) -> Self {
        match line {
            Line::Task(record) => Self::Task(record),
            Line::Other(other) => Self::Other(other),
        }
    }
}

impl Entry {
    pub(crate) fn id(&self) -> Option<&str> {
        match self {
            Self::Task(record) => Some(record.id()),
            Self::Other(other) => other.id.as_deref(),
        }
    }

    pub(crate) fn identity(&self) -> Identity<'_> {
        match self {
            Self::Task(record) => Identity::Id(record.id()),
            Self::Other(other) => other.identity(),
        }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Self::Task(record) => record.bytes(),
            Self::Other(other) => &other.bytes,
        }
    }

    pub(crate) fn updated_at(&self) -> Option<Moment> {
        match self {
            Self::Task(record) => record.projection().updated_at,
            Self::Other(other) => other.updated_at,
        }
    }
}

impl Ranked for Entry {
    fn rank(&self) -> (u8, &str) {
        crate::exchange::rank(is_header(self), self.id())
    }
}

fn is_header(entry: &Entry) -> bool {
    matches!(entry, Entry::Other(other) if other.kind == OtherKind::Header)
}

/// The lines of a file or a store, one of each identity.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sided {
    /// In the order of the file. Of several lines of one identity the one of the latest instant, of equals the later line,
    /// where the first of them stood.
    pub(crate) entries: Vec<Entry>,
    /// Ids that stood several times, in the order of the file.
    pub(crate) duplicates: Vec<String>,
    by_id: HashMap<String, usize>,
    by_schema: HashMap<String, usize>,
    loose: HashMap<Vec<u8>, usize>,
}

impl Sided {
    pub(crate) fn of_lines(lines: &Lines) -> Self {
        Self::of(lines.good.iter().map(|(_, line)| Entry::from(line.clone())))
    }

    pub(crate) fn of(entries: impl IntoIterator<Item = Entry>) -> Self {
        let mut side = Self::default();
        let mut repeated = HashSet::new();
        for entry in entries {
            match side.position(entry.identity()) {
                None => {
                    let at = side.entries.len();
                    match entry.identity() {
                        Identity::Id(id) => side.by_id.insert(id.to_owned(), at),
                        Identity::Header(schema) => side.by_schema.insert(schema.to_owned(), at),
                        Identity::Bytes(bytes) => side.loose.insert(bytes.to_vec(), at),
                    };
                    side.entries.push(entry);
                }
                Some(at) => {
                    repeated.extend(entry.id().map(str::to_owned));
                    if let Some(before) = side.entries.get_mut(at)
                        && before.updated_at() <= entry.updated_at()
                    {
                        *before = entry;
                    }
                }
            }
        }
        side.duplicates = side
            .entries
            .iter()
            .filter_map(Entry::id)
            .filter(|id| repeated.contains(*id))
            .map(str::to_owned)
            .collect();
        side
    }

    fn position(&self, identity: Identity<'_>) -> Option<usize> {
        match identity {
            Identity::Id(id) => self.by_id.get(id).copied(),
            Identity::Header(schema) => self.by_schema.get(schema).copied(),
            Identity::Bytes(bytes) => self.loose.get(bytes).copied(),
        }
    }

    pub(crate) fn get(&self, id: &str) -> Option<&Entry> {
        self.find(Identity::Id(id))
    }

    /// The line of this identity.
    pub(crate) fn find(&self, identity: Identity<'_>) -> Option<&Entry> {
        self.entries.get(self.position(identity)?)
    }

    /// Whether a line of the same identity is there.
    pub(crate) fn has(&self, entry: &Entry) -> bool {
        self.position(entry.identity()).is_some()
    }
}

/// What came of three sides.
#[derive(Debug, Clone)]
pub(crate) struct Combined {
    /// In the order of the left side; what only the right one has comes last.
    pub(crate) entries: Vec<Entry>,
    pub(crate) conflicts: Vec<Conflict>,
    /// Old and new ids of tasks that the left side had by their old ones only. The old ones are another's now; each has a
    /// conflict, the first with its old id.
    pub(crate) renamed: Vec<(String, String)>,
}

/// Merges all lines. A function of its input. Two tasks that have one id are two afterwards.
pub(crate) fn combine(base: &Sided, left: &Sided, right: &Sided, options: &MergeOptions) -> Combined {
    let separated = separate(base, left, right);
    let mut combined = Combined {
        entries: Vec::with_capacity(left.entries.len()),
        conflicts: Vec::new(),
        renamed: Vec::new(),
    };
    let (base, left, right) = match &separated {
        None => (base, left, right),
        Some(separated) => {
            combined.conflicts.clone_from(&separated.conflicts);
            combined.renamed.clone_from(&separated.from_left);
            (&separated.base, &separated.left, &separated.right)
        }
    };
    for entry in &left.entries {
        let identity = entry.identity();
        combined.push(base.find(identity), Some(entry), right.find(identity), options);
    }
    for entry in right.entries.iter().filter(|entry| !left.has(entry)) {
        combined.push(base.find(entry.identity()), None, Some(entry), options);
    }
    combined
}

impl Combined {
    fn push(
        &mut self,
        base: Option<&Entry>,
        left: Option<&Entry>,
        right: Option<&Entry>,
        options: &MergeOptions,
    ) {
        let merged = match (task(left), task(right)) {
            (Ok(left), Ok(right)) => {
                let merged = merge_records(task(base).ok().flatten(), left, right, options);
                self.conflicts.extend(merged.conflicts);
                merged.record.map(Entry::Task)
            }
            _ => self.lines(base, left, right),
        };
        self.entries.extend(merged);
    }

    /// Lines that are no tasks, as wholes.
    fn lines(&mut self, base: Option<&Entry>, left: Option<&Entry>, right: Option<&Entry>) -> Option<Entry> {
        let unchanged = |entry: &Entry| base.is_some_and(|base| same(base.bytes(), entry.bytes()));
        let (taken, decided) = match (left, right) {
            (None, None) => return None,
            (Some(only), None) | (None, Some(only)) => {
                if base.is_none() {
                    return Some(only.clone());
                }
                if unchanged(only) {
                    return None;
                }
                let side = if left.is_some() { Side::Left } else { Side::Right };
                (only, format!("{}: changed, though the other side has removed it", side.word()))
            }
            (Some(left), Some(right)) => {
                if same(left.bytes(), right.bytes()) || unchanged(right) {
                    return Some(left.clone());
                }
                if unchanged(left) {
                    return Some(right.clone());
                }
                if is_header(left) && is_header(right) {
                    // It says when and of what the file was made, and is written anew with it: nothing is lost.
                    let is_older = right.updated_at() < left.updated_at();
                    return Some(if is_older { left.clone() } else { right.clone() });
                }
                let side = if right.updated_at() > left.updated_at() { Side::Right } else { Side::Left };
                let why = if left.updated_at() == right.updated_at() {
                    "both are of the same time"
                } else {
                    "updated later"
                };
                (side.of(left, right), format!("{}: {why}", side.word()))
            }
        };
        let values = [base, left, right].map(|entry| entry.map(Entry::bytes));
        self.conflicts.push(Conflict::new(taken.id().unwrap_or_default(), "", values, decided));
        Some(taken.clone())
    }
}

/// The task, if it is one or not there; an error for another line.
fn task(entry: Option<&Entry>) -> Result<Option<&Record>, ()> {
    match entry {
        None => Ok(None),
        Some(Entry::Task(record)) => Ok(Some(record)),
        Some(Entry::Other(_)) => Err(()),
    }
}

#[cfg(test)]
mod tests;
