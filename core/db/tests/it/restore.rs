//! Restore drills, and what a restore refuses.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use conclave_db::backup::{self, BackupOptions, Nothing, backup, restore};
use conclave_db::{Db, DbError, DbOptions, ErrorKind, Migration, Schema, Step};
use conclave_testkit::{KillDriver, Parent, Random, Rerun};

use crate::backup::{damage, fill, keep, names, rows_of};
use crate::fixture::{ITEMS, Scratch, insert, schema, texts};

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
    restore(&scratch.options(), &made.path, &mut Nothing).unwrap();
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
    let report = restore(&scratch.options(), &from, &mut Nothing).unwrap();
    assert!(report.verified);
    assert_eq!((report.path.as_path(), report.version), (scratch.path().as_path(), schema().version()));
    assert_eq!(rows_of(&report.kept.expect("the old one")), ["now"]);
    // As every other file, without anyone having opened it to write.
    let reader = Db::open_read_only(scratch.options()).unwrap();
    assert_eq!(reader.journal(), conclave_db::Journal::Wal);
    drop(reader);
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
        let refused = restore(&scratch.options(), &from, &mut Nothing).unwrap_err();
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
    let refused = restore(&scratch.options(), &from, &mut Nothing).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Busy, "{refused}");
    assert!(refused.to_string().contains("this process"), "{refused}");
    drop(db);
    let mut child = Rerun::of("restore::a_database_in_use_is_not_replaced")
        .variable("FILE", scratch.path().to_str().unwrap())
        .start();
    let refused = restore(&scratch.options(), &from, &mut Nothing).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Busy, "{refused}");
    if Path::new("/proc/locks").exists() {
        assert!(refused.to_string().contains(&format!("pid {}", child.pid())), "{refused}");
    }
    child.release();
    child.finish();
    assert_eq!(texts(&scratch.open()), ["now", "from the child"]);
    assert_eq!(names(scratch.dir.path()).iter().filter(|name| name.contains("replaced")).count(), 0);
    restore(&scratch.options(), &from, &mut Nothing).unwrap();
    assert_eq!(texts(&scratch.open()), ["then"]);
}

#[test]
fn what_a_dead_user_left_in_the_log_is_kept_too() {
    let alive = Scratch::new();
    let from = then_and_now(&alive);
    let db = alive.open();
    insert(&db, "in the log").unwrap();
    let scratch = Scratch::new();
    for suffix in ["", "-wal", "-shm"] {
        let name = format!("state.db{suffix}");
        fs::copy(alive.dir.path().join(&name), scratch.dir.path().join(&name)).unwrap();
    }
    let report = restore(&scratch.options(), &from, &mut Nothing).unwrap();
    assert_eq!(rows_of(&report.kept.unwrap()), ["now", "in the log"]);
    let left = names(scratch.dir.path());
    assert_eq!(left.iter().filter(|name| name.starts_with("state.db-")).count(), 0, "{left:?}");
    assert_eq!(texts(&scratch.open()), ["then"]);
}

/// Whoever tries again and again to open the database gets it before the restore or after it, never in the
/// middle, between the copy that is kept and the pages that are written.
#[test]
fn what_another_is_told_is_written_is_kept_or_is_there() {
    let scratch = Scratch::new();
    let from = then_and_now(&scratch);
    let kept = || names(scratch.dir.path()).iter().filter(|name| name.contains(".replaced-")).count();
    for round in 1..=10 {
        let over = AtomicBool::new(false);
        let text = format!("round {round}");
        let written = std::thread::scope(|scope| {
            let writer = scope.spawn(|| {
                // It has its name: from here on what is written is not in it.
                while kept() < round && !over.load(Ordering::Relaxed) {
                    std::thread::yield_now();
                }
                while !over.load(Ordering::Relaxed) {
                    if write_as_another(&scratch.path(), &text).is_ok() {
                        return true;
                    }
                }
                false
            });
            let restored = restore(&scratch.options(), &from, &mut Nothing);
            over.store(true, Ordering::Relaxed);
            let written = writer.join().unwrap();
            restored.unwrap();
            written
        });
        assert!(!written || rows_of(&scratch.path()).contains(&text), "{text} was acknowledged");
        let left = names(scratch.dir.path());
        let left: Vec<_> = left.iter().filter(|name| name.starts_with("state.db-")).collect();
        assert!(left.iter().all(|name| !name.ends_with("-journal")), "{left:?}");
    }
}

