//! The cache in `cache.db`, which all processes share.

mod life;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use conclave_db::vacuum::{self, VacuumBudget};
use conclave_db::{Db, Durability, ErrorKind, FileIdentity, WriteTx};
use conclave_leases::FileGuard;
use conclave_leases::file_guard::GuardObserver;
use conclave_retry::{Clock, Sleeper, SystemClock, SystemSleeper};

use self::life::Opened;
pub(crate) use self::life::db_options;
use crate::cache::{Cache, Found, Put, Stats};
use crate::error::{CacheError, Result};
use crate::key::CacheKey;
use crate::limits::CacheLimits;
use crate::recency::{Looked, Recency};
use crate::store::{counters, entries};
use crate::telemetry::CacheObserver;

/// A write that waits for longer than this for other processes is not worth it: the value can be made again.
const PATIENCE: Duration = Duration::from_secs(10);
/// Recency can wait; who reads does not wait for it.
const FLUSH_PATIENCE: Duration = Duration::from_millis(500);
/// How often a write begins again because the file is another one.
const TRIES: u32 = 10;

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
pub struct DiskCache {
    file: PathBuf,
    options: OpenOptions,
    /// It was asked for to be read only: not even a damaged file is touched.
    read_only: bool,
    opened: RwLock<Opened>,
    recency: Mutex<Recency>,
    /// It was said that nothing can be written.
    has_warned: AtomicBool,
}

impl DiskCache {
    /// Opens `file`, makes it where it is missing (0600). One that is corrupt, or that is no cache of ours, is put aside as
    /// `<file>.corrupt-<ms>` under the guard, once, and made anew. Where the file is current, no lock is taken. One that
    /// cannot be written is read, and refuses to be written to.
    ///
    /// # Errors
    /// [`Newer`](conclave_db::ErrorKind::Newer) for a file of a newer version, which is left as it is; the guard's
    /// [`LockTimeout`](crate::CacheErrorKind::LockTimeout); what the file system says.
    pub fn open(file: &Path, options: OpenOptions) -> Result<Self> {
        let opened = life::open(file, &options, None)?;
        Ok(Self::on(file, options, opened, false))
    }

    /// Opens it to be read and nothing else: nothing is created, counted or flushed. `None` where there is no file.
    pub fn open_read_only(file: &Path, options: OpenOptions) -> Result<Option<Self>> {
        let db_options = life::db_options(file, &options)?;
        let opened = match Db::is_unfinished(&db_options) {
            Ok(true) => return Ok(None),
            Ok(false) => life::open_read_only(file, &options),
            Err(error) => Err(error.into()),
        };
        match opened {
            Err(CacheError::Storage(error)) if error.kind() == ErrorKind::Missing => Ok(None),
            opened => Ok(Some(Self::on(file, options, opened?, true))),
        }
    }

    fn on(file: &Path, options: OpenOptions, opened: Opened, read_only: bool) -> Self {
        Self {
            file: file.to_path_buf(),
            options,
            read_only,
            opened: RwLock::new(opened),
            recency: Mutex::default(),
            has_warned: AtomicBool::new(false),
        }
    }

    /// The pass that is made now and then (and by `cache check --fix`): entries of older makers go, limits and counters are
    /// put right; a file that was deleted or replaced meanwhile is noticed, and the new one opened; one that is damaged anywhere is put
    /// aside and made anew. Gives entries removed.
    ///
    /// # Errors
    /// [`LockTimeout`](crate::CacheErrorKind::LockTimeout), and what the store says.
    pub fn maintain(&self) -> Result<u64> {
        self.flush()?;
        let limits = self.options.limits;
        let tidy = move |tx: &WriteTx<'_>| entries::tidy(tx, limits);
        let (removed, guard) = self.write_guarded("maintain", "tidy the cache", tidy)?;
        let opened = self.opened();
        let is_sound = match opened.db.read(entries::is_sound) {
            Err(error) if life::is_damage(&error) => false,
            looked => looked?,
        };
        if !is_sound {
            // Damage on a page that tidying had no need to look at. Who opens it again takes the guard itself.
            drop(guard);
            self.open_again(&opened, true)?;
            return Ok(removed);
        }
        if removed > 0 {
            self.give_pages_back();
        }
        Ok(removed)
    }

