//! How long anyone waits: for a group to end, for the lead, for SQLite's lock.

use std::sync::Arc;
use std::time::Duration;

use conclave_retry::ManualClock;

use super::{Write, block_on, fixture, fixture_with, insert, kinds};
use crate::{Db, DbError, ErrorKind, Result};

/// Those inside wait for their answer, so a group that has run for 10 ms takes nobody in, queued or not.
#[test]
fn a_group_that_has_run_for_ten_milliseconds_is_closed() {
    for (each_ms, groups) in [(0, 1), (3, 1), (5, 2), (10, 4)] {
        let clock = ManualClock::new();
        let fixture = fixture_with(|options| options.clock(Arc::new(clock.clone())));
        let before = fixture.commits();
        let writes = ["a", "b", "c", "d"].map(|text| {
            let clock = clock.clone();
            Box::new(move |db: &Db| {
                db.write("takes time", move |tx| {
                    clock.advance(Duration::from_millis(each_ms));
                    tx.execute("INSERT INTO item(text) VALUES(?1)", [text]).map(drop)
                })
            }) as Write
        });
        assert_eq!(kinds(&fixture.as_one_group(writes.into())), [None; 4]);
        assert_eq!(fixture.commits() - before, groups, "{each_ms} ms each");
        assert_eq!(fixture.texts(), ["a", "b", "c", "d"]);
    }
}

#[test]
fn a_write_has_a_deadline_of_its_own() {
    const USUAL: Duration = Duration::from_secs(20);
    let fixture = fixture_with(|options| options.deadline(USUAL));
    let db = fixture.db.clone();
    let late = fixture.db.maintain(move |_| {
        let late = std::thread::spawn(move || {
            db.writing("late").deadline(Duration::from_millis(20)).run(|_| Ok::<_, DbError>(()))
        });
        Ok(late.join().unwrap())
    });
    let waited = match late.unwrap() {
        Err(DbError::Busy { waited, .. }) => waited,
        other => panic!("{other:?}"),
    };
    assert!(waited >= Duration::from_millis(20) && waited < USUAL, "{waited:?}");
}

/// It cannot leave the queue by itself as a thread does, and its leader has a later deadline.
#[test]
fn an_async_write_is_refused_at_its_deadline_while_its_leader_waits_on() {
    let fixture = fixture();
    let other = fixture.db.open_connection().unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let leader: Result<()> = std::thread::scope(|scope| {
        let leader = scope.spawn(|| insert("leader")(&fixture.db));
        while fixture.db.metrics().retries == 0 {
            std::thread::yield_now();
        }
        let overdue =
            fixture.db.writing("overdue").deadline(Duration::ZERO).run_async(|_| Ok::<_, DbError>(()));
        let patient = fixture
            .db
            .write_async("patient", |tx| tx.execute("INSERT INTO item(text) VALUES('patient')", []));
        let refused = block_on_for(Duration::from_secs(10), overdue);
        other.execute_batch("COMMIT").unwrap();
        let refused = refused.expect("while the lock was held").unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Busy, "{refused}");
        assert!(refused.to_string().contains("database is locked"), "{refused}");
        assert_eq!(block_on(patient).unwrap(), 1, "whose time is not up waits on");
        leader.join().unwrap()
    });
    leader.unwrap();
    assert_eq!(fixture.texts(), ["leader", "patient"]);
}

fn block_on_for<T>(time: Duration, future: impl Future<Output = T>) -> Option<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async { tokio::time::timeout(time, future).await.ok() })
}

/// One way to use the write connection.
type Use = fn(&Db) -> Result<()>;

/// Whoever has the connection for a while with a patience of its own leaves it as it was.
#[test]
fn the_write_connection_keeps_its_busy_timeout() {
    let fixture = fixture();
    let db = &fixture.db;
    let uses: &[(&str, Use)] = &[
        ("a write", |db| insert("a")(db)),
        ("a checkpoint", |db| {
            crate::checkpoint::checkpoint(db, crate::checkpoint::CheckpointMode::Truncate).map(drop)
        }),
        ("a vacuum", |db| {
            let fill = "INSERT INTO item(text, blob) VALUES('big', zeroblob(1000000)); DELETE FROM item;";
            db.write("free pages", move |tx| tx.execute_batch(fill))?;
            assert!(crate::vacuum::run_until_done(db, &mut |_| {})?.slices > 0);
            Ok(())
        }),
        ("a full vacuum", |db| crate::vacuum::full(db).map(drop)),
    ];
    for (name, uses) in uses {
        uses(db).unwrap();
        let found = db.maintain(|conn| crate::pragmas::integer(conn, "busy_timeout")).unwrap();
        assert_eq!(found, 5000, "{name}");
    }
}
