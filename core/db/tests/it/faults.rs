//! Each single operation on the disk fails, in all ways, once and for good.
//!
//! The short version visits some points, chosen anew by `CONCLAVE_SEED`; `CONCLAVE_FAULT_SWEEP=full` visits all.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use conclave_db::checkpoint::{CheckpointMode, checkpoint};
use conclave_db::{Db, DbError, Durability, ErrorKind, Journal};
use conclave_testkit::{Failure, Fault, FaultDisk, Op, Parent, Random, Rerun};
use tempfile::tempdir;

use crate::fixture::Scratch;
use crate::workload::{self, NEWEST, options};

/// What can fail, and how.
const KINDS: [(Op, Failure); 9] = [
    (Op::Write, Failure::Full),
    (Op::Write, Failure::Io),
    (Op::Sync, Failure::Full),
    (Op::Sync, Failure::Io),
    (Op::Truncate, Failure::Io),
    (Op::Read, Failure::Io),
    (Op::Read, Failure::Short),
    (Op::Open, Failure::Io),
    (Op::Delete, Failure::Io),
];

/// Longer is a hang: a life takes some tenths of a second.
const HANG: Duration = Duration::from_mins(1);

/// What a life with a fault came to.
#[derive(Debug, Default)]
struct Life {
    acknowledged: HashSet<String>,
    /// Keys whose write was refused: nothing of them may be stored.
    refused: HashSet<String>,
    errors: Vec<DbError>,
    ambiguous: usize,
    /// Of these, how many were durable all the same.
    kept: usize,
    /// Only where the disk lied.
    damaged: bool,
}

impl Life {
    /// Notes how something ended that has no rows of its own.
    fn note<T>(&mut self, done: Result<T, DbError>) -> Option<T> {
        done.map_err(|error| self.errors.push(error)).ok()
    }
}

/// The one who lives: a file, its disk, and what became of each write.
struct Liver<'run> {
    disk: &'run FaultDisk,
    life: Mutex<Life>,
    /// Who hears what was acknowledged, where this is a child that may die.
    told: Option<Mutex<Parent>>,
}

impl Liver<'_> {
    /// Does a write of these keys. Where nobody knows whether it was done it is repeated: the keys make that safe.
    fn write(&self, keys: &[&str], write: impl Fn() -> Result<(), DbError>) {
        let done = write();
        let mut life = self.life.lock().unwrap();
        let Err(error) = done else { return self.acknowledge(&mut life, keys) };
        let kind = error.kind();
        life.errors.push(error);
        if kind != ErrorKind::Ambiguous {
            life.refused.extend(keys.iter().map(|key| (*key).to_owned()));
            return;
        }
        life.ambiguous += 1;
        drop(life);
        let again = write();
        let mut life = self.life.lock().unwrap();
        match again {
            Ok(()) => self.acknowledge(&mut life, keys),
            // The first one may be there.
            Err(error) => life.errors.push(error),
        }
    }

    fn acknowledge(&self, life: &mut Life, keys: &[&str]) {
        for key in keys {
            life.acknowledged.insert((*key).to_owned());
            self.disk.mark(key);
            if let Some(parent) = &self.told {
                parent.lock().unwrap().say(key);
            }
        }
    }

    fn pair(&self, db: &Db, key: &str, durability: Durability) {
        self.write(&[key], || workload::write(db, key, durability));
    }

    /// Opens the file, at the second try where the fault hit the first.
    fn open(&self, path: &Path, fault: &Fault) -> Db {
        let error = match open(path) {
            Ok(db) => return db,
            Err(error) => error,
        };
        self.life.lock().unwrap().errors.push(error);
        if fault.sticky {
            self.disk.heal();
        }
        open(path).unwrap_or_else(|error| panic!("{fault:?}: the fault is gone: {error}"))
    }

    /// Everything that a file goes through, whatever fails.
    fn live(&self, db: &Db, elsewhere: &Path) {
        for key in ["a", "b", "c"] {
            self.pair(db, key, Durability::Power);
        }
        std::thread::scope(|scope| {
            for key in ["d", "e", "f"] {
                scope.spawn(move || self.pair(db, key, Durability::Power));
            }
        });
        let note = |done| self.life.lock().unwrap().note(done);
        note(checkpoint(db, CheckpointMode::Passive).map(drop));
        let bulk = ["g".to_owned(), "h".to_owned()];
        self.write(&["g", "h"], || workload::bulk(db, &bulk));
        note(workload::pages_come_and_go(db, 20));
        self.pair(db, "i", Durability::Power);
        note(workload::rows(db).map(drop));
        note(workload::back_up(db, elsewhere));
        self.pair(db, "j", Durability::Power);
    }
}

