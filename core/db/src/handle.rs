//! `Db`: a cheap handle on one file. All handles of a process on one file share one writer and one pool.

use std::collections::HashMap;
use std::panic::Location;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use conclave_retry::{Clock, Sleeper};
use rusqlite::Connection;

use crate::connection::WritableConnection;
use crate::error::{DbError, ErrorKind, Result};
use crate::file::{self, FileIdentity};
use crate::metrics::{Metrics, MetricsSnapshot};
use crate::migrations::{self, Migrated, Plan};
use crate::open::{self, Bootstrapped, Journal};
use crate::options::{DbOptions, Durability};
use crate::pool::{ReadManager, Snapshot};
use crate::readers::{ActiveRead, Readers};
use crate::transaction::{Inside, ReadConn, WriteTx};
use crate::writer::{self, WriteFuture, Writer};

/// What all handles on one file share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) options: DbOptions,
    readers: Readers,
    writer: Option<Arc<Writer>>,
    metrics: Arc<Metrics>,
    journal: Journal,
    immutable: bool,
}

/// A handle on one database file. Cloning it costs a counter.
#[derive(Debug, Clone)]
pub struct Db {
    shared: Arc<Shared>,
    clock: Arc<dyn Clock>,
    migrated: Arc<Migrated>,
    /// This handle was opened to be read only, whatever others of this process may do.
    read_only: bool,
}

type Key = (FileIdentity, bool);

/// The open files of this process. Never locked while a file is opened or closed.
static OPEN: Mutex<Option<HashMap<Key, Weak<Shared>>>> = Mutex::new(None);
/// One lock per path, so that threads that open one file do it one after the other.
static OPENING: Mutex<Option<HashMap<PathBuf, Arc<Mutex<()>>>>> = Mutex::new(None);

impl Db {
    /// Opens the file for reading and writing. Creates it (0600, its folder 0700) where it is missing and
    /// brings it to the current schema; both are durable when this returns. A file that belongs to another
    /// program, is newer than this program or no database is refused untouched.
    pub fn open(options: DbOptions) -> Result<Self> {
        Inside::refuse("opening a database")?;
        options.check()?;
        file::create(&options.path)?;
        Self::open_existing(options)
    }

    /// The same, but a missing file is [`ErrorKind::Missing`]: for those who let only one process at a time make it.
    pub fn open_existing(options: DbOptions) -> Result<Self> {
        Inside::refuse("opening a database")?;
        options.check()?;
        file::check_is_file(&options.path)?;
        let options = canonical(options)?;
        file::check_is_file(&options.path)?;
        let opening = opening(&options.path);
        let _opening = opening.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(shared) = shared(&options.path, true)? {
            return Self::on_open(shared, options, false);
        }
        // The look's connection is dropped: the pragmas of readers are set once the file is what it will be.
        let looked = open::look(&options).map(drop);
        match looked {
            Err(error) if !needs_a_writer(&error) => return Err(error),
            _ => {}
        }
        let identity = identity(&options.path)?;
        let Bootstrapped { conn, journal, migrated } = open::bootstrap(&options)?;
        if FileIdentity::of(&options.path)? != Some(identity) {
            let what = "the file was replaced while it was opened";
            return Err(DbError::file(ErrorKind::Replaced, &options.path, what));
        }
        if migrated.from == 0 {
            // Who made the folder and the file may have died before it could sync their entries.
            let folder = file::folder_of(&options.path);
            file::sync_folder(folder)?;
            file::sync_folder(file::folder_of(folder))?;
        }
        let metrics = Arc::new(Metrics::default());
        let wal = journal == Journal::Wal;
        let writer = Writer::new(conn, &options, identity, wal, Arc::clone(&metrics))?;
        let readers = Readers::new(&options, journal, Snapshot::Live, None, Arc::clone(&metrics))?;
        let clock = Arc::clone(&options.clock);
        let writer = Some(Arc::new(writer));
        let shared = Arc::new(Shared { options, readers, writer, metrics, journal, immutable: false });
        remember((identity, true), &shared);
        Ok(Self::on(shared, clock, migrated, false))
    }

