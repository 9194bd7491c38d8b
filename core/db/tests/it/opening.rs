//! Scenarios 2, 5, 8 and 9: what is opened, what is refused, and that a refused file stays as it lies.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use conclave_db::{APPLICATION_ID, Db, DbError, DbOptions, ErrorKind, Source};

use crate::fixture::{Scratch, insert, schema, texts};

/// Everything in the folder, with its bytes.
fn contents(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found: Vec<_> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.file_type().unwrap().is_file())
        .map(|entry| (entry.file_name().to_string_lossy().into_owned(), fs::read(entry.path()).unwrap()))
        .filter(|(name, _)| !name.ends_with("-shm") && !name.ends_with("-wal"))
        .collect();
    found.sort();
    found
}

#[test]
fn what_is_not_ours_is_refused_as_it_lies() {
    let future = "PRAGMA user_version=9999; CREATE TABLE later(x);";
    let cases: &[(&str, &str, ErrorKind, &str)] = &[
        ("newer", future, ErrorKind::Newer, "9999"),
        ("newer in WAL", "PRAGMA journal_mode=WAL; PRAGMA user_version=101;", ErrorKind::Newer, "101"),
        // Its mark may be a later release's.
        ("newer with a mark", "PRAGMA application_id=77; PRAGMA user_version=102;", ErrorKind::Newer, "102"),
        ("another program", "PRAGMA application_id=77; CREATE TABLE x(y);", ErrorKind::Foreign, "77"),
        ("unmarked tables", "CREATE TABLE customers(name);", ErrorKind::Foreign, "customers"),
        (
            "legacy in UTF-16",
            "PRAGMA encoding='UTF-16le'; CREATE TABLE consensus_artifacts(content TEXT);",
            ErrorKind::Foreign,
            "UTF-16le",
        ),
        ("unmarked view", "CREATE VIEW item AS SELECT 1;", ErrorKind::Foreign, "item"),
    ];
    for (name, sql, kind, word) in cases {
        let scratch = Scratch::new();
        scratch.foreign(sql);
        let before = contents(scratch.dir.path());
        for open in [Db::open, Db::open_read_only] {
            let error = open(scratch.options()).unwrap_err();
            assert_eq!(error.kind(), *kind, "{name}: {error}");
            assert!(error.to_string().contains(word), "{name}: {error}");
            assert!(!error.is_retryable());
        }
        assert_eq!(contents(scratch.dir.path()), before, "{name}");
    }
    let newer = Scratch::new();
    newer.foreign(future);
    let error = Db::open(newer.options()).unwrap_err().to_string();
    assert!(error.contains("9999") && error.contains("100"), "both numbers: {error}");
}

#[test]
fn what_is_no_database_is_refused_as_it_lies() {
    for bytes in [&b"hello, not a db!"[..], &b"garbage".repeat(3000), &[0; 8192], &b"SQLite format 3\0"[..]] {
        let scratch = Scratch::new();
        fs::write(scratch.path(), bytes).unwrap();
        for open in [Db::open, Db::open_read_only] {
            let error = open(scratch.options()).unwrap_err();
            assert!(
                matches!(error.kind(), ErrorKind::NotADatabase | ErrorKind::Corrupt),
                "{:?}: {error}",
                &bytes[..bytes.len().min(16)]
            );
            assert!(error.to_string().contains("state.db"), "{error}");
        }
        assert!(Source::open(&scratch.path()).is_err());
        assert_eq!(fs::read(scratch.path()).unwrap(), bytes);
    }
    let scratch = Scratch::new();
    fs::create_dir(scratch.path()).unwrap();
    for open in [Db::open, Db::open_read_only] {
        let error = open(scratch.options()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::CannotOpen);
        assert!(error.to_string().contains("is a folder"), "{error}");
    }
}

#[test]
fn a_missing_folder_is_created_for_writing_only() {
    let scratch = Scratch::new();
    let path = scratch.dir.path().join("a/b/state.db");
    let refused = Db::open_read_only(DbOptions::new(&path, schema())).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Missing);
    assert!(!scratch.dir.path().join("a").exists());
    let db = Db::open(DbOptions::new(&path, schema())).unwrap();
    insert(&db, "a").unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(path.parent().unwrap()), 0o700);
    for suffix in ["-wal", "-shm", "-queue", "-turn"] {
        assert_eq!(mode(&path.with_file_name(format!("state.db{suffix}"))), 0o600, "{suffix}");
    }
    // A file in the way of a folder.
    let blocked = DbOptions::new(path.join("x/state.db"), schema());
    let error = Db::open(blocked).unwrap_err();
    assert!(matches!(error, DbError::Io { .. }), "{error}");
    assert!(error.to_string().contains("state.db"), "{error}");
}