fn open(path: &Path) -> Result<Db, DbError> {
    let options = options(path, NEWEST);
    Db::open(options.busy_timeout(Duration::from_millis(100)).deadline(Duration::from_secs(2)))
}

/// One life with one fault. `None` when the fault was not met: all points have been visited.
fn live(fault: Fault, journal: Journal) -> Option<Life> {
    let scratch = Scratch::new();
    let elsewhere = tempdir().unwrap();
    // Nobody needs the backups on the real disk.
    let _unsynced = FaultDisk::watch(elsewhere.path());
    let mut disk = FaultDisk::watch(scratch.dir.path());
    if journal == Journal::Rollback {
        disk = disk.without_shared_memory();
    }
    let path = scratch.path();
    let liver = Liver { disk: &disk, life: Mutex::default(), told: None };
    // The file was made by an older program: it has the first version of the schema.
    let old = Db::open(options(&path, conclave_db::FIRST_VERSION)).unwrap();
    liver.pair(&old, "old", Durability::Power);
    drop(old);
    disk.fail(fault);
    if fault.error == Failure::Short {
        return lied_to(&liver, &path, elsewhere.path());
    }
    // Opened, migrated and closed, and opened again.
    let db = liver.open(&path, &fault);
    liver.pair(&db, "first", Durability::Power);
    drop(db);
    let db = liver.open(&path, &fault);
    liver.live(&db, elsewhere.path());
    if disk.fired() == 0 {
        return None;
    }
    disk.heal();
    // The same handle goes on: reads before anything was written …
    let read = workload::rows(&db);
    assert!(read.is_ok(), "{fault:?} {journal:?}: the fault is gone: {read:?}");
    // … and writes.
    for key in ["after", "that"] {
        let written = workload::write(&db, key, Durability::Power);
        assert!(written.is_ok(), "{fault:?}: the fault is gone: {written:?}");
        liver.acknowledge(&mut liver.life.lock().unwrap(), &[key]);
    }
    let context = format!("{fault:?} {journal:?}");
    let mut life = liver.life.into_inner().unwrap();
    check(&db, &life, &context);
    drop(db);
    // Closing may have failed no more than anything else; a new start finds the same.
    let db = open(&path).unwrap_or_else(|error| panic!("{context}: {error}"));
    check(&db, &life, &context);
    let there = workload::keys(&db);
    life.kept = there.iter().filter(|key| !life.acknowledged.contains(*key)).count();
    drop(db);
    // And a power cut somewhere, with a disk that forgets what it could not sync.
    for seed in 0..2 {
        cut(&disk, fault.nth.wrapping_mul(31).wrapping_add(seed), &life, &context);
    }
    Some(life)
}

