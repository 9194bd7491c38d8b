//! Counts of dropped events in files of a monitor's folder.
//!
//! `.drops.json` is added to; `.drops-ID.json` is one that was set apart to be folded in, and never changes again. Both are
//! written whole under another name first, so that a crash leaves the old one or the new one.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read as _};
use std::os::unix::fs::{FileExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rustix::fs::OFlags;
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use super::{Drops, merge as add};
use crate::error::{Result, SpoolError, SpoolErrorKind};
use crate::layout::{DROPS, Layout, rename_new, sync_folder_of};
use crate::monitor::MonitorName;

/// Around the id in the name of one that was set apart.
const APART: (&str, &str) = (".drops-", ".json");
/// What is being written.
const NEW: &str = ".drops.json.new";
/// What is not ours, or was damaged.
const DAMAGED: &str = ".drops.json.damaged";
/// What is reserved for the next one: a block of most file systems.
const RESERVED: usize = 4096;
/// A file is far smaller.
const MOST_BYTES: u64 = 1 << 20;
/// A count is far smaller, and sums of such counts are.
const MOST_EVENTS: u64 = 1 << 53;

/// One changes at a time within this process; between processes the writer's lock sees to that.
static CHANGING: Mutex<()> = Mutex::new(());

#[derive(Debug, Serialize, Deserialize)]
struct Counted {
    id: String,
    drops: Drops,
}

impl Counted {
    fn is_valid(&self) -> bool {
        is_id(&self.id)
            && self.drops.iter().all(|(reason, events)| !reason.is_empty() && *events <= MOST_EVENTS)
    }
}

/// An id that nobody else has.
pub(super) fn new_id() -> Result<String> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).map_err(|error| {
        SpoolError::io("make an id for a count of drops", None, std::io::Error::other(error.to_string()))
    })?;
    Ok(format!("{:032x}", u128::from_be_bytes(bytes)))
}

fn is_id(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Adds to the monitor's `.drops.json`; `id` is its id where there is none yet.
pub(super) fn merge(layout: &Layout, monitor: &MonitorName, id: &str, drops: &Drops) -> Result<()> {
    let _changing = CHANGING.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = layout.monitor(monitor);
    let before = read_own(layout, monitor)?;
    let mut counted = before.unwrap_or_else(|| Counted { id: id.to_owned(), drops: Drops::new() });
    add(&mut counted.drops, drops);
    // More than that would pass for damaged.
    counted.drops.values_mut().for_each(|events| *events = MOST_EVENTS.min(*events));
    match write(layout, &folder, NEW, DROPS, &counted) {
        Err(error) if error.kind() == SpoolErrorKind::NoRoom => overwrite(layout, &folder, &counted, error),
        written => written,
    }
}

/// Keeps a place for what is written next.
pub(super) fn reserve(layout: &Layout, monitor: &MonitorName) -> Result<()> {
    let _changing = CHANGING.lock().unwrap_or_else(PoisonError::into_inner);
    let path = layout.monitor(monitor).join(NEW);
    let failed = |error| SpoolError::io(layout.what("write", &path), path.clone(), error);
    let file = open_new(&path).map_err(failed)?;
    if file.metadata().map_err(failed)?.len() < RESERVED as u64 {
        // Blocks are had for what is written, and for nothing less.
        let spaces = vec![b' '; RESERVED];
        if let Err(error) = file.write_all_at(&spaces, 0) {
            let _ = std::fs::remove_file(&path);
            return Err(failed(error));
        }
    }
    Ok(())
}

/// Gives that place back; where it stays, the next writer has it.
pub(super) fn release(layout: &Layout, monitor: &MonitorName) {
    let _changing = CHANGING.lock().unwrap_or_else(PoisonError::into_inner);
    let _ = std::fs::remove_file(layout.monitor(monitor).join(NEW));
}

/// Writes a file that is set apart from the beginning.
pub(super) fn set_apart(layout: &Layout, monitor: &MonitorName, id: &str, drops: &Drops) -> Result<()> {
    let _changing = CHANGING.lock().unwrap_or_else(PoisonError::into_inner);
    let counted = Counted { id: id.to_owned(), drops: drops.clone() };
    // Under a name of its own also while it is written: this needs no lock.
    let name = apart_name(id);
    write(layout, &layout.monitor(monitor), &format!("{name}.new"), &name, &counted)
}

/// Sets the monitor's `.drops.json` apart, and gives everything that is.
pub(super) fn set_all_apart(layout: &Layout, monitor: &MonitorName) -> Result<Vec<(String, Drops)>> {
    let _changing = CHANGING.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = layout.monitor(monitor);
    if let Some(counted) = read_own(layout, monitor)? {
        let (from, to) = (folder.join(DROPS), folder.join(apart_name(&counted.id)));
        rename_new(&from, &to)
            .map_err(|error| SpoolError::io(layout.what("set apart", &from), from, error))?;
    }
    let mut all = Vec::new();
    for id in apart(layout, monitor)? {
        let path = folder.join(apart_name(&id));
        match read(layout, &path)? {
            Read::Counted(counted) if counted.id == id => all.push((id, counted.drops)),
            Read::Missing => {}
            _ => set_aside(layout, &path)?,
        }
    }
    Ok(all)
}

/// Removes files that were folded in; durable when this returns.
pub(super) fn remove<'i>(
    layout: &Layout,
    monitor: &MonitorName,
    ids: impl Iterator<Item = &'i str>,
) -> Result<()> {
    let folder = layout.monitor(monitor);
    let failed = |path: &Path, error| SpoolError::io(layout.what("remove", path), path.to_path_buf(), error);
    for id in ids {
        let path = folder.join(apart_name(id));
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(failed(&path, error)),
            _ => {}
        }
    }
    let any = folder.join(DROPS);
    sync_folder_of(&any).map_err(|error| failed(&any, error))
}

