//! A watched folder: counts what happens in it, lets it fail, and records it.

use std::collections::HashMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::ffi;

use super::fault::{Failure, Fault, Op};
use super::recording::{Event, Recording};
use super::shim;

/// The folders that are watched in this process.
static WATCHED: Mutex<Vec<Arc<Watched>>> = Mutex::new(Vec::new());

/// A folder whose SQLite files go through the shim, until this is dropped. Only files directly in the folder
/// count, and only connections that are opened from now on.
#[derive(Debug)]
pub struct FaultDisk {
    watched: Arc<Watched>,
}

impl FaultDisk {
    /// Watches this folder.
    pub fn watch(folder: &Path) -> Self {
        shim::install();
        let folder = folder.canonicalize().expect("a folder that is there");
        let watched =
            Arc::new(Watched { folder, without_shm: AtomicBool::new(false), state: Mutex::default() });
        locked(&WATCHED).push(Arc::clone(&watched));
        Self { watched }
    }

    /// Has no shared memory, as a network file system: a write-ahead log is refused.
    pub fn without_shared_memory(self) -> Self {
        self.watched.without_shm.store(true, Ordering::Relaxed);
        self
    }

    /// Sets the one fault of the folder, and begins to count anew.
    pub fn fail(&self, fault: Fault) {
        let mut state = self.watched.state();
        state.fault = Some(fault);
        state.fired = 0;
        state.counts.clear();
    }

    /// Nothing fails from now on; what was counted stays.
    pub fn heal(&self) {
        self.watched.state().fault = None;
    }

    /// How often the fault that was set last has hit.
    pub fn fired(&self) -> u64 {
        self.watched.state().fired
    }

    /// How many operations of this kind there were since the fault was set, or since the beginning.
    pub fn count(&self, op: Op) -> u64 {
        self.watched.state().counts.get(&op).copied().unwrap_or(0)
    }

    /// Puts a line between the operations: what the test knew at this point.
    pub fn mark(&self, text: &str) {
        self.watched.state().recording.push(Event::Mark(text.into()));
    }

    /// What happened so far.
    pub fn recording(&self) -> Recording {
        self.watched.state().recording.clone()
    }
}

impl Drop for FaultDisk {
    fn drop(&mut self) {
        locked(&WATCHED).retain(|watched| !Arc::ptr_eq(watched, &self.watched));
        // Connections that are still open go on undisturbed.
        let mut state = self.watched.state();
        state.fault = None;
        state.closed = true;
    }
}

/// What the shim knows of a folder.
#[derive(Debug)]
pub(super) struct Watched {
    folder: PathBuf,
    without_shm: AtomicBool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    fault: Option<Fault>,
    fired: u64,
    counts: HashMap<Op, u64>,
    /// Which file a name means now, with its inode: what is renamed without SQLite is another file.
    names: HashMap<Arc<str>, (u64, usize)>,
    files: usize,
    recording: Recording,
    /// Nobody asks any more.
    closed: bool,
}

/// The file below the shim.
pub(super) trait Real {
    fn write(&mut self, bytes: &[u8], at: i64) -> i32;
    fn truncate(&mut self, size: i64) -> i32;
    /// All of its bytes.
    fn content(&mut self) -> Option<Vec<u8>>;
}

/// An open file in a watched folder.
#[derive(Debug)]
pub(super) struct OpenFile {
    watched: Arc<Watched>,
    file: usize,
    /// The first sync of a journal or log through this handle syncs the folder too.
    syncs_folder: AtomicBool,
}