#[test]
fn a_second_open_changes_nothing() {
    let scratch = Scratch::new();
    let db = scratch.open();
    assert_eq!(db.migrated().applied, ["items"]);
    insert(&db, "a").unwrap();
    drop(db);
    let before = contents(scratch.dir.path());
    let db = scratch.open();
    assert!(db.migrated().applied.is_empty());
    assert_eq!(texts(&db), ["a"]);
    assert_eq!(db.read(|conn| conn.pragma::<i64>("user_version")).unwrap(), 100);
    assert_eq!(db.read(|conn| conn.pragma::<i32>("application_id")).unwrap(), APPLICATION_ID);
    drop(db);
    assert_eq!(contents(scratch.dir.path()), before);
}

#[test]
fn a_legacy_file_is_taken_over_and_keeps_its_rows() {
    let scratch = Scratch::new();
    scratch.foreign("CREATE TABLE consensus_artifacts(id INTEGER PRIMARY KEY AUTOINCREMENT, x); INSERT INTO consensus_artifacts(x) VALUES('kept');");
    assert_eq!(Db::open_read_only(scratch.options()).unwrap_err().kind(), ErrorKind::NeedsMigration);
    let db = scratch.open();
    let kept: String =
        db.read(|conn| conn.query_row("SELECT x FROM consensus_artifacts", [], |row| row.get(0))).unwrap();
    assert_eq!(kept, "kept");
    // It says what is so, not what was wished.
    assert_eq!(db.read(|conn| conn.pragma::<i64>("auto_vacuum")).unwrap(), 0);
}

#[test]
fn all_spellings_of_a_path_are_one_file() {
    let scratch = Scratch::new();
    let db = scratch.open();
    fs::create_dir(scratch.dir.path().join("sub")).unwrap();
    symlink(scratch.path(), scratch.dir.path().join("link.db")).unwrap();
    fs::hard_link(scratch.path(), scratch.dir.path().join("hard.db")).unwrap();
    for spelling in ["sub/../state.db", "./state.db", "link.db", "hard.db"] {
        let other = Db::open(DbOptions::new(scratch.dir.path().join(spelling), schema())).unwrap();
        insert(&other, spelling).unwrap();
        assert_eq!(other.metrics().commits, db.metrics().commits, "{spelling} has a writer of its own");
    }
    assert_eq!(texts(&db).len(), 4);
}

#[test]
fn odd_names_are_names() {
    for name in [
        "a b.db",
        "quote'\".db",
        "line\nbreak.db",
        "file:x?mode=memory",
        "ü€.db",
        "100%.db",
        "#?&=.db",
        "-x.db",
    ] {
        let scratch = Scratch::new();
        let path = scratch.dir.path().join(name);
        let db = Db::open(DbOptions::new(&path, schema())).unwrap();
        insert(&db, "a").unwrap();
        assert_eq!(texts(&db), ["a"], "{name:?}");
        drop(db);
        assert!(path.is_file(), "{name:?}");
        assert_eq!(texts(&Db::open_read_only(DbOptions::new(&path, schema())).unwrap()), ["a"]);
        let rows = Source::open(&path)
            .unwrap()
            .read(|conn| conn.query_row("SELECT count(*) FROM item", [], |row| row.get::<_, i64>(0)));
        assert_eq!(rows.unwrap(), 1, "{name:?}");
    }
}

