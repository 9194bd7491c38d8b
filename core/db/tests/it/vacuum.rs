//! Giving pages back, with the figures of the acceptance scenarios 2 and 38 to 40.
//!
//! The files have 40 MB; with `CONCLAVE_FULL_SIZE` set they have the scenarios' own 164 MB.

use std::sync::{Arc, mpsc};
use std::time::Duration;

use conclave_db::checkpoint::{CheckpointMode, checkpoint};
use conclave_db::vacuum::{self, VacuumBudget};
use conclave_db::{AutoVacuum, Db, DbError, DbOptions, ErrorKind, stats};
use conclave_testkit::{KillDriver, ManualClock, Parent, Random, Rerun, SmallDisk, skipped};

use crate::fixture::{Scratch, insert, schema, texts};

pub(crate) const MB: u64 = 1_000_000;

fn scenario_size() -> u64 {
    if std::env::var_os("CONCLAVE_FULL_SIZE").is_some() { 164 * MB } else { 40 * MB }
}

/// Fills the file to about this size, then leaves three rows.
pub(crate) fn mostly_free(db: &Db, bytes: u64) {
    fill(db, bytes);
    db.write("delete", |tx| tx.execute("DELETE FROM item WHERE id > 3", [])).unwrap();
}

pub(crate) fn fill(db: &Db, bytes: u64) {
    // Each text stands in the table and in its index.
    let rows = i64::try_from(bytes / 8192).unwrap();
    db.write("fill", move |tx| {
        tx.execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
             INSERT INTO item(text) SELECT i || ' ' || hex(randomblob(1900)) FROM n",
            [rows],
        )
    })
    .unwrap();
}

/// A file of another program, created without `auto_vacuum`, with tables that are taken over.
fn legacy(scratch: &Scratch) {
    scratch.foreign(
        "CREATE TABLE consensus_artifacts(id INTEGER PRIMARY KEY, content TEXT);
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
         INSERT INTO consensus_artifacts(content) SELECT i || ' ' || hex(zeroblob(50)) FROM n;",
    );
}

fn artifacts(db: &Db) -> Vec<(i64, String)> {
    db.read(|conn| {
        conn.query_all("SELECT id, content FROM consensus_artifacts ORDER BY id", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
    })
    .unwrap()
}

fn real_bytes(scratch: &Scratch) -> u64 {
    let bytes = |suffix| {
        let mut path = scratch.path().into_os_string();
        path.push(suffix);
        std::fs::metadata(path).map_or(0, |found| found.len())
    };
    bytes("") + bytes("-wal")
}

/// Everything that a vacuum must leave as it is.
fn assert_sound(db: &Db) {
    let problems: Vec<String> =
        db.read(|conn| conn.query_all("PRAGMA integrity_check", [], |row| row.get(0))).unwrap();
    assert_eq!(problems, ["ok"]);
}

#[test]
fn scenario_38_a_budget_of_20_pages_frees_exactly_20() {
    let scratch = Scratch::new();
    let db = scratch.open();
    mostly_free(&db, 4 * MB);
    let free = stats(&db).unwrap().freelist_count;
    let done = vacuum::cycle(&db, VacuumBudget { pages: 20, ..VacuumBudget::default() }).unwrap();
    assert_eq!((done.pages_freed, done.pages_left), (20, free - 20));
    assert_eq!(stats(&db).unwrap().freelist_count, free - 20);
    assert_sound(&db);
}

#[test]
fn scenario_38_until_done_the_file_and_its_log_are_small() {
    let scratch = Scratch::new();
    let db = scratch.open();
    mostly_free(&db, scenario_size());
    let kept = texts(&db);
    let before = real_bytes(&scratch);
    assert!(before > scenario_size() / 2, "{before} bytes is no scenario");
    let mut told = Vec::new();
    let done = vacuum::run_until_done(&db, &mut |progress| told.push(progress)).unwrap();
    let after = real_bytes(&scratch);
    assert!(after < 5 * MB, "{after} bytes left");
    assert_eq!((done.size_before, done.size_after), (before, after), "real bytes are reported");
    assert_eq!(done.reclaimed(), i64::try_from(before - after).unwrap());
    assert_eq!((done.pages_left, done.held_up_by.clone()), (0, None));
    assert_eq!(told.len() as u64, done.slices);
    assert_eq!(told.last().unwrap().freed, done.pages_freed);
    assert_eq!(texts(&db), kept);
    assert_sound(&db);
    let again = vacuum::run_until_done(&db, &mut |_| panic!("nothing is left to tell")).unwrap();
    assert_eq!((again.slices, again.pages_freed), (0, 0));
}

#[test]
fn a_log_that_kept_its_largest_size_is_cut() {
    let scratch = Scratch::new();
    let db = scratch.open();
    mostly_free(&db, 8 * MB);
    assert!(stats(&db).unwrap().wal_bytes > 4 * MB, "SQLite keeps a log's file for the next time");
    vacuum::run_until_done(&db, &mut |_| {}).unwrap();
    assert_eq!(stats(&db).unwrap().wal_bytes, 0);
}

#[test]
fn scenario_39_without_auto_vacuum_only_a_full_vacuum_helps() {
    let scratch = Scratch::new();
    legacy(&scratch);
    let db = scratch.open();
    mostly_free(&db, scenario_size());
    assert_eq!(stats(&db).unwrap().auto_vacuum, AutoVacuum::None);
    let before = real_bytes(&scratch);
    let refused = vacuum::run_until_done(&db, &mut |_| {}).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::NeedsConversion);
    assert!(refused.to_string().contains("not possible"), "{refused}");
    assert!(refused.to_string().contains("full vacuum"), "{refused}");
    assert!(refused.hint().is_some_and(|hint| hint.contains("convert")));
    assert!(!vacuum::due(&db).unwrap(), "what is not possible is not due");
    assert_eq!(vacuum::slice_when_due(&db).unwrap(), None);
    assert_eq!(real_bytes(&scratch), before, "nothing was touched");
    let done = vacuum::full(&db).unwrap();
    assert!(real_bytes(&scratch) < MB, "{done:?}");
    assert_eq!((done.size_before, done.size_after), (before, real_bytes(&scratch)));
    assert_eq!(stats(&db).unwrap().auto_vacuum, AutoVacuum::Incremental);
    assert_sound(&db);
}

