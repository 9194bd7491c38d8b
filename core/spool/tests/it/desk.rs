//! A spool with its state in a folder of its own, by a clock that stands still until a test moves it.

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use conclave_db::{Db, DbOptions, FIRST_VERSION, Migration, Schema};
use conclave_spool::import::{Flushed, flush};
use conclave_spool::ledger::{Entry, ledger};
use conclave_spool::{Disk, Limits, MonitorName, STATE_MIGRATIONS, Spool, SpoolOptions};
use conclave_testkit::ManualClock;
use flate2::Compression;
use flate2::write::GzEncoder;

/// 2025-09-09T18:00:00Z
pub(crate) const T0: i64 = 1_757_440_800_000;

/// A disk with all the room there is.
#[derive(Debug)]
pub(crate) struct Roomy;

impl Disk for Roomy {
    fn room(&self, _: &Path) -> std::io::Result<(u64, u64)> {
        Ok((1 << 40, 1 << 40))
    }
}

pub(crate) struct Desk {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) clock: ManualClock,
    pub(crate) state: Db,
    pub(crate) spool: Spool,
}

pub(crate) fn open_state(folder: &Path) -> Db {
    let alone = Migration { version: FIRST_VERSION, ..STATE_MIGRATIONS[0] };
    let schema = Schema::assemble(&[&[alone]], &[]).unwrap();
    Db::open(DbOptions::new(folder.join("state.db"), schema)).unwrap()
}

/// The spool of a folder by the system's clocks, for processes.
pub(crate) fn open_spool(folder: &Path, state: &Db) -> Spool {
    let spool = Spool::at(folder.join("spool"), options());
    spool.disk(Arc::new(Roomy)).state(Some(state.clone())).build()
}

pub(crate) fn options() -> SpoolOptions {
    SpoolOptions { limits: Limits::new(512, 90, 100, 80, 0).unwrap(), ..SpoolOptions::default() }
}

pub(crate) fn name(monitor: &str) -> MonitorName {
    MonitorName::parse(monitor).unwrap()
}

impl Desk {
    pub(crate) fn new() -> Self {
        Self::with(options())
    }

    pub(crate) fn with(options: SpoolOptions) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = ManualClock::at_wall_ms(T0);
        let state = open_state(dir.path());
        let spool = Self::spool_of(dir.path(), &clock, &state, options);
        std::fs::create_dir(dir.path().join("spool")).unwrap();
        Self { dir, clock, state, spool }
    }

    pub(crate) fn spool_of(folder: &Path, clock: &ManualClock, state: &Db, options: SpoolOptions) -> Spool {
        Spool::at(folder.join("spool"), options)
            .clock(Arc::new(clock.clone()))
            .sleeper(Arc::new(clock.clone()))
            .disk(Arc::new(Roomy))
            .state(Some(state.clone()))
            .build()
    }

    /// Puts a file below the spool.
    pub(crate) fn put(&self, path: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        path
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.dir.path().join("spool").join(path)
    }

    pub(crate) fn flush(&self) -> Flushed {
        let flushed = flush(&self.spool, &self.state, None).unwrap();
        assert_eq!(flushed.errors, Vec::<String>::new());
        flushed
    }

    /// What `flush` counted: files, imported, duplicates, quarantined, deferred.
    pub(crate) fn flush_counts(&self) -> [u64; 5] {
        counts(&self.flush())
    }

    /// The ledger, which balances.
    pub(crate) fn ledger(&self) -> Entry {
        let found = ledger(&self.spool, Some(&self.state)).unwrap();
        assert!(found.total.balances(), "{found:?}");
        assert!(found.monitors.values().all(Entry::balances), "{found:?}");
        found.total
    }

    pub(crate) fn ids(&self) -> Vec<String> {
        ids(&self.state)
    }

    /// The files below a folder of the spool, by name; hidden ones are left out.
    pub(crate) fn list(&self, folder: &str) -> Vec<String> {
        let Ok(found) = std::fs::read_dir(self.path(folder)) else { return Vec::new() };
        let mut names: Vec<String> = found
            .map(|entry| entry.unwrap())
            .filter(|entry| entry.file_type().unwrap().is_file())
            .map(|entry| entry.file_name().into_string().unwrap())
            .filter(|name| !name.starts_with('.'))
            .collect();
        names.sort();
        names
    }
}

pub(crate) fn counts(flushed: &Flushed) -> [u64; 5] {
    [flushed.files, flushed.imported, flushed.duplicates, flushed.quarantined, flushed.deferred]
}

pub(crate) fn ids(state: &Db) -> Vec<String> {
    state.read(|conn| conn.query_all("SELECT id FROM events ORDER BY rowid", [], |row| row.get(0))).unwrap()
}

/// An event of the scenarios.
pub(crate) fn event(number: usize) -> String {
    event_of("keyboard", number)
}

pub(crate) fn event_of(monitor: &str, number: usize) -> String {
    format!(
        r#"{{"id":"{}","ts_utc":1757440800000,"monitor":"{monitor}","action":"key_press","subject_type":"none","session_id":"01J7ZZZZZZZZZZZZZZZZZZZZZZ"}}"#,
        id(number)
    )
}

pub(crate) fn id(number: usize) -> String {
    format!("01J7ZZZZZZZZZZZZZZZZ{number:06}")
}

pub(crate) fn events(numbers: impl IntoIterator<Item = usize>) -> String {
    numbers.into_iter().map(|number| event(number) + "\n").collect()
}

/// One gzip member, as any program makes it.
pub(crate) fn gzip(text: impl AsRef<[u8]>) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(6));
    encoder.write_all(text.as_ref()).unwrap();
    encoder.finish().unwrap()
}

pub(crate) fn gunzip(path: &Path) -> Vec<u8> {
    let mut text = Vec::new();
    let file = std::fs::File::open(path).unwrap();
    flate2::read::MultiGzDecoder::new(file).read_to_end(&mut text).unwrap();
    text
}