/// The life on a disk that says "the file ends here" where it does not. What SQLite believes it may write back,
/// so nobody can promise that the file survives this; that it is told, without a panic and without a hang.
fn lied_to(liver: &Liver<'_>, path: &Path, elsewhere: &Path) -> Option<Life> {
    for key in ["first", "second"] {
        let opened = open(path);
        let opened = liver.life.lock().unwrap().note(opened);
        if let Some(db) = opened {
            liver.pair(&db, key, Durability::Power);
            liver.live(&db, elsewhere);
        }
    }
    if liver.disk.fired() == 0 {
        return None;
    }
    liver.disk.heal();
    let damaged = open(path).map_or(true, |db| workload::damage(&db).is_some());
    let mut life = std::mem::take(&mut *liver.life.lock().unwrap());
    life.damaged = damaged;
    Some(life)
}

fn check(db: &Db, life: &Life, context: &str) {
    workload::assert_sound(db, context);
    let there: HashSet<String> = workload::keys(db).into_iter().collect();
    for key in &life.acknowledged {
        assert!(there.contains(key), "{context}: {key} was acknowledged and is lost");
    }
    for key in &life.refused {
        assert!(!there.contains(key), "{context}: {key} was refused and is there");
    }
}

fn cut(disk: &FaultDisk, seed: u64, life: &Life, context: &str) {
    let image = tempdir().unwrap();
    let cut = disk.recording().cut(seed, image.path());
    let context = format!("{context}, cut with seed {seed} at {}", cut.at);
    let _unsynced = FaultDisk::watch(image.path());
    let db = open(&image.path().join("state.db")).unwrap_or_else(|error| panic!("{context}: {error}"));
    workload::assert_sound(&db, &context);
    let there: HashSet<String> = workload::keys(&db).into_iter().collect();
    for key in &cut.marks {
        assert!(there.contains(key), "{context}: {key} was acknowledged and is lost");
    }
    for key in &life.refused {
        assert!(!there.contains(key), "{context}: {key} was refused and is there");
    }
}

/// A life on a thread of its own: a hang and a panic name their fault.
fn guarded(fault: Fault, journal: Journal) -> Option<Life> {
    let (done, is_done) = channel();
    let thread = std::thread::spawn(move || {
        let life = live(fault, journal);
        let _ = done.send(life);
    });
    match is_done.recv_timeout(HANG) {
        Ok(life) => {
            thread.join().unwrap();
            life
        }
        Err(RecvTimeoutError::Timeout) => panic!("{fault:?} {journal:?}: hangs"),
        Err(RecvTimeoutError::Disconnected) => panic!("{fault:?} {journal:?}: see above"),
    }
}

/// What a sweep saw.
#[derive(Debug, Default)]
struct Seen {
    /// Points of all kinds of fault: what a full sweep visits.
    points: u64,
    /// Points that were visited.
    lives: u64,
    ambiguous: usize,
    kept: usize,
    refused: usize,
    damaged: usize,
    errors: BTreeMap<&'static str, usize>,
}

impl Seen {
    fn add(&mut self, life: &Life) {
        self.lives += 1;
        self.ambiguous += life.ambiguous;
        self.kept += life.kept;
        self.refused += life.refused.len();
        self.damaged += usize::from(life.damaged);
        for error in &life.errors {
            *self.errors.entry(error.kind().as_str()).or_default() += 1;
        }
    }

    /// The sweep did meet what it is about.
    fn assert_bites(&self) {
        let errors: usize = self.errors.values().sum();
        assert!(self.lives > 50 && errors > 50 && self.ambiguous > 0 && self.refused > 0, "{self:?}");
    }
}

/// Goes through the points of each kind of fault, from one to the next by up to `stride`.
fn sweep(journal: Journal) -> Seen {
    let mut random = Random::from_env(20_261_121);
    let mut all = Seen::default();
    for (op, error) in KINDS {
        for sticky in [false, true] {
            let mut points = 0;
            let mut nth = 1;
            let mut seen = Seen::default();
            while let Some(life) = guarded(Fault { op, nth, error, sticky }, journal) {
                let wrong: Vec<_> =
                    life.errors.iter().filter(|told| !may_be(op, error, told.kind())).collect();
                assert!(wrong.is_empty(), "{op:?} {error:?} number {nth} sticky={sticky}: {wrong:?}");
                points = nth;
                seen.add(&life);
                all.add(&life);
                nth += 1 + random.below(stride(op));
            }
            seen.points = points;
            all.points += points;
            println!("{journal:?} {op:?} {error:?} sticky={sticky}: {seen:?}");
        }
    }
    println!("{journal:?}, all: {all:?}");
    all
}

