//! Backups that can be trusted.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use conclave_db::backup::{self, BackupOptions, Nothing, backup};
use conclave_db::doctor::{self, CheckState, Depth};
use conclave_db::{Db, DbOptions, ErrorKind, Source};
use conclave_testkit::{ManualClock, SmallDisk};

use crate::fixture::{Scratch, insert, schema, texts};

pub(crate) fn keep(number: usize) -> BackupOptions {
    BackupOptions { keep: Some(number), ..BackupOptions::default() }
}

pub(crate) fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .map(|entries| entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect())
        .unwrap_or_default();
    names.sort();
    names
}

/// The rows of a file as another program sees them.
pub(crate) fn rows_of(path: &Path) -> Vec<String> {
    Source::open(path)
        .unwrap()
        .read(|conn| conn.query_all("SELECT text FROM item ORDER BY id", [], |row| row.get(0)))
        .unwrap()
}

pub(crate) fn fill(db: &Db, rows: i64) {
    db.write("fill", move |tx| {
        tx.execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
             INSERT INTO item(text) SELECT hex(randomblob(100)) FROM n",
            [rows],
        )
    })
    .unwrap();
}

#[test]
fn a_target_is_a_folder_or_a_file_by_its_name() {
    let scratch = Scratch::new();
    let inside = |name: &str| scratch.dir.path().join(name);
    fs::create_dir(inside("there.db")).unwrap();
    fs::write(inside("file"), "").unwrap();
    for (name, folder) in
        [("there.db", true), ("new", true), ("new.d/", true), ("new.db", false), ("file", false)]
    {
        assert_eq!(backup::is_folder(&inside(name)), folder, "{name}");
    }
}

#[test]
fn a_backup_beside_a_writer_is_one_moment() {
    let scratch = Scratch::new();
    let db = scratch.open();
    fill(&db, 20_000);
    let folder = scratch.dir.path().join("copies");
    fs::create_dir(&folder).unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            // Each transaction writes two rows: a copy with one of them would be of no moment.
            for n in 0.. {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                db.write("pair", move |tx| {
                    tx.execute("INSERT INTO item(text) VALUES(?1)", [format!("left {n}")])?;
                    tx.execute("INSERT INTO item(text) VALUES(?1)", [format!("right {n}")])
                })
                .unwrap();
            }
        });
        let mut written = 0;
        for _ in 0..5 {
            let made = backup(&db, &folder, &BackupOptions::default()).unwrap();
            let rows = rows_of(&made.path);
            let count = |side| rows.iter().filter(|text| text.starts_with(side)).count();
            assert_eq!(count("left"), count("right"));
            assert!(count("left") >= written, "a later copy has no less");
            written = count("left");
        }
        stop.store(true, Ordering::Relaxed);
        assert!(texts(&db).len() >= 20_000 + 2 * written);
    });
}

#[test]
fn the_newest_are_kept_and_nothing_else_is_touched() {
    let scratch = Scratch::new();
    let clock = ManualClock::at_wall_ms(1_762_828_400_123);
    let db = Db::open(scratch.options().clock(Arc::new(clock.clone()))).unwrap();
    insert(&db, "one").unwrap();
    let folder = scratch.dir.path().join("copies");
    fs::create_dir(&folder).unwrap();
    for other in ["notes.txt", "other-20251111T023320.123Z.db", "state-20200101T000000.000Z-before-101.db"] {
        fs::write(folder.join(other), "not ours to remove").unwrap();
    }
    let mut removed = Vec::new();
    for _ in 0..4 {
        removed.extend(backup(&db, &folder, &keep(2)).unwrap().removed);
        clock.advance(Duration::from_mins(1));
    }
    assert_eq!(
        names(&folder),
        [
            "notes.txt",
            "other-20251111T023320.123Z.db",
            "state-20200101T000000.000Z-before-101.db",
            "state-20251111T023520.123Z.db",
            "state-20251111T023620.123Z.db",
        ]
    );
    let gone =
        ["state-20251111T023320.123Z.db", "state-20251111T023420.123Z.db"].map(|name| folder.join(name));
    assert_eq!(removed, gone);
    let listed: Vec<_> = backup::list(&folder, db.path()).unwrap();
    let taken: Vec<_> = listed.iter().map(|backup| (backup.taken_ms, backup.before_version)).collect();
    assert_eq!(taken, [(1_762_828_580_123, None), (1_762_828_520_123, None), (1_577_836_800_000, Some(101))]);
    // Two in one millisecond are two files, and the new one is never the one that goes.
    let same = [(); 2].map(|()| backup(&db, &folder, &keep(0)).unwrap().path);
    assert_ne!(same[0], same[1]);
    assert!(same[1].exists() && !same[0].exists());
}

