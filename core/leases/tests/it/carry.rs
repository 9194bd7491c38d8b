//! The numbers of grants over a reset, a restore, a kill and a power cut: never back, never twice.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use conclave_db::backup::{self, BackupOptions, ResetReport};
use conclave_db::clock::BootClock;
use conclave_db::process::{self, ProcessIdentity};
use conclave_db::{Db, DbOptions, FIRST_VERSION, Migration, Schema, Step};
use conclave_leases::{Fence, FenceCarry, LeaseError, LeaseErrorKind, Leases, Request, Result};
use conclave_retry::Clock;
use conclave_testkit::{FaultDisk, KillDriver, ManualClock, Parent, Random, Rerun};

use crate::fixture::{NOW, acquire, fence, kind, name, request};

const NOTES: Migration = Migration {
    version: FIRST_VERSION,
    name: "notes",
    up: Step::Sql("CREATE TABLE note(text TEXT NOT NULL) STRICT"),
    down: None,
    rewrites: false,
};
const LEASES: Migration = conclave_leases::migration(FIRST_VERSION + 1);

/// A machine whose file is opened and closed: a reset needs it alone.
struct Place {
    folder: tempfile::TempDir,
    clock: ManualClock,
    process: ProcessIdentity,
}

/// A boot clock that goes with the manual one.
#[derive(Debug)]
struct Boot(ManualClock);

impl BootClock for Boot {
    fn since_boot(&self) -> Duration {
        self.0.monotonic() + Duration::from_hours(1)
    }
}

impl Place {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            clock: ManualClock::at_wall_ms(NOW),
            process: process::current().unwrap(),
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("state.db")
    }

    fn options(&self) -> DbOptions {
        let schema = Schema::assemble(&[&[NOTES, LEASES]], &[]).unwrap();
        DbOptions::new(self.path(), schema).clock(Arc::new(self.clock.clone()))
    }

    fn leases(&self) -> Leases {
        let db = Db::open(self.options()).unwrap();
        Leases::with(db, Arc::new(Boot(self.clock.clone())), self.process.clone())
    }

    fn carry(&self, force: bool) -> FenceCarry {
        let clock = Arc::new(self.clock.clone());
        FenceCarry::with(Arc::new(Boot(self.clock.clone())), clock, self.process.clone(), force)
    }

    /// Acquires and releases; gives the number.
    fn turn(&self, text: &str) -> Fence {
        let leases = self.leases();
        let grant = acquire(&leases, &request(&[text], 60)).unwrap();
        leases.release(&grant.token, &[]).unwrap();
        fence(&grant)
    }

    fn reset(&self) -> ResetReport {
        backup::reset(&self.options(), &mut self.carry(false)).unwrap()
    }

    fn restore(&self, from: &Path) {
        backup::restore(&self.options(), from, &mut self.carry(false)).unwrap();
    }

    fn back_up(&self, as_name: &str) -> PathBuf {
        let db = Db::open(self.options()).unwrap();
        let to = self.folder.path().join(as_name);
        backup::backup(&db, &to, &BackupOptions::default()).unwrap().path
    }

    fn next_boot(&mut self) {
        self.process.boot_id.push_str("-next");
    }
}

#[test]
fn within_a_boot_a_reset_goes_on_where_it_was() {
    let place = Place::new();
    assert_eq!([place.turn("L"), place.turn("L"), place.turn("M")], [1, 2, 1]);
    let report = place.reset();
    assert!(report.kept_verified, "{report:?}");
    assert_eq!([place.turn("L"), place.turn("M"), place.turn("new")], [3, 2, 1]);
    place.reset();
    place.reset();
    assert_eq!(place.turn("L"), 4);
}

#[test]
fn in_another_boot_a_reset_goes_on_behind_what_was_reserved() {
    let mut place = Place::new();
    assert_eq!(place.turn("L"), 1);
    place.next_boot();
    place.reset();
    assert_eq!(place.turn("L"), 1001);
    place.reset();
    place.next_boot();
    assert_eq!(place.turn("L"), 1002, "what the old file had reserved in its own boot was not given");
    place.next_boot();
    assert_eq!(place.turn("L"), 2002, "and this might have been");
}