    /// Opens an existing file to be read only: nothing is created, migrated or locked for writing. A missing
    /// file is [`ErrorKind::Missing`], one with an older schema [`ErrorKind::NeedsMigration`].
    pub fn open_read_only(options: DbOptions) -> Result<Self> {
        Inside::refuse("opening a database")?;
        options.check()?;
        file::check_is_file(&options.path)?;
        let options = canonical(options)?;
        let opening = opening(&options.path);
        let _opening = opening.lock().unwrap_or_else(PoisonError::into_inner);
        for writable in [true, false] {
            if let Some(shared) = shared(&options.path, writable)? {
                return Self::on_open(shared, options, true);
            }
        }
        let looked = open::look(&options)?;
        if looked.version < options.schema.version() {
            let (found, wanted) = (looked.version, options.schema.version());
            return Err(DbError::NeedsMigration { path: options.path, found, wanted });
        }
        let immutable = looked.snapshot == Snapshot::Immutable;
        let journal = match crate::pragmas::journal_mode(&looked.conn)?.as_str() {
            "wal" => Journal::Wal,
            // Read as it lies SQLite calls it a rollback journal, whatever it is. It is read so only because it
            // has a write-ahead log that nothing can be put beside it for: everything else can be read with locks.
            _ if immutable => Journal::Wal,
            _ => Journal::Rollback,
        };
        let metrics = Arc::new(Metrics::default());
        let readers =
            Readers::new(&options, journal, looked.snapshot, Some(looked.conn), Arc::clone(&metrics))?;
        let identity = identity(&options.path)?;
        let clock = Arc::clone(&options.clock);
        let shared = Arc::new(Shared { options, readers, writer: None, metrics, journal, immutable });
        remember((identity, false), &shared);
        Ok(Self::on(shared, clock, Migrated::default(), true))
    }

    /// What [`Db::open`] would do to the schema of the file, without touching it or creating anything.
    pub fn plan(options: &DbOptions) -> Result<Plan> {
        options.check()?;
        match open::look(options) {
            Ok(looked) => Ok(Plan::new(&options.schema, looked.version)),
            Err(error) if error.kind() == ErrorKind::Missing => Ok(Plan::new(&options.schema, 0)),
            Err(error) => Err(error),
        }
    }