/// One row by a program that never waits.
#[expect(clippy::disallowed_methods, reason = "the other program of the scenarios")]
fn write_as_another(path: &Path, text: &str) -> rusqlite::Result<()> {
    let conn = rusqlite::Connection::open(path)?;
    conn.busy_timeout(Duration::ZERO)?;
    conn.query_row("PRAGMA journal_mode=WAL", [], |row| row.get::<_, String>(0))?;
    conn.execute("INSERT INTO item(text) VALUES(?1)", [text]).map(drop)
}

#[test]
fn a_file_that_is_no_database_any_more_is_replaced_as_a_file() {
    let scratch = Scratch::new();
    let from = then_and_now(&scratch);
    let beside = |suffix: &str| scratch.dir.path().join(format!("state.db{suffix}"));
    fs::write(beside("-wal"), vec![8; 8192]).unwrap();
    fs::write(beside("-journal"), vec![9; 8192]).unwrap();
    fs::write(scratch.path(), vec![7; 8192]).unwrap();
    let report = restore(&scratch.options(), &from, &mut Nothing).unwrap();
    let kept = report.kept.expect("the broken one");
    assert!(fs::read(kept).unwrap() == vec![7; 8192], "as it was");
    assert!(!beside("-wal").exists() && !beside("-journal").exists(), "{:?}", names(scratch.dir.path()));
    assert_eq!(texts(&scratch.open()), ["then"]);
}

/// The log may be all that is left of the last changes: somebody may still want to read it.
#[test]
fn the_log_of_a_file_that_is_no_database_any_more_is_kept_as_it_was() {
    let alive = Scratch::new();
    let from = then_and_now(&alive);
    let db = alive.open();
    insert(&db, "in the log").unwrap();
    let log = fs::read(alive.dir.path().join("state.db-wal")).unwrap();
    assert!(!log.is_empty());
    let scratch = Scratch::new();
    fs::write(scratch.path(), vec![7; 16_384]).unwrap();
    fs::write(scratch.dir.path().join("state.db-wal"), &log).unwrap();
    let kept = restore(&scratch.options(), &from, &mut Nothing).unwrap().kept.expect("the broken one");
    assert!(fs::read(&kept).unwrap() == vec![7; 16_384], "the log was played into it");
    let mut kept_log = kept.into_os_string();
    kept_log.push("-wal");
    assert!(fs::read(kept_log).unwrap() == log, "the log as it was");
    assert!(!scratch.dir.path().join("state.db-wal").exists());
    assert_eq!(texts(&scratch.open()), ["then"]);
}

#[test]
fn a_missing_database_is_restored_without_its_old_log() {
    let scratch = Scratch::new();
    let from = then_and_now(&scratch);
    fs::write(scratch.dir.path().join("state.db-wal"), "stale").unwrap();
    fs::remove_file(scratch.path()).unwrap();
    let report = restore(&scratch.options(), &from, &mut Nothing).unwrap();
    assert_eq!(report.kept, None);
    assert_eq!(texts(&scratch.open()), ["then"]);
    let lost = names(scratch.dir.path()).into_iter().find(|name| name.contains(".lost-")).expect("the log");
    assert_eq!(fs::read_to_string(scratch.dir.path().join(lost)).unwrap(), "stale");
    // A folder that is not there yet, too.
    let path = scratch.dir.path().join("new/folder/state.db");
    restore(&DbOptions::new(&path, schema()), &from, &mut Nothing).unwrap();
    assert_eq!(rows_of(&path), ["then"]);
}

#[test]
fn a_link_to_the_database_stays_a_link() {
    let scratch = Scratch::new();
    let from = then_and_now(&scratch);
    let link = scratch.dir.path().join("link.db");
    symlink(scratch.path(), &link).unwrap();
    restore(&DbOptions::new(&link, schema()), &from, &mut Nothing).unwrap();
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
            restore(&options, &from, &mut Nothing).unwrap();
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
    let rerun = Rerun::of("restore::killed_while_restoring_one_of_the_two_is_there")
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
    restore(&DbOptions::new(scratch.path(), schema.clone()), &made[0].path, &mut Nothing).unwrap();
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
