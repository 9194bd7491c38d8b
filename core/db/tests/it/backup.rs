//! Backups that can be trusted, and restore drills.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use conclave_db::backup::{self, BackupOptions, backup, restore};
use conclave_db::{Db, DbError, DbOptions, ErrorKind, Migration, Schema, Source, Step};
use conclave_testkit::{KillDriver, ManualClock, Parent, Random, Rerun, SmallDisk};

use crate::fixture::{ITEMS, Scratch, insert, schema, texts};

fn keep(number: usize) -> BackupOptions {
    BackupOptions { keep: Some(number), ..BackupOptions::default() }
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .map(|entries| entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect())
        .unwrap_or_default();
    names.sort();
    names
}

/// The rows of a file as another program sees them.
fn rows_of(path: &Path) -> Vec<String> {
    Source::open(path)
        .unwrap()
        .read(|conn| conn.query_all("SELECT text FROM item ORDER BY id", [], |row| row.get(0)))
        .unwrap()
}

fn fill(db: &Db, rows: i64) {
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
fn scenario_27_a_restore_drill_gives_back_what_was_there() {
    let scratch = Scratch::new();
    let db = scratch.open();
    fill(&db, 2000);
    let before = digest(&db);
    assert!(conclave_db::stats(&db).unwrap().wal_bytes > 0, "the log is not empty");
    let made = backup(&db, &backup::default_folder(db.path()), &keep(3)).unwrap();
    assert_eq!(made.path.parent(), Some(backup::default_folder(db.path()).as_path()));
    db.write("lose", |tx| tx.execute_batch("DELETE FROM item WHERE id % 3 = 0; UPDATE item SET n = 7"))
        .unwrap();
    assert_ne!(digest(&db), before);
    drop(db);
    restore(&scratch.options(), &made.path).unwrap();
    assert_eq!(digest(&scratch.open()), before);
}

/// Every column of every row, in the bytes that are stored.
fn digest(db: &Db) -> Vec<(i64, Vec<u8>, i64)> {
    db.read(|conn| {
        conn.query_all("SELECT id, CAST(text AS BLOB), n FROM item ORDER BY id", [], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
    })
    .unwrap()
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

/// Turns all bytes of one page around.
fn damage(path: &Path, page: u64) {
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

/// A database that says "now", and a backup of it that says "then".
fn then_and_now(scratch: &Scratch) -> PathBuf {
    let db = scratch.open();
    insert(&db, "then").unwrap();
    let made = backup(&db, &scratch.dir.path().join("copies/"), &BackupOptions::default()).unwrap();
    db.write("now", |tx| tx.execute("UPDATE item SET text = 'now'", [])).unwrap();
    made.path
}

#[test]
fn what_was_there_is_kept() {
    let scratch = Scratch::new();
    let from = then_and_now(&scratch);
    let report = restore(&scratch.options(), &from).unwrap();
    assert!(report.verified);
    assert_eq!((report.path.as_path(), report.version), (scratch.path().as_path(), schema().version()));
    assert_eq!(rows_of(&report.kept.expect("the old one")), ["now"]);
    let db = scratch.open();
    assert_eq!(texts(&db), ["then"]);
    assert_eq!(conclave_db::stats(&db).unwrap().journal_mode, "wal");
    insert(&db, "and on").unwrap();
    assert_eq!(rows_of(&from), ["then"], "the backup is as it was");
}

#[test]
fn a_backup_that_cannot_be_used_changes_nothing() {
    let scratch = Scratch::new();
    let good = then_and_now(&scratch);
    let folder = scratch.dir.path().join("bad");
    fs::create_dir(&folder).unwrap();
    let copy = |name: &str| {
        let path = folder.join(name);
        fs::copy(&good, &path).unwrap();
        path
    };
    #[expect(clippy::disallowed_methods, reason = "the other program of the scenarios")]
    let change = |path: &Path, sql: &str| {
        rusqlite::Connection::open(path).unwrap().execute_batch(sql).unwrap();
    };
    let newer = copy("newer.db");
    change(&newer, "PRAGMA user_version=9999");
    let foreign = copy("foreign.db");
    change(&foreign, "PRAGMA application_id=7");
    let orphan = copy("orphan.db");
    change(
        &orphan,
        "PRAGMA foreign_keys=OFF; CREATE TABLE child(x INTEGER REFERENCES item(id)); INSERT INTO child VALUES(99)",
    );
    let damaged = copy("damaged.db");
    damage(&damaged, 3);
    let text = folder.join("text.db");
    fs::write(&text, "hello, I am a longer text than the header of a database, which has a hundred bytes; so there is no doubt about it").unwrap();
    let empty = folder.join("empty.db");
    fs::write(&empty, "").unwrap();
    let link = folder.join("itself.db");
    symlink(scratch.path(), &link).unwrap();
    let before = (fs::read(scratch.path()).unwrap(), names(scratch.dir.path()));
    for (from, kind) in [
        (newer, ErrorKind::Newer),
        (foreign, ErrorKind::Foreign),
        (orphan, ErrorKind::Corrupt),
        (damaged, ErrorKind::Corrupt),
        (text, ErrorKind::NotADatabase),
        (empty, ErrorKind::NotADatabase),
        (folder.join("missing.db"), ErrorKind::Missing),
        (folder.clone(), ErrorKind::CannotOpen),
        (link, ErrorKind::Invalid),
    ] {
        let refused = restore(&scratch.options(), &from).unwrap_err();
        assert_eq!(refused.kind(), kind, "{}: {refused}", from.display());
    }
    assert!(
        before == (fs::read(scratch.path()).unwrap(), names(scratch.dir.path())),
        "not a byte has changed"
    );
}

#[test]
fn a_database_in_use_is_not_replaced() {
    if let Some(mut parent) = Parent::of_this_process() {
        let db = Db::open(DbOptions::new(std::env::var("FILE").unwrap(), schema())).unwrap();
        insert(&db, "from the child").unwrap();
        parent.wait_for_release();
        return;
    }
    let scratch = Scratch::new();
    let from = then_and_now(&scratch);
    let db = scratch.open();
    let refused = restore(&scratch.options(), &from).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Busy, "{refused}");
    assert!(refused.to_string().contains("this process"), "{refused}");
    drop(db);
    let mut child = Rerun::of("backup::a_database_in_use_is_not_replaced")
        .variable("FILE", scratch.path().to_str().unwrap())
        .start();
    let refused = restore(&scratch.options(), &from).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Busy, "{refused}");
    if Path::new("/proc/locks").exists() {
        assert!(refused.to_string().contains(&format!("pid {}", child.pid())), "{refused}");
    }
    child.release();
    child.finish();
    assert_eq!(texts(&scratch.open()), ["now", "from the child"]);
    assert_eq!(names(scratch.dir.path()).iter().filter(|name| name.contains("replaced")).count(), 0);
    restore(&scratch.options(), &from).unwrap();
    assert_eq!(texts(&scratch.open()), ["then"]);
}

#[test]
fn a_file_that_is_no_database_any_more_is_replaced_as_a_file() {
    let scratch = Scratch::new();
    let from = then_and_now(&scratch);
    let beside = |suffix: &str| scratch.dir.path().join(format!("state.db{suffix}"));
    fs::write(beside("-wal"), vec![8; 8192]).unwrap();
    fs::write(beside("-journal"), vec![9; 8192]).unwrap();
    fs::write(scratch.path(), vec![7; 8192]).unwrap();
    let report = restore(&scratch.options(), &from).unwrap();
    let kept = report.kept.expect("the broken one");
    assert!(fs::read(kept).unwrap() == vec![7; 8192], "as it was");
    assert!(!beside("-wal").exists() && !beside("-journal").exists(), "{:?}", names(scratch.dir.path()));
    assert_eq!(texts(&scratch.open()), ["then"]);
}

#[test]
fn a_missing_database_is_restored_without_its_old_log() {
    let scratch = Scratch::new();
    let from = then_and_now(&scratch);
    fs::write(scratch.dir.path().join("state.db-wal"), "stale").unwrap();
    fs::remove_file(scratch.path()).unwrap();
    let report = restore(&scratch.options(), &from).unwrap();
    assert_eq!(report.kept, None);
    assert_eq!(texts(&scratch.open()), ["then"]);
    let lost = names(scratch.dir.path()).into_iter().find(|name| name.contains(".lost-")).expect("the log");
    assert_eq!(fs::read_to_string(scratch.dir.path().join(lost)).unwrap(), "stale");
    // A folder that is not there yet, too.
    let path = scratch.dir.path().join("new/folder/state.db");
    restore(&DbOptions::new(&path, schema()), &from).unwrap();
    assert_eq!(rows_of(&path), ["then"]);
}

#[test]
fn a_link_to_the_database_stays_a_link() {
    let scratch = Scratch::new();
    let from = then_and_now(&scratch);
    let link = scratch.dir.path().join("link.db");
    symlink(scratch.path(), &link).unwrap();
    restore(&DbOptions::new(&link, schema()), &from).unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(rows_of(&scratch.path()), ["then"]);
}

#[test]
fn killed_while_restoring_one_of_the_two_is_there() {
    if let Some(mut parent) = Parent::of_this_process() {
        let options = DbOptions::new(std::env::var("FILE").unwrap(), schema());
        let from = PathBuf::from(std::env::var("FROM").unwrap());
        parent.wait_for_release();
        loop {
            restore(&options, &from).unwrap();
            parent.say("restored");
            let db = Db::open(options.clone()).unwrap();
            db.write("now", |tx| tx.execute("UPDATE item SET text = 'now ' || id", [])).unwrap();
            parent.say("changed");
        }
    }
    let scratch = Scratch::new();
    let db = scratch.open();
    db.write("then", |tx| {
        tx.execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)
             INSERT INTO item(text) SELECT 'then ' || i FROM n",
            [],
        )
    })
    .unwrap();
    let from = backup(&db, &scratch.dir.path().join("copies/"), &BackupOptions::default()).unwrap().path;
    drop(db);
    let rerun = Rerun::of("backup::killed_while_restoring_one_of_the_two_is_there")
        .variable("FILE", scratch.path().to_str().unwrap())
        .variable("FROM", from.to_str().unwrap());
    let mut driver = KillDriver::with(Random::from_env(27));
    for _ in 0..10 {
        driver.run_and_kill(rerun.start(), 3, Duration::from_millis(15));
        let found = texts(&scratch.open());
        let word = found[0].split_once(' ').unwrap().0;
        let wanted: Vec<String> = (1..=500).map(|id| format!("{word} {id}")).collect();
        assert_eq!(found, wanted);
    }
}

