//! What a dead writer left behind becomes a segment.

mod salvage;

use crate::catalogue;
use crate::error::{Result, SpoolError};
use crate::flock::Flock;
use crate::import::Taken;
use crate::layout::{Found, PART, SEGMENT, WRITER_LOCK, ensure_folder, rename_new, shown, sync_folder_of};
use crate::monitor::MonitorName;
use crate::names::SegmentName;
use crate::spool::Spool;
use crate::store::segments::signed;

/// Bytes of a name that every file system takes, with room for what says more about it (a number, `.rej.ndjson`, `.new`).
const LONGEST: usize = 200;

/// What was recovered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct Recovered {
    /// `.part` files that were found and are not written any more.
    pub found: u64,
    /// Of these, those that became segments; the others had no whole line, and went to quarantine (or were empty).
    pub segments: u64,
    /// Lines in them.
    pub lines: u64,
    /// Segments that are being written, and were left alone.
    pub live: u64,
}

impl Recovered {
    fn add(&mut self, other: &Self) {
        self.found += other.found;
        self.segments += other.segments;
        self.lines += other.lines;
        self.live += other.live;
    }
}

/// Recovers the `.part` files of one monitor or of all, but of those with a writer. Byte-exact: every whole line up to
/// where inflating fails first. Each step is one rename, so that at any moment one file has the lines.
///
/// # Errors
/// The first that a file system gave, after all monitors were tried. A file that failed is left for the next time.
pub fn recover(spool: &Spool, only: Option<&MonitorName>) -> Result<Recovered> {
    let known = |monitor: &MonitorName| spool.options().monitors.is_known(monitor);
    let mut monitors = spool.layout().monitors()?;
    monitors.retain(|monitor| known(monitor) && only.is_none_or(|only| only == monitor));
    let (recovered, errors) = recover_each(spool, &monitors);
    errors.into_iter().next().map_or(Ok(recovered), Err)
}

/// The same for these monitors, with all that failed.
pub(crate) fn recover_each(spool: &Spool, monitors: &[MonitorName]) -> (Recovered, Vec<SpoolError>) {
    let mut recovered = Recovered::default();
    let mut errors = Vec::new();
    for monitor in monitors {
        match recover_unless_live(spool, monitor, &mut errors) {
            Ok(one) => recovered.add(&one),
            Err(error) => errors.push(error),
        }
    }
    (recovered, errors)
}

fn recover_unless_live(
    spool: &Spool,
    monitor: &MonitorName,
    errors: &mut Vec<SpoolError>,
) -> Result<Recovered> {
    let folder = spool.layout().monitor(monitor);
    let parts = spool.layout().parts(&folder)?.len() as u64;
    if parts == 0 {
        return Ok(Recovered::default());
    }
    let lock = folder.join(WRITER_LOCK);
    let taken =
        Flock::try_take(&lock).map_err(|error| SpoolError::io(format!("lock {monitor}"), lock, error))?;
    match taken {
        Some(_lock) => recover_all(spool, monitor, errors),
        None => Ok(Recovered { live: parts, ..Recovered::default() }),
    }
}

/// The same for a monitor whose lock the caller holds.
pub(crate) fn recover_held(spool: &Spool, monitor: &MonitorName) -> Result<Recovered> {
    let mut errors = Vec::new();
    let recovered = recover_all(spool, monitor, &mut errors)?;
    errors.into_iter().next().map_or(Ok(recovered), Err)
}

/// The same with all that failed: one file that cannot be read keeps no other one back.
fn recover_all(spool: &Spool, monitor: &MonitorName, errors: &mut Vec<SpoolError>) -> Result<Recovered> {
    let layout = spool.layout();
    let mut recovered = Recovered::default();
    for part in layout.parts(&layout.monitor(monitor))? {
        recovered.found += 1;
        match recover_one(spool, monitor, &part) {
            Ok(Some(lines)) => {
                recovered.segments += 1;
                recovered.lines += lines;
            }
            Ok(None) => {}
            Err(error) => errors.push(error),
        }
    }
    if recovered.found > 0 {
        let Recovered { found, segments, lines, .. } = recovered;
        tracing::info!("Recovery sweep: {segments}/{found} temp files recovered, {lines} lines salvaged");
    }
    Ok(recovered)
}