#[test]
fn a_copy_is_private_complete_and_alone() {
    let scratch = Scratch::new();
    let db = scratch.open();
    fill(&db, 100);
    let folder = scratch.dir.path().join("new/folder/");
    let made = backup(&db, &folder, &BackupOptions::default()).unwrap();
    assert!(made.verified);
    assert_eq!(made.bytes, fs::metadata(&made.path).unwrap().len());
    assert_eq!(made.pages * 4096, made.bytes);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&made.path), mode(&folder)), (0o600, 0o700));
    assert_eq!(names(&folder).len(), 1, "no log, no temporary file: {:?}", names(&folder));
    assert_eq!(rows_of(&made.path), texts(&db));
    // It is a file of ours in every respect.
    let copy = Db::open(DbOptions::new(&made.path, schema())).unwrap();
    assert_eq!(texts(&copy), texts(&db));
    assert_eq!(conclave_db::stats(&copy).unwrap().auto_vacuum, conclave_db::AutoVacuum::Incremental);
}

#[test]
fn a_target_that_must_not_be_replaced_is_refused() {
    let scratch = Scratch::new();
    let db = scratch.open();
    insert(&db, "one").unwrap();
    let link = scratch.dir.path().join("link");
    symlink(scratch.path(), &link).unwrap();
    let other = Scratch::new();
    let in_use = other.open();
    insert(&in_use, "other").unwrap();
    let replace = BackupOptions { replace: true, ..BackupOptions::default() };
    let exists = scratch.dir.path().join("exists");
    fs::write(&exists, "something").unwrap();
    for (target, options, kind) in [
        (scratch.path(), &replace, ErrorKind::Invalid),
        (link, &replace, ErrorKind::Invalid),
        (exists.clone(), &BackupOptions::default(), ErrorKind::Invalid),
        (other.path(), &replace, ErrorKind::Busy),
    ] {
        let refused = backup(&db, &target, options).unwrap_err();
        assert_eq!(refused.kind(), kind, "{}: {refused}", target.display());
    }
    assert_eq!(fs::read_to_string(&exists).unwrap(), "something");
    assert_eq!((texts(&db), texts(&in_use)), (vec!["one".to_owned()], vec!["other".to_owned()]));
    let made = backup(&db, &exists, &replace).unwrap();
    assert_eq!(rows_of(&made.path), ["one"]);
    let named = scratch.dir.path().join("named.db");
    assert_eq!(backup(&db, &named, &BackupOptions::default()).unwrap().path, named);
    assert_eq!(rows_of(&named), ["one"]);
}

#[test]
fn a_log_that_is_left_beside_the_target_is_not_played_into_the_backup() {
    let scratch = Scratch::new();
    let db = scratch.open();
    insert(&db, "ours").unwrap();
    let folder = scratch.dir.path().join("copies");
    fs::create_dir(&folder).unwrap();
    let target = folder.join("monday.db");
    let beside = |suffix: &str| folder.join(format!("monday.db{suffix}"));
    // An older monday.db that was open when its user was killed, and then deleted: its log is what remains.
    let older = Scratch::new();
    let killed = older.open();
    insert(&killed, "theirs").unwrap();
    let log = fs::read(older.dir.path().join("state.db-wal")).unwrap();
    assert!(!log.is_empty());
    let replace = BackupOptions { replace: true, ..BackupOptions::default() };
    for suffix in ["-wal", "-journal"] {
        for there in [false, true] {
            if there {
                fs::write(&target, "something").unwrap();
            }
            fs::write(beside(suffix), &log).unwrap();
            let refused = backup(&db, &target, &replace).unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::Invalid, "{refused}");
            assert!(refused.to_string().contains(&format!("monday.db{suffix}")), "{refused}");
            assert!(fs::read(beside(suffix)).unwrap() == log, "it is not ours to remove");
            fs::remove_file(beside(suffix)).unwrap();
            let _ = fs::remove_file(&target);
        }
    }
    for suffix in ["-wal", "-journal", "-shm"] {
        fs::write(beside(suffix), "").unwrap();
    }
    fs::write(beside("-shm"), "an index of no log").unwrap();
    backup(&db, &target, &BackupOptions::default()).unwrap();
    assert_eq!(names(&folder), ["monday.db"]);
    assert_eq!(rows_of(&target), ["ours"]);
}