#[test]
fn scenario_2_conversion_keeps_every_row() {
    let scratch = Scratch::new();
    legacy(&scratch);
    let db = scratch.open();
    let before = artifacts(&db);
    assert_eq!(before.len(), 1000);
    assert_eq!(stats(&db).unwrap().auto_vacuum, AutoVacuum::None);
    vacuum::convert(&db).unwrap().expect("a conversion");
    assert_eq!(stats(&db).unwrap().auto_vacuum, AutoVacuum::Incremental);
    assert_eq!(artifacts(&db), before);
    assert_sound(&db);
    assert_eq!(vacuum::convert(&db).unwrap(), None, "once is enough");
    // Reopened, also by another program, it has stayed so; and everything still works.
    insert(&db, "after").unwrap();
    drop(db);
    scratch.foreign("INSERT INTO consensus_artifacts(content) VALUES('from outside')");
    let db = scratch.open();
    let found = stats(&db).unwrap();
    assert_eq!((found.auto_vacuum, found.journal_mode.as_str()), (AutoVacuum::Incremental, "wal"));
    assert_eq!(artifacts(&db).len(), 1001);
}

/// Holds a snapshot on another thread until the sender is dropped.
pub(crate) fn hold_read(db: &Db) -> (mpsc::Sender<()>, std::thread::JoinHandle<()>) {
    let (release, released) = mpsc::channel::<()>();
    let (ready, is_ready) = mpsc::channel();
    let db = db.clone();
    let reader = std::thread::spawn(move || {
        db.read(|conn| {
            conn.query_row("SELECT count(*) FROM item", [], |row| row.get::<_, i64>(0))?;
            ready.send(()).unwrap();
            // An error when the other end is dropped, which is the signal.
            let _ = released.recv();
            Ok::<_, DbError>(())
        })
        .unwrap();
    });
    is_ready.recv().unwrap();
    (release, reader)
}

