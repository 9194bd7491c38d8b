//! A spool in a folder of its own, on a disk and by a clock that tests set.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use conclave_db::{Db, DbOptions, FIRST_VERSION, Migration, Schema};
use conclave_testkit::ManualClock;

use crate::options::SpoolOptions;
use crate::quota::Limits;
use crate::spool::{Disk, Spool};
use crate::store::schema::STATE_MIGRATIONS;

/// 2025-09-09T18:00:00Z
pub(crate) const T0: i64 = 1_757_440_800_000;
/// What 1 MiB of quota has as its limits.
pub(crate) const SOFT: u64 = 943_718;
pub(crate) const HARD: u64 = 1 << 20;
pub(crate) const RESUME: u64 = 838_860;

const MIGRATIONS: &[Migration] = &[Migration { version: FIRST_VERSION, ..STATE_MIGRATIONS[0] }];

/// A disk that says what it is told.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) free: AtomicU64,
    pub(crate) all: AtomicU64,
}

impl Said {
    /// A large one with all of it free.
    pub(crate) fn roomy() -> Self {
        Self { free: AtomicU64::new(1 << 40), all: AtomicU64::new(1 << 40) }
    }
}

impl Disk for Said {
    fn room(&self, _: &Path) -> std::io::Result<(u64, u64)> {
        Ok((self.free.load(Ordering::Relaxed), self.all.load(Ordering::Relaxed)))
    }
}

pub(crate) struct Place {
    dir: tempfile::TempDir,
    pub(crate) clock: ManualClock,
    pub(crate) disk: Arc<Said>,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
            clock: ManualClock::at_wall_ms(T0),
            disk: Arc::new(Said::roomy()),
        }
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.dir.path().join("spool")
    }

    pub(crate) fn db(&self) -> Db {
        open(self.dir.path())
    }

    /// A spool with a quota of 1 MiB, as a process of its own would have it.
    pub(crate) fn spool(&self, state: Option<Db>) -> Spool {
        self.with(SpoolOptions { limits: one_mb(), ..SpoolOptions::default() }, state)
    }

    pub(crate) fn with(&self, options: SpoolOptions, state: Option<Db>) -> Spool {
        let spool = Spool::at(self.root(), options).clock(Arc::new(self.clock.clone()));
        spool
            .sleeper(Arc::new(self.clock.clone()))
            .disk(Arc::clone(&self.disk) as Arc<dyn Disk>)
            .state(state)
            .build()
    }

    /// A file below the spool that has so many bytes, none of them on the disk.
    pub(crate) fn file(&self, name: &str, bytes: u64) -> PathBuf {
        let path = self.root().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::File::create(&path).unwrap().set_len(bytes).unwrap();
        path
    }

    pub(crate) fn pass(&self, ms: u64) {
        self.clock.advance(Duration::from_millis(ms));
    }
}

/// The state in this folder.
pub(crate) fn open(folder: &Path) -> Db {
    Db::open(options(folder)).unwrap()
}

/// How it is opened.
pub(crate) fn options(folder: &Path) -> DbOptions {
    let schema = Schema::assemble(&[MIGRATIONS], &[]).unwrap();
    DbOptions::new(folder.join("state.db"), schema)
}

pub(crate) fn one_mb() -> Limits {
    Limits::new(1, 90, 100, 80, 5).unwrap()
}

/// Runs `action` while somebody else has the database.
pub(crate) fn while_busy<T>(db: &Db, action: impl FnOnce() -> T) -> T {
    let (begun, has_begun) = std::sync::mpsc::channel();
    let (over, is_over) = std::sync::mpsc::channel::<()>();
    std::thread::scope(|scope| {
        let is_over = std::sync::Mutex::new(is_over);
        let db = db.clone();
        let held = scope.spawn(move || {
            db.write("hold", move |_| -> conclave_db::Result<()> {
                begun.send(()).unwrap();
                let _ = is_over.lock().unwrap().recv();
                Ok(())
            })
        });
        has_begun.recv().unwrap();
        let done = action();
        drop(over);
        held.join().unwrap().unwrap();
        done
    })
}

/// What this thread tells the log meanwhile, from INFO on.
pub(crate) fn told<T>(action: impl FnOnce() -> T) -> (T, Vec<String>) {
    let (done, mut lines) = conclave_testkit::notices_of(tracing::Level::INFO, action);
    // The database's own, where the machine is busy.
    lines.retain(|line| !line.contains("slow write"));
    (done, lines)
}