#[test]
fn a_restore_takes_the_larger_numbers_of_both_files() {
    let place = Place::new();
    assert_eq!(place.turn("L"), 1);
    let early = place.back_up("early.db");
    assert_eq!([place.turn("L"), place.turn("L"), place.turn("M")], [2, 3, 1]);
    let late = place.back_up("late.db");
    place.restore(&early);
    assert_eq!([place.turn("L"), place.turn("M")], [4, 2]);
    place.restore(&late);
    assert_eq!([place.turn("L"), place.turn("M")], [5, 3]);
    // An empty file that somebody else put there says nothing, and the backup does.
    fs::remove_file(place.path()).unwrap();
    drop(place.leases());
    place.restore(&late);
    assert_eq!(place.turn("L"), 4, "3 is the last one that either file knows of");
}

#[test]
fn while_a_lease_lives_both_are_refused_unless_forced() {
    let place = Place::new();
    let backup = place.back_up("copy.db");
    let leases = place.leases();
    let grant = acquire(&leases, &request(&["L"], 60)).unwrap();
    drop(leases);
    let held = |refused: LeaseError| {
        let LeaseError::Held { name, by, expires_utc_ms } = &refused else { panic!("{refused}") };
        assert_eq!((name.as_str(), by, *expires_utc_ms), ("L", &grant.holder, Some(NOW + 60_000)));
    };
    held(backup::reset(&place.options(), &mut place.carry(false)).unwrap_err());
    held(backup::restore(&place.options(), &backup, &mut place.carry(false)).unwrap_err());
    place.leases().guard(&name("L"), 1).unwrap();
    let mut forced = place.carry(true);
    backup::reset(&place.options(), &mut forced).unwrap();
    assert_eq!(forced.ended(), [name("L")]);
    // Whoever held it is turned away, before and after somebody else has it.
    let leases = place.leases();
    leases.guard(&name("L"), 1).unwrap_err();
    assert_eq!(
        kind(leases.renew(&grant.token, &[name("L")], request(&["L"], 60).ttl)),
        LeaseErrorKind::NotFound
    );
    let other = acquire(&leases, &request(&["L"], 60)).unwrap();
    assert_eq!(fence(&other), 2);
    assert_eq!(kind(leases.guard(&name("L"), 1)), LeaseErrorKind::StaleFence);
    leases.guard(&name("L"), 2).unwrap();
}

#[test]
fn a_lease_that_is_over_refuses_nothing() {
    let mut place = Place::new();
    acquire(&place.leases(), &request(&["L"], 60)).unwrap();
    place.clock.advance(Duration::from_mins(1));
    place.reset();
    // By the process that it is bound to.
    let dead = ProcessIdentity { start_time: 1, ..process::current().unwrap() };
    let live = ProcessIdentity { pid_namespace: 7, ..process::current().unwrap() };
    let bound = |to: &ProcessIdentity| Request { bound_to: Some(to.clone()), ..request(&["L"], 600) };
    let there = process::current().unwrap();
    acquire(&place.leases(), &bound(&there)).unwrap();
    let mut mine = place.carry(false);
    assert!(matches!(backup::reset(&place.options(), &mut mine), Err(LeaseError::Held { .. })));
    let mut sees_it_dead = FenceCarry::with(
        Arc::new(Boot(place.clock.clone())),
        Arc::new(place.clock.clone()),
        ProcessIdentity { boot_id: "another".to_owned(), ..dead },
        false,
    );
    backup::reset(&place.options(), &mut sees_it_dead).unwrap();
    // Of a process in another container nobody here can say that it has ended.
    acquire(&place.leases(), &bound(&live)).unwrap();
    assert!(matches!(backup::reset(&place.options(), &mut place.carry(false)), Err(LeaseError::Held { .. })));
    place.next_boot();
    place.reset();
}

/// What a backup says of holders is of its time.
#[test]
fn a_holder_of_the_past_does_not_come_back() {
    let place = Place::new();
    let leases = place.leases();
    let grant = acquire(&leases, &request(&["L", "M"], 600)).unwrap();
    drop(leases);
    let held = place.back_up("held.db");
    place.leases().release(&grant.token, &[]).unwrap();
    place.restore(&held);
    let leases = place.leases();
    assert_eq!(leases.list().unwrap(), []);
    let other = acquire(&leases, &request(&["L"], 60)).unwrap();
    assert_eq!(fence(&other), 2);
    assert_eq!(kind(leases.renew(&grant.token, &[], request(&["L"], 60).ttl)), LeaseErrorKind::NotFound);
    leases.release(&other.token, &[]).unwrap();
    drop(leases);
    // Also where the old file was never used.
    fs::remove_file(place.path()).unwrap();
    drop(place.leases());
    place.restore(&held);
    assert_eq!(place.leases().list().unwrap(), []);
}

