//! The log file of an agent: what it wrote to standard output and standard error.
//!
//! The agent has the file itself, and appends to it: whatever becomes of the supervisor, nobody who writes ever loses
//! the other end of a pipe. The price is that the file cannot be changed for another one when it is full. So its older
//! part is copied to `<id>.log.1` and taken off its front:
//!
//! - Where the file system can (ext4, XFS), `FALLOC_FL_COLLAPSE_RANGE` takes off exactly the blocks that were copied,
//!   while others append: no byte is lost.
//! - Elsewhere the file is copied to its end and cut off. What is written between the last copy and the cut is lost.
//!
//! Of a file that grew far beyond its limit between two looks only the newest part goes to the second file, so neither
//! stays larger than that. When the agent has ended nobody looks any more: whoever it left behind writes on unbounded.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use conclave_retry::Sleeper;

/// Where a file is full.
pub(super) const FULL: u64 = 16 << 20;
/// How often its size is looked at.
pub(super) const LOOK: Duration = Duration::from_secs(1);
/// So many bytes are copied at a time.
const PIECE: usize = 256 << 10;
/// So often what came meanwhile is copied as well before a file is cut off: somebody may write faster than we copy.
const ROUNDS: u32 = 16;

/// A file that others append to, and that is kept small.
#[derive(Debug)]
pub(super) struct Log {
    path: PathBuf,
    file: File,
    full: u64,
    /// Whether blocks can be taken off the front.
    collapses: bool,
}

impl Log {
    /// Opens or makes it, and its folder, for nobody but this user.
    pub(super) fn open(path: &Path, full: u64) -> io::Result<Self> {
        if let Some(folder) = path.parent() {
            DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(|error| {
                if folder.is_dir() || !folder.exists() {
                    return error;
                }
                let text =
                    format!("{} is no folder, and logs are kept in it: move it away", folder.display());
                io::Error::new(error.kind(), text)
            })?;
        }
        let file = File::options().read(true).append(true).create(true).mode(0o600).open(path)?;
        Ok(Self { path: path.to_owned(), file, full, collapses: true })
    }

    /// What an agent is given to write to.
    pub(super) fn end(&self) -> io::Result<File> {
        self.file.try_clone()
    }

    /// Puts the older part aside when the file is full; gives whether it was.
    pub(super) fn look(&mut self) -> io::Result<bool> {
        let found = self.file.metadata()?;
        if found.len() <= self.full {
            return Ok(false);
        }
        let mut name = self.path.clone().into_os_string();
        name.push(".1");
        let older = PathBuf::from(name);
        if self.collapses {
            // The end of the file cannot be taken off with its front.
            let block = found.blksize().max(1);
            let front = (found.len() - 1) / block * block;
            if front > 0 {
                let aside = self.aside(&older, front)?;
                match take_off(&self.file, front) {
                    Ok(()) => return fs::rename(&aside, &older).map(|()| true),
                    Err(_) => self.collapses = false,
                }
            }
        }
        let aside = self.aside(&older, found.len())?;
        let mut copied = found.len();
        for _ in 0..ROUNDS {
            let length = self.file.metadata()?.len();
            if length <= copied {
                break;
            }
            self.copy(&File::options().append(true).open(&aside)?, copied, length)?;
            copied = length;
        }
        self.file.set_len(0)?;
        fs::rename(&aside, &older)?;
        Ok(true)
    }

    /// Copies the newest of the bytes before `end` to a file that is not in its place yet.
    fn aside(&self, older: &Path, end: u64) -> io::Result<PathBuf> {
        let mut name = older.to_owned().into_os_string();
        name.push(".new");
        let aside = PathBuf::from(name);
        let to = File::options().write(true).create(true).truncate(true).mode(0o600).open(&aside)?;
        let copied = self.copy(&to, end.saturating_sub(self.full), end);
        if let Err(error) = copied {
            let _ = fs::remove_file(&aside);
            // What is older still makes room, for the next look.
            if error.kind() == io::ErrorKind::StorageFull {
                let _ = fs::remove_file(older);
            }
            return Err(error);
        }
        Ok(aside)
    }

    fn copy(&self, mut to: &File, mut from: u64, end: u64) -> io::Result<()> {
        let mut piece = vec![0; PIECE];
        while from < end {
            let length = usize::try_from(end - from).unwrap_or(PIECE).min(PIECE);
            let part = piece.get_mut(..length).unwrap_or_default();
            self.file.read_exact_at(part, from)?;
            io::Write::write_all(&mut to, part)?;
            from += length as u64;
        }
        Ok(())
    }
}

/// Looks at the size every second, for as long as that is wanted.
pub(super) fn keep_small(log: &Mutex<Log>, sleeper: &dyn Sleeper, mut is_wanted: impl FnMut() -> bool) {
    while is_wanted() {
        look_at(log);
        sleeper.sleep(LOOK);
    }
}

/// Looks once. A full disk costs the older part, or makes the file longer, and never stops the agent.
pub(super) fn look_at(log: &Mutex<Log>) {
    let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
    if let Err(error) = log.look() {
        tracing::warn!(log = %log.path.display(), %error, "the log is not rotated");
    }
}

/// Takes whole blocks off the front of a file: what follows moves up, and whoever appends goes on behind it.
#[cfg(target_os = "linux")]
fn take_off(file: &File, front: u64) -> io::Result<()> {
    use rustix::fs::{FallocateFlags, fallocate};
    Ok(fallocate(file, FallocateFlags::COLLAPSE_RANGE, 0, front)?)
}

#[cfg(not(target_os = "linux"))]
fn take_off(_file: &File, _front: u64) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(test)]
mod tests;