const REWRITE: Migration = Migration {
    version: ITEMS.version + 1,
    name: "rewrite",
    up: Step::Sql(
        "CREATE TABLE better(id INTEGER PRIMARY KEY, text TEXT) STRICT; INSERT INTO better SELECT id, 'rewritten' FROM item; DROP TABLE item; ALTER TABLE better RENAME TO item;",
    ),
    down: None,
    rewrites: true,
};

#[test]
fn a_step_that_rewrites_a_table_is_preceded_by_a_verified_backup() {
    let scratch = Scratch::new();
    insert(&scratch.open(), "original").unwrap();
    let folder = backup::default_folder(&scratch.path());
    assert!(!folder.exists());
    let schema = Schema::assemble(&[&[ITEMS, REWRITE]], &[]).unwrap();
    let db = Db::open(DbOptions::new(scratch.path(), schema.clone())).unwrap();
    assert_eq!(texts(&db), ["rewritten"]);
    let made = backup::list(&folder, db.path()).unwrap();
    assert_eq!(made.len(), 1);
    assert_eq!(made[0].before_version, Some(REWRITE.version));
    assert_eq!(rows_of(&made[0].path), ["original"]);
    drop(db);
    // It leads back, and the next open migrates again.
    restore(&DbOptions::new(scratch.path(), schema.clone()), &made[0].path).unwrap();
    assert_eq!(rows_of(&scratch.path()), ["original"]);
    let db = Db::open(DbOptions::new(scratch.path(), schema)).unwrap();
    assert_eq!(texts(&db), ["rewritten"]);
}

