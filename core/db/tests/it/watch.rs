//! What a watcher notices.

use conclave_db::{Db, DbOptions, FIRST_VERSION, Migration, Schema, Seen, Step, Watch};

const NOTES: &[Migration] = &[Migration {
    version: FIRST_VERSION,
    name: "notes",
    up: Step::Sql("CREATE TABLE note(id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT;"),
    down: None,
    rewrites: false,
}];

fn open(path: &std::path::Path) -> Db {
    Db::open(DbOptions::new(path, Schema::assemble(&[NOTES], &[]).unwrap())).unwrap()
}

fn write(db: &Db) {
    db.write("note", |tx| tx.execute("INSERT INTO note(text) VALUES('x')", []).map(drop)).unwrap();
}

#[test]
fn a_commit_is_seen_once() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state.db");
    let db = open(&path);
    let mut watch = Watch::open(&path).unwrap();
    assert_eq!(watch.look().unwrap(), Seen::Same);
    write(&db);
    write(&db);
    assert_eq!(watch.look().unwrap(), Seen::Changed);
    assert_eq!(watch.look().unwrap(), Seen::Same);
}

#[test]
fn a_file_that_comes_goes_and_is_replaced_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state.db");
    let mut watch = Watch::open(&path).unwrap();
    assert_eq!(watch.look().unwrap(), Seen::Same, "not there yet");
    drop(open(&path));
    assert_eq!(watch.look().unwrap(), Seen::Replaced);
    let other = dir.path().join("other.db");
    drop(open(&other));
    std::fs::rename(&other, &path).unwrap();
    assert_eq!(watch.look().unwrap(), Seen::Replaced);
    let db = open(&path);
    watch.look().unwrap();
    write(&db);
    assert_eq!(watch.look().unwrap(), Seen::Changed, "the new file is the one that is watched");
    drop(db);
    std::fs::remove_file(&path).unwrap();
    assert_eq!(watch.look().unwrap(), Seen::Gone);
    assert_eq!(watch.look().unwrap(), Seen::Same);
}

#[test]
fn what_is_no_database_is_watched_all_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state.db");
    std::fs::write(&path, "garbage").unwrap();
    let mut watch = Watch::open(&path).unwrap();
    assert_eq!(watch.look().unwrap(), Seen::Same);
    std::fs::write(&path, "other garbage").unwrap();
    assert_eq!(watch.look().unwrap(), Seen::Changed);
}
