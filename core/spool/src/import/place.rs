//! Where a file goes that leaves pending: under its own name, unless that is taken.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use crate::error::{Result, SpoolError};
use crate::layout::{self, Layout, PART, REJECTS, SEGMENT, ensure_folder, shown};
use crate::monitor::MonitorName;
use crate::names::SegmentName;

/// How often a name is looked for: each time somebody else has taken it meanwhile.
const TRIES: u32 = 1_000;

/// The names of a monitor that were given, wherever the files are now, and whatever lies under them: a folder or a pipe
/// keeps a name as a file does.
#[derive(Debug)]
pub(crate) struct Taken(BTreeSet<String>);

impl Taken {
    /// Those in the monitor's folders.
    pub(crate) fn of(layout: &Layout, monitor: &MonitorName) -> Result<Self> {
        let mut taken = BTreeSet::new();
        for folder in [layout.monitor(monitor), layout.done(monitor), layout.quarantine(monitor)] {
            for name in layout.names(&folder)? {
                // What is being written has a name already, and so has the segment that rejects are of.
                let of = name.strip_suffix(PART).or_else(|| name.strip_suffix(REJECTS)).map(str::to_owned);
                taken.extend(of);
                taken.insert(name);
            }
        }
        Ok(Self(taken))
    }

    pub(crate) fn has(&self, file: &str) -> bool {
        self.0.contains(file)
    }

    /// This name is taken, too.
    pub(crate) fn add(&mut self, file: String) {
        self.0.insert(file);
    }

    /// A name that nothing has: the next sequence of the hour, or a number of its own.
    pub(crate) fn free(&self, file: &str) -> Option<String> {
        let is_free = |name: &String| !self.has(name);
        let Some(name) = SegmentName::parse(file) else {
            let stem = file.strip_suffix(SEGMENT).unwrap_or(file);
            return (1..=u32::MAX).map(|number| format!("{stem}-{number:03}{SEGMENT}")).find(is_free);
        };
        let of_hour = self.0.iter().filter_map(|taken| SegmentName::parse(taken));
        let last = of_hour.filter(|taken| taken.hour() == name.hour()).map(|taken| taken.sequence()).max();
        let next = last.map_or(0, |last| last.saturating_add(1));
        let named = |sequence| SegmentName::new(name.hour(), sequence).file_name();
        (next..=u32::MAX).chain(0..next).map(named).find(is_free)
    }
}

/// The name that a pending file will have in a folder: its own, or where that is taken the next free one.
pub(crate) fn target(layout: &Layout, monitor: &MonitorName, folder: &Path, file: &str) -> Result<String> {
    let is_taken = |path: &Path| match std::fs::symlink_metadata(path) {
        Ok(_) => true,
        Err(error) => error.kind() != io::ErrorKind::NotFound,
    };
    let (done, quarantine) = (layout.done(monitor), layout.quarantine(monitor));
    let rejects = quarantine.join(format!("{file}{REJECTS}"));
    let places = [done.join(file), quarantine.join(file), folder.join(file), rejects];
    if !places.iter().any(|place| is_taken(place)) {
        return Ok(file.to_owned());
    }
    Taken::of(layout, monitor)?.free(file).ok_or_else(|| no_name(monitor, file))
}

/// Moves a file into a folder under this name, or where that has been taken meanwhile under the next free one, and gives
/// the name that it has. One that is gone was moved by somebody else.
pub(crate) fn put(
    layout: &Layout,
    monitor: &MonitorName,
    from: &Path,
    folder: &Path,
    name: &str,
) -> Result<String> {
    ensure_folder(layout, folder)?;
    let mut name = name.to_owned();
    let mut failed = Vec::new();
    for _ in 0..TRIES {
        match layout::rename_new(from, &folder.join(&name)) {
            Ok(()) => return Ok(name),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                let mut taken = Taken::of(layout, monitor)?;
                failed.push(name);
                for name in &failed {
                    taken.add(name.clone());
                }
                let last = failed.last().map_or("", String::as_str);
                name = taken.free(last).ok_or_else(|| no_name(monitor, last))?;
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound && !from.exists() => return Ok(name),
            Err(error) => {
                let what = format!("move {}", shown(monitor, &name));
                return Err(SpoolError::io(what, from.to_path_buf(), error));
            }
        }
    }
    Err(no_name(monitor, &name))
}

fn no_name(monitor: &MonitorName, file: &str) -> SpoolError {
    let source = io::Error::from(io::ErrorKind::AlreadyExists);
    SpoolError::io(format!("find a free name for {}", shown(monitor, file)), None, source)
}

#[cfg(test)]
mod tests;
