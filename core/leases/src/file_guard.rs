//! A `flock` beside a file, for what happens to the file as a whole: create, migrate, clear, quarantine, vacuum.
//!
//! The lock is flock(2) on `<file>.lock`, as Python's `filelock` and `flock(1)` take it, so they exclude each other.
//! Locks of `lockf` and `fcntl` are another kind, which the kernel keeps apart: who uses those is not excluded. The
//! kernel frees it with its process, however that ends; the file stays, and nothing has to be cleaned up.
//!
//! It is for programs that mean well. What it promises: one holder at a time, also among the threads of one process;
//! whoever cannot get it in time does nothing. Somebody who removes the lock file while it is held is noticed by those
//! who come later only where they still see the old one: after locking, the name is looked at again.

use std::fmt::Debug;
use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use conclave_retry::{Clock, Sleeper, SystemClock, SystemSleeper};
use rustix::fs::{FlockOperation, Mode, OFlags, flock};
use rustix::io::Errno;

use crate::error::{LeaseError, Result};

mod holder;

/// How often a lock that is held is asked for.
const POLL: Duration = Duration::from_millis(10);
/// A wait up to this is none that anyone wants to hear of.
const WORTH_TELLING: Duration = Duration::from_millis(10);

/// What happened while a lock was asked for. Of one call there is at most one.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum GuardEvent {
    /// It was had, after more than 10 ms.
    LockWait {
        /// What it was for.
        operation: String,
        /// How long it took to get it; what was done with it is not in this.
        waited: Duration,
    },
    /// It was not had.
    LockTimeout {
        /// What it was for.
        operation: String,
        /// How long was waited.
        waited: Duration,
        /// Who has it, as far as that is known.
        holder: Option<String>,
    },
}

impl GuardEvent {
    /// Its name in telemetry: `lock_wait` or `lock_timeout`.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::LockWait { .. } => "lock_wait",
            Self::LockTimeout { .. } => "lock_timeout",
        }
    }
}

/// Hears of waits.
pub trait GuardObserver: Debug + Send + Sync + 'static {
    /// Called once the lock is held, or given up; before `acquire` returns.
    fn event(&self, event: &GuardEvent);
}

/// How a lock is asked for.
#[derive(Debug, Clone)]
pub struct GuardOptions {
    timeout: Duration,
    observer: Option<Arc<dyn GuardObserver>>,
    clock: Arc<dyn Clock>,
    sleeper: Arc<dyn Sleeper>,
}

impl Default for GuardOptions {
    fn default() -> Self {
        Self {
            timeout: FileGuard::TIMEOUT,
            observer: None,
            clock: Arc::new(SystemClock),
            sleeper: Arc::new(SystemSleeper),
        }
    }
}

impl GuardOptions {
    /// How long to wait; with zero it is tried once.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Who hears of waits.
    pub fn observer(mut self, observer: Arc<dyn GuardObserver>) -> Self {
        self.observer = Some(observer);
        self
    }

    /// What time is measured by.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// What waits between two attempts.
    pub fn sleeper(mut self, sleeper: Arc<dyn Sleeper>) -> Self {
        self.sleeper = sleeper;
        self
    }

    /// Locks `<file>.lock` for `operation`, which is a word for messages. The file itself need not be there, its folder
    /// must.
    ///
    /// # Errors
    /// [`LockTimeout`](LeaseError::LockTimeout) when somebody else has it all the time, and
    /// [`Io`](LeaseError::Io) when the lock file cannot be opened, or is a link, a folder or anything else that is no
    /// regular file.
    pub fn acquire(&self, file: &Path, operation: &str) -> Result<FileGuard> {
        let path = lock_path(file);
        let begun = self.clock.monotonic();
        loop {
            let taken = take(&path)?;
            let waited = self.clock.monotonic().saturating_sub(begun);
            if let Some(lock) = taken {
                holder::write(&lock, operation);
                if waited > WORTH_TELLING {
                    self.tell(&path, &GuardEvent::LockWait { operation: operation.to_owned(), waited });
                }
                return Ok(FileGuard { lock, path });
            }
            let left = self.timeout.saturating_sub(waited);
            if left.is_zero() {
                let holder = holder::of(&path);
                let operation = operation.to_owned();
                self.tell(
                    &path,
                    &GuardEvent::LockTimeout { operation: operation.clone(), waited, holder: holder.clone() },
                );
                let (timeout, file) = (self.timeout, file.to_path_buf());
                return Err(LeaseError::LockTimeout { operation, timeout, file, holder });
            }
            self.sleeper.sleep(left.min(POLL));
        }
    }

