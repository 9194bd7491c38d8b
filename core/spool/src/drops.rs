//! Events that were not stored, counted by monitor and reason where every process sees it.
//!
//! They are counted in the state; while that cannot be written, in `<monitor>/.drops.json`, which is folded in once.

use std::collections::BTreeMap;
use std::time::Duration;

use conclave_db::{Db, ErrorKind};

use crate::error::{Result, SpoolError, SpoolErrorKind};
use crate::flock::Flock;
use crate::layout::{Layout, WRITER_LOCK, ensure_folder};
use crate::monitor::MonitorName;
use crate::spool::{Shared, Spool};
use crate::store::drops as store;

mod file;

/// Why events were dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// The quota was used up, and so was the memory, or the process ended.
    Quota,
    /// The disk had to keep free what is left of it.
    KeepFree,
    /// The disk was full, or the limit on file sizes reached.
    DiskFull,
    /// The line was longer than a line may be.
    TooLong,
    /// A file that was pending is gone, and nobody here took it.
    Missing,
    /// The monitor had another writer for longer than they could wait.
    Busy,
    /// A file could not be made or written for another reason, such as too many open files.
    Io,
}

impl Reason {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Quota, Self::KeepFree, Self::DiskFull, Self::TooLong, Self::Missing, Self::Busy, Self::Io];

    /// Of events that could not be written because of this.
    pub fn of(error: &SpoolError) -> Self {
        match error.kind() {
            SpoolErrorKind::MonitorBusy => Self::Busy,
            SpoolErrorKind::NoRoom => Self::DiskFull,
            _ => Self::Io,
        }
    }

    /// The key in `ledger.dropped`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Quota => "quota",
            Self::KeepFree => "keep_free",
            Self::DiskFull => "disk_full",
            Self::TooLong => "too_long",
            Self::Missing => "missing",
            Self::Busy => "busy",
            Self::Io => "io",
        }
    }
}

/// Events by reason.
pub type Drops = BTreeMap<String, u64>;

/// How long a count waits for the database before it goes to a file.
const PATIENCE: Duration = Duration::from_millis(250);
/// How long it waits when it cannot go to a file either.
const LAST_PATIENCE: Duration = Duration::from_secs(5);
/// For so long the state remembers what was folded in, in milliseconds: far longer than it takes to remove a file.
const REMEMBERED_MS: i64 = 3_600_000;

/// Where a count goes that the state does not take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Otherwise {
    /// To the monitor's `.drops.json`: for its writer alone, which holds its lock; the folder is there.
    Added,
    /// To a file of its own, which needs no lock.
    Apart,
    /// Nowhere: it is tried again.
    Nowhere,
}

/// Counts `events` of a monitor as dropped: in the state, or where that is not to be had within 250 ms in a file. Durable
/// when this returns.
///
/// # Errors
/// Neither of the two can be written. The caller keeps the count and tries again.
pub(crate) fn count(
    shared: &Shared,
    monitor: &MonitorName,
    reason: Reason,
    events: u64,
    otherwise: Otherwise,
) -> Result<()> {
    if events == 0 {
        return Ok(());
    }
    let id = file::new_id()?;
    let drops = Drops::from([(reason.as_str().to_owned(), events)]);
    let state = shared.state.as_ref().filter(|state| !state.is_read_only());
    let refused = match state.map(|state| add(state, monitor, &id, &drops, PATIENCE)) {
        Some(Ok(())) => return Ok(()),
        Some(Err(error)) => Some(error),
        None => None,
    };
    // A commit that may be durable or not is decided when this file is folded in: by its id.
    let is_ambiguous =
        matches!(&refused, Some(SpoolError::Storage(error)) if error.kind() == ErrorKind::Ambiguous);
    let kept = match otherwise {
        Otherwise::Added if !is_ambiguous => file::merge(&shared.layout, monitor, &id, &drops),
        Otherwise::Nowhere if !is_ambiguous => return Err(refused.unwrap_or_else(no_state)),
        _ => ensure_folder(&shared.layout, &shared.layout.monitor(monitor))
            .and_then(|()| file::set_apart(&shared.layout, monitor, &id, &drops)),
    };
    let Err(error) = kept else { return Ok(()) };
    match (state, refused) {
        (Some(state), Some(SpoolError::Storage(refused))) if refused.kind() == ErrorKind::Busy => {
            add(state, monitor, &id, &drops, LAST_PATIENCE)
        }
        _ => Err(error),
    }
}

fn no_state() -> SpoolError {
    SpoolError::io("count drops", None, std::io::Error::other("there is no state that can be written"))
}

/// Sees to it that a count has a place on a disk that is full, where that can still be done; for the monitor's writer.
pub(crate) fn reserve(layout: &Layout, monitor: &MonitorName) {
    if let Err(error) = file::reserve(layout, monitor) {
        tracing::debug!(monitor = monitor.as_str(), %error, "no place is reserved for counts of drops");
    }
}

/// Gives that place back.
pub(crate) fn release(layout: &Layout, monitor: &MonitorName) {
    file::release(layout, monitor);
}

