//! Scenarios 1, 4, 6 and 7: pragmas, sizes, dirty connections, exhaustion.

use std::time::Duration;

use conclave_db::{Db, DbError, ErrorKind};
use conclave_retry::{Classify, Clock, ErrorClass, RetryReason, SystemClock};

use crate::fixture::{Scratch, insert, texts};

#[test]
fn every_connection_of_a_full_pool_has_the_pragmas() {
    let scratch = Scratch::new();
    let db = scratch.open();
    let wanted: &[(&str, i64)] = &[
        ("synchronous", 2),
        ("foreign_keys", 1),
        ("recursive_triggers", 1),
        ("cache_size", -32_000),
        ("temp_store", 2),
        ("mmap_size", 0),
        ("busy_timeout", 5000),
        ("auto_vacuum", 2),
        ("query_only", 1),
    ];
    let all: Vec<_> = (0..10).map(|_| db.pool().get().unwrap()).collect();
    for conn in &all {
        for (name, value) in wanted {
            let found: i64 = conn.pragma_query_value(None, name, |row| row.get(0)).unwrap();
            assert_eq!(found, *value, "{name}");
        }
        let mode: String = conn.pragma_query_value(None, "journal_mode", |row| row.get(0)).unwrap();
        assert_eq!(mode, "wal");
    }
    // The same through the way that closures go, and on a writable connection of its own.
    for (name, value) in wanted {
        assert_eq!(db.read(|conn| conn.pragma::<i64>(name)).unwrap(), *value, "{name}");
    }
    let own = db.open_connection().unwrap();
    let for_writing: &[(&str, i64)] = &[("journal_size_limit", 64 << 20), ("wal_autocheckpoint", 0)];
    for (name, value) in wanted.iter().filter(|(name, _)| *name != "query_only").chain(for_writing) {
        let found: i64 = own.pragma_query_value(None, name, |row| row.get(0)).unwrap();
        assert_eq!(found, *value, "{name}");
    }
    drop((all, own, db));
    // Another program sees what is persistent.
    scratch.foreign(
        "CREATE TEMP TABLE seen(v); INSERT INTO seen SELECT auto_vacuum FROM pragma_auto_vacuum;
        CREATE TEMP TABLE t(v CHECK(v = 2)); INSERT INTO t SELECT v FROM seen;
        CREATE TEMP TABLE j(v CHECK(v = 'wal')); INSERT INTO j SELECT journal_mode FROM pragma_journal_mode;",
    );
}

/// SQLite cuts a map that is larger than it was built for, and says nothing: reading back is what notices.
#[test]
fn a_pragma_that_sqlite_does_not_take_is_an_error() {
    let scratch = Scratch::new();
    let refused = Db::open(scratch.options().mmap_bytes(1 << 50)).unwrap_err();
    assert!(matches!(refused, DbError::Pragma { name: "mmap_size", .. }), "{refused}");
    assert!(refused.to_string().contains(&(1_u64 << 50).to_string()), "{refused}");
    drop(scratch.open());
    let refused = Db::open_read_only(scratch.options().mmap_bytes(1 << 50)).unwrap_err();
    assert!(matches!(refused, DbError::Pragma { name: "mmap_size", .. }), "{refused}");
}

#[test]
fn sizes_of_the_pool() {
    let scratch = Scratch::new();
    let refused = Db::open(scratch.options().pool_size(0)).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Invalid);
    assert!(!scratch.path().exists());
    let one = Db::open(scratch.options().pool_size(1)).unwrap();
    insert(&one, "a").unwrap();
    assert_eq!(texts(&one), ["a"]);
}

#[test]
fn a_connection_that_comes_back_dirty_is_not_lent_again() {
    let scratch = Scratch::new();
    let db = Db::open(scratch.options().pool_size(1)).unwrap();
    db.pool().get().unwrap().execute_batch("BEGIN; SELECT count(*) FROM item;").unwrap();
    let clean = db.pool().get().unwrap();
    assert!(clean.is_autocommit());
    // A reader's connection cannot write, commit nor change its own rules.
    for sql in [
        "INSERT INTO item(text) VALUES('x')",
        "PRAGMA query_only=0; DELETE FROM item",
        "PRAGMA user_version=1",
    ] {
        assert!(clean.execute_batch(sql).is_err(), "{sql}");
    }
    assert_eq!(texts(&db), Vec::<String>::new());
}

#[test]
fn a_read_that_panics_leaves_no_transaction_behind() {
    let scratch = Scratch::new();
    let db = scratch.open();
    insert(&db, "a").unwrap();
    for _ in 0..20 {
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            db.read(|conn| -> Result<(), DbError> {
                conn.query_row("SELECT count(*) FROM item", [], |row| row.get::<_, i64>(0))?;
                panic!("on purpose");
            })
        }));
        assert!(panicked.is_err());
    }
    assert!(db.active_reads().is_empty());
    assert_eq!(db.metrics().readers, 0);
    insert(&db, "b").unwrap();
    assert_eq!(texts(&db), ["a", "b"]);
}

#[test]
fn an_exhausted_pool_says_so_in_time() {
    let scratch = Scratch::new();
    let options = scratch.options().pool_size(2).connection_timeout(Duration::from_millis(300));
    let db = Db::open(options).unwrap();
    let _held = (db.pool().get().unwrap(), db.pool().get().unwrap());
    let (refused, waited) = beside_eight_readers(&db, || {
        let started = SystemClock.monotonic();
        let refused = db.read(|_| Ok::<_, DbError>(())).unwrap_err();
        (refused, SystemClock.monotonic().saturating_sub(started))
    });
    assert!(waited >= Duration::from_millis(300) && waited < Duration::from_secs(5), "{waited:?}");
    assert_eq!(refused.kind(), ErrorKind::PoolExhausted);
    assert!(refused.to_string().contains("pool exhausted"));
    assert_eq!(refused.classify(), ErrorClass::retryable(RetryReason::PoolExhausted));
}

/// Runs `during` while every connection near at hand is in use too.
fn beside_eight_readers<T>(db: &Db, during: impl FnOnce() -> T) -> T {
    let (all_inside, outcome) = (std::sync::Barrier::new(9), std::sync::Barrier::new(9));
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                db.read(|_| {
                    all_inside.wait();
                    outcome.wait();
                    Ok::<_, DbError>(())
                })
                .unwrap();
            });
        }
        all_inside.wait();
        assert_eq!(db.active_reads().len(), 8);
        let done = during();
        outcome.wait();
        done
    })
}

/// r2d2 would say that it timed out.
#[test]
fn a_pooled_connection_that_cannot_be_opened_says_why() {
    let scratch = Scratch::new();
    let db = Db::open(scratch.options().connection_timeout(Duration::from_millis(300))).unwrap();
    let away = scratch.path().with_extension("away");
    let (gone, back) = beside_eight_readers(&db, || {
        std::fs::rename(scratch.path(), &away).unwrap();
        let gone = db.read(|_| Ok::<_, DbError>(()));
        std::fs::rename(&away, scratch.path()).unwrap();
        (gone, db.read(|_| Ok::<_, DbError>(())))
    });
    let gone = gone.unwrap_err();
    assert_eq!(gone.kind(), ErrorKind::CannotOpen, "{gone}");
    assert!(gone.to_string().contains("unable to open"), "{gone}");
    // What failed long ago says nothing of now.
    back.unwrap();
}
