//! What the doctor sees, and what it mends.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use conclave_db::backup::{BackupOptions, backup, default_folder};
use conclave_db::doctor::{self, Check, CheckState, Depth};
use conclave_db::{Db, DbError, DbOptions, ErrorKind, ballast, stats};
use conclave_testkit::{ManualClock, SmallDisk};

use crate::fixture::{Scratch, insert, schema};

fn find(checks: &[Check], name: &str) -> Check {
    checks.iter().find(|check| check.name == name).unwrap().clone()
}

/// The one check with this name, its state, and a word that its detail or advice must hold.
fn expect(db: &Db, name: &str, state: CheckState, word: &str) {
    let check = find(&doctor::checks(db), name);
    let said = format!("{} {}", check.detail, check.advice.clone().unwrap_or_default());
    assert_eq!(check.state, state, "{check:?}");
    assert!(said.contains(word), "{word:?} in {check:?}");
    assert_eq!(check.advice.is_none(), state == CheckState::Ok, "advice where something is wrong: {check:?}");
}

fn with_backup(db: &Db) {
    backup(db, &default_folder(db.path()), &BackupOptions::default()).unwrap();
}

#[test]
fn a_healthy_database_is_all_right_for_every_handle() {
    let scratch = Scratch::new();
    let db = scratch.open();
    insert(&db, "one").unwrap();
    with_backup(&db);
    ballast::ensure(&db).unwrap();
    let names = [
        "sqlite",
        "file-system",
        "journal",
        "permissions",
        "fair-turn",
        "schema",
        "write-ahead-log",
        "auto-vacuum",
        "freelist",
        "pragmas",
        "integrity",
        "foreign-keys",
        "holders",
        "disk-space",
        "ballast",
        "backup",
        "leftovers",
    ];
    fs::set_permissions(scratch.dir.path(), fs::Permissions::from_mode(0o700)).unwrap();
    let checked = doctor::checks(&db);
    assert_eq!(checked.iter().map(|check| check.name).collect::<Vec<_>>(), names);
    let wrong: Vec<_> = checked.iter().filter(|check| check.state != CheckState::Ok).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
    assert!(doctor::checks_to(&db, Depth::Quick).iter().all(|check| check.state == CheckState::Ok));
    assert_eq!(doctor::fix(&db).unwrap(), [""; 0], "nothing to do");
    drop(db);
    // A reading handle gets the same answers, and writes nothing.
    let before = snapshot(scratch.dir.path());
    let db = Db::open_read_only(scratch.options()).unwrap();
    assert!(doctor::checks(&db).iter().all(|check| check.state == CheckState::Ok));
    assert_eq!(doctor::fix(&db).unwrap_err().kind(), ErrorKind::ReadOnly);
    drop(db);
    assert!(snapshot(scratch.dir.path()) == before, "not a byte has changed");
}

/// Names, rights and bytes of all files but SQLite's own two, which a look may put beside a database.
fn snapshot(folder: &Path) -> Vec<(PathBuf, u32, Vec<u8>)> {
    let mut found: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .filter(|path| ["-wal", "-shm"].iter().all(|end| !path.to_string_lossy().ends_with(end)))
        .map(|path| {
            let mode = fs::metadata(&path).unwrap().permissions().mode();
            let bytes = fs::read(&path).unwrap();
            (path, mode, bytes)
        })
        .collect();
    found.sort();
    found
}

#[test]
fn an_old_file_is_conversion_needed() {
    let scratch = Scratch::new();
    scratch.foreign("CREATE TABLE consensus_artifacts(id INTEGER PRIMARY KEY, content TEXT)");
    let db = scratch.open();
    expect(&db, "auto-vacuum", CheckState::Warn, "conversion needed");
    expect(&db, "auto-vacuum", CheckState::Warn, "db convert");
    doctor::fix(&db).unwrap();
    expect(&db, "auto-vacuum", CheckState::Warn, "conversion needed");
}

#[test]
fn rights_of_others_are_told_and_taken() {
    let scratch = Scratch::new();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    // A folder of any other name is the user's: with `state.path = "legacy.db"` it is the project's root.
    for (name, ours) in [(".conclave", true), ("project", false)] {
        let folder = scratch.dir.path().join(name);
        let file = folder.join("state.db");
        let db = Db::open(DbOptions::new(&file, schema())).unwrap();
        insert(&db, "one").unwrap();
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
        expect(&db, "permissions", if ours { CheckState::Warn } else { CheckState::Ok }, "");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        expect(&db, "permissions", CheckState::Warn, "state.db");
        let done = doctor::fix(&db).unwrap();
        assert_eq!(done.iter().any(|line| line.contains("700")), ours, "{done:?}");
        assert!(done.iter().any(|line| line.contains("600")), "{done:?}");
        assert_eq!((mode(&folder), mode(&file)), (if ours { 0o700 } else { 0o755 }, 0o600), "{name}");
        expect(&db, "permissions", CheckState::Ok, "owner");
    }
}

