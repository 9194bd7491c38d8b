//! What became of every line: written = pending + imported + quarantined + dropped.
//!
//! `written` is counted by who writes, the rest by who takes in, drops, or looks; so they differ where something was lost.

use std::collections::{BTreeMap, HashMap};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use conclave_db::{Db, ReadConn};

use crate::catalogue::{self, Known};
use crate::drops::{self, Drops};
use crate::error::{Result, SpoolError};
use crate::frame::tally;
use crate::layout::Found;
use crate::monitor::MonitorName;
use crate::spool::Spool;
use crate::store::drops as store_drops;
use crate::store::ledger as store;
use crate::store::segments::{self, Segment};

/// The counts of a monitor, or of all.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize)]
pub struct Entry {
    /// Lines that were written or dropped.
    pub written: u64,
    /// Lines that wait to be imported, in finalised segments and in whole members of `.part` files.
    pub pending: u64,
    /// Lines that are imported, duplicates included.
    pub imported: u64,
    /// Lines that are no events, or could not be read.
    pub quarantined: u64,
    /// Lines that were dropped, by reason.
    pub dropped: Drops,
}

impl Entry {
    /// Whether it balances.
    pub fn balances(&self) -> bool {
        let dropped: u64 = self.dropped.values().sum();
        self.written == self.pending + self.imported + self.quarantined + dropped
    }

    /// Drops are written too: else what was never stored would be missing on one side.
    fn drop_events(&mut self, reason: &str, events: u64) {
        self.written += events;
        *self.dropped.entry(reason.to_owned()).or_default() += events;
    }

    fn add(&mut self, other: &Self) {
        self.written += other.written;
        self.pending += other.pending;
        self.imported += other.imported;
        self.quarantined += other.quarantined;
        for (reason, events) in &other.dropped {
            *self.dropped.entry(reason.clone()).or_default() += events;
        }
    }
}

/// The ledger.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ledger {
    /// All monitors together.
    pub total: Entry,
    /// Each.
    pub monitors: BTreeMap<String, Entry>,
    /// Files that could not be read, as `monitor/filename: why`: of those that are in the catalogue the lines are known from
    /// there, the others count as empty.
    pub unread: Vec<String>,
}

/// Reads the ledger, at any moment, beside writers and importers: state, folders, state again until both are of one
/// moment. Writes nothing. Without a state only the files are counted.
pub fn ledger(spool: &Spool, state: Option<&Db>) -> Result<Ledger> {
    let mut counted = Counted::new();
    let mut ledger = Ledger::default();
    for _ in 0..TRIES {
        let before = look(spool, state)?;
        ledger = add_up(spool, &before, &mut counted);
        if look(spool, state)? == before {
            break;
        }
    }
    Ok(ledger)
}

/// How often files and state are looked at until they hold still meanwhile.
const TRIES: u32 = 5;

/// Lines of files that were counted before, by path, inode and size.
type Counted = HashMap<(PathBuf, u64, u64), u64>;

/// What is looked at before and after the files are counted.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    counts: BTreeMap<String, store::Counts>,
    drops: BTreeMap<String, Drops>,
    waiting: BTreeMap<MonitorName, Waiting>,
    /// Folders that could not be listed.
    unread: Vec<String>,
}

/// What of a monitor waits.
#[derive(Debug, PartialEq, Eq)]
struct Waiting {
    files: Vec<Found>,
    /// The rows of these files.
    rows: Vec<Segment>,
    /// Its drops that are not in the state.
    drops: Drops,
    /// Segments that were being written, by name and inode: a segment that was finalised meanwhile is not among them any
    /// more. How large they are may change.
    parts: Vec<(String, u64)>,
}