/// A source is read without a trace: no lock file, no log, no byte changed.
#[test]
fn a_source_without_a_log_is_read_as_it_lies() {
    for mode in ["DELETE", "WAL"] {
        let scratch = Scratch::new();
        scratch.foreign(&format!(
            "PRAGMA journal_mode={mode}; CREATE TABLE item(x); INSERT INTO item VALUES(7);"
        ));
        let before: Vec<_> =
            fs::read_dir(scratch.dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        let bytes = fs::read(scratch.path()).unwrap();
        let source = Source::open(&scratch.path()).unwrap();
        let n =
            source.read(|conn| conn.query_row("SELECT x FROM item", [], |row| row.get::<_, i64>(0))).unwrap();
        assert_eq!(n, 7);
        let during: Vec<_> =
            fs::read_dir(scratch.dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        drop(source);
        assert_eq!((during, fs::read(scratch.path()).unwrap()), (before, bytes), "{mode}");
    }
}

#[test]
fn a_source_beside_a_live_writer_shows_its_commits() {
    let scratch = Scratch::new();
    let db = scratch.open();
    insert(&db, "in the log").unwrap();
    let source = Source::open(&scratch.path()).unwrap();
    let rows = source.read(|conn| conn.query_all("SELECT text FROM item", [], |row| row.get::<_, String>(0)));
    assert_eq!(rows.unwrap(), ["in the log"]);
}

#[test]
fn handles_of_one_file_share_it_and_keep_their_own_rights() {
    let scratch = Scratch::new();
    drop(scratch.open());
    let early = Db::open_read_only(scratch.options()).unwrap();
    let db = scratch.open();
    let late = Db::open_read_only(scratch.options()).unwrap();
    for reader in [&early, &late] {
        assert!(reader.is_read_only());
        assert_eq!(insert(reader, "no").unwrap_err().kind(), ErrorKind::ReadOnly);
        assert_eq!(reader.exclusive(|_| Ok(())).unwrap_err().kind(), ErrorKind::ReadOnly);
    }
    insert(&db, "yes").unwrap();
    assert_eq!(texts(&early), ["yes"]);
    // A reader through the earlier handle is seen, and kept out, like any other.
    early
        .read(|_| {
            assert_eq!(db.active_reads().len(), 1);
            Ok::<_, DbError>(())
        })
        .unwrap();
    db.exclusive(|_| {
        std::thread::scope(|scope| {
            let refused = scope.spawn(|| early.pool().get().is_ok() && early.metrics().readers == 0);
            assert!(refused.join().unwrap());
        });
        Ok(())
    })
    .unwrap();
    // Another schema on an open file is an error, not the old one in silence.
    let other = conclave_db::Schema::assemble(&[], &[]).unwrap();
    let error = Db::open(DbOptions::new(scratch.path(), other)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
}

#[test]
fn a_file_without_version_and_tables_is_unfinished() {
    let cases = [
        ("nothing", "", true),
        ("killed after the switch to WAL", "PRAGMA auto_vacuum=INCREMENTAL; PRAGMA journal_mode=WAL;", true),
        ("legacy", "CREATE TABLE consensus_artifacts(id INTEGER PRIMARY KEY);", false),
        ("marked", "PRAGMA application_id=1129202508; PRAGMA journal_mode=WAL;", false),
        ("a version", "PRAGMA user_version=1; PRAGMA journal_mode=WAL;", false),
    ];
    for (name, sql, unfinished) in cases {
        let scratch = Scratch::new();
        scratch.foreign(sql);
        let found = Db::is_unfinished(&scratch.options());
        assert_eq!(found.is_ok_and(|found| found), unfinished, "{name}");
    }
    let scratch = Scratch::new();
    assert_eq!(Db::is_unfinished(&scratch.options()).unwrap_err().kind(), ErrorKind::Missing);
    drop(scratch.open());
    assert!(!Db::is_unfinished(&scratch.options()).unwrap(), "made whole");
}

/// The file and its journal as somebody leaves them who is killed in a transaction that has begun to write.
#[expect(clippy::disallowed_methods, reason = "the other program of the scenarios")]
fn killed_in_a_transaction(from: &Scratch, begin: &str) -> Scratch {
    let conn = rusqlite::Connection::open(from.path()).unwrap();
    // Nothing is kept in memory, so the pages are written before the commit.
    conn.execute_batch("PRAGMA journal_mode=DELETE; PRAGMA cache_size=1; PRAGMA cache_spill=1;").unwrap();
    conn.execute_batch(begin).unwrap();
    let killed = Scratch::new();
    for suffix in ["", "-journal"] {
        let name = format!("state.db{suffix}");
        fs::copy(from.dir.path().join(&name), killed.dir.path().join(&name)).unwrap();
    }
    assert!(fs::metadata(killed.dir.path().join("state.db-journal")).unwrap().len() > 512, "a hot journal");
    killed
}

#[test]
fn what_a_dead_process_left_half_done_is_undone_before_anyone_looks() {
    let half = "BEGIN; UPDATE item SET text = 'half ' || id || text;";
    for open in [Db::open, Db::open_read_only] {
        let scratch = Scratch::new();
        let db = scratch.open();
        for n in 0..200 {
            insert(&db, &format!("{n} {}", "x".repeat(500))).unwrap();
        }
        let before = texts(&db);
        drop(db);
        let killed = killed_in_a_transaction(&scratch, half);
        assert_eq!(texts(&open(killed.options()).unwrap()), before);
        // What it would have become counts for nothing, what it was does.
        let marks = format!("{half} PRAGMA user_version=9999; PRAGMA application_id=77;");
        let killed = killed_in_a_transaction(&scratch, &marks);
        assert_eq!(texts(&open(killed.options()).unwrap()), before);
        scratch.foreign("PRAGMA user_version=9999;");
        let killed = killed_in_a_transaction(&scratch, &format!("{half} PRAGMA user_version=100;"));
        assert_eq!(open(killed.options()).unwrap_err().kind(), ErrorKind::Newer);
    }
}

/// Where the file of the next test is.
static REPLACED: Mutex<Option<PathBuf>> = Mutex::new(None);

/// A step of the schema is the one moment of an opening at which a test can act.
fn replace_the_file(_: i32, _: usize) {
    if let Some(path) = REPLACED.lock().unwrap().take() {
        fs::rename(&path, path.with_extension("away")).unwrap();
        fs::write(&path, "").unwrap();
    }
}

#[test]
fn a_file_that_is_replaced_while_it_is_opened_is_not_taken_for_the_new_one() {
    let scratch = Scratch::new();
    *REPLACED.lock().unwrap() = Some(scratch.path());
    let refused = Db::open(scratch.options().migration_observer(replace_the_file)).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Replaced, "{refused}");
    assert!(REPLACED.lock().unwrap().is_none(), "nothing was replaced");
    assert_eq!(fs::metadata(scratch.path()).unwrap().len(), 0, "the new one was written");
}