#[test]
fn scenario_40_a_long_reader_is_named_and_stops_nobody() {
    let scratch = Scratch::new();
    let db = scratch.open();
    mostly_free(&db, 8 * MB);
    checkpoint(&db, CheckpointMode::Truncate).unwrap();
    let (release, reader) = hold_read(&db);
    insert(&db, "after the snapshot").unwrap();
    let budget = VacuumBudget { pages: 200, ..VacuumBudget::default() };
    let done = vacuum::cycle(&db, budget).unwrap();
    assert_eq!(done.pages_freed, 200);
    let named = done.held_up_by.expect("the reader holds the file up");
    assert!(named.contains("this process") && named.contains("tests/it/vacuum.rs:"), "{named}");
    // Writers go on beside it.
    insert(&db, "beside the reader").unwrap();
    let report = checkpoint(&db, CheckpointMode::Truncate).unwrap();
    assert!(report.busy && report.copied_pages < report.log_pages, "{report:?}");
    drop(release);
    reader.join().unwrap();
    let report = checkpoint(&db, CheckpointMode::Truncate).unwrap();
    assert_eq!((report.busy, report.log_pages, report.held_up_by), (false, 0, None));
    assert_eq!(stats(&db).unwrap().wal_bytes, 0);
    vacuum::run_until_done(&db, &mut |_| {}).unwrap();
    assert!(real_bytes(&scratch) < MB);
}

#[test]
fn a_reader_of_another_process_is_named_by_pid_and_command() {
    if let Some(mut parent) = Parent::of_this_process() {
        let db = Db::open_read_only(DbOptions::new(std::env::var("FILE").unwrap(), schema())).unwrap();
        db.read(|conn| {
            conn.query_row("SELECT count(*) FROM item", [], |row| row.get::<_, i64>(0))?;
            parent.wait_for_release();
            Ok::<_, DbError>(())
        })
        .unwrap();
        return;
    }
    if !std::path::Path::new("/proc/locks").exists() {
        skipped("no /proc/locks here");
        return;
    }
    let scratch = Scratch::new();
    let db = scratch.open();
    mostly_free(&db, MB);
    let mut child = Rerun::of("vacuum::a_reader_of_another_process_is_named_by_pid_and_command")
        .variable("FILE", scratch.path().to_str().unwrap())
        .start();
    insert(&db, "after the snapshot").unwrap();
    let done = vacuum::run_until_done(&db, &mut |_| {}).unwrap();
    let named = done.held_up_by.expect("the reader holds the file up");
    assert!(named.contains(&format!("pid {} (", child.pid())) && named.contains("reads"), "{named}");
    assert!(!named.contains("this process"), "{named}");
    child.release();
    child.finish();
    assert_eq!(vacuum::run_until_done(&db, &mut |_| {}).unwrap().held_up_by, None);
}

#[test]
fn a_vacuum_stands_back_while_writers_queue() {
    let scratch = Scratch::new();
    let clock = ManualClock::new();
    let options = scratch.options().clock(Arc::new(clock.clone())).sleeper(Arc::new(clock.clone()));
    let db = Db::open(options).unwrap();
    mostly_free(&db, MB);
    let (go_on, may_go_on) = mpsc::channel::<()>();
    let (inside, is_inside) = mpsc::channel();
    std::thread::scope(|scope| {
        // One writer leads and holds the lead, another one queues.
        let slow = db.clone();
        let may_go_on = std::sync::Mutex::new(may_go_on);
        scope.spawn(move || {
            slow.write("slow", move |_| {
                inside.send(()).unwrap();
                let _ = may_go_on.lock().unwrap().recv();
                Ok::<_, DbError>(())
            })
        });
        is_inside.recv().unwrap();
        let queued = db.write_async("queued", |tx| tx.execute("INSERT INTO item(text) VALUES('queued')", []));
        assert_eq!(db.writers_queued(), 1);
        let vacuumed = scope.spawn(|| vacuum::cycle(&db, VacuumBudget::default()).unwrap());
        // It has looked again and again until its patience was over; now it queues too, behind the other.
        while db.writers_queued() < 2 {
            std::thread::yield_now();
        }
        assert!(clock.sleeps().len() >= 2, "{:?}", clock.sleeps());
        drop(go_on);
        assert!(vacuumed.join().unwrap().pages_freed > 0);
        drop(queued);
    });
    assert!(texts(&db).contains(&"queued".to_owned()));
}