#[test]
fn where_the_old_file_says_nothing_the_wall_clock_does() {
    let anew = Fence::try_from(NOW).unwrap() * 1000;
    let place = Place::new();
    assert_eq!([place.turn("L"), place.turn("L")], [1, 2]);
    let copy = place.back_up("copy.db");
    fs::remove_file(place.path()).unwrap();
    let mut carry = place.carry(false);
    backup::restore(&place.options(), &copy, &mut carry).unwrap();
    assert_eq!(carry.begins_anew_with(), Some(anew));
    assert_eq!([place.turn("L"), place.turn("L"), place.turn("new")], [anew, anew + 1, anew]);
    for (after_ms, broken) in [(1000, vec![7; 9000]), (2000, Vec::new())] {
        place.clock.set_wall_ms(NOW + after_ms);
        let anew = anew + Fence::try_from(after_ms).unwrap() * 1000;
        fs::write(place.path(), broken).unwrap();
        place.reset();
        assert_eq!([place.turn("L"), place.turn("other")], [anew, anew]);
    }
    // And from there it goes on as always.
    place.reset();
    assert_eq!([place.turn("L"), place.turn("third")], [anew + 2_000_001, anew + 2_000_000]);
}

#[test]
fn a_backup_from_before_there_were_leases_gets_the_numbers_too() {
    let place = Place::new();
    let elsewhere = place.folder.path().join("older.db");
    let older = DbOptions::new(&elsewhere, Schema::assemble(&[&[NOTES]], &[]).unwrap());
    let db = Db::open(older).unwrap();
    db.write("note", |tx| tx.execute("INSERT INTO note VALUES('kept')", [])).unwrap();
    let copy =
        backup::backup(&db, &place.folder.path().join("copy.db"), &BackupOptions::default()).unwrap().path;
    drop(place.leases());
    let report = backup::restore(&place.options(), &copy, &mut place.carry(false)).unwrap();
    assert_eq!(report.version, NOTES.version, "nothing was ever given: it is left as it is");
    assert_eq!([place.turn("L"), place.turn("L")], [1, 2]);
    let report = backup::restore(&place.options(), &copy, &mut place.carry(false)).unwrap();
    assert_eq!(report.version, LEASES.version);
    assert_eq!(place.turn("L"), 3);
    let db = Db::open(place.options()).unwrap();
    let kept: String = db.read(|conn| conn.query_row("SELECT text FROM note", [], |row| row.get(0))).unwrap();
    assert_eq!(kept, "kept");
}

/// A short version runs always; `CONCLAVE_POWER_SEEDS=1000` says how many power cuts there are instead.
fn seeds() -> u64 {
    std::env::var("CONCLAVE_POWER_SEEDS").map_or(100, |seeds| seeds.parse().unwrap())
}

#[test]
fn over_a_power_cut_no_number_comes_back() {
    let mut place = Place::new();
    let elsewhere = tempfile::tempdir().unwrap();
    let disk = FaultDisk::watch(place.folder.path());
    let turns = |place: &Place, times: u32| {
        for _ in 0..times {
            for text in ["L", "M"] {
                disk.mark(&format!("{text} {}", place.turn(text)));
            }
        }
    };
    turns(&place, 4);
    let db = Db::open(place.options()).unwrap();
    let copy =
        backup::backup(&db, &elsewhere.path().join("copy.db"), &BackupOptions::default()).unwrap().path;
    drop(db);
    turns(&place, 2);
    place.reset();
    turns(&place, 3);
    place.restore(&copy);
    turns(&place, 3);
    place.next_boot();
    turns(&place, 2);
    place.reset();
    turns(&place, 2);
    let recording = disk.recording();
    assert_distinct(recording.marks());
    let mut lost = 0;
    for seed in 0..seeds() {
        let mut image = Place::new();
        let _unsynced = FaultDisk::watch(image.folder.path());
        let cut = recording.cut(seed, image.folder.path());
        lost += cut.lost;
        image.process.boot_id = format!("after the cut {seed}");
        let given = assert_distinct(cut.marks.iter().map(String::as_str));
        for text in ["L", "M"] {
            let next = image.turn(text);
            let last = given.get(text).copied().unwrap_or(0);
            assert!(next > last, "seed {seed}: {text} {next} after {last}, cut at {}", cut.at);
        }
    }
    assert!(lost > 0, "the cuts took nothing");
}

