//! What the metrics count, and how long they say that it took.

use std::sync::Arc;
use std::time::Duration;

use conclave_retry::ManualClock;

use super::{block_on, fixture_with};
use crate::{DbError, ErrorKind};

#[test]
fn every_answer_is_counted_once_and_every_wait_measured() {
    let clock = ManualClock::new();
    let fixture = fixture_with(|options| options.clock(Arc::new(clock.clone())));
    let db = &fixture.db;
    let in_commit = clock.clone();
    db.exclusive(|conn| {
        let takes = move || {
            in_commit.advance(Duration::from_millis(3));
            false
        };
        Ok(conn.commit_hook(Some(takes))?)
    })
    .unwrap();
    let write = |text: Option<&'static str>| {
        db.write_async("insert", move |tx| tx.execute("INSERT INTO item(text) VALUES(?1)", [text]))
    };
    let (one, refused, two) = db
        .maintain(|_| {
            let queued = (write(Some("a")), write(None), write(Some("b")));
            assert_eq!(db.metrics().queued, 3);
            clock.advance(Duration::from_millis(5));
            Ok(queued)
        })
        .unwrap();
    let answers = block_on(async { (one.await, refused.await, two.await) });
    assert!(answers.0.is_ok() && answers.2.is_ok());
    assert_eq!(answers.1.unwrap_err().kind(), ErrorKind::Constraint);
    let metrics = db.metrics();
    assert_eq!((metrics.commits, metrics.writes, metrics.failed), (1, 2, 1), "{metrics:?}");
    assert_eq!((metrics.queued, metrics.readers, metrics.ambiguous), (0, 0, 0), "{metrics:?}");
    assert_eq!(metrics.group_size_p50, 3, "{metrics:?}");
    // Upper bounds, exact to a factor of two.
    let waited = (metrics.queue_wait_p50, metrics.queue_wait_p99);
    assert_eq!(waited, (8191, 8191), "{metrics:?}");
    assert_eq!((metrics.commit_p50, metrics.commit_p99), (4095, 4095), "{metrics:?}");
    // One that fails alone, and one that never gets its turn.
    let alone = db.write("fails", |_| Err::<(), _>(DbError::Invalid("on purpose".into())));
    assert!(alone.is_err());
    let late = db.maintain(|_| {
        std::thread::scope(|scope| {
            let late =
                scope.spawn(|| db.writing("late").deadline(Duration::ZERO).run(|_| Ok::<_, DbError>(())));
            Ok(late.join().unwrap())
        })
    });
    assert!(late.unwrap().is_err());
    let metrics = db.metrics();
    assert_eq!((metrics.commits, metrics.writes, metrics.failed), (1, 2, 3), "{metrics:?}");
    assert_eq!(db.read(|_| Ok::<_, DbError>(db.metrics().readers)).unwrap(), 1);
    assert_eq!((db.metrics().reads, db.metrics().readers), (1, 0));
}
