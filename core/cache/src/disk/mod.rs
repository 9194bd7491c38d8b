//! The cache in `cache.db`, which all processes share.

mod life;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use conclave_db::doctor::{self, Depth};
use conclave_db::vacuum::{self, VacuumBudget};
use conclave_db::{Db, Durability, ErrorKind, FileIdentity, WriteTx};
use conclave_leases::file_guard::GuardObserver;
use conclave_retry::{Clock, Sleeper, SystemClock, SystemSleeper};

use self::life::Opened;
pub(crate) use self::life::db_options;
use crate::cache::{Cache, Found, Put, Stats};
use crate::error::{CacheError, Result};
use crate::key::CacheKey;
use crate::limits::CacheLimits;
use crate::recency::{Batch, Looked, Recency};
use crate::store::entries::Placed;
use crate::store::{counters, entries};
use crate::telemetry::CacheObserver;

/// A write that waits for longer than this for other processes is not worth it: the value can be made again.
const PATIENCE: Duration = Duration::from_secs(10);
/// The same of what was parsed: parsing it once more takes less.
const PARSED_PATIENCE: Duration = Duration::from_secs(3);
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
    /// It is time for a pass of maintenance, which comes with the next flush.
    is_pass_due: AtomicBool,
    /// What was put aside through this, in the order of time.
    put_aside: Mutex<Vec<Arc<Path>>>,
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

    /// Opens it to be read and nothing else: nothing is created, counted, flushed or put aside. `None` where there is no file,
    /// or one that holds nothing yet.
    ///
    /// # Errors
    /// [`Corrupt`](ErrorKind::Corrupt), [`NotADatabase`](ErrorKind::NotADatabase) and [`Foreign`](ErrorKind::Foreign) of a
    /// file that [`DiskCache::open`] would put aside; [`Newer`](ErrorKind::Newer); what the file system says.
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
        let put_aside = opened.put_aside.iter().cloned().collect();
        Self {
            file: file.to_path_buf(),
            options,
            read_only,
            opened: RwLock::new(opened),
            recency: Mutex::default(),
            has_warned: AtomicBool::new(false),
            is_pass_due: AtomicBool::new(false),
            put_aside: Mutex::new(put_aside),
        }
    }

    /// The pass that is made now and then with a flush (after some four thousand uses, of all processes together): entries of
    /// older makers go, limits and counters are put right; a file that was deleted or replaced meanwhile is noticed, and the
    /// new one opened. Gives entries removed. What was done survives the death of every process when this returns.
    ///
    /// # Errors
    /// [`LockTimeout`](crate::CacheErrorKind::LockTimeout), and what the store says.
    pub fn maintain(&self) -> Result<u64> {
        self.notice_replaced()?;
        self.tidy(Some("maintain"), PATIENCE, Vec::new())
    }

    /// What `cache check --fix` does: a file that SQLite finds wrong, be it in an index only, is put aside and begun anew;
    /// then a pass of [`maintain`](Self::maintain), and entries whose value is damaged go too. Reads the whole file. Gives
    /// entries removed; [`put_aside`](Self::put_aside) says whether the file was.
    ///
    /// # Errors
    /// As of [`maintain`](Self::maintain).
    pub fn mend(&self) -> Result<u64> {
        self.notice_replaced()?;
        let opened = self.opened();
        if !doctor::problems(&opened.db, Depth::Full)?.is_empty() {
            self.open_again(&opened, true)?;
        }
        let damaged = self.opened().db.read(entries::damaged);
        // Tables that are not ours cannot be asked; the next write puts them aside.
        let damaged =
            damaged.or_else(|error| if life::is_damage(&error) { Ok(Vec::new()) } else { Err(error) })?;
        self.tidy(Some("maintain"), PATIENCE, damaged)
    }

    /// The files that this put aside since it was opened, as it was opened too: full paths, oldest first.
    pub fn put_aside(&self) -> Vec<PathBuf> {
        let put_aside = self.put_aside.lock().unwrap_or_else(PoisonError::into_inner);
        put_aside.iter().map(|path| path.to_path_buf()).collect()
    }

    /// Removes `damaged`, puts right what [`entries::tidy`] does, and writes down what is kept back.
    fn tidy(&self, guard: Option<&'static str>, deadline: Duration, damaged: Vec<i64>) -> Result<u64> {
        let limits = self.options.limits;
        let damaged: Arc<[i64]> = damaged.into();
        let batch = Arc::new(self.recency().take());
        let written = Arc::clone(&batch);
        let removed = self.write("tidying the cache", guard, deadline, move |tx| {
            let mut removed = entries::remove(tx, &damaged)?;
            removed += entries::tidy(tx, limits, &written)?;
            Ok(removed)
        });
        let removed = removed.inspect_err(|_| self.give_back(&batch))?;
        self.is_pass_due.store(false, Ordering::Relaxed);
        if removed > 0 {
            self.give_pages_back();
        }
        Ok(removed)
    }

    /// A pass with a flush. It can wait: where it fails, it is made some other time.
    fn pass_if_due(&self) {
        if self.is_pass_due.swap(false, Ordering::Relaxed)
            && let Err(error) = self.tidy(None, FLUSH_PATIENCE, Vec::new())
        {
            tracing::debug!(%error, "the cache is tidied later");
        }
    }

    /// Takes back what could not be written down.
    fn give_back(&self, batch: &Batch) {
        let now = self.options.clock.monotonic();
        self.recency().give_back(batch, now);
    }

    /// The files that lie beside a cache because somebody put them aside: full paths, oldest first.
    ///
    /// # Errors
    /// What the file system says.
    pub fn damaged_files(file: &Path) -> Result<Vec<PathBuf>> {
        life::list_put_aside(file)
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
            if let Some(kept) = &opened.put_aside {
                self.put_aside.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(kept));
            }
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

    /// Writes, once more where the file had to be opened again first; under the guard of the file's life where an operation
    /// for it is named. That guard is let go of before the file is opened again, which takes it too.
    fn write<T: Send + 'static>(
        &self,
        label: &'static str,
        guard: Option<&'static str>,
        deadline: Duration,
        closure: impl Fn(&WriteTx<'_>) -> Result<T> + Clone + Send + 'static,
    ) -> Result<T> {
        let mut tries = 0;
        let mut was_damaged = false;
        loop {
            let guard =
                guard.map(|operation| life::guard(&self.file, &self.options, operation)).transpose()?;
            let opened = self.opened();
            let writing = opened.db.writing(label).durability(Durability::Process).deadline(deadline);
            let closure = closure.clone();
            let done = writing.run(move |tx| closure(tx));
            drop(guard);
            let Err(error) = done else { return done };
            // A new file that is no better than the one before is not what is wrong.
            let is_damaged = life::is_damage(&error) && !was_damaged;
            let is_unfit = is_damaged || life::is_gone(&self.file, Some(opened.identity), &error);
            if self.read_only || tries == TRIES || !is_unfit {
                self.warn_once(&error);
                return Err(error);
            }
            tries += 1;
            was_damaged |= is_damaged;
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
            self.pass_if_due();
            return Ok(());
        }
        let written = Arc::clone(&batch);
        let added = self.write("a flush of the cache", None, deadline, move |tx| counters::add(tx, &written));
        let is_pass_due = added.inspect_err(|_| self.give_back(&batch))?;
        self.is_pass_due.fetch_or(is_pass_due, Ordering::Relaxed);
        self.pass_if_due();
        Ok(())
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
        let patience = if key.subject.is_some() { PARSED_PATIENCE } else { PATIENCE };
        let put = self.write("a put into the cache", None, patience, move |tx| {
            let is_pass_due = counters::add(tx, &written)?;
            let put = entries::put(tx, &key, &value, limits)?;
            Ok(Placed { is_pass_due: put.is_pass_due || is_pass_due, ..put })
        });
        let put = put.inspect_err(|_| self.give_back(&batch))?;
        self.is_pass_due.fetch_or(put.is_pass_due, Ordering::Relaxed);
        Ok(Put::Stored { evicted: put.evicted })
    }

    fn delete(&self, key: &CacheKey) -> Result<bool> {
        let key = *key;
        self.write("a removal from the cache", None, PATIENCE, move |tx| entries::delete(tx, &key))
    }

    /// Under the guard, in one transaction: whoever has the file open goes on with it. Files that were put aside go too.
    fn clear(&self) -> Result<u64> {
        let removed = self.write("clearing the cache", Some("clear"), PATIENCE, entries::clear)?;
        let guard = life::guard(&self.file, &self.options, "clear")?;
        // What is left there was no cache any more, and keeps its room.
        match life::remove_put_aside(&self.file) {
            Ok(gone) => tracing::debug!(files = gone.len(), "damaged files removed"),
            Err(error) => tracing::warn!(%error, "a damaged file that was put aside stays"),
        }
        drop(guard);
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
        self.write("a reset of the cache's counters", None, PATIENCE, counters::reset)
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