    fn tell(&self, path: &Path, event: &GuardEvent) {
        let (file, name) = (path.display(), event.name());
        match event {
            GuardEvent::LockWait { operation, waited } => {
                tracing::info!(%file, operation, ?waited, "{name}");
            }
            GuardEvent::LockTimeout { operation, waited, holder } => {
                tracing::warn!(%file, operation, ?waited, ?holder, "{name}");
            }
        }
        if let Some(observer) = &self.observer {
            observer.event(event);
        }
    }
}

/// The lock. Held until dropped, and gone with its process.
#[derive(Debug)]
pub struct FileGuard {
    lock: File,
    path: PathBuf,
}

impl FileGuard {
    /// How long is waited where nobody says.
    pub const TIMEOUT: Duration = Duration::from_secs(5);

    /// Locks `<file>.lock` for `operation`, waiting as long as `timeout`; see [`GuardOptions::acquire`].
    pub fn acquire(file: &Path, operation: &str, timeout: Duration) -> Result<Self> {
        GuardOptions::default().timeout(timeout).acquire(file, operation)
    }

    /// The lock file.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for FileGuard {
    fn drop(&mut self) {
        // What it says is true only while it is held. Said, too, for a child that was just forked and has a copy of the
        // descriptor until it execs: closing ours alone would leave the lock to it.
        let _ = self.lock.set_len(0);
        let _ = flock(&self.lock, FlockOperation::Unlock);
    }
}

/// `<file>.lock`: appended, so that `a.db` and `a.sqlite` do not share one.
fn lock_path(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".lock");
    PathBuf::from(name)
}

/// Tries once; `None` while somebody else has it.
fn take(path: &Path) -> Result<Option<File>> {
    loop {
        let lock = open(path)?;
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => return Ok(None),
            Err(Errno::INTR) => continue,
            Err(error) => return Err(failed("lock", path, error.into())),
        }
        // Between opening and locking the name may have come to mean another file, and then so may another's lock.
        if is_still(&lock, path)? {
            return Ok(Some(lock));
        }
    }
}

/// Opens it without waiting for anything, through no link, and without a change of what stands in it: that is the
/// holder's.
fn open(path: &Path) -> Result<File> {
    let flags = OFlags::RDWR
        | OFlags::CREATE
        | OFlags::NOFOLLOW
        | OFlags::NONBLOCK
        | OFlags::NOCTTY
        | OFlags::CLOEXEC;
    let opened = rustix::fs::open(path, flags, Mode::RUSR | Mode::WUSR);
    let lock = match opened {
        Ok(lock) => File::from(lock),
        Err(Errno::LOOP) => return Err(no_lock_file(path, "is a symbolic link")),
        Err(Errno::ISDIR) => return Err(no_lock_file(path, "is a folder")),
        // A socket, or a device that is not there.
        Err(Errno::NXIO) => return Err(no_lock_file(path, "is no regular file")),
        Err(error) => return Err(failed("open", path, error.into())),
    };
    let found = lock.metadata().map_err(|error| failed("look at", path, error))?;
    if found.is_file() { Ok(lock) } else { Err(no_lock_file(path, "is no regular file")) }
}

/// The same to be read alone; `None` where that is not to be had.
fn open_to_read(path: &Path) -> Option<File> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let lock = File::from(rustix::fs::open(path, flags, Mode::empty()).ok()?);
    lock.metadata().is_ok_and(|found| found.is_file()).then_some(lock)
}

fn is_still(lock: &File, path: &Path) -> Result<bool> {
    let held = lock.metadata().map_err(|error| failed("look at", path, error))?;
    match std::fs::symlink_metadata(path) {
        Ok(named) => Ok((named.dev(), named.ino()) == (held.dev(), held.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(failed("look at", path, error)),
    }
}

fn failed(what: &str, path: &Path, source: io::Error) -> LeaseError {
    LeaseError::Io { what: format!("{what} the lock file {}", path.display()), source }
}

fn no_lock_file(path: &Path, what: &str) -> LeaseError {
    failed("use", path, io::Error::new(io::ErrorKind::InvalidInput, format!("it {what}; move it away")))
}

#[cfg(test)]
mod tests;