/// Which kinds of error this fault may be told as.
fn may_be(op: Op, error: Failure, kind: ErrorKind) -> bool {
    use ErrorKind::{Ambiguous, CannotOpen, Constraint, Corrupt, Full, Io, NotADatabase, Statement};
    let own: &[ErrorKind] = match (op, error) {
        (_, Failure::Full) => &[Full],
        // A schema that reads as empty has no tables, and a row that does breaks its constraints.
        (_, Failure::Short) => &[Corrupt, NotADatabase, Io, Statement, Constraint],
        (Op::Open, _) => &[CannotOpen],
        _ => &[Io],
    };
    kind == Ambiguous || own.contains(&kind)
}

/// The longest step to the next point. There are some hundred writes and reads, and some dozen of the others.
fn stride(op: Op) -> u64 {
    if std::env::var("CONCLAVE_FAULT_SWEEP").is_ok_and(|sweep| sweep == "full") {
        return 1;
    }
    if matches!(op, Op::Write | Op::Read) { 40 } else { 12 }
}

/// A process dies at each single write, sync, truncate and delete, and not just at any moment.
#[test]
fn death_at_any_operation_loses_and_tears_nothing() {
    const KILLED: [Op; 4] = [Op::Write, Op::Sync, Op::Truncate, Op::Delete];
    if let Some(mut parent) = Parent::of_this_process() {
        let fault = std::env::var("FAULT").unwrap();
        let (op, nth) = fault.split_once(' ').unwrap();
        let op = *KILLED.iter().find(|known| format!("{known:?}") == op).unwrap();
        let path = PathBuf::from(parent.role());
        parent.wait_for_release();
        let disk = FaultDisk::watch(path.parent().unwrap());
        disk.fail(Fault { op, nth: nth.parse().unwrap(), error: Failure::Kill, sticky: false });
        let life = Mutex::default();
        let liver = Liver { disk: &disk, life, told: Some(Mutex::new(parent)) };
        let db = open(&path).unwrap();
        liver.live(&db, &path.with_file_name("backups"));
        drop(db);
        assert_eq!(disk.fired(), 0);
        liver.told.unwrap().lock().unwrap().say("lived");
        return;
    }
    let mut random = Random::from_env(20_261_121);
    for op in KILLED {
        let mut deaths = 0;
        let mut nth = 1;
        loop {
            let scratch = Scratch::new();
            let mut child = Rerun::of("faults::death_at_any_operation_loses_and_tears_nothing")
                .role(scratch.path().to_str().unwrap())
                .variable("FAULT", format!("{op:?} {nth}"))
                .start();
            child.release();
            let said = child.lines();
            if said.last().is_some_and(|line| line == "lived") {
                break;
            }
            deaths += 1;
            let _unsynced = FaultDisk::watch(scratch.dir.path());
            let db = open(&scratch.path()).unwrap();
            let life = Life { acknowledged: said.into_iter().collect(), ..Life::default() };
            check(&db, &life, &format!("killed at {op:?} {nth}"));
            nth += 1 + random.below(stride(op));
        }
        println!("killed at {deaths} of {nth} points: {op:?}");
        assert!(deaths > 0, "{op:?}");
    }
}

#[test]
fn no_single_fault_loses_or_tears_anything() {
    sweep(Journal::Wal).assert_bites();
}

#[test]
fn nor_does_one_without_a_log() {
    sweep(Journal::Rollback).assert_bites();
}