/// The folder that a file lies in, if it is watched.
pub(super) fn watching(path: &Path) -> Option<Arc<Watched>> {
    let folder = path.parent()?;
    locked(&WATCHED).iter().rev().find(|watched| watched.folder == folder).cloned()
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl State {
    /// Counts an operation; gives the fault that hits it.
    fn meets(&mut self, op: Op) -> Option<Fault> {
        let number = self.counts.entry(op).or_default();
        *number += 1;
        let fault = self.fault.filter(|fault| fault.op == op && fault.hits(*number))?;
        self.fired += 1;
        Some(fault)
    }

    fn record(&mut self, event: Event) {
        if !self.closed && self.recording.is_whole() {
            self.recording.push(event);
        }
    }
}

impl Watched {
    fn state(&self) -> MutexGuard<'_, State> {
        locked(&self.state)
    }

    pub(super) fn has_shared_memory(&self) -> bool {
        !self.without_shm.load(Ordering::Relaxed)
    }

    /// Opens a file with `open`, which gives SQLite's code and the file below.
    pub(super) fn open<R: Real>(
        self: &Arc<Self>,
        path: &Path,
        flags: i32,
        open: impl FnOnce() -> Result<R, i32>,
    ) -> Result<OpenFile, i32> {
        let mut state = self.state();
        if let Some(fault) = state.meets(Op::Open) {
            return Err(fault.code());
        }
        let was_there = std::fs::metadata(path).is_ok();
        let mut real = open()?;
        let name: Arc<str> = path.file_name().unwrap_or_default().to_string_lossy().into();
        let inode = std::fs::metadata(path).map_or(0, |found| found.ino());
        let known = state.names.get(&name).filter(|(known, _)| *known == inode).map(|(_, file)| *file);
        let file = known.unwrap_or_else(|| {
            let file = state.files;
            state.files += 1;
            state.names.insert(Arc::clone(&name), (inode, file));
            state.record(if was_there {
                Event::Found { file, name, bytes: real.content().unwrap_or_default() }
            } else {
                Event::Created { file, name }
            });
            file
        });
        const JOURNALS: i32 =
            ffi::SQLITE_OPEN_SUPER_JOURNAL | ffi::SQLITE_OPEN_MAIN_JOURNAL | ffi::SQLITE_OPEN_WAL;
        let syncs_folder = flags & ffi::SQLITE_OPEN_CREATE != 0 && flags & JOURNALS != 0;
        Ok(OpenFile { watched: Arc::clone(self), file, syncs_folder: AtomicBool::new(syncs_folder) })
    }

    /// Deletes a file with `delete`, which gives SQLite's code.
    pub(super) fn delete(&self, path: &Path, folder: bool, delete: impl FnOnce() -> i32) -> i32 {
        let mut state = self.state();
        if let Some(fault) = state.meets(Op::Delete) {
            return fault.code();
        }
        let code = delete();
        if code == ffi::SQLITE_OK {
            let name: Arc<str> = path.file_name().unwrap_or_default().to_string_lossy().into();
            state.names.remove(&name);
            state.record(Event::Deleted { name });
            if folder {
                state.record(Event::FolderSync);
            }
        }
        code
    }
}

impl OpenFile {
    /// How a read fails, if it does.
    pub(super) fn read(&self) -> Option<(Failure, i32)> {
        let fault = self.watched.state().meets(Op::Read)?;
        Some((fault.error, fault.code()))
    }

    pub(super) fn write(&self, real: &mut impl Real, bytes: &[u8], at: i64) -> i32 {
        let mut state = self.watched.state();
        let fault = state.meets(Op::Write);
        let bytes = if fault.is_some() { &bytes[..bytes.len() / 2] } else { bytes };
        let code = real.write(bytes, at);
        if code == ffi::SQLITE_OK && !bytes.is_empty() {
            let at = usize::try_from(at).unwrap_or(0);
            state.record(Event::Write { file: self.file, at, bytes: bytes.into() });
        }
        fault.map_or(code, |fault| fault.code())
    }

    pub(super) fn truncate(&self, real: &mut impl Real, size: i64) -> i32 {
        let mut state = self.watched.state();
        if let Some(fault) = state.meets(Op::Truncate) {
            return fault.code();
        }
        let code = real.truncate(size);
        if code == ffi::SQLITE_OK {
            state.record(Event::Truncate { file: self.file, size: usize::try_from(size).unwrap_or(0) });
        }
        code
    }

    pub(super) fn sync(&self) -> i32 {
        let mut state = self.watched.state();
        if let Some(fault) = state.meets(Op::Sync) {
            state.record(Event::SyncFailed { file: self.file });
            return fault.code();
        }
        let folder = self.syncs_folder.swap(false, Ordering::Relaxed);
        state.record(Event::Sync { file: self.file, folder });
        ffi::SQLITE_OK
    }
}