fn look(spool: &Spool, state: Option<&Db>) -> Result<Seen> {
    let layout = spool.layout();
    let (mut listed, mut unread) = (Vec::new(), Vec::new());
    let list = |monitor: MonitorName| -> Result<_> {
        let files = layout.segments(&layout.monitor(&monitor))?;
        let parts = layout.parts(&layout.monitor(&monitor))?;
        let parts = parts.into_iter().map(|part| (part.file, part.inode)).collect();
        let unfolded = drops::unfolded(spool.shared(), &monitor)?;
        Ok((monitor, files, parts, unfolded))
    };
    for monitor in layout.monitors()? {
        match list(monitor) {
            Ok(found) => listed.push(found),
            Err(error) => unread.push(error.to_string()),
        }
    }
    let assemble = |conn: Option<&ReadConn<'_>>| -> Result<Seen> {
        let (counts, drops) = match conn {
            Some(conn) => (store::counts(conn)?, store_drops::all(conn)?),
            None => <_>::default(),
        };
        let mut waiting = BTreeMap::new();
        for (monitor, files, parts, unfolded) in listed {
            // The folder of a monitor that nobody knows is left alone, unless something of it was counted.
            if !spool.options().monitors.is_known(&monitor) && !counts.contains_key(monitor.as_str()) {
                continue;
            }
            let (mut rows, mut drops) = (Vec::new(), Drops::new());
            for found in &files {
                rows.extend(match conn {
                    Some(conn) => segments::of_file(conn, monitor.as_str(), &found.file)?,
                    None => Vec::new(),
                });
            }
            for (id, more) in unfolded {
                let is_folded = conn.map(|conn| store_drops::is_folded(conn, &id)).transpose()?;
                if is_folded != Some(true) {
                    drops::merge(&mut drops, &more);
                }
            }
            waiting.insert(monitor, Waiting { files, rows, drops, parts });
        }
        Ok(Seen { counts, drops, waiting, unread })
    };
    match state {
        Some(state) => state.read(|conn| assemble(Some(conn))),
        None => assemble(None),
    }
}

fn add_up(spool: &Spool, seen: &Seen, counted: &mut Counted) -> Ledger {
    let mut monitors: BTreeMap<String, Entry> = BTreeMap::new();
    let mut unread = seen.unread.clone();
    for (monitor, counts) in &seen.counts {
        let entry = monitors.entry(monitor.clone()).or_default();
        entry.written += counts.written;
        entry.imported += counts.imported + counts.duplicates;
        entry.quarantined += counts.quarantined;
    }
    for (monitor, drops) in &seen.drops {
        let entry = monitors.entry(monitor.clone()).or_default();
        for (reason, events) in drops {
            entry.drop_events(reason, *events);
        }
    }
    for (monitor, waiting) in &seen.waiting {
        let mut entry = Entry::default();
        for (reason, events) in &waiting.drops {
            entry.drop_events(reason, *events);
        }
        for found in &waiting.files {
            let known = match catalogue::look(&waiting.rows, found) {
                Ok(known) => known,
                Err(error) if is_gone(&error) => continue,
                Err(error) => {
                    unread.push(error.to_string());
                    continue;
                }
            };
            if matches!(known, Known::Settled(_)) {
                continue;
            }
            let lines = lines_in(monitor, found, counted).unwrap_or_else(|error| {
                unread.push(error.to_string());
                match known {
                    Known::Pending(row) => row.lines,
                    Known::Settled(_) | Known::New | Known::Clash => 0,
                }
            });
            entry.pending = entry.pending.saturating_add(lines);
            if matches!(known, Known::New | Known::Clash) {
                entry.written = entry.written.saturating_add(lines);
            }
        }
        let folder = spool.layout().monitor(monitor);
        for (part, _) in &waiting.parts {
            let lines = part_lines(&folder.join(part)).unwrap_or_else(|error| {
                unread.push(error.to_string());
                0
            });
            entry.pending = entry.pending.saturating_add(lines);
            entry.written = entry.written.saturating_add(lines);
        }
        if entry != Entry::default() || monitors.contains_key(monitor.as_str()) {
            monitors.entry(monitor.to_string()).or_default().add(&entry);
        }
    }
    let mut total = Entry::default();
    for entry in monitors.values() {
        total.add(entry);
    }
    Ledger { total, monitors, unread }
}

fn is_gone(error: &SpoolError) -> bool {
    matches!(error, SpoolError::Io { source, .. } if source.kind() == ErrorKind::NotFound)
}

fn lines_in(monitor: &MonitorName, found: &Found, counted: &mut Counted) -> Result<u64> {
    let key = (found.path.clone(), found.inode, found.bytes);
    if let Some(lines) = counted.get(&key) {
        return Ok(*lines);
    }
    // One that is gone is looked at again anyway.
    let lines = catalogue::lines_in(monitor, found, false)?.unwrap_or(0);
    counted.insert(key, lines);
    Ok(lines)
}

/// Lines that were acknowledged: those of whole members.
fn part_lines(path: &Path) -> Result<u64> {
    match catalogue::open(path) {
        Ok(file) => Ok(tally(&file, false)?.lines),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(0),
        Err(error) => Err(SpoolError::io("read what is being written", path.to_path_buf(), error)),
    }
}
