//! Segments into the table `events`.
//!
//! A file leaves pending only after all its rows are durable; how far it is stands in its row of the catalogue, in the
//! transaction of the rows themselves, so that whoever goes on after a crash goes on there. The last transaction of a file
//! moves its lines from pending to imported and quarantined; then the file is moved.

mod batch;
mod missing;
mod place;
mod rejects;
mod segment;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use conclave_db::Db;

pub(crate) use self::batch::Batch;
pub(crate) use self::place::{Taken, put};
use self::segment::{Imported, Job, Pace};
use crate::catalogue::{self, Known, is_busy};
use crate::drops;
use crate::error::{Result, SpoolError};
use crate::flock::Flock;
use crate::layout::{Found, IMPORT_LOCK, shown};
use crate::monitor::MonitorName;
use crate::recover::{Recovered, recover_each};
use crate::spool::Spool;
use crate::store::segments::{self, Segment, State};
use crate::trim::{Trimmed, When, trim};

/// How long a transaction of an import waits for its turn.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);
/// How long an import waits for another one.
const BESIDE: Duration = Duration::from_secs(30);

/// What an import did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Flushed {
    /// Files that left pending.
    pub files: u64,
    /// Events that are new.
    pub imported: u64,
    /// Events that were there.
    pub duplicates: u64,
    /// Lines that are no events or could not be read.
    pub quarantined: u64,
    /// Lines of pending files that are gone: counted as dropped now.
    pub missing: u64,
    /// Files that stay pending because the database could not be written.
    pub deferred: u64,
    /// The same by monitor, of those that had files.
    pub monitors: Vec<Monitor>,
    /// What was recovered before.
    pub recovered: Recovered,
    /// What was trimmed after.
    pub trimmed: Trimmed,
    /// Files that could not be read and stay where they are, as `monitor/filename: why`.
    pub errors: Vec<String>,
    /// Folders of monitors that are not known, with what waits in them: they are left alone, and nothing of them is counted
    /// above. Those without such files are not among them.
    pub unknown: Vec<Unknown>,
}

/// A folder of a monitor that is not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unknown {
    /// Whose it would be.
    pub monitor: MonitorName,
    /// Segments that wait there, also those that are being written.
    pub files: u64,
}

/// One monitor's part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Monitor {
    /// Which.
    pub monitor: MonitorName,
    /// Files that left pending.
    pub files: u64,
    /// Events that are new.
    pub imported: u64,
}

/// Recovers, imports and trims: one monitor, or all that are known. One process at a time (flock(2) on `.import.lock`); who
/// comes second waits up to 30 s, then all files that are pending count as deferred. When this returns, all that it counts
/// is durable. What cannot be done with one file or monitor is said in `errors`, and the others go on.
///
/// # Errors
/// What the database says, but for `busy` (which defers), and a folder that cannot be read.
pub fn flush(spool: &Spool, state: &Db, only: Option<&MonitorName>) -> Result<Flushed> {
    let mut flush = Flush { spool, state, pace: Pace::new(), flushed: Flushed::default() };
    let layout = spool.layout();
    if !layout.root().is_dir() {
        return Ok(flush.flushed);
    }
    let (monitors, unknown) = monitors(spool, only)?;
    flush.flushed.unknown = unknown;
    let lock = layout.root().join(IMPORT_LOCK);
    let shared = spool.shared();
    let taken = Flock::take_within(&lock, BESIDE, &*shared.clock, &*shared.sleeper)
        .map_err(|error| SpoolError::io("lock the import", lock, error))?;
    let Some(_lock) = taken else {
        for monitor in &monitors {
            flush.flushed.deferred += pending(spool, monitor)?.len() as u64;
        }
        return Ok(flush.flushed);
    };
    flush.beside(drops::fold(spool, state))?;
    let (recovered, errors) = recover_each(spool, &monitors);
    flush.flushed.recovered = recovered;
    flush.flushed.errors.extend(errors.iter().map(ToString::to_string));
    let mut is_deferred = false;
    for monitor in &monitors {
        if is_deferred {
            flush.flushed.deferred += pending(spool, monitor)?.len() as u64;
        } else {
            is_deferred = !flush.monitor(monitor)?;
        }
    }
    match trim(spool, When::UnderPressure, false) {
        Ok(trimmed) => flush.flushed.trimmed = trimmed,
        error => flush.beside(error.map(drop))?,
    }
    Ok(flush.flushed)
}