    /// Takes back the schema steps above `target`, newest first; durable when this returns, and refused as a
    /// whole where a step cannot be taken back without loss. This handle no longer fits the file afterwards.
    pub fn roll_back(self, target: i32) -> Result<Vec<&'static str>> {
        let mut conn = self.open_connection()?;
        migrations::roll_back(&mut conn, &self.shared.options.schema, target, &*self.clock)
    }

    /// On a file that this process has open: its options are those of the first handle, but for the clock.
    fn on_open(shared: Arc<Shared>, options: DbOptions, read_only: bool) -> Result<Self> {
        let (open, wanted) = (shared.options.schema.version(), options.schema.version());
        if open != wanted {
            return Err(DbError::Invalid(format!(
                "{} is open in this process with schema version {open}, not {wanted}",
                options.path.display()
            )));
        }
        Ok(Self::on(shared, options.clock, Migrated::default(), read_only))
    }

    fn on(shared: Arc<Shared>, clock: Arc<dyn Clock>, migrated: Migrated, read_only: bool) -> Self {
        Self { shared, clock, migrated: Arc::new(migrated), read_only }
    }

    /// Runs a closure on one snapshot, on a pooled read-only connection.
    #[track_caller]
    pub fn read<T, E: From<DbError>>(
        &self,
        closure: impl FnOnce(&ReadConn<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        self.shared.readers.read(Location::caller(), closure)
    }

    /// The same from async code: runs on a thread that may block. Needs a tokio runtime of any kind.
    #[track_caller]
    pub fn read_async<T, E, F>(&self, closure: F) -> impl Future<Output = Result<T, E>> + Send + 'static
    where
        F: FnOnce(&ReadConn<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        let place = Location::caller();
        let shared = Arc::clone(&self.shared);
        async move {
            let runtime = tokio::runtime::Handle::try_current()
                .map_err(|error| DbError::Invalid(format!("read_async: {error}")))?;
            let read = runtime.spawn_blocking(move || shared.readers.read(place, closure));
            read.await.unwrap_or_else(|join| {
                let message = match join.try_into_panic() {
                    Ok(panic) => writer::panic_message(&*panic),
                    Err(cancelled) => cancelled.to_string(),
                };
                Err(DbError::Panicked { label: "read", message }.into())
            })
        }
    }

    /// Runs a closure in a write transaction; returns after its commit is durable at [`Durability::Power`].
    /// The closure may run more than once and on another thread, and has no effect outside of the transaction.
    pub fn write<T, E, F>(&self, label: &'static str, closure: F) -> Result<T, E>
    where
        F: FnMut(&WriteTx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        self.writing(label).run(closure)
    }

    /// The same from async code; see [`WriteFuture`] for what dropping it means.
    pub fn write_async<T, E, F>(&self, label: &'static str, closure: F) -> WriteFuture<T, E>
    where
        F: FnMut(&WriteTx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        self.writing(label).run_async(closure)
    }

    /// A write with a durability or a deadline of its own.
    pub fn writing(&self, label: &'static str) -> Writing<'_> {
        Writing { db: self, label, durability: Durability::Power, deadline: self.shared.options.deadline }
    }

    /// Has the database to itself, outside of a transaction: for VACUUM and conversions. New readers wait,
    /// running ones get 5 s, then this is [`ErrorKind::Busy`].
    pub fn exclusive<T>(&self, action: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        Inside::refuse("exclusive")?;
        let readers = &self.shared.readers;
        // Handles that were opened to be read only before the first writable one have readers of their own.
        let others = shared(self.path(), false)?;
        self.writer("exclusive")?.alone(self.shared.options.deadline, |conn| {
            let _closed = readers.close()?;
            let _others = others.as_ref().map(|others| others.readers.close()).transpose()?;
            let _inside = Inside::enter("exclusive")?;
            action(conn)
        })
    }

    /// Has the write connection to itself, outside of a transaction, beside readers: for maintenance.
    pub(crate) fn maintain<T>(&self, action: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        Inside::refuse("maintenance")?;
        self.writer("maintenance")?.alone(self.shared.options.deadline, action)
    }

    /// Runs `action` while this process writes nothing here: what is being written is committed first, new writes
    /// wait. No lock is held meanwhile, so other processes may write. For a process that is about to be stopped.
    pub fn between_writes<T>(&self, action: impl FnOnce() -> T) -> Result<T> {
        Inside::refuse("a pause between writes")?;
        self.writer("a pause between writes")?.between(self.shared.options.deadline, action)
    }

    /// A writable connection of its own with all pragmas, whose transactions take the turn.
    pub fn open_connection(&self) -> Result<WritableConnection> {
        let identity = self.writer("a connection")?.identity();
        WritableConnection::open(&self.shared.options, self.shared.journal, identity)
    }

    /// The pool of reading connections, for those who want it itself. Not counted as readers by `exclusive`.
    pub fn pool(&self) -> &r2d2::Pool<ReadManager> {
        self.shared.readers.pool()
    }

    /// The file, with its path resolved.
    pub fn path(&self) -> &Path {
        &self.shared.options.path
    }

    /// Which file is written through this, whatever has its name now; `None` for a handle that only reads.
    pub fn identity(&self) -> Option<FileIdentity> {
        self.shared.writer.as_ref().map(|writer| writer.identity())
    }

    /// The journal that the file uses.
    pub fn journal(&self) -> Journal {
        self.shared.journal
    }

    /// Whether the file is read as it lies, without locks: its folder cannot be written.
    pub fn is_immutable(&self) -> bool {
        self.shared.immutable
    }

    /// Whether writes are refused.
    pub fn is_read_only(&self) -> bool {
        self.read_only || self.shared.writer.is_none()
    }

    /// What opening did to the schema.
    pub fn migrated(&self) -> &Migrated {
        &self.migrated
    }

    /// The counters now.
    pub fn metrics(&self) -> MetricsSnapshot {
        let readers = &self.shared.readers;
        let mut snapshot = self.shared.metrics.snapshot(self.writers_queued(), readers.inside());
        snapshot.reads += readers.near_reads();
        snapshot
    }

    /// The reads of this process that go on now, oldest first: what may hold up a checkpoint.
    pub fn active_reads(&self) -> Vec<ActiveRead> {
        active_reads(self.path())
    }

    /// Writers in the queue of this process now.
    pub fn writers_queued(&self) -> usize {
        self.shared.writer.as_ref().map_or(0, |writer| writer.queued())
    }

    /// The clock of this handle.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// What waits between attempts, for those who wait between writes of their own.
    pub fn sleeper(&self) -> &Arc<dyn Sleeper> {
        &self.shared.options.sleeper
    }

    pub(crate) fn options(&self) -> &DbOptions {
        &self.shared.options
    }

    fn writer(&self, what: &'static str) -> Result<&Arc<Writer>> {
        self.shared.writer.as_ref().filter(|_| !self.read_only).ok_or_else(|| {
            DbError::file(ErrorKind::ReadOnly, self.path(), format!("opened read-only: {what} is refused"))
        })
    }
}

/// A write that is being described.
#[derive(Debug)]
#[must_use = "nothing happens before run"]
pub struct Writing<'db> {
    db: &'db Db,
    label: &'static str,
    durability: Durability,
    deadline: Duration,
}

impl Writing<'_> {
    /// What the acknowledged write survives.
    pub const fn durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// How long it waits for its turn and for the lock.
    pub const fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Runs the closure and waits for its commit, as [`Db::write`].
    pub fn run<T, E, F>(self, closure: F) -> Result<T, E>
    where
        F: FnMut(&WriteTx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        Inside::refuse("a write")?;
        let writer = self.db.writer(self.label)?;
        writer.write(self.terms(), closure)
    }

    /// Queues the closure at once; the future gives its answer, as [`Db::write_async`].
    pub fn run_async<T, E, F>(self, closure: F) -> WriteFuture<T, E>
    where
        F: FnMut(&WriteTx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        match Inside::refuse("a write").and_then(|()| self.db.writer(self.label)) {
            Ok(writer) => writer.write_async(self.terms(), closure),
            Err(error) => WriteFuture::refused(error.into(), self.label),
        }
    }

    fn terms(&self) -> writer::Terms {
        writer::terms(self.label, self.durability, self.deadline, &self.db.clock)
    }
}

/// Whether a look failed only because looking cannot repair: a hot journal, or a log that must be recovered.
fn needs_a_writer(error: &DbError) -> bool {
    matches!(error.kind(), ErrorKind::ReadOnly | ErrorKind::CannotOpen)
}

/// Resolves the path, so that `/r/x`, a link to it and `x` in `/r` are one file.
fn canonical(mut options: DbOptions) -> Result<DbOptions> {
    options.path = std::fs::canonicalize(&options.path)
        .map_err(|error| DbError::io(options.path.display().to_string(), error))?;
    Ok(options)
}

fn identity(path: &Path) -> Result<FileIdentity> {
    FileIdentity::of(path)?.ok_or_else(|| DbError::file(ErrorKind::Missing, path, "no such file"))
}

/// Held while the file at this path is opened, or must not be.
pub(crate) fn opening(path: &Path) -> Arc<Mutex<()>> {
    let mut opening = OPENING.lock().unwrap_or_else(PoisonError::into_inner);
    let locks = opening.get_or_insert_default();
    locks.retain(|_, lock| Arc::strong_count(lock) > 1);
    Arc::clone(locks.entry(path.to_path_buf()).or_default())
}

fn shared(path: &Path, writable: bool) -> Result<Option<Arc<Shared>>> {
    let Some(identity) = FileIdentity::of(path)? else { return Ok(None) };
    let open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(open.as_ref().and_then(|open| open.get(&(identity, writable))).and_then(Weak::upgrade))
}

/// The reads of this process that go on now on the file, oldest first, through whatever handle.
pub(crate) fn active_reads(path: &Path) -> Vec<ActiveRead> {
    let mut reads: Vec<ActiveRead> = [true, false]
        .into_iter()
        .filter_map(|writable| shared(path, writable).ok().flatten())
        .flat_map(|shared| shared.readers.active())
        .collect();
    reads.sort_by_key(|read| read.since);
    reads
}

/// Whether this process has the file open through any handle.
pub(crate) fn is_open(path: &Path) -> Result<bool> {
    Ok(shared(path, true)?.is_some() || shared(path, false)?.is_some())
}

fn remember(key: Key, shared: &Arc<Shared>) {
    let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
    let open = open.get_or_insert_default();
    open.retain(|_, shared| shared.strong_count() > 0);
    open.insert(key, Arc::downgrade(shared));
}

#[cfg(test)]
impl Db {
    pub(crate) fn writer_for_tests(&self) -> &Arc<Writer> {
        self.writer("a test").unwrap()
    }
}
