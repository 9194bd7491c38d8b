use conclave_retry::ManualClock;

use super::*;
use crate::open;

const PAGES: i64 = 100;

struct Policy {
    checkpointer: Checkpointer,
    conn: Connection,
    metrics: Metrics,
    clock: ManualClock,
    _dir: tempfile::TempDir,
}

impl Policy {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state.db");
        crate::file::create(&path).unwrap();
        let conn = open::connect_bare(&path).unwrap();
        conn.execute_batch("PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0; CREATE TABLE t(x);")
            .unwrap();
        let checkpointer = Checkpointer::new(&conn, &path, PAGES, true);
        Self { checkpointer, conn, metrics: Metrics::default(), clock: ManualClock::new(), _dir: dir }
    }

    /// Whether it is due after a commit that left so many pages in the log.
    fn due_at(&mut self, log: i64) -> bool {
        LOG_PAGES.set(Some(log));
        self.checkpointer.is_due(&self.metrics, self.clock.monotonic())
    }

    fn run(&mut self) {
        self.checkpointer.run(&self.conn, &self.metrics, &self.clock);
    }
}

#[test]
fn it_is_due_at_the_threshold_and_after_as_many_pages_again() {
    let mut policy = Policy::new();
    assert!(!policy.due_at(99));
    assert!(policy.due_at(100));
    policy.run();
    // The log is not begun anew while readers use it: not each commit tries again.
    assert!(!policy.due_at(101));
    assert!(!policy.due_at(199));
    assert!(policy.due_at(200));
    policy.run();
    // It was begun anew: the threshold counts from its beginning.
    assert!(!policy.due_at(3));
    assert!(!policy.due_at(99));
    assert!(policy.due_at(100));
}

#[test]
fn a_slow_disk_gets_shorter_checkpoints() {
    let ms = Duration::from_millis;
    for (step, took, next) in [
        (1000, 20, 500),
        (500, 7, 250),
        (125, 20, 125),
        (250, 5, 250),
        (250, 1, 500),
        (600, 1, 1000),
        (1000, 0, 1000),
    ] {
        assert_eq!(next_step(step, 1000, ms(took)), next, "{step} pages in {took} ms");
    }
    assert_eq!(next_step(1, 1, ms(20)), 1);
}

#[test]
fn a_short_log_is_copied_when_it_is_a_minute_old() {
    let mut policy = Policy::new();
    assert!(!policy.due_at(2));
    policy.clock.advance(Duration::from_secs(59));
    assert!(!policy.due_at(3));
    policy.clock.advance(Duration::from_secs(1));
    assert!(policy.due_at(4));
    policy.run();
    assert!(!policy.due_at(5));
}

#[test]
fn without_a_commit_of_this_thread_nothing_is_due() {
    let mut policy = Policy::new();
    assert!(policy.due_at(100));
    LOG_PAGES.set(None);
    assert!(!policy.checkpointer.is_due(&policy.metrics, policy.clock.monotonic()));
    policy.checkpointer.wal = false;
    assert!(!policy.due_at(5000));
}

#[test]
fn the_hook_tells_the_length_of_the_log() {
    let policy = Policy::new();
    LOG_PAGES.set(None);
    policy.conn.execute_batch("INSERT INTO t VALUES(1)").unwrap();
    let log = LOG_PAGES.get().expect("the hook was called");
    assert!(log > 0, "{log}");
}

#[test]
fn a_log_that_stays_long_is_cut_once_readers_let_it() {
    let mut policy = Policy::new();
    policy.conn.execute_batch("INSERT INTO t VALUES(1)").unwrap();
    let log = |policy: &Policy| crate::file::size(&crate::file::beside(&policy.checkpointer.path, "-wal"));
    assert!(policy.due_at(PAGES));
    policy.run();
    assert!(log(&policy) > 0, "PASSIVE leaves the log's file as it is");
    assert!(policy.due_at(PAGES * LARGE));
    policy.run();
    assert_eq!(log(&policy), 0);
    // The log is empty now, so it is due at the threshold again.
    assert!(policy.due_at(PAGES));
}