#[test]
fn a_fifth_of_free_pages_is_due() {
    let scratch = Scratch::new();
    let db = scratch.open();
    fill(&db, 2 * MB);
    let rows: i64 =
        db.read(|conn| conn.query_row("SELECT count(*) FROM item", [], |row| row.get(0))).unwrap();
    assert!(!vacuum::due(&db).unwrap());
    let delete = |percent: i64| {
        let below = rows * percent / 100;
        db.write("delete", move |tx| tx.execute("DELETE FROM item WHERE id <= ?1", [below])).unwrap();
        let found = stats(&db).unwrap();
        (found.free_percent(), vacuum::due(&db).unwrap())
    };
    let (percent, due) = delete(10);
    assert!(percent < 20 && !due, "{percent} % free, due: {due}");
    assert_eq!(vacuum::slice_when_due(&db).unwrap(), None);
    let (percent, due) = delete(40);
    assert!(percent > 20 && due, "{percent} % free, due: {due}");
    let done = vacuum::slice_when_due(&db).unwrap().expect("one slice");
    assert_eq!(done.slices, 1);
    assert!(done.pages_freed > 0);
    // A tiny file is never worth it.
    let tiny = Scratch::new();
    let db = tiny.open();
    mostly_free(&db, 64 * 1024);
    let found = stats(&db).unwrap();
    assert!(found.free_percent() > 20 && !vacuum::due(&db).unwrap(), "{found:?}");
}

#[test]
fn a_read_only_handle_vacuums_nothing() {
    let scratch = Scratch::new();
    mostly_free(&scratch.open(), MB);
    let db = Db::open_read_only(scratch.options()).unwrap();
    let kind = |outcome: Result<_, DbError>| outcome.unwrap_err().kind();
    assert_eq!(kind(vacuum::run_until_done(&db, &mut |_| {})), ErrorKind::ReadOnly);
    assert_eq!(kind(vacuum::full(&db)), ErrorKind::ReadOnly);
    assert!(vacuum::due(&db).unwrap(), "it can be asked");
}

#[test]
fn killed_at_any_point_the_file_is_sound_and_nothing_is_lost() {
    const ROWS: usize = 12;
    if let Some(mut parent) = Parent::of_this_process() {
        let db = Db::open(DbOptions::new(std::env::var("FILE").unwrap(), schema())).unwrap();
        parent.wait_for_release();
        loop {
            fill_and_delete(&db);
            parent.say("filled");
            vacuum::cycle(&db, VacuumBudget { slice: Duration::from_millis(1), ..VacuumBudget::default() })
                .unwrap();
            parent.say("vacuumed");
        }
    }
    fn fill_and_delete(db: &Db) {
        db.write("fill", |tx| {
            tx.execute_batch(
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200)
                 INSERT INTO item(text) SELECT hex(randomblob(2000)) FROM n;
                 DELETE FROM item WHERE length(text) > 100;",
            )
        })
        .unwrap();
    }
    let scratch = Scratch::new();
    let db = scratch.open();
    let kept: Vec<String> = (0..ROWS).map(|n| format!("kept {n}")).collect();
    for text in &kept {
        insert(&db, text).unwrap();
    }
    drop(db);
    let rerun = Rerun::of("vacuum::killed_at_any_point_the_file_is_sound_and_nothing_is_lost")
        .variable("FILE", scratch.path().to_str().unwrap());
    let mut driver = KillDriver::with(Random::from_env(38));
    for _ in 0..8 {
        driver.run_and_kill(rerun.start(), 6, Duration::from_millis(10));
        let db = scratch.open();
        assert_sound(&db);
        let mut found = texts(&db);
        found.retain(|text| text.len() < 100);
        assert_eq!(found, kept);
    }
}

#[test]
fn scenario_40_a_full_disk_is_refused_before_and_survived_after() {
    let Some(disk) = SmallDisk::of(48) else { return };
    let scratch = Scratch::new();
    legacy(&scratch);
    let path = disk.path().join("state.db");
    std::fs::copy(scratch.path(), &path).unwrap();
    let db = Db::open(DbOptions::new(&path, schema())).unwrap();
    fill(&db, 8 * MB);
    checkpoint(&db, CheckpointMode::Truncate).unwrap();
    let before = texts(&db);
    // There is no room for a second one: refused before it has begun.
    disk.fill("filler", 8 << 20);
    let refused = vacuum::full(&db).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Full, "{refused}");
    assert_eq!(stats(&db).unwrap().wal_bytes, 0, "nothing was begun");
    // The disk fills up while it works: everything is as it was, and work goes on once there is room.
    let full = db.exclusive(|conn| {
        disk.fill("rest", 2 << 20);
        Ok(conn.execute_batch("VACUUM")?)
    });
    assert_eq!(full.unwrap_err().kind(), ErrorKind::Full);
    disk.clear("rest");
    assert_eq!(texts(&db), before);
    assert_sound(&db);
    insert(&db, "after").unwrap();
    disk.clear("filler");
    vacuum::full(&db).unwrap();
    assert_eq!(texts(&db).len(), before.len() + 1);
}
