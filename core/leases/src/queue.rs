//! Who is next: decisions about a queue, without a store, a clock or a process.

use std::collections::{BTreeMap, BTreeSet};

use conclave_db::process::ProcessIdentity;

use crate::model::Mode;
use crate::name::{HolderId, LeaseName};

/// Who could take what it waits for and has not for this long is stopped or hung, and goes to the end. It stays there, also
/// behind those who come later, until it shows that it is awake: so it delays the others once and not in every round.
pub(crate) const PATIENCE_MS: i64 = 2000;

/// One who waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// It, for as long as it waits.
    pub(crate) id: i64,
    /// Where it stands: the smallest is the first.
    pub(crate) ticket: i64,
    pub(crate) holder: HolderId,
    pub(crate) mode: Mode,
    pub(crate) process: ProcessIdentity,
    pub(crate) since_utc_ms: i64,
    /// Since when it could take everything, as others have seen it.
    pub(crate) could_since_boot_ms: Option<i64>,
    /// It did not take what was free: it stands behind all others until it wakes.
    pub(crate) asleep: bool,
    /// What it waits for, all or nothing.
    pub(crate) names: BTreeSet<LeaseName>,
}

/// How names are held now, by live grants; a name that is not here is free.
pub(crate) type Held = BTreeMap<LeaseName, Mode>;

/// Who asks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asking<'asked> {
    /// Its place in the queue; none for one who has just come.
    pub(crate) id: Option<i64>,
    pub(crate) names: &'asked [LeaseName],
    pub(crate) mode: Mode,
}

impl Asking<'_> {
    fn stands_against(&self, place: &Place) -> bool {
        self.contested(place).is_some()
    }

    /// The first name that it cannot have together with this place.
    fn contested(&self, place: &Place) -> Option<&LeaseName> {
        self.names.iter().find(|name| self.mode.excludes(place.mode) && place.names.contains(*name))
    }
}

/// What is to be done to a queue, and what it means for who asks.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Plan {
    /// Nobody is before it, and everything is free for it.
    pub(crate) takes: bool,
    /// Who is before it, and the name that both want: the first of them.
    pub(crate) behind: Option<(HolderId, LeaseName)>,
    /// Who goes to the end.
    pub(crate) overdue: Vec<i64>,
    /// Whose time to take it begins now.
    pub(crate) begins: Vec<i64>,
    /// Whose time to take it does not run any more.
    pub(crate) ends: Vec<i64>,
}

impl Plan {
    /// Whether anything changes by it.
    pub(crate) const fn changes(&self) -> bool {
        self.takes || !self.overdue.is_empty() || !self.begins.is_empty() || !self.ends.is_empty()
    }
}

/// Whether everything is free in this mode.
pub(crate) fn is_free(
    held: &Held,
    names: impl IntoIterator<Item = impl std::borrow::Borrow<LeaseName>>,
    mode: Mode,
) -> bool {
    names.into_iter().all(|name| held.get(name.borrow()).is_none_or(|held| !mode.excludes(*held)))
}

/// The places of those who could take what they wait for: all of it is free, and nobody before them stands against it.
pub(crate) fn able(queue: &[Place], held: &Held) -> Vec<usize> {
    // What those before the one that is looked at wait for, in which mode at the strictest.
    let mut before: BTreeMap<&LeaseName, Mode> = BTreeMap::new();
    let mut able = Vec::new();
    for (index, place) in queue.iter().enumerate() {
        let is_first =
            place.names.iter().all(|name| before.get(name).is_none_or(|mode| !place.mode.excludes(*mode)));
        if is_first && is_free(held, &place.names, place.mode) {
            able.push(index);
        }
        for name in &place.names {
            let mode = before.entry(name).or_insert(place.mode);
            if place.mode == Mode::Exclusive {
                *mode = Mode::Exclusive;
            }
        }
    }
    able
}

/// Those of whom it matters now whether they still live: who could take what it waits for, and the first who stands
/// before the one who asks. All others hold nobody up yet.
pub(crate) fn candidates<'queue>(
    queue: &'queue [Place],
    held: &Held,
    asking: &Asking<'_>,
) -> Vec<&'queue Place> {
    let first = before(queue, asking).next();
    able(queue, held).into_iter().filter_map(|index| queue.get(index)).chain(first).collect()
}

/// Who stands before the one who asks, and against it.
fn before<'queue>(queue: &'queue [Place], asking: &Asking<'_>) -> impl Iterator<Item = &'queue Place> {
    queue.iter().take_while(|place| Some(place.id) != asking.id).filter(|place| asking.stands_against(place))
}

/// Decides for one who asks. `queue` is in the order of tickets, without those who sleep, and without those who have
/// ended as far as they are [`candidates`].
pub(crate) fn decide(queue: &[Place], held: &Held, asking: &Asking<'_>, boot_ms: i64) -> Plan {
    let is_overdue = |place: &Place| {
        Some(place.id) != asking.id
            && place.could_since_boot_ms.is_some_and(|since| boot_ms.saturating_sub(since) >= PATIENCE_MS)
    };
    let overdue: Vec<i64> = able(queue, held)
        .into_iter()
        .filter_map(|index| queue.get(index))
        .filter(|place| is_overdue(place))
        .map(|place| place.id)
        .collect();
    let mut order: Vec<Place> = queue.iter().filter(|place| !overdue.contains(&place.id)).cloned().collect();
    let first = before(&order, asking).next();
    let behind = first.and_then(|place| Some((place.holder.clone(), asking.contested(place)?.clone())));
    let takes = behind.is_none() && is_free(held, asking.names, asking.mode);
    let mut held = held.clone();
    if takes {
        for name in asking.names {
            held.insert(name.clone(), asking.mode);
        }
    }
    if takes {
        order.retain(|place| Some(place.id) != asking.id);
    }
    let able: BTreeSet<usize> = able(&order, &held).into_iter().collect();
    let (mut begins, mut ends) = (Vec::new(), Vec::new());
    for (index, place) in order.iter().enumerate() {
        match (able.contains(&index), place.could_since_boot_ms) {
            (true, None) if Some(place.id) != asking.id => begins.push(place.id),
            (false, Some(_)) => ends.push(place.id),
            _ => {}
        }
    }
    Plan { takes, behind, overdue, begins, ends }
}

#[cfg(test)]
mod tests;