/// One `.part`; gives how many lines its segment has, where it became one.
fn recover_one(spool: &Spool, monitor: &MonitorName, part: &Found) -> Result<Option<u64>> {
    let failed = |error| {
        let what = format!("recover {}", shown(monitor, &part.file));
        SpoolError::io(what, part.path.clone(), error)
    };
    let layout = spool.layout();
    let segments = [layout.monitor(monitor), layout.done(monitor), layout.quarantine(monitor)];
    for folder in segments {
        if layout.segments(&folder)?.iter().any(|segment| segment.inode == part.inode) {
            // It is one already: its writer died between giving it that name and taking this one away (`rename_new` where
            // the file system has no renameat2).
            std::fs::remove_file(&part.path).and_then(|()| sync_folder_of(&part.path)).map_err(failed)?;
            spool.shared().gate.moved(0, -signed(part.bytes));
            return Ok(None);
        }
    }
    let Some(salvaged) = salvage::whole_lines(spool.options(), monitor, part)? else {
        if part.bytes == 0 {
            std::fs::remove_file(&part.path).and_then(|()| sync_folder_of(&part.path)).map_err(failed)?;
        } else {
            quarantine(spool, monitor, &part.file)?;
        }
        spool.shared().gate.moved(0, -signed(part.bytes));
        return Ok(None);
    };
    let file = place(spool, monitor, &part.file)?;
    let (bytes, lines) = (salvaged.bytes, salvaged.lines);
    spool.shared().gate.moved(signed(bytes), -signed(part.bytes));
    if let Some(state) = &spool.shared().state {
        let entry = catalogue::Entry { monitor: monitor.clone(), file, bytes, lines };
        catalogue::note(state, &entry)?;
    }
    Ok(Some(lines))
}

/// Gives a `.part` that has whole lines and nothing else the name of a recovered segment; gives that name.
fn place(spool: &Spool, monitor: &MonitorName, part: &str) -> Result<String> {
    let layout = spool.layout();
    let folder = layout.monitor(monitor);
    let taken = Taken::of(layout, monitor)?;
    let failed =
        |error| SpoolError::io(format!("recover {}", shown(monitor, part)), folder.join(part), error);
    let names = (0..=u32::MAX).map(|number| recovered_name(part, number));
    for file in names.filter(|file| !taken.has(file)) {
        match rename_new(&folder.join(part), &folder.join(&file)) {
            Ok(()) => return Ok(file),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(failed(error)),
        }
    }
    Err(failed(std::io::ErrorKind::AlreadyExists.into()))
}

/// `<stem>_recovered[-N].ndjson.gz`, also of names that are nobody's.
fn recovered_name(part: &str, number: u32) -> String {
    let whole = part.strip_suffix(PART).unwrap_or(part);
    if let Some(name) = SegmentName::parse(whole) {
        return name.recovered(number).file_name();
    }
    let stem = [SEGMENT, ".ndjson"].into_iter().find_map(|end| whole.strip_suffix(end)).unwrap_or(whole);
    let end = match number {
        0 => format!("_recovered{SEGMENT}"),
        number => format!("_recovered-{number}{SEGMENT}"),
    };
    let stem = stem.get(..stem.floor_char_boundary(LONGEST - end.len())).unwrap_or(stem);
    format!("{stem}{end}")
}

/// Puts a `.part` without a whole line where it can be looked at.
fn quarantine(spool: &Spool, monitor: &MonitorName, part: &str) -> Result<()> {
    let layout = spool.layout();
    let folder = layout.quarantine(monitor);
    ensure_folder(layout, &folder)?;
    let from = layout.monitor(monitor).join(part);
    tracing::warn!("Truncated file with no complete lines: {}", shown(monitor, part));
    for number in 0..=u32::MAX {
        let file = if number == 0 { part.to_owned() } else { format!("{part}.{number}") };
        match rename_new(&from, &folder.join(file)) {
            Ok(()) => return Ok(()),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => {
                return Err(SpoolError::io(format!("move {}", shown(monitor, part)), from, error));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
