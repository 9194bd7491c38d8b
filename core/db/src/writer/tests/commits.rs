//! Commits that fail: who is told that nothing was stored, and who that nobody knows.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rusqlite::Connection;

use super::{Fixture, Write, fixture, insert, kinds, schema};
use crate::file::FileIdentity;
use crate::metrics::Metrics;
use crate::options::Durability;
use crate::pragmas::{self, Role};
use crate::writer::{Writer, terms};
use crate::{DbError, DbOptions, ErrorKind};

/// SQLite turns a commit into a rollback for this hook, and the transaction is gone when it says so.
fn refuse_commits(fixture: &Fixture, refuse: bool) {
    fixture.db.exclusive(|conn| Ok(conn.commit_hook(refuse.then_some(|| true))?)).unwrap();
}

/// The transaction is gone, so SQLite may have done anything with it: not even a code that usually means
/// "nothing was stored" says otherwise, and nothing is run again.
#[test]
fn a_commit_that_fails_with_its_transaction_gone_is_ambiguous_for_all() {
    for members in [1, 3] {
        let fixture = fixture();
        refuse_commits(&fixture, true);
        let runs = Arc::new(AtomicUsize::new(0));
        let writes = (0..members).map(|_| {
            let runs = Arc::clone(&runs);
            Box::new(move |db: &crate::Db| {
                db.write("unknown", move |_| {
                    runs.fetch_add(1, Ordering::SeqCst);
                    Ok::<_, DbError>(())
                })
            }) as Write
        });
        let results = fixture.as_one_group(writes.collect());
        assert_eq!(kinds(&results), vec![Some(ErrorKind::Ambiguous); members]);
        for error in results.into_iter().map(Result::unwrap_err) {
            assert!(error.to_string().contains("unknown") && !error.is_retryable(), "{error}");
        }
        assert_eq!(runs.load(Ordering::SeqCst), members, "run again after nobody knew");
        let metrics = fixture.db.metrics();
        assert_eq!((metrics.ambiguous, metrics.failed, metrics.commits), (members as u64, 0, 0));
        refuse_commits(&fixture, false);
        insert("after")(&fixture.db).unwrap();
        assert_eq!(fixture.texts(), ["after"]);
    }
}

/// The same for transactions on a connection of one's own.
#[test]
fn a_plain_transaction_whose_commit_fails_and_is_gone_is_ambiguous() {
    let fixture = fixture();
    let mut own = fixture.db.open_connection().unwrap();
    own.commit_hook(Some(|| true)).unwrap();
    let mut runs = 0;
    let mut write = |own: &mut crate::WritableConnection, sql: &str| {
        own.transact(rusqlite::TransactionBehavior::Immediate, |transaction| {
            runs += 1;
            transaction.execute(sql, []).map_err(DbError::from)
        })
    };
    let gone = write(&mut own, "INSERT INTO item(text) VALUES('a')").unwrap_err();
    assert_eq!(gone.kind(), ErrorKind::Ambiguous, "{gone}");
    own.commit_hook(None::<fn() -> bool>).unwrap();
    // Refused with the transaction still open: then nothing was stored, and that is known.
    let refused = write(&mut own, "INSERT INTO child(item) VALUES(999)").unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Constraint, "{refused}");
    assert!(own.is_autocommit());
    assert_eq!(runs, 2);
    assert!(fixture.texts().is_empty());
}

/// A file with a rollback journal, and its writer.
struct Journaled {
    path: std::path::PathBuf,
    options: DbOptions,
    writer: Arc<Writer>,
    _dir: tempfile::TempDir,
}

fn journaled() -> Journaled {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state.db");
    crate::foreign::create(&path, "CREATE TABLE item(text TEXT) STRICT").unwrap();
    let options = DbOptions::new(&path, schema()).busy_timeout(Duration::from_millis(50));
    let conn = crate::open::connect_bare(&path).unwrap();
    pragmas::apply(&conn, &options, Role::Writer).unwrap();
    let identity = FileIdentity::of(&path).unwrap().unwrap();
    let writer = Writer::new(conn, &options, identity, false, Arc::new(Metrics::default())).unwrap();
    Journaled { path, options, writer: Arc::new(writer), _dir: dir }
}