/// Whether there is anything to fold in.
pub(super) fn is_any(layout: &Layout, monitor: &MonitorName) -> Result<bool> {
    // Set apart after this look it is in the list that follows.
    let path = layout.monitor(monitor).join(DROPS);
    match std::fs::symlink_metadata(&path) {
        Ok(_) => return Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(SpoolError::io(layout.what("look at", &path), path, error)),
    }
    Ok(!apart(layout, monitor)?.is_empty())
}

/// Everything that stands in files, by id. What is damaged is passed over: whoever has the lock sets it aside.
pub(super) fn all(layout: &Layout, monitor: &MonitorName) -> Result<Vec<(String, Drops)>> {
    let folder = layout.monitor(monitor);
    let mut all = Vec::new();
    if let Read::Counted(counted) = read(layout, &folder.join(DROPS))? {
        all.push((counted.id, counted.drops));
    }
    // Read after it, so that what is set apart meanwhile is seen here or there, or twice: then this is the later one.
    for id in apart(layout, monitor)? {
        match read(layout, &folder.join(apart_name(&id)))? {
            Read::Counted(counted) if counted.id == id => {
                all.retain(|(seen, _)| *seen != id);
                all.push((id, counted.drops));
            }
            _ => {}
        }
    }
    Ok(all)
}

/// The ids of files that were set apart, in their order.
pub(super) fn apart(layout: &Layout, monitor: &MonitorName) -> Result<Vec<String>> {
    let folder = layout.monitor(monitor);
    let failed = |error| SpoolError::io(layout.what("list", &folder), folder.clone(), error);
    let listing = match std::fs::read_dir(&folder) {
        Ok(listing) => listing,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error)),
    };
    let mut ids = Vec::new();
    for entry in listing {
        let name = entry.map_err(failed)?.file_name();
        let id = name.to_str().and_then(|name| name.strip_prefix(APART.0)?.strip_suffix(APART.1));
        ids.extend(id.filter(|id| is_id(id)).map(str::to_owned));
    }
    ids.sort_unstable();
    Ok(ids)
}

fn apart_name(id: &str) -> String {
    format!("{}{id}{}", APART.0, APART.1)
}

/// What was found in place of a file.
#[derive(Debug)]
enum Read {
    Counted(Counted),
    Missing,
    Damaged,
}

/// The monitor's `.drops.json`, for one who may change it: what is damaged is set aside.
fn read_own(layout: &Layout, monitor: &MonitorName) -> Result<Option<Counted>> {
    let path = layout.monitor(monitor).join(DROPS);
    match read(layout, &path)? {
        Read::Counted(counted) => Ok(Some(counted)),
        Read::Missing => Ok(None),
        Read::Damaged => {
            set_aside(layout, &path)?;
            Ok(None)
        }
    }
}

