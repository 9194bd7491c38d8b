//! The peers do the same work as ours: the same settings, the same row, as durable.

use std::time::Duration;

use conclave_db::Source;
use conclave_db::sql::Value;

use super::{Contender, Workers};
use crate::bench::load::Window;
use crate::bench::peers::held::Held;
use crate::bench::peers::mutex::Locked;
use crate::bench::peers::plain::Plain;
use crate::bench::peers::pool::Pool;
use crate::bench::store;

/// What decides how much work a write is, and how durable it is when it returns.
const OF_WRITERS: [&str; 11] = [
    "journal_mode",
    "synchronous",
    "auto_vacuum",
    "page_size",
    "journal_size_limit",
    "cache_size",
    "temp_store",
    "mmap_size",
    "busy_timeout",
    "foreign_keys",
    "recursive_triggers",
];
/// What decides how much work a read is.
const OF_READERS: [&str; 4] = ["journal_mode", "cache_size", "mmap_size", "busy_timeout"];

#[test]
fn the_peers_have_our_settings() {
    let folder = tempfile::tempdir().unwrap();
    let ours = store::open(&folder.path().join("ours.db"), Some(0)).unwrap();
    let writer = ours.open_connection().unwrap();
    let path = folder.path().join("theirs.db");
    Contender::Pool.create(&path).unwrap();
    let (pool, plain, held) =
        (Pool::open(&path).unwrap(), Plain::open(&path).unwrap(), Held::open(&path).unwrap());
    for name in OF_WRITERS {
        let wanted: Value = writer.pragma_query_value(None, name, |row| row.get(0)).unwrap();
        assert_eq!(pool.setting(name), wanted, "pool: {name}");
        assert_eq!(plain.setting(name), wanted, "plain: {name}");
    }
    // Ours copies its log itself, at as many pages: what `checkpoints` in the notes counts.
    for theirs in [pool.setting("wal_autocheckpoint"), plain.setting("wal_autocheckpoint")] {
        assert_eq!(theirs, Value::Integer(1000));
    }
    for name in OF_READERS {
        let wanted = ours.read(|conn| conn.pragma::<Value>(name)).unwrap();
        assert_eq!(held.setting(name), wanted, "held: {name}");
    }
    // The original's defaults are as durable by another journal.
    let path = folder.path().join("mutex.db");
    Contender::Mutex.create(&path).unwrap();
    let mutex = Locked::open(&path).unwrap();
    assert_eq!(mutex.setting("journal_mode"), Value::Text("delete".into()));
    assert_eq!(mutex.setting("synchronous"), Value::Integer(2));
}

#[test]
fn each_writes_the_same_row_as_often_as_it_says() {
    let window = Window { warm: Duration::ZERO, measured: Duration::from_millis(20) };
    for contender in [Contender::Ours, Contender::Pool, Contender::Mutex] {
        for workers in [Workers::Threads(2), Workers::Tasks(3)] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("bench.db");
            contender.create(&path).unwrap();
            let (load, _) = contender.write(&path, workers, window).unwrap();
            assert_eq!((load.errors, load.first_error), (0, None), "{contender:?}");
            let rows = "SELECT count(*), count(*) FILTER (WHERE body = ?1) FROM log";
            let (rows, same): (u64, u64) = Source::open(&path)
                .unwrap()
                .read(|conn| conn.query_row(rows, [&*store::body()], |row| Ok((row.get(0)?, row.get(1)?))))
                .unwrap();
            assert!(rows > 0 && rows >= load.done.iter().sum(), "{contender:?} {workers:?}: {rows} rows");
            assert_eq!(rows, same, "{contender:?} {workers:?}");
        }
    }
}

/// It is a program of its own, so its text is all there is to be compared without building it.
#[test]
fn sqlx_writes_the_same_row() {
    let (ours, theirs) = (include_str!("../store.rs"), include_str!("../../../peers/sqlx/src/main.rs"));
    let body = |text: &'static str| {
        let from = text.find("let mut seed").unwrap();
        let length = text[from..].find(".collect()").unwrap();
        &text[from..from + length]
    };
    assert_eq!(body(theirs), body(ours));
    assert!(theirs.contains(&format!("\"{}\"", store::INSERT)));
    for setting in [
        "SqliteAutoVacuum::Incremental",
        "SqliteJournalMode::Wal",
        "SqliteSynchronous::Full",
        "BEGIN IMMEDIATE",
    ] {
        assert!(theirs.contains(setting), "{setting}");
    }
}
