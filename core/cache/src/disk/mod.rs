//! The cache in `cache.db`, which all processes share.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use conclave_leases::file_guard::GuardObserver;
use conclave_retry::{Clock, Sleeper, SystemClock, SystemSleeper};

use crate::cache::{Cache, Found, Put, Stats};
use crate::error::Result;
use crate::key::CacheKey;
use crate::limits::CacheLimits;
use crate::telemetry::CacheObserver;

/// What to do when the guard of the file's life cannot be had in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnLockTimeout {
    /// The operation fails.
    #[default]
    Fail,
    /// Go on without the cache.
    Bypass,
}

/// How the file is opened.
#[derive(Debug, Clone)]
pub struct OpenOptions {
    /// How much it may hold.
    pub limits: CacheLimits,
    /// How long the guard of the file's life is waited for.
    pub lock_timeout: Duration,
    /// Who hears of waits for it.
    pub guard_observer: Option<Arc<dyn GuardObserver>>,
    /// Who hears of what happens to the file: corruption, rebuilding.
    pub observer: Option<Arc<dyn CacheObserver>>,
    /// What measures.
    pub clock: Arc<dyn Clock>,
    /// What waits.
    pub sleeper: Arc<dyn Sleeper>,
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self {
            limits: CacheLimits::default(),
            lock_timeout: Duration::from_secs(5),
            guard_observer: None,
            observer: None,
            clock: Arc::new(SystemClock),
            sleeper: Arc::new(SystemSleeper),
        }
    }
}

/// The cache in a file.
#[derive(Debug)]
pub struct DiskCache {}

impl DiskCache {
    /// Opens `file`, makes it where it is missing (0600). One that is corrupt, or that is no cache of ours, is put aside as
    /// `<file>.corrupt-<ms>` under the guard, once, and made anew. Where the file is current, no lock is taken.
    ///
    /// # Errors
    /// [`Newer`](conclave_db::ErrorKind::Newer) for a file of a newer version, which is left as it is; the guard's
    /// [`LockTimeout`](crate::CacheErrorKind::LockTimeout); what the file system says.
    pub fn open(file: &Path, options: OpenOptions) -> Result<Self> {
        let _ = (file, options);
        todo!("c1")
    }

    /// Opens it to be read and nothing else: nothing is created, counted or flushed. `None` where there is no file.
    pub fn open_read_only(file: &Path, options: OpenOptions) -> Result<Option<Self>> {
        let _ = (file, options);
        todo!("c1")
    }

    /// The pass that is made now and then (and by `cache check --fix`): entries of older makers go, limits and counters are
    /// put right; a file that was deleted or replaced meanwhile is noticed, and the new one opened. Gives entries removed.
    pub fn maintain(&self) -> Result<u64> {
        todo!("c1")
    }
}

impl Cache for DiskCache {
    fn get(&self, _: &CacheKey, _: &mut dyn FnMut(&[u8])) -> Result<Found> {
        todo!("c1")
    }

    fn put(&self, _: &CacheKey, _: &[u8]) -> Result<Put> {
        todo!("c1")
    }

    fn delete(&self, _: &CacheKey) -> Result<bool> {
        todo!("c1")
    }

    fn clear(&self) -> Result<u64> {
        todo!("c1")
    }

    fn stats(&self) -> Result<Stats> {
        todo!("c1")
    }

    fn reset_stats(&self) -> Result<()> {
        todo!("c1")
    }

    fn flush(&self) -> Result<()> {
        todo!("c1")
    }
}