/// Reads a file. What is no regular file, a link among them, is damaged.
fn read(layout: &Layout, path: &Path) -> Result<Read> {
    let failed = |error| SpoolError::io(layout.what("read", path), path.to_path_buf(), error);
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    let file = match OpenOptions::new().read(true).custom_flags(flags).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Read::Missing),
        Err(error) if error.raw_os_error() == Some(Errno::LOOP.raw_os_error()) => return Ok(Read::Damaged),
        Err(error) => return Err(failed(error)),
    };
    if !file.metadata().map_err(failed)?.is_file() {
        return Ok(Read::Damaged);
    }
    let mut text = Vec::new();
    file.take(MOST_BYTES).read_to_end(&mut text).map_err(failed)?;
    let counted = serde_json::from_slice::<Counted>(&text).ok().filter(Counted::is_valid);
    Ok(counted.map_or(Read::Damaged, Read::Counted))
}

/// Writes a file whole, under the name `new` first; its bytes are durable when this returns, and so is its name where the
/// folder could be synced.
fn write(layout: &Layout, folder: &Path, new: &str, name: &str, counted: &Counted) -> Result<()> {
    let (new, path) = (folder.join(new), folder.join(name));
    let written =
        text_of(counted).map_err(|error| (new.clone(), error)).and_then(|text| put(&new, &path, &text));
    written.map_err(|(path, error)| SpoolError::io(layout.what("write", &path), path, error))
}

fn text_of(counted: &Counted) -> std::io::Result<Vec<u8>> {
    let mut text = serde_json::to_vec(counted)?;
    text.push(b'\n');
    Ok(text)
}

fn put(new: &Path, path: &Path, text: &[u8]) -> Result<(), (PathBuf, std::io::Error)> {
    let at_new = |error| (new.to_path_buf(), error);
    let file = open_new(new).map_err(at_new)?;
    // Over what is reserved, so that it needs no more room; then to its own length.
    let written = file
        .write_all_at(text, 0)
        .and_then(|()| file.set_len(text.len() as u64))
        .and_then(|()| file.sync_all());
    if let Err(error) = written {
        // Half a file is of no use; that it cannot be removed says nothing that the first error does not.
        let _ = std::fs::remove_file(new);
        return Err(at_new(error));
    }
    std::fs::rename(new, path).map_err(|error| (path.to_path_buf(), error))?;
    if let Err(error) = sync_folder_of(path) {
        // It stands there: whoever took this for a failure would count the same once more.
        tracing::debug!(%error, "the name of counted drops may not outlive a power cut");
    }
    Ok(())
}

/// What is reserved or was left behind, or a new file; never what is reached by another name too.
fn open_new(path: &Path) -> std::io::Result<File> {
    let is_ours = match std::fs::symlink_metadata(path) {
        Ok(about) => about.is_file() && about.nlink() == 1,
        Err(error) if error.kind() == ErrorKind::NotFound => false,
        Err(error) => return Err(error),
    };
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    if is_ours {
        return OpenOptions::new().write(true).custom_flags(flags).open(path);
    }
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

/// The last way on a disk that is full: in the place of the old count, in the block that it has. `refused` is why there is
/// none other. A kill leaves the old or the new one; a power cut may leave neither, where the disk writes less than a sector
/// at a time.
fn overwrite(layout: &Layout, folder: &Path, counted: &Counted, refused: SpoolError) -> Result<()> {
    let path = folder.join(DROPS);
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    let Ok(file) = OpenOptions::new().write(true).custom_flags(flags).open(&path) else {
        return Err(refused);
    };
    let failed = |error| SpoolError::io(layout.what("write", &path), path.clone(), error);
    let mut text = text_of(counted).map_err(failed)?;
    let before = usize::try_from(file.metadata().map_err(failed)?.len()).unwrap_or(usize::MAX);
    // Spaces behind JSON are nothing.
    text.resize(text.len().max(before), b' ');
    file.write_all_at(&text, 0).and_then(|()| file.sync_all()).map_err(failed)
}

/// What cannot be read is kept for whoever wants to look at it, the last one.
fn set_aside(layout: &Layout, path: &Path) -> Result<()> {
    tracing::warn!("{} is damaged, what it counted is not known", layout.what("count of drops:", path));
    let aside = path.with_file_name(DAMAGED);
    std::fs::rename(path, aside)
        .map_err(|error| SpoolError::io(layout.what("set aside", path), path.to_path_buf(), error))
}

#[cfg(test)]
mod tests;