/// Each name's numbers only rise; gives the last ones.
fn assert_distinct<'mark>(marks: impl Iterator<Item = &'mark str>) -> BTreeMap<String, Fence> {
    let mut last = BTreeMap::new();
    for mark in marks {
        let (text, number) = mark.split_once(' ').unwrap();
        let number: Fence = number.parse().unwrap();
        let before = last.insert(text.to_owned(), number);
        assert!(before.is_none_or(|before| before < number), "{text}: {number} after {before:?}");
    }
    last
}

/// Grants, resets and restores, killed at any moment, again and again on one file.
#[test]
fn over_kills_no_number_comes_back() {
    if let Some(mut parent) = Parent::of_this_process() {
        let schema = Schema::assemble(&[&[NOTES, LEASES]], &[]).unwrap();
        let options = DbOptions::new(parent.role(), schema);
        parent.wait_for_release();
        let turn = |parent: &mut Parent| -> Result<()> {
            let leases = Leases::new(Db::open(options.clone())?)?;
            for _ in 0..3 {
                let grant = acquire(&leases, &request(&["L"], 60))?;
                parent.say(&format!("L {}", fence(&grant)));
                leases.release(&grant.token, &[])?;
            }
            Ok(())
        };
        loop {
            turn(&mut parent).unwrap();
            let kept = backup::reset(&options, &mut FenceCarry::new(true).unwrap()).unwrap().kept.unwrap();
            turn(&mut parent).unwrap();
            backup::restore(&options, &kept, &mut FenceCarry::new(true).unwrap()).unwrap();
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    let mut driver = KillDriver::with(Random::from_env(46));
    let mut said = Vec::new();
    for _ in 0..12 {
        let child = Rerun::of("carry::over_kills_no_number_comes_back").role(path.to_str().unwrap()).start();
        said.extend(driver.run_and_kill(child, 9, Duration::from_millis(20)).lines);
        // The one that was killed may still hold it; so the next one may not have it by asking.
        let options = DbOptions::new(&path, Schema::assemble(&[&[NOTES, LEASES]], &[]).unwrap());
        let leases = Leases::new(Db::open(options).unwrap()).unwrap();
        let held = leases.status(&name("L")).unwrap().map_or_else(Vec::new, |status| status.leases);
        let held: Vec<Fence> = held.iter().map(|lease| lease.fence).collect();
        leases.break_lease(&name("L"), &held).unwrap();
        assert_distinct(said.iter().map(String::as_str));
    }
    assert!(said.len() > 12, "{said:?}");
}

#[test]
fn a_file_without_one_of_the_tables_is_unreadable_and_not_new() {
    for sql in ["DROP TABLE lease_waits", "ALTER TABLE lease_waits RENAME TO lease_waits2"] {
        let place = Place::new();
        assert_eq!([place.turn("A"), place.turn("A")], [1, 2]);
        Db::open(place.options()).unwrap().write("test", move |tx| tx.execute_batch(sql)).unwrap();
        let mut carry = place.carry(true);
        backup::reset(&place.options(), &mut carry).unwrap();
        let first = Fence::try_from(NOW).unwrap() * 1000;
        assert_eq!(carry.begins_anew_with(), Some(first), "{sql}");
        assert_eq!(place.turn("A"), first, "{sql}");
    }
}

#[test]
fn what_a_later_version_says_of_numbers_is_not_believed() {
    let place = Place::new();
    place.turn("A");
    let kept = place.folder.path().join("kept.db");
    let db = Db::open(place.options()).unwrap();
    backup::backup(&db, &kept, &BackupOptions::default()).unwrap();
    drop(db);
    place.turn("A");
    conclave_db::foreign::run(&place.path(), "PRAGMA user_version=999").unwrap();
    let mut carry = place.carry(true);
    backup::restore(&place.options(), &kept, &mut carry).unwrap();
    assert_eq!(place.turn("A"), Fence::try_from(NOW).unwrap() * 1000);
}
