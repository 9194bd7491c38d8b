//! The failing, forgetful disk itself, below a plain SQLite connection.
#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests too")]

use std::path::Path;

use conclave_testkit::{Failure, Fault, FaultDisk, Op};
use rusqlite::Connection;
use tempfile::{TempDir, tempdir};

#[expect(clippy::disallowed_methods, reason = "the disk is tested without what is built on it")]
fn open(folder: &Path) -> Connection {
    Connection::open(folder.join("a.db")).unwrap()
}

/// A folder with a database of one table, durable before it is watched.
fn prepared() -> (TempDir, FaultDisk, Connection) {
    let folder = tempdir().unwrap();
    open(folder.path()).execute_batch("CREATE TABLE t(x)").unwrap();
    let disk = FaultDisk::watch(folder.path());
    let conn = open(folder.path());
    (folder, disk, conn)
}

fn try_rows(conn: &Connection) -> rusqlite::Result<Vec<i64>> {
    conn.prepare("SELECT x FROM t ORDER BY x")?.query_map([], |row| row.get(0))?.collect()
}

fn rows(conn: &Connection) -> Vec<i64> {
    try_rows(conn).unwrap()
}

fn sound(conn: &Connection) -> String {
    conn.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap_or_else(|error| error.to_string())
}

#[test]
fn each_operation_fails_when_it_is_told_to() {
    let cases = [
        (Op::Write, Failure::Full, rusqlite::ffi::SQLITE_FULL),
        (Op::Write, Failure::Io, rusqlite::ffi::SQLITE_IOERR_WRITE),
        (Op::Sync, Failure::Io, rusqlite::ffi::SQLITE_IOERR_FSYNC),
        (Op::Open, Failure::Io, rusqlite::ffi::SQLITE_CANTOPEN),
        (Op::Delete, Failure::Io, rusqlite::ffi::SQLITE_IOERR_DELETE),
    ];
    for (op, error, code) in cases {
        let (_folder, disk, conn) = prepared();
        conn.execute_batch("INSERT INTO t VALUES(1)").unwrap();
        disk.fail(Fault { op, nth: 1, error, sticky: false });
        let failed = conn.execute_batch("INSERT INTO t VALUES(2)").unwrap_err();
        assert_eq!(failed.sqlite_error().unwrap().extended_code & 0xff, code & 0xff, "{op:?} {failed}");
        assert_eq!(disk.fired(), 1, "{op:?}");
        conn.execute_batch("INSERT INTO t VALUES(3)").unwrap();
        disk.fail(Fault { op, nth: 1, error, sticky: true });
        for _ in 0..3 {
            assert!(conn.execute_batch("INSERT INTO t VALUES(4)").is_err(), "{op:?} again and again");
        }
        disk.heal();
        conn.execute_batch("INSERT INTO t VALUES(5)").unwrap();
        assert!(rows(&conn).starts_with(&[1]) && rows(&conn).ends_with(&[3, 5]), "{op:?}");
        assert_eq!(sound(&conn), "ok", "{op:?}");
    }
}

#[test]
fn other_folders_are_left_alone() {
    let (_folder, disk, _conn) = prepared();
    let elsewhere = tempdir().unwrap();
    disk.fail(Fault { op: Op::Write, nth: 1, error: Failure::Io, sticky: true });
    open(elsewhere.path()).execute_batch("CREATE TABLE t(x); INSERT INTO t VALUES(1)").unwrap();
    assert_eq!((disk.fired(), disk.count(Op::Write)), (0, 0));
    // And a connection whose disk is gone goes on.
    let (_folder, disk, conn) = prepared();
    drop(disk);
    conn.execute_batch("INSERT INTO t VALUES(1)").unwrap();
}

/// Runs a workload of ten marked rows and cuts it often; gives in how many cuts marked rows were lost, and in
/// how many the file was damaged.
fn cuts(pragmas: &str) -> (usize, usize) {
    let (_folder, disk, conn) = prepared();
    conn.execute_batch(pragmas).unwrap();
    for row in 0..10 {
        conn.execute_batch(&format!("INSERT INTO t VALUES({row})")).unwrap();
        disk.mark(&row.to_string());
    }
    let recording = disk.recording();
    let (mut lost, mut damaged) = (0, 0);
    for seed in 0..200 {
        let image = tempdir().unwrap();
        let cut = recording.cut(seed, image.path());
        // Nobody needs the image on the real disk.
        let _unsynced = FaultDisk::watch(image.path());
        let conn = open(image.path());
        let (sound, rows) = (sound(&conn), try_rows(&conn));
        let Some(rows) = rows.ok().filter(|_| sound == "ok") else {
            damaged += 1;
            continue;
        };
        assert!(
            (0..).zip(&rows).all(|(place, row)| place == *row),
            "seed {seed}: no suffix is lost: {rows:?}"
        );
        if rows.len() < cut.marks.len() {
            lost += 1;
        }
    }
    (lost, damaged)
}

#[test]
fn a_cut_takes_what_no_sync_has_made_durable_and_nothing_else() {
    assert_eq!(cuts("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL"), (0, 0));
    assert_eq!(cuts("PRAGMA journal_mode=DELETE; PRAGMA synchronous=EXTRA"), (0, 0));
    // A journal whose deletion is forgotten comes back, and undoes a commit.
    let (lost, damaged) = cuts("PRAGMA journal_mode=DELETE; PRAGMA synchronous=FULL");
    assert!(lost > 0 && damaged == 0, "FULL without a log: {lost} lost, {damaged} damaged");
    let (lost, damaged) = cuts("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL");
    assert!(lost > 20 && damaged == 0, "NORMAL: {lost} lost, {damaged} damaged");
    let (_, damaged) = cuts("PRAGMA journal_mode=DELETE; PRAGMA synchronous=OFF");
    assert!(damaged > 0, "OFF: {damaged} damaged");
}

#[test]
fn the_same_seed_cuts_the_same() {
    let (_folder, disk, conn) = prepared();
    conn.execute_batch("PRAGMA journal_mode=WAL; INSERT INTO t VALUES(1), (2); INSERT INTO t VALUES(3)")
        .unwrap();
    let recording = disk.recording();
    for seed in 0..20 {
        let (one, other) = (tempdir().unwrap(), tempdir().unwrap());
        assert_eq!(recording.cut(seed, one.path()), recording.cut(seed, other.path()));
        for file in std::fs::read_dir(one.path()).unwrap() {
            let file = file.unwrap();
            let twin = other.path().join(file.file_name());
            assert_eq!(std::fs::read(file.path()).unwrap(), std::fs::read(twin).unwrap(), "seed {seed}");
        }
    }
}

#[test]
fn no_shared_memory_means_no_log() {
    let folder = tempdir().unwrap();
    let disk = FaultDisk::watch(folder.path()).without_shared_memory();
    let mode: String =
        open(folder.path()).query_row("PRAGMA journal_mode=WAL", [], |row| row.get(0)).unwrap();
    assert_eq!(mode, "delete");
    assert!(disk.count(Op::Open) > 0);
}