/// Turns all bytes of one page around.
pub(crate) fn damage(path: &Path, page: u64) {
    use std::os::unix::fs::FileExt;
    let file = fs::OpenOptions::new().read(true).write(true).open(path).unwrap();
    let mut bytes = vec![0; 4096];
    file.read_exact_at(&mut bytes, page * 4096).unwrap();
    for byte in &mut bytes {
        *byte = !*byte;
    }
    file.write_all_at(&bytes, page * 4096).unwrap();
}

#[test]
fn a_damaged_database_gives_no_backup_and_costs_no_older_one() {
    let scratch = Scratch::new();
    let db = scratch.open();
    fill(&db, 500);
    let folder = scratch.dir.path().join("copies/");
    backup(&db, &folder, &keep(1)).unwrap();
    let before = names(&folder);
    drop(db);
    damage(&scratch.path(), 9);
    let refused = backup(&scratch.open(), &folder, &keep(1)).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Corrupt, "{refused}");
    assert!(refused.to_string().contains("state.db"), "names the database, not a temporary file: {refused}");
    assert_eq!(names(&folder), before);
}

/// A quick look does not see it: an index that has as many rows as its table, but others.
#[test]
fn a_backup_is_checked_as_thoroughly_as_can_be() {
    let scratch = Scratch::new();
    let db = scratch.open();
    let sql = "CREATE TABLE note(text TEXT) STRICT; CREATE INDEX by_text ON note(text); INSERT INTO note VALUES('old');";
    db.write("note", move |tx| tx.execute_batch(sql)).unwrap();
    drop(db);
    scratch.foreign(
        "PRAGMA writable_schema=ON;
         CREATE TEMP TABLE kept AS SELECT * FROM sqlite_schema WHERE name = 'by_text';
         DELETE FROM sqlite_schema WHERE name = 'by_text';
         PRAGMA writable_schema=RESET;
         UPDATE note SET text = 'new';
         PRAGMA writable_schema=ON;
         INSERT INTO sqlite_schema SELECT * FROM kept;
         PRAGMA writable_schema=RESET;",
    );
    let db = scratch.open();
    let integrity = |depth| {
        let checks = doctor::checks_to(&db, depth);
        checks.into_iter().find(|check| check.name == "integrity").unwrap().state
    };
    assert_eq!((integrity(Depth::Quick), integrity(Depth::Full)), (CheckState::Ok, CheckState::Fail));
    let refused = backup(&db, &scratch.dir.path().join("copy.db"), &BackupOptions::default()).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Corrupt, "{refused}");
    assert!(refused.to_string().contains("by_text"), "{refused}");
    assert!(!scratch.dir.path().join("copy.db").exists());
    // Nor is such a file put in the place of a database.
    drop(db);
    let other = Scratch::new();
    insert(&other.open(), "stays").unwrap();
    let refused = backup::restore(&other.options(), &scratch.path(), &mut Nothing).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Corrupt, "{refused}");
    assert_eq!(texts(&other.open()), ["stays"]);
}

#[test]
fn a_reading_handle_can_back_up_too() {
    let scratch = Scratch::new();
    insert(&scratch.open(), "one").unwrap();
    let db = Db::open_read_only(scratch.options()).unwrap();
    let made = backup(&db, &scratch.dir.path().join("copies/"), &BackupOptions::default()).unwrap();
    assert_eq!(rows_of(&made.path), ["one"]);
}

#[test]
fn a_disk_without_room_is_told_before_anything_is_written() {
    let Some(disk) = SmallDisk::of(4) else { return };
    let scratch = Scratch::new();
    let db = scratch.open();
    fill(&db, 20_000);
    let refused = backup(&db, disk.path(), &BackupOptions::default()).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Full, "{refused}");
    assert!(refused.to_string().contains("of free space"), "before, not in between: {refused}");
    assert_eq!(names(disk.path()), [""; 0]);
}