    /// The file as it is open now.
    fn opened(&self) -> Opened {
        self.opened.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn is_read_only(&self) -> bool {
        self.read_only || self.opened().db.is_read_only()
    }

    fn recency(&self) -> MutexGuard<'_, Recency> {
        self.recency.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens the file again after it turned out to be damaged, deleted or replaced. `unfit` is what is open: where somebody
    /// else was quicker, that is all.
    fn open_again(&self, unfit: &Opened, is_damaged: bool) -> Result<()> {
        let mut opened = self.opened.write().unwrap_or_else(PoisonError::into_inner);
        if opened.identity == unfit.identity {
            *opened = life::open(&self.file, &self.options, is_damaged.then_some(unfit.identity))?;
        }
        Ok(())
    }

    /// Whether another file has the name now, or none.
    fn notice_replaced(&self) -> Result<()> {
        let opened = self.opened();
        if FileIdentity::of(&self.file)? == Some(opened.identity) {
            return Ok(());
        }
        tracing::info!(file = %self.file.display(), "the cache was deleted or replaced: opened anew");
        self.open_again(&opened, false)
    }

    /// Writes, once more where the file had to be opened again first.
    fn write<T: Send + 'static>(
        &self,
        label: &'static str,
        deadline: Duration,
        closure: impl Fn(&WriteTx<'_>) -> Result<T> + Clone + Send + 'static,
    ) -> Result<T> {
        Ok(self.write_under(None, label, deadline, closure)?.0)
    }

    /// Writes under the guard of the file's life, which is had when this returns.
    fn write_guarded<T: Send + 'static>(
        &self,
        operation: &str,
        label: &'static str,
        closure: impl Fn(&WriteTx<'_>) -> Result<T> + Clone + Send + 'static,
    ) -> Result<(T, Option<FileGuard>)> {
        self.write_under(Some(operation), label, PATIENCE, closure)
    }

    fn write_under<T: Send + 'static>(
        &self,
        life: Option<&str>,
        label: &'static str,
        deadline: Duration,
        closure: impl Fn(&WriteTx<'_>) -> Result<T> + Clone + Send + 'static,
    ) -> Result<(T, Option<FileGuard>)> {
        let mut tries = 0;
        loop {
            let guard =
                life.map(|operation| life::guard(&self.file, &self.options, operation)).transpose()?;
            let opened = self.opened();
            let writing = opened.db.writing(label).durability(Durability::Process).deadline(deadline);
            let closure = closure.clone();
            let done = writing.run(move |tx| closure(tx));
            let error = match done {
                Ok(done) => return Ok((done, guard)),
                Err(error) => error,
            };
            let is_damaged = life::is_damage(&error);
            let is_unfit = is_damaged || life::is_gone(&self.file, Some(opened.identity), &error);
            if self.read_only || tries == TRIES || !is_unfit {
                self.warn_once(&error);
                return Err(error);
            }
            tries += 1;
            // Who opens it again takes the guard itself.
            drop(guard);
            self.open_again(&opened, is_damaged)?;
        }
    }

    /// Says once that nothing can be kept.
    fn warn_once(&self, error: &CacheError) {
        if !self.has_warned.swap(true, Ordering::Relaxed) {
            tracing::warn!(file = %self.file.display(), "the cache cannot be written: {error}");
        }
    }

    /// Looks a key up, once more where the file had to be opened again first.
    fn look_up(&self, key: &CacheKey, read: &mut dyn FnMut(&[u8])) -> Result<Looked> {
        let mut tries = 0;
        loop {
            let opened = self.opened();
            let mut was_read = false;
            let looked = opened.db.read(|conn| {
                entries::look_up(conn, key, &mut |value| {
                    was_read = true;
                    read(value);
                })
            });
            let Err(error) = looked else { return looked };
            if self.read_only || was_read || tries == TRIES {
                return Err(error);
            }
            if life::is_damage(&error) {
                self.open_again(&opened, true)?;
                return Ok(Looked::Damaged);
            }
            // A connection that is opened now finds another file, or none.
            if !life::is_gone(&self.file, Some(opened.identity), &error) {
                return Err(error);
            }
            tries += 1;
            self.open_again(&opened, false)?;
        }
    }

    /// Notes a lookup, and writes down what is kept back where it is time to.
    fn note(&self, key: &CacheKey, looked: Looked) {
        if self.is_read_only() {
            return;
        }
        let now = self.options.clock.monotonic();
        if self.recency().note(&key.hash, looked, now)
            && let Err(error) = self.flush_within(FLUSH_PATIENCE)
        {
            tracing::debug!(%error, "what was read and counted is written down later");
        }
    }

    fn flush_within(&self, deadline: Duration) -> Result<()> {
        if self.is_read_only() {
            return Ok(());
        }
        self.notice_replaced()?;
        let batch = Arc::new(self.recency().take());
        if batch.is_empty() {
            return Ok(());
        }
        let written = Arc::clone(&batch);
        self.write("what was read in the cache", deadline, move |tx| counters::add(tx, &written)).inspect_err(
            |_| {
                let now = self.options.clock.monotonic();
                self.recency().give_back(&batch, now);
            },
        )
    }

    /// Room that nothing is in goes back to the file system, as far as that is possible now.
    fn give_pages_back(&self) {
        let opened = self.opened();
        let freed = vacuum::cycle(&opened.db, VacuumBudget::default());
        tracing::debug!(?freed, "free pages of the cache");
    }
}

impl Cache for DiskCache {
    /// `read` is called on a snapshot of the database, and may use no database itself.
    fn get(&self, key: &CacheKey, read: &mut dyn FnMut(&[u8])) -> Result<Found> {
        let looked = self.look_up(key, read)?;
        self.note(key, looked);
        Ok(match looked {
            Looked::Hit => Found::Hit,
            Looked::Stale => Found::Stale,
            Looked::Miss | Looked::Damaged => Found::Miss,
        })
    }

