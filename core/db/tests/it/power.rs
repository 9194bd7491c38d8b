//! The power goes at any moment: what was acknowledged is there, nothing is half there.
//!
//! A short version runs always; `CONCLAVE_POWER_SEEDS=1000` says how many power cuts there are instead.

use std::collections::HashSet;
use std::path::Path;

use conclave_db::backup::{self, Nothing};
use conclave_db::{Db, Durability, FIRST_VERSION, Journal, vacuum};
use conclave_testkit::{FaultDisk, Random, Recording};
use tempfile::tempdir;

use crate::fixture::Scratch;
use crate::workload::{self, NEWEST, options};

/// How many of the cuts each run of the workload gives: enough to pay for it, and chance of threads remains.
const CUTS_PER_RUN: u64 = 25;
const SHORT: u64 = 50;

fn seeds() -> u64 {
    std::env::var("CONCLAVE_POWER_SEEDS").map_or(SHORT, |seeds| seeds.parse().unwrap())
}

/// Which durability and which journal.
#[derive(Debug, Clone, Copy)]
struct Case {
    durability: Durability,
    journal: Journal,
}

impl Case {
    fn disk(self, folder: &Path) -> FaultDisk {
        let disk = FaultDisk::watch(folder);
        if self.journal == Journal::Rollback { disk.without_shared_memory() } else { disk }
    }
}

/// What the workload left: all it did, and the order in which the rows were committed.
struct Lived {
    recording: Recording,
    order: Vec<String>,
}

/// Opens, migrates twice, writes from threads, copies in bulk, vacuums and backs up.
fn live(case: Case) -> Lived {
    let scratch = Scratch::new();
    let elsewhere = tempdir().unwrap();
    let disk = case.disk(scratch.dir.path());
    let write = |db: &Db, key: String| {
        workload::write(db, &key, case.durability).unwrap();
        disk.mark(&format!("key {key}"));
    };
    for version in FIRST_VERSION..NEWEST {
        let db = Db::open(options(&scratch.path(), version)).unwrap();
        assert_eq!(db.journal(), case.journal);
        disk.mark(&format!("version {version}"));
        for n in 0..5 {
            write(&db, format!("{version} {n}"));
        }
    }
    let db = Db::open(options(&scratch.path(), NEWEST)).unwrap();
    disk.mark(&format!("version {NEWEST}"));
    let threads = |part: &str| {
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let (db, write) = (&db, &write);
                scope.spawn(move || (0..12).for_each(|n| write(db, format!("{part} {thread} {n}"))));
            }
            workload::pages_come_and_go(&db, 80).unwrap();
        });
    };
    threads("first");
    let keys: Vec<String> = (0..40).map(|n| format!("bulk {n}")).collect();
    workload::bulk(&db, &keys).unwrap();
    for key in &keys {
        disk.mark(&format!("key {key}"));
    }
    threads("second");
    vacuum::full(&db).unwrap();
    workload::back_up(&db, elsewhere.path()).unwrap();
    write(&db, "last".to_owned());
    let order = workload::keys(&db);
    drop(db);
    Lived { recording: disk.recording(), order }
}

/// What a cut showed.
#[derive(Debug, Default)]
struct Seen {
    acknowledged: usize,
    lost: usize,
    /// Rows that were there before anyone was told.
    early: usize,
    operations_lost: usize,
    torn: usize,
}

/// Cuts once, opens what is left, and checks all but whether acknowledged rows are there: counts these.
fn cut(lived: &Lived, seed: u64, case: Case) -> Seen {
    let image = tempdir().unwrap();
    let cut = lived.recording.cut(seed, image.path());
    let context = format!("{case:?} seed {seed} cut at {} of {}", cut.at, lived.recording.len());
    let path = image.path().join("state.db");
    // Nobody needs the image on the real disk.
    let _unsynced = case.disk(image.path());
    let marked = |kind: &str| {
        let of_kind = cut.marks.iter().filter_map(|mark| mark.strip_prefix(kind)?.strip_prefix(' '));
        of_kind.map(str::to_owned).collect::<Vec<_>>()
    };
    let version = version_of(&path);
    let promised = marked("version").pop().map_or(0, |version| version.parse().unwrap());
    assert!(version >= promised, "{context}: version {version}, {promised} was acknowledged");
    let db = Db::open(options(&path, NEWEST)).unwrap_or_else(|error| panic!("{context}: {error}"));
    workload::assert_sound(&db, &context);
    let keys = workload::keys(&db);
    assert!(lived.order.starts_with(&keys), "{context}: what is lost is no suffix of the log: {keys:?}");
    let there: HashSet<&String> = keys.iter().collect();
    let acknowledged = marked("key");
    let lost = acknowledged.iter().filter(|key| !there.contains(key)).count();
    workload::write(&db, "after the cut", Durability::Power)
        .unwrap_or_else(|error| panic!("{context}: {error}"));
    Seen {
        acknowledged: acknowledged.len(),
        lost,
        early: keys.len() + lost - acknowledged.len(),
        operations_lost: cut.lost,
        torn: cut.torn,
    }
}

fn version_of(path: &Path) -> i32 {
    // A look at a hot journal undoes it first.
    Db::plan(&options(path, NEWEST)).unwrap().from
}