#[test]
fn free_pages_and_a_missing_ballast_are_mended() {
    let scratch = Scratch::new();
    let db = scratch.open();
    db.write("fill", |tx| {
        tx.execute_batch(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
             INSERT INTO item(text) SELECT hex(randomblob(1900)) FROM n; DELETE FROM item;",
        )
    })
    .unwrap();
    ballast::release(db.path());
    expect(&db, "freelist", CheckState::Warn, "db vacuum");
    expect(&db, "ballast", CheckState::Warn, "doctor --fix");
    let done = doctor::fix(&db).unwrap();
    assert!(done.iter().any(|line| line.contains("free pages")), "{done:?}");
    assert!(done.iter().any(|line| line.contains("ballast")), "{done:?}");
    assert_eq!(stats(&db).unwrap().freelist_count, 0);
    expect(&db, "freelist", CheckState::Ok, "0 of");
    expect(&db, "ballast", CheckState::Ok, "held back");
}

#[test]
fn rows_without_a_parent_fail() {
    let scratch = Scratch::new();
    drop(scratch.open());
    scratch.foreign(
        "PRAGMA foreign_keys=OFF; CREATE TABLE child(item INTEGER REFERENCES item(id)); INSERT INTO child VALUES(99);",
    );
    let db = scratch.open();
    expect(&db, "foreign-keys", CheckState::Fail, "row 1 of child");
    // Of the program's own commands, none runs statements.
    expect(&db, "foreign-keys", CheckState::Fail, "`sqlite3 -readonly");
    expect(&db, "integrity", CheckState::Ok, "sound");
}

#[test]
fn a_damaged_page_fails_and_the_other_checks_go_on() {
    let scratch = Scratch::new();
    let db = scratch.open();
    for n in 0..300 {
        insert(&db, &format!("{n} {}", "x".repeat(100))).unwrap();
    }
    drop(db);
    let mut bytes = fs::read(scratch.path()).unwrap();
    for byte in &mut bytes[9 * 4096..10 * 4096] {
        *byte = !*byte;
    }
    fs::write(scratch.path(), bytes).unwrap();
    let db = Db::open_read_only(scratch.options()).unwrap();
    expect(&db, "integrity", CheckState::Fail, "db restore");
    assert_eq!(doctor::checks(&db).len(), 17);
    assert_eq!(find(&doctor::checks_to(&db, Depth::Quick), "integrity").state, CheckState::Fail);
}

#[test]
fn a_long_read_and_an_old_backup_are_told() {
    let scratch = Scratch::new();
    let clock = ManualClock::at_wall_ms(1_762_828_400_123);
    let db = Db::open(scratch.options().clock(Arc::new(clock.clone()))).unwrap();
    expect(&db, "backup", CheckState::Warn, "there is none");
    with_backup(&db);
    expect(&db, "backup", CheckState::Ok, "less than an hour");
    clock.advance(Duration::from_hours(7 * 24 + 1));
    expect(&db, "backup", CheckState::Warn, "7 days");
    expect(&db, "holders", CheckState::Ok, "nobody else");
    let (release, released) = std::sync::mpsc::channel::<()>();
    let (ready, is_ready) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        let reader = db.clone();
        scope.spawn(move || {
            reader.read(|_| {
                ready.send(()).unwrap();
                let _ = released.recv();
                Ok::<_, DbError>(())
            })
        });
        is_ready.recv().unwrap();
        clock.advance(Duration::from_secs(61));
        expect(&db, "holders", CheckState::Warn, "tests/it/doctor.rs:");
        drop(release);
    });
}

#[test]
fn odd_lock_files_are_told() {
    let scratch = Scratch::new();
    symlink("/nowhere", scratch.dir.path().join("state.db-turn")).unwrap();
    let db = scratch.open();
    expect(&db, "fair-turn", CheckState::Warn, "state.db-turn");
}

#[test]
fn a_full_disk_fails() {
    let Some(disk) = SmallDisk::of(80) else { return };
    let db = Db::open(DbOptions::new(disk.path().join("state.db"), schema())).unwrap();
    expect(&db, "disk-space", CheckState::Ok, "MiB free");
    disk.fill("filler", 32 << 20);
    expect(&db, "disk-space", CheckState::Warn, "free some space");
    disk.fill("more", 2 << 20);
    expect(&db, "disk-space", CheckState::Fail, "now");
}

#[test]
fn checks_are_written_as_scripts_expect_them() {
    let check = Check::warn("freelist", "much is free", "vacuum");
    let written = serde_json::to_value(&check).unwrap();
    let wanted = serde_json::json!({"name": "freelist", "state": "warn", "detail": "much is free", "advice": "vacuum"});
    assert_eq!(written, wanted);
    assert!(serde_json::to_value(Check::ok("x", "y")).unwrap()["advice"].is_null());
}

/// As everywhere where SQLite reads with `immutable=1`: it then says of every file that its journal is `delete`.
#[test]
fn a_database_on_a_disk_that_nobody_can_write_is_called_what_it_is() {
    let Some(disk) = SmallDisk::of(8) else { return };
    let path = disk.path().join("state.db");
    let options = DbOptions::new(&path, schema());
    insert(&Db::open(options.clone()).unwrap(), "one").unwrap();
    disk.forbid_writing();
    let db = Db::open_read_only(options).unwrap();
    assert!(db.is_immutable());
    let found = stats(&db).unwrap();
    assert_eq!((found.journal_mode.as_str(), found.as_it_lies), ("wal", true));
    expect(&db, "journal", CheckState::Warn, "read as it lies");
}