/// Adds a count to the state, once.
fn add(state: &Db, monitor: &MonitorName, id: &str, drops: &Drops, patience: Duration) -> Result<()> {
    let (monitor, id, drops) = (monitor.clone(), id.to_owned(), drops.clone());
    state.writing("count drops").deadline(patience).run(move |tx| {
        if store::mark_folded(tx, &id)? {
            store::add(tx, monitor.as_str(), &drops)?;
        }
        Ok(())
    })
}

/// Folds the `.drops.json` of monitors that nobody writes to into the state, each once whatever happens in between.
///
/// A file is first set apart under a name of its own, to which nothing is added any more; then it is added to the state
/// together with its id; then it is removed. Whoever comes after a crash finds the file and sees by its id how far it was.
///
/// # Errors
/// What the file system or the database says; what was not folded in stays.
pub fn fold(spool: &Spool, state: &Db) -> Result<()> {
    let shared = spool.shared();
    let monitors = shared.layout.monitors()?;
    for monitor in &monitors {
        if !file::is_any(&shared.layout, monitor)? {
            continue;
        }
        let path = shared.layout.monitor(monitor).join(WRITER_LOCK);
        let lock = Flock::try_take(&path)
            .map_err(|error| SpoolError::io(format!("lock {monitor}/{WRITER_LOCK}"), path, error))?;
        if let Some(_lock) = lock {
            fold_held(shared, monitor, state)?;
        }
    }
    forget(shared, &monitors, state)
}

/// The same for a monitor whose lock the caller holds.
pub(crate) fn fold_held(shared: &Shared, monitor: &MonitorName, state: &Db) -> Result<()> {
    let apart = file::set_all_apart(&shared.layout, monitor)?;
    if apart.is_empty() {
        return Ok(());
    }
    let (name, counted) = (monitor.clone(), apart.clone());
    state.write("fold drops in", move |tx| -> Result<()> {
        for (id, drops) in &counted {
            if store::mark_folded(tx, id)? {
                store::add(tx, name.as_str(), drops)?;
            }
        }
        Ok(())
    })?;
    file::remove(&shared.layout, monitor, apart.iter().map(|(id, _)| id.as_str()))
}

/// Forgets ids that are old and have no file: the ids are read before the files, since an id comes after its file.
fn forget(shared: &Shared, monitors: &[MonitorName], state: &Db) -> Result<()> {
    let before = shared.clock.wall_ms().saturating_sub(REMEMBERED_MS);
    let mut ids = state.read(|conn| store::folded_before(conn, before))?;
    if ids.is_empty() {
        return Ok(());
    }
    for monitor in monitors {
        let apart = file::apart(&shared.layout, monitor)?;
        ids.retain(|id| !apart.contains(id));
    }
    state.write("forget what was folded in", move |tx| store::forget(tx, &ids))
}

/// What stands in the `.drops.json` of a monitor and in those that were set apart to be folded in, each with its id; what
/// the state knows of by its id ([`is_folded`](store::is_folded)) is in there already. To be read before the state, so that
/// nothing is missed.
pub(crate) fn unfolded(shared: &Shared, monitor: &MonitorName) -> Result<Vec<(String, Drops)>> {
    file::all(&shared.layout, monitor)
}

/// All drops, by monitor and reason: those of the state and those that stand in files.
pub(crate) fn all(shared: &Shared, state: Option<&Db>) -> Result<BTreeMap<String, Drops>> {
    let mut waiting = Vec::new();
    for monitor in shared.layout.monitors()? {
        let found = unfolded(shared, &monitor)?;
        waiting.extend(found.into_iter().map(|(id, drops)| (monitor.as_str().to_owned(), id, drops)));
    }
    let (mut all, waiting) = match state {
        Some(state) => state.read(|conn| -> Result<_> {
            let all = store::all(conn)?;
            let mut left = Vec::new();
            for (monitor, id, drops) in waiting {
                if !store::is_folded(conn, &id)? {
                    left.push((monitor, drops));
                }
            }
            Ok((all, left))
        })?,
        None => (BTreeMap::new(), waiting.into_iter().map(|(monitor, _, drops)| (monitor, drops)).collect()),
    };
    for (monitor, drops) in waiting {
        merge(all.entry(monitor).or_default(), &drops);
    }
    Ok(all)
}

/// Events that were dropped, of all monitors and reasons. A state that cannot be read is passed over.
pub(crate) fn total(shared: &Shared, state: Option<&Db>) -> Result<u64> {
    let all = match all(shared, state) {
        Err(SpoolError::Storage(error)) => {
            tracing::debug!(%error, "drops are counted in files only");
            all(shared, None)?
        }
        all => all?,
    };
    Ok(all.values().flat_map(BTreeMap::values).fold(0, |sum: u64, events| sum.saturating_add(*events)))
}

/// Adds `more` to `drops`.
pub(crate) fn merge(drops: &mut Drops, more: &Drops) {
    for (reason, events) in more {
        let sum = drops.entry(reason.clone()).or_default();
        *sum = sum.saturating_add(*events);
    }
}

#[cfg(test)]
mod tests;
