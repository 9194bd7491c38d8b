//! Where a file goes that leaves pending: under its own name, unless that is taken.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use crate::error::{Result, SpoolError};
use crate::layout::{self, Layout, PART, SEGMENT, ensure_folder, shown};
use crate::monitor::MonitorName;
use crate::names::SegmentName;

/// The names of a monitor that were given, wherever the files are now.
fn taken(layout: &Layout, monitor: &MonitorName) -> Result<BTreeSet<String>> {
    let mut taken = BTreeSet::new();
    for folder in [layout.monitor(monitor), layout.done(monitor), layout.quarantine(monitor)] {
        taken.extend(layout.segments(&folder)?.into_iter().map(|found| found.file));
        let parts = layout.parts(&folder)?.into_iter();
        taken.extend(parts.filter_map(|found| found.file.strip_suffix(PART).map(str::to_owned)));
    }
    Ok(taken)
}

/// A name that no file of the monitor has: the next sequence of the hour.
pub(crate) fn free(layout: &Layout, monitor: &MonitorName, file: &str) -> Result<String> {
    let taken = taken(layout, monitor)?;
    if let Some(name) = SegmentName::parse(file) {
        let of_hour = taken.iter().filter_map(|taken| SegmentName::parse(taken));
        let last = of_hour.filter(|taken| taken.hour() == name.hour()).map(|taken| taken.sequence()).max();
        let next = last.map_or(0, |last| last.saturating_add(1));
        return Ok(SegmentName::new(name.hour(), next).file_name());
    }
    let stem = file.strip_suffix(SEGMENT).unwrap_or(file);
    let numbered = (1_u32..).map(|number| format!("{stem}-{number:03}{SEGMENT}"));
    Ok(numbered.into_iter().find(|name| !taken.contains(name)).unwrap_or_else(|| file.to_owned()))
}

/// The name that a pending file will have in a folder: its own, or where that is taken the next free one.
pub(crate) fn target(layout: &Layout, monitor: &MonitorName, folder: &Path, file: &str) -> Result<String> {
    let is_taken = |path: PathBuf| match std::fs::symlink_metadata(path) {
        Ok(_) => true,
        Err(error) => error.kind() != io::ErrorKind::NotFound,
    };
    let others = [layout.done(monitor), layout.quarantine(monitor), folder.to_path_buf()];
    if others.into_iter().any(|other| is_taken(other.join(file))) {
        return free(layout, monitor, file);
    }
    Ok(file.to_owned())
}

/// Moves a file into a folder under this name, or where that has been taken meanwhile under the next free one. One that is
/// gone was moved by somebody else.
pub(crate) fn put(
    layout: &Layout,
    monitor: &MonitorName,
    from: &Path,
    folder: &Path,
    name: &str,
) -> Result<()> {
    ensure_folder(layout, folder)?;
    let mut name = name.to_owned();
    loop {
        match layout::rename_new(from, &folder.join(&name)) {
            Ok(()) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                name = free(layout, monitor, &name)?;
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound && !from.exists() => return Ok(()),
            Err(error) => {
                let what = format!("move {}", shown(monitor, &name));
                return Err(SpoolError::io(what, from.to_path_buf(), error));
            }
        }
    }
}