impl Journaled {
    fn insert(&self, durability: Durability, runs: &Arc<AtomicUsize>) -> Result<usize, DbError> {
        let runs = Arc::clone(runs);
        let deadline = Duration::from_mins(1);
        self.writer.write(terms("insert", durability, deadline, &self.options.clock), move |tx| {
            runs.fetch_add(1, Ordering::SeqCst);
            tx.execute("INSERT INTO item(text) VALUES('a')", [])
        })
    }

    fn other(&self) -> Connection {
        crate::open::connect_bare(&self.path).unwrap()
    }
}

/// Without a log the commit is the deletion of the journal, which only EXTRA (3) syncs.
#[test]
fn without_a_log_every_write_is_power_proof() {
    let journaled = journaled();
    let runs = Arc::default();
    for durability in [Durability::Power, Durability::Process] {
        journaled.insert(durability, &runs).unwrap();
        let level = pragmas::integer(&journaled.writer.lead().write.conn, "synchronous").unwrap();
        assert_eq!(level, 3, "{durability:?}");
    }
}

/// With a rollback journal readers keep a commit out. Nobody's closure is to blame, so none runs again.
#[test]
fn a_commit_that_readers_keep_out_is_busy_and_stores_nothing() {
    let journaled = journaled();
    let (reader, runs) = (journaled.other(), Arc::default());
    let count = |conn: &Connection| {
        conn.query_row("SELECT count(*) FROM item", [], |row| row.get::<_, i64>(0)).unwrap()
    };
    reader.execute_batch("BEGIN").unwrap();
    assert_eq!(count(&reader), 0);
    let busy = journaled.insert(Durability::Power, &runs).unwrap_err();
    assert_eq!(busy.kind(), ErrorKind::Busy, "{busy}");
    assert!(busy.to_string().contains("database is locked"), "{busy}");
    assert_eq!(runs.load(Ordering::SeqCst), 1);
    reader.execute_batch("COMMIT").unwrap();
    // No lock is left behind either.
    journaled.other().execute_batch("BEGIN EXCLUSIVE; COMMIT").unwrap();
    assert_eq!(count(&reader), 0);
    journaled.insert(Durability::Power, &runs).unwrap();
    assert_eq!(count(&reader), 1);
}

/// Nobody may come for a long time, and other processes would meet the lock until then.
#[test]
fn whatever_fails_leaves_no_lock_behind() {
    let fails: fn() -> Write = || {
        Box::new(|db| db.write("fails", |tx| tx.execute("INSERT INTO item(text) VALUES(NULL)", []).map(drop)))
    };
    let orphan: fn() -> Write = || {
        Box::new(|db| db.write("orphan", |tx| tx.execute("INSERT INTO child(item) VALUES(9)", []).map(drop)))
    };
    let panics: fn() -> Write = || Box::new(|db| db.write("panics", |_| panic!("on purpose")));
    for (name, writes) in [
        ("one that fails", vec![fails()]),
        ("one that panics", vec![panics()]),
        ("a violation found at COMMIT", vec![orphan()]),
        ("a group of which nothing is left", vec![fails(), panics(), fails()]),
        ("run one by one, the last fails", vec![orphan(), fails()]),
        ("run one by one, the last panics", vec![insert("a"), orphan(), panics()]),
    ] {
        let fixture = fixture();
        let other = fixture.db.open_connection().unwrap();
        other.busy_timeout(Duration::ZERO).unwrap();
        let failed = fixture.as_one_group(writes).iter().filter(|answer| answer.is_err()).count();
        assert!(failed > 0, "{name}");
        other.execute_batch("BEGIN IMMEDIATE; COMMIT").unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}