    /// Survives the death of every process when this returns, and a power cut later: it can be made again.
    fn put(&self, key: &CacheKey, value: &[u8]) -> Result<Put> {
        let limits = self.options.limits;
        if value.len() as u64 > limits.max_bytes() {
            return Ok(Put::TooLarge);
        }
        let (key, value): (CacheKey, Arc<[u8]>) = (*key, value.into());
        // What is kept back goes with it, so that what was just read is not what has to go.
        let batch = Arc::new(self.recency().take());
        let written = Arc::clone(&batch);
        let put = self.write("a value of the cache", PATIENCE, move |tx| {
            counters::add(tx, &written)?;
            entries::put(tx, &key, &value, limits)
        });
        let evicted = put.inspect_err(|_| {
            let now = self.options.clock.monotonic();
            self.recency().give_back(&batch, now);
        })?;
        Ok(Put::Stored { evicted })
    }

    fn delete(&self, key: &CacheKey) -> Result<bool> {
        let key = *key;
        self.write("an entry of the cache", PATIENCE, move |tx| entries::delete(tx, &key))
    }

    /// Under the guard, in one transaction: whoever has the file open goes on with it.
    fn clear(&self) -> Result<u64> {
        let (removed, _guard) = self.write_guarded("clear", "clear the cache", entries::clear)?;
        self.give_pages_back();
        Ok(removed)
    }

    fn stats(&self) -> Result<Stats> {
        let limits = self.options.limits;
        // Nothing is taken out to be written meanwhile, and so counted twice.
        let recency = self.recency();
        let mut stats = self.opened().db.read(|conn| counters::read(conn, limits))?;
        let kept_back = recency.counts();
        drop(recency);
        stats.hits += kept_back.hits;
        stats.misses += kept_back.misses;
        stats.stale += kept_back.stale;
        stats.errors += kept_back.errors;
        Ok(stats)
    }

    fn reset_stats(&self) -> Result<()> {
        self.flush()?;
        self.write("the counters of the cache", PATIENCE, counters::reset)
    }

    fn flush(&self) -> Result<()> {
        self.flush_within(PATIENCE)
    }
}

impl Drop for DiskCache {
    fn drop(&mut self) {
        if let Err(error) = self.flush_within(FLUSH_PATIENCE) {
            tracing::debug!(%error, "what was read in the cache is forgotten");
        }
    }
}

#[cfg(test)]
mod tests;