/// Cuts as often as is wanted; gives in how many cuts acknowledged rows were lost.
fn cuts(case: Case, seeds: u64) -> usize {
    let mut total = Seen::default();
    let mut with_loss = 0;
    let mut lived = None;
    for seed in 0..seeds {
        if seed % CUTS_PER_RUN == 0 {
            lived = Some(live(case));
        }
        let seen = cut(lived.as_ref().unwrap(), seed, case);
        with_loss += usize::from(seen.lost > 0);
        total.acknowledged += seen.acknowledged;
        total.lost += seen.lost;
        total.early += seen.early;
        total.operations_lost += seen.operations_lost;
        total.torn += seen.torn;
    }
    println!("{case:?}: {seeds} power cuts, {with_loss} with acknowledged rows lost; in all {total:?}");
    // Some operations were lost, and some torn: the cuts did hit the middle of things.
    assert!(total.operations_lost > 0 && total.torn > 0 && total.early > 0, "{total:?}");
    with_loss
}

#[test]
fn acknowledged_writes_survive_a_power_cut() {
    let case = Case { durability: Durability::Power, journal: Journal::Wal };
    assert_eq!(cuts(case, seeds()), 0, "acknowledged rows are lost");
}

#[test]
fn acknowledged_writes_survive_a_power_cut_without_a_log() {
    for durability in [Durability::Power, Durability::Process] {
        let case = Case { durability, journal: Journal::Rollback };
        assert_eq!(cuts(case, seeds() / 2), 0, "acknowledged rows are lost");
    }
}

/// And this shows that the cuts bite.
#[test]
fn at_process_durability_a_power_cut_takes_a_suffix() {
    let case = Case { durability: Durability::Process, journal: Journal::Wal };
    let seeds = seeds();
    let with_loss = cuts(case, seeds);
    assert!(
        with_loss as u64 > seeds / 10,
        "{with_loss} of {seeds} cuts lost what only a process must survive"
    );
}

/// A write that survives a power cut takes those before it along, which need not.
#[test]
fn a_power_proof_write_makes_durable_what_was_before_it() {
    let scratch = Scratch::new();
    let disk = FaultDisk::watch(scratch.dir.path());
    let db = Db::open(options(&scratch.path(), NEWEST)).unwrap();
    for n in 0..60 {
        let durability = if n % 5 == 4 { Durability::Power } else { Durability::Process };
        workload::write(&db, &n.to_string(), durability).unwrap();
        disk.mark(if durability == Durability::Power { "power" } else { "process" });
    }
    drop(db);
    let recording = disk.recording();
    let mut lost = 0;
    for seed in 0..seeds() {
        let image = tempdir().unwrap();
        let _unsynced = FaultDisk::watch(image.path());
        let cut = recording.cut(seed, image.path());
        let db = Db::open(options(&image.path().join("state.db"), NEWEST)).unwrap();
        workload::assert_sound(&db, &format!("seed {seed}"));
        let there = workload::keys(&db).len();
        let safe = cut.marks.iter().rposition(|mark| mark == "power").map_or(0, |last| last + 1);
        assert!(there >= safe, "seed {seed}: {there} writes are there, {safe} were to be");
        lost += cut.marks.len().saturating_sub(there);
    }
    assert!(lost > 0, "writes that need not survive did, in all {} cuts", seeds());
}

/// A restore writes over the file while nobody has it open: afterwards it is the one or the other.
#[test]
fn a_restore_that_loses_power_is_done_or_undone() {
    let (mut undone, mut done) = (0, 0);
    for round in 0..seeds().div_ceil(CUTS_PER_RUN) {
        let scratch = Scratch::new();
        let elsewhere = tempdir().unwrap();
        let copy = elsewhere.path().join("copy.db");
        let disk = FaultDisk::watch(scratch.dir.path());
        let open = || Db::open(options(&scratch.path(), NEWEST)).unwrap();
        let db = open();
        let life = |from: u32, to: u32| {
            for n in from..to {
                workload::write(&db, &n.to_string(), Durability::Power).unwrap();
            }
            workload::keys(&db)
        };
        let before = life(0, 30);
        workload::back_up(&db, &copy).unwrap();
        let after = life(30, 60);
        drop(db);
        let begins = disk.recording().len();
        backup::restore(&options(&scratch.path(), NEWEST), &copy, &mut Nothing).unwrap();
        disk.mark("restored");
        assert_eq!(workload::keys(&open()), before);
        let recording = disk.recording();
        for seed in round * CUTS_PER_RUN..(round + 1) * CUTS_PER_RUN {
            let image = tempdir().unwrap();
            let _unsynced = FaultDisk::watch(image.path());
            let at = Random::new(seed).below((recording.len() - begins) as u64 + 1);
            let cut = recording.cut_at(begins + usize::try_from(at).unwrap(), seed, image.path());
            let db = Db::open(options(&image.path().join("state.db"), NEWEST)).unwrap();
            workload::assert_sound(&db, &format!("seed {seed}"));
            let keys = workload::keys(&db);
            if keys == before {
                done += 1;
            } else {
                assert_eq!((&keys, cut.marks.len()), (&after, 0), "seed {seed}");
                undone += 1;
            }
        }
    }
    println!("a restore that loses power: {undone} undone, {done} done");
    assert!(undone > 0 && done > 0, "{undone} undone, {done} done");
}