#[test]
fn a_backup_that_fails_keeps_the_rewrite_from_happening() {
    let scratch = Scratch::new();
    insert(&scratch.open(), "original").unwrap();
    // A file where the folder of the backups should be.
    fs::write(backup::default_folder(&scratch.path()), "").unwrap();
    let schema = Schema::assemble(&[&[ITEMS, REWRITE]], &[]).unwrap();
    let refused: DbError = Db::open(DbOptions::new(scratch.path(), schema)).unwrap_err();
    assert!(refused.to_string().contains("backups"), "{refused}");
    assert_eq!(rows_of(&scratch.path()), ["original"]);
}

#[test]
fn the_rest_of_a_killed_copy_is_swept_away_when_it_is_old() {
    let scratch = Scratch::new();
    let clock = ManualClock::at_wall_ms(0);
    let db = Db::open(scratch.options().clock(Arc::new(clock.clone()))).unwrap();
    insert(&db, "one").unwrap();
    let folder = scratch.dir.path().join("copies");
    fs::create_dir(&folder).unwrap();
    // No pid is above 2^22, so the first is of nobody; the second is ours.
    let dead = [".copy-1073741824-0.tmp", ".copy-1073741824-0.tmp-wal"];
    let alive = format!(".copy-{}-7.tmp", std::process::id());
    for name in [dead[0], dead[1], &alive, ".copy-x.tmp"] {
        fs::write(folder.join(name), "").unwrap();
    }
    backup(&db, &folder, &BackupOptions::default()).unwrap();
    assert!(dead.iter().all(|name| folder.join(name).exists()), "they may be of another pid namespace");
    let made_ms = fs::metadata(folder.join(dead[0])).unwrap().mtime() * 1000;
    clock.set_wall_ms(made_ms + 59 * 60_000);
    backup(&db, &folder, &keep(1)).unwrap();
    assert!(dead.iter().all(|name| folder.join(name).exists()), "they may be at work still");
    clock.set_wall_ms(made_ms + 61 * 60_000);
    backup(&db, &folder, &keep(1)).unwrap();
    assert!(dead.iter().all(|name| !folder.join(name).exists()));
    assert!(folder.join(alive).exists() && folder.join(".copy-x.tmp").exists());
}
