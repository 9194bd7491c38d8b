//! Having the database to oneself, whoever reads it through whatever handle.

use std::sync::Arc;
use std::time::Duration;

use conclave_db::{Db, DbError, ErrorKind};
use conclave_retry::Clock;
use conclave_testkit::ManualClock;

use crate::fixture::{Scratch, insert, texts};

#[test]
fn readers_of_every_handle_get_five_seconds_then_it_is_busy() {
    let scratch = Scratch::new();
    insert(&scratch.open(), "first").unwrap();
    let clock = ManualClock::new();
    let options = scratch.options().clock(Arc::new(clock.clone())).sleeper(Arc::new(clock.clone()));
    // It was opened before there was a writer, so it has connections of its own.
    let early = Db::open_read_only(options.clone()).unwrap();
    let db = Db::open(options).unwrap();
    let late = Db::open_read_only(scratch.options()).unwrap();
    for (name, reader) in [("early", &early), ("writable", &db), ("late", &late)] {
        let before = clock.monotonic();
        let refused = reader.read(|_| {
            let alone = std::thread::scope(|scope| scope.spawn(|| db.exclusive(|_| Ok(()))).join().unwrap());
            Ok::<_, DbError>(alone)
        });
        let refused = refused.unwrap().unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Busy, "{name}: {refused}");
        assert!(refused.to_string().contains("readers are inside"), "{name}: {refused}");
        assert_eq!(clock.monotonic().saturating_sub(before), Duration::from_secs(5), "{name}");
        // Nobody is kept out any more, and nobody is inside.
        assert_eq!(texts(reader), ["first"], "{name}");
        db.exclusive(|_| Ok(())).unwrap();
    }
}

#[test]
fn between_writes_this_process_writes_nothing_and_others_may() {
    let scratch = Scratch::new();
    let db = scratch.open();
    insert(&db, "first").unwrap();
    std::thread::scope(|scope| {
        let waiting = db.between_writes(|| {
            let writing = scope.spawn(|| insert(&db, "later"));
            while db.writers_queued() == 0 {
                std::thread::yield_now();
            }
            // As another process would: no lock is in its way.
            conclave_db::foreign::run(&scratch.path(), "INSERT INTO item(text) VALUES('other')").unwrap();
            assert_eq!(texts(&db), ["first", "other"]);
            writing
        });
        waiting.unwrap().join().unwrap().unwrap();
    });
    assert_eq!(texts(&db), ["first", "other", "later"]);
}