/// The monitors that are looked at: those with a folder that are known. The folders of others are left alone, which is
/// said, and once to the log.
fn monitors(spool: &Spool, only: Option<&MonitorName>) -> Result<(Vec<MonitorName>, Vec<Unknown>)> {
    static SAID: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    let layout = spool.layout();
    let (mut found, mut unknown) = (Vec::new(), Vec::new());
    for monitor in layout.monitors()? {
        if only.is_some_and(|only| *only != monitor) {
            continue;
        }
        if spool.options().monitors.is_known(&monitor) {
            found.push(monitor);
            continue;
        }
        let folder = layout.monitor(&monitor);
        // One that cannot be read is nobody's of ours either.
        let count = |files: Result<Vec<Found>>| files.map_or(0, |files| files.len() as u64);
        let files = count(layout.segments(&folder)) + count(layout.parts(&folder));
        if SAID.lock().unwrap_or_else(PoisonError::into_inner).insert(monitor.to_string()) {
            tracing::info!("Skipped unknown monitor directory: {monitor}");
        }
        if files > 0 {
            unknown.push(Unknown { monitor, files });
        }
    }
    Ok((found, unknown))
}

fn pending(spool: &Spool, monitor: &MonitorName) -> Result<Vec<Found>> {
    spool.layout().segments(&spool.layout().monitor(monitor))
}

struct Flush<'f> {
    spool: &'f Spool,
    state: &'f Db,
    pace: Pace,
    flushed: Flushed,
}

