//! A lock of the spool: flock(2) on a file that stays. The kernel frees it with its process, however that ends.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::time::Duration;

use conclave_retry::{Clock, Sleeper};
use rustix::fs::{FlockOperation, OFlags, flock};
use rustix::io::Errno;

/// How often a lock that is held is asked for.
const POLL: Duration = Duration::from_millis(10);

/// Held as long as it lives.
#[derive(Debug)]
pub(crate) struct Flock {
    file: File,
}

impl Drop for Flock {
    /// Closing it would free the lock, too, but only when all copies of the descriptor are closed (man flock): a child that
    /// another thread is just starting has one until it executes its program.
    fn drop(&mut self) {
        // Where this fails, closing it still does.
        let _ = flock(&self.file, FlockOperation::NonBlockingUnlock);
    }
}

impl Flock {
    /// Takes the lock on this file, which is made where it is not there; its folder must be. `None` while another one
    /// has it, in this process or another.
    pub(crate) fn try_take(path: &Path) -> io::Result<Option<Self>> {
        loop {
            let file = OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .mode(0o600)
                .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
                .open(path)?;
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => {}
                Err(Errno::WOULDBLOCK) => return Ok(None),
                Err(Errno::INTR) => continue,
                Err(error) => return Err(error.into()),
            }
            // Somebody may have removed the file in between: what is locked must be what the others will open.
            let locked = file.metadata()?;
            match std::fs::symlink_metadata(path) {
                Ok(named) if (named.dev(), named.ino()) == (locked.dev(), locked.ino()) => {
                    return Ok(Some(Self { file }));
                }
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Whether the file of this name is still the one that is locked. Where somebody has removed it, others lock another one,
    /// and this lock keeps nobody out.
    pub(crate) fn is_at(&self, path: &Path) -> io::Result<bool> {
        let locked = self.file.metadata()?;
        match std::fs::symlink_metadata(path) {
            Ok(named) => Ok((named.dev(), named.ino()) == (locked.dev(), locked.ino())),
            Err(error) if is_gone(&error) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The same, asked for again for so long.
    pub(crate) fn take_within(
        path: &Path,
        patience: Duration,
        clock: &dyn Clock,
        sleeper: &dyn Sleeper,
    ) -> io::Result<Option<Self>> {
        let begun = clock.monotonic();
        loop {
            if let Some(lock) = Self::try_take(path)? {
                return Ok(Some(lock));
            }
            let left = patience.saturating_sub(clock.monotonic().saturating_sub(begun));
            if left.is_zero() {
                return Ok(None);
            }
            sleeper.sleep(left.min(POLL));
        }
    }
}

/// There is nothing of this name.
pub(crate) fn is_gone(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

#[cfg(test)]
mod tests;