impl Flush<'_> {
    /// Takes what failed beside the import: a file that failed is said, a state that is busy may be so.
    fn beside(&mut self, done: Result<()>) -> Result<()> {
        match done {
            Ok(()) => Ok(()),
            Err(error) if is_busy(&error) => Ok(()),
            Err(error @ SpoolError::Storage(_)) => Err(error),
            Err(error) => {
                self.flushed.errors.push(error.to_string());
                Ok(())
            }
        }
    }

    /// Imports the files of a monitor; `false` where the database was busy, and the rest is deferred.
    fn monitor(&mut self, monitor: &MonitorName) -> Result<bool> {
        let before = (self.flushed.files, self.flushed.imported);
        let noted = self.catalogue(monitor);
        let waiting = match pending(self.spool, monitor) {
            Ok(waiting) => waiting,
            Err(error) => {
                // Such a folder cannot be catalogued either, and says the same.
                self.flushed.errors.push(error.to_string());
                return Ok(true);
            }
        };
        match noted {
            Err(error) if is_busy(&error) => {
                self.flushed.deferred += waiting.len() as u64;
                return Ok(false);
            }
            noted => self.beside(noted)?,
        }
        let mut went_through = true;
        for (place, found) in waiting.iter().enumerate() {
            match self.file(monitor, found) {
                Ok(()) => {}
                Err(error) if is_busy(&error) => {
                    self.flushed.deferred += (waiting.len() - place) as u64;
                    went_through = false;
                    break;
                }
                Err(error @ SpoolError::Storage(_)) => return Err(error),
                Err(error) => self.flushed.errors.push(error.to_string()),
            }
        }
        let (files, imported) = (self.flushed.files - before.0, self.flushed.imported - before.1);
        if files > 0 {
            self.flushed.monitors.push(Monitor { monitor: monitor.clone(), files, imported });
        }
        Ok(went_through)
    }

    /// Catalogues what is pending, gives other names to files that have one that was imported, and looks for those that
    /// are gone.
    fn catalogue(&mut self, monitor: &MonitorName) -> Result<()> {
        let layout = self.spool.layout();
        let folder = layout.monitor(monitor);
        for name in layout.strangers(&folder)? {
            self.flushed.errors.push(format!("{}: it is no regular file", shown(monitor, &name)));
        }
        let rows = catalogue::rows(self.state, monitor)?;
        for found in &pending(self.spool, monitor)? {
            // What cannot be read is said when its turn comes.
            if matches!(catalogue::look(&rows, found), Ok(Known::Clash)) {
                let mut taken = Taken::of(layout, monitor)?;
                for row in &rows {
                    taken.add(row.file.clone());
                }
                let name = taken.free(&found.file).unwrap_or_else(|| found.file.clone());
                put(layout, monitor, &found.path, &folder, &name)?;
            }
        }
        // Rows first: what is finalised and noted meanwhile is in neither.
        let rows = catalogue::rows(self.state, monitor)?;
        let waiting = pending(self.spool, monitor)?;
        let unread = catalogue::note_all(self.state, monitor, &waiting)?;
        self.flushed.errors.extend(unread.iter().map(ToString::to_string));
        for segment in &missing::find(&rows, &waiting) {
            self.gone(monitor, segment)?;
        }
        missing::forget(self.state, missing::removed(&rows, &Taken::of(layout, monitor)?))
    }

    /// A segment that should be pending and is not.
    fn gone(&mut self, monitor: &MonitorName, segment: &Segment) -> Result<()> {
        let layout = self.spool.layout();
        let is_it = |folder: &Path| {
            let about = std::fs::symlink_metadata(folder.join(&segment.file));
            about.is_ok_and(|about| about.is_file() && about.len() == segment.bytes)
        };
        if is_it(&layout.monitor(monitor)) {
            return Ok(());
        }
        // The state is older than the files, as after a restore: its rows may be missing too.
        let folders = [layout.done(monitor), layout.quarantine(monitor)];
        if let Some(folder) = folders.iter().find(|folder| is_it(folder)) {
            let imported = self.import(monitor, segment.clone(), &folder.join(&segment.file))?;
            self.flushed.count(&imported);
            return rejects::give_name(layout, monitor, &segment.file, &segment.file);
        }
        let lost = missing::give_up(self.state, segment.clone())?;
        tracing::warn!(lines = lost, "a pending segment is gone: {}", segment.shown());
        self.flushed.missing += lost;
        Ok(())
    }

    fn import(&mut self, monitor: &MonitorName, segment: Segment, path: &Path) -> Result<Imported> {
        let job = Job { spool: self.spool, state: self.state, monitor, segment, path };
        job.run(&mut self.pace)
    }

    /// Imports a pending file and moves it.
    fn file(&mut self, monitor: &MonitorName, found: &Found) -> Result<()> {
        let rows = self.state.read(|conn| segments::of_file(conn, monitor.as_str(), &found.file))?;
        let (state, row) = match catalogue::look(&rows, found)? {
            Known::Pending(row) => {
                let imported = self.import(monitor, row.clone(), &found.path)?;
                // Somebody else imports it.
                let Some(state) = imported.state else { return Ok(()) };
                self.flushed.count(&imported);
                (state, row)
            }
            // Its rows are durable; the importer died before it could move it.
            Known::Settled(row) => {
                self.flushed.files += 1;
                (row.state, row)
            }
            // It came after the catalogue was made.
            Known::New | Known::Clash => return Ok(()),
        };
        self.moved(monitor, found, state, row)
    }

    /// Moves a file whose import has ended, and what was rejected of it.
    fn moved(&self, monitor: &MonitorName, found: &Found, state: State, row: &Segment) -> Result<()> {
        let layout = self.spool.layout();
        let folder = match state {
            State::Quarantined => layout.quarantine(monitor),
            State::Imported | State::Pending => layout.done(monitor),
        };
        let name = place::target(layout, monitor, &folder, &found.file)?;
        rejects::give_name(layout, monitor, &found.file, &name)?;
        let name = put(layout, monitor, &found.path, &folder, &name)?;
        if state == State::Quarantined {
            tracing::warn!("quarantined {}", shown(monitor, &name));
        }
        if name == row.file {
            return Ok(());
        }
        let row = row.clone();
        let renamed = self.state.writing("rename a segment").deadline(PATIENCE);
        renamed.run(move |tx| segments::rename(tx, &row, &name))
    }
}

impl Flushed {
    fn count(&mut self, imported: &Imported) {
        self.files += 1;
        self.imported += imported.new;
        self.duplicates += imported.duplicates;
        self.quarantined += imported.quarantined;
    }
}

#[cfg(test)]
mod tests;
