//! Every rule of the write group, each with the failure that it is there for.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use conclave_retry::Clock as _;

use crate::{Db, DbError, DbOptions, Durability, ErrorKind, FIRST_VERSION, Migration, Result, Schema, Step};

mod callers;
mod checkpoints;
mod commits;
mod counters;
mod waits;

thread_local! {
    static BUG: Cell<bool> = const { Cell::new(false) };
}

/// The file whose helper thread is to meet a bug.
static HELPER_BUG: Mutex<Option<PathBuf>> = Mutex::new(None);

/// Called by every leader after its group has run; a test makes it panic.
pub(super) fn leader_bug(path: &Path) {
    assert!(!BUG.replace(false), "a bug in the leader");
    if std::thread::current().name() == Some("conclave-writer") {
        let mut bug = HELPER_BUG.lock().unwrap_or_else(PoisonError::into_inner);
        assert!(bug.take_if(|of| of == path).is_none(), "a bug in the helper");
    }
}

const TABLES: &[Migration] = &[Migration {
    version: FIRST_VERSION,
    name: "tables",
    up: Step::Sql(
        "CREATE TABLE item(id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE, blob BLOB) STRICT;
         CREATE TABLE child(id INTEGER PRIMARY KEY,
             item INTEGER NOT NULL REFERENCES item(id) DEFERRABLE INITIALLY DEFERRED) STRICT;",
    ),
    down: None,
    rewrites: false,
}];

/// What one thread does.
type Write = Box<dyn FnOnce(&Db) -> Result<()> + Send>;

struct Fixture {
    db: Db,
    _dir: tempfile::TempDir,
}

fn fixture() -> Fixture {
    fixture_with(|options| options)
}

fn fixture_with(change: impl FnOnce(DbOptions) -> DbOptions) -> Fixture {
    let dir = tempfile::tempdir().unwrap();
    let db = Db::open(change(DbOptions::new(dir.path().join("state.db"), schema()))).unwrap();
    Fixture { db, _dir: dir }
}

fn schema() -> Schema {
    Schema::assemble(&[TABLES], &[]).unwrap()
}

impl Fixture {
    fn texts(&self) -> Vec<String> {
        self.db
            .read(|conn| conn.query_all("SELECT text FROM item ORDER BY id", [], |row| row.get(0)))
            .unwrap()
    }

    /// Runs the writes of several threads as one group, in the given order: someone has the lead until all
    /// of them are in the queue.
    fn as_one_group(&self, writes: Vec<Write>) -> Vec<Result<()>> {
        let (entered, wait_entered) = channel();
        let (leave, wait_leave) = channel::<()>();
        std::thread::scope(|scope| {
            let db = &self.db;
            scope.spawn(move || {
                db.maintain(|_| {
                    entered.send(()).unwrap();
                    wait_leave.recv().unwrap();
                    Ok(())
                })
                .unwrap();
            });
            wait_entered.recv().unwrap();
            let mut threads = Vec::new();
            for (position, write) in writes.into_iter().enumerate() {
                threads.push(scope.spawn(move || write(db)));
                while db.writers_queued() <= position {
                    std::thread::yield_now();
                }
            }
            leave.send(()).unwrap();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        })
    }

    fn commits(&self) -> u64 {
        self.db.metrics().commits
    }
}

fn insert(text: &'static str) -> Write {
    Box::new(move |db| {
        db.write("insert", move |tx| tx.execute("INSERT INTO item(text) VALUES(?1)", [text]).map(drop))
    })
}

fn kinds(results: &[Result<()>]) -> Vec<Option<ErrorKind>> {
    results.iter().map(|result| result.as_ref().err().map(DbError::kind)).collect()
}

#[test]
fn a_group_commits_once() {
    let fixture = fixture();
    let before = fixture.commits();
    let results = fixture.as_one_group(vec![insert("a"), insert("b"), insert("c")]);
    assert_eq!(kinds(&results), [None, None, None]);
    assert_eq!(fixture.commits() - before, 1);
    assert_eq!(fixture.texts(), ["a", "b", "c"]);
}

#[test]
fn a_failing_closure_loses_only_its_own_changes() {
    for guilty in 0..3 {
        let fixture = fixture();
        let before = fixture.commits();
        let mut writes = vec![insert("a"), insert("b")];
        writes.insert(
            guilty,
            Box::new(|db| {
                db.write("half", |tx| {
                    tx.execute("INSERT INTO item(text) VALUES('half')", [])?;
                    tx.execute("INSERT INTO item(text) VALUES(NULL)", []).map(drop)
                })
            }),
        );
        let mut wanted = vec![None, None];
        wanted.insert(guilty, Some(ErrorKind::Constraint));
        assert_eq!(kinds(&fixture.as_one_group(writes)), wanted);
        assert_eq!(fixture.texts(), ["a", "b"]);
        assert_eq!(fixture.commits() - before, 1);
    }
}

#[test]
fn a_panic_becomes_its_callers_error() {
    let fixture = fixture();
    let panics: Write = Box::new(|db| {
        db.write("panics", |tx| {
            tx.execute("INSERT INTO item(text) VALUES('half')", [])?;
            panic!("on purpose");
        })
    });
    let results = fixture.as_one_group(vec![insert("a"), panics, insert("b")]);
    assert_eq!(kinds(&results), [None, Some(ErrorKind::Panicked), None]);
    assert!(results[1].as_ref().unwrap_err().to_string().contains("on purpose"));
    assert_eq!(fixture.texts(), ["a", "b"]);
}

/// FULL ends the whole transaction, with what the others did in it.
#[test]
fn a_full_disk_hits_only_who_fills_it() {
    for guilty in 0..3 {
        let fixture = fixture();
        fixture.db.exclusive(|conn| Ok(conn.pragma_update(None, "max_page_count", 40)?)).unwrap();
        let fills: Write = Box::new(|db| {
            db.write("fills", |tx| {
                tx.execute("INSERT INTO item(text, blob) VALUES('big', zeroblob(1000000))", []).map(drop)
            })
        });
        let mut writes = vec![insert("a"), insert("b")];
        writes.insert(guilty, fills);
        let mut wanted = vec![None, None];
        wanted.insert(guilty, Some(ErrorKind::Full));
        assert_eq!(kinds(&fixture.as_one_group(writes)), wanted, "guilty at {guilty}");
        assert_eq!(fixture.texts(), ["a", "b"]);
        // Later writes work once there is room.
        insert("c")(&fixture.db).unwrap();
        assert_eq!(fixture.texts(), ["a", "b", "c"]);
    }
}

#[test]
fn a_closure_that_swallows_the_end_of_its_transaction_is_not_acknowledged() {
    for (name, sql, kind) in [
        ("full", "INSERT INTO item(text, blob) VALUES('big', zeroblob(1000000))", ErrorKind::Full),
        ("rollback", "INSERT OR ROLLBACK INTO item(text) VALUES('first')", ErrorKind::Constraint),
    ] {
        for others in [false, true] {
            let fixture = fixture();
            insert("first")(&fixture.db).unwrap();
            fixture.db.exclusive(|conn| Ok(conn.pragma_update(None, "max_page_count", 40)?)).unwrap();
            let swallows: Write = Box::new(move |db| {
                db.write("swallows", move |tx| {
                    tx.execute("INSERT INTO item(text) VALUES('before')", [])?;
                    let _ = tx.execute(sql, []);
                    // Where the transaction is gone this would be one of its own.
                    let _ = tx.execute("INSERT INTO item(text) VALUES('beside')", []);
                    Ok(())
                })
            });
            let writes = if others { vec![insert("a"), swallows, insert("b")] } else { vec![swallows] };
            let results = fixture.as_one_group(writes);
            let (answer, stored) = if others { (1, vec!["first", "a", "b"]) } else { (0, vec!["first"]) };
            if fixture.texts().contains(&"before".to_owned()) {
                // SQLite kept the transaction and undid the statement alone: then the closure may succeed.
                assert_eq!(kinds(&results)[answer], None, "{name}");
                continue;
            }
            assert!(
                matches!(kinds(&results)[answer], Some(found) if found == kind || found == ErrorKind::Constraint),
                "{name}, others {others}: {results:?}"
            );
            assert_eq!(fixture.texts(), stored, "{name}");
        }
    }
}

/// Found only at COMMIT, where it fails everyone's.
#[test]
fn a_deferred_violation_hits_only_its_own_caller() {
    for guilty in 0..3 {
        let fixture = fixture();
        let orphan: Write = Box::new(|db| {
            db.write("orphan", |tx| tx.execute("INSERT INTO child(item) VALUES(999)", []).map(drop))
        });
        let mut writes = vec![insert("a"), insert("b")];
        writes.insert(guilty, orphan);
        let mut wanted = vec![None, None];
        wanted.insert(guilty, Some(ErrorKind::Constraint));
        assert_eq!(kinds(&fixture.as_one_group(writes)), wanted);
        assert_eq!(fixture.texts(), ["a", "b"]);
    }
}

#[test]
fn closures_cannot_control_the_transaction() {
    let fixture = fixture();
    for sql in [
        "COMMIT",
        "ROLLBACK",
        "BEGIN",
        "END",
        "SAVEPOINT x",
        "RELEASE closure",
        "ROLLBACK TO closure",
        "ATTACH ':memory:' AS other",
        "DETACH other",
        "PRAGMA synchronous=OFF",
        "PRAGMA user_version=7",
        "PRAGMA data_version=7",
    ] {
        for _ in 0..2 {
            let by_batch = fixture.db.write("control", move |tx| tx.execute_batch(sql)).unwrap_err();
            let by_statement =
                fixture.db.write("control", move |tx| tx.execute(sql, []).map(drop)).unwrap_err();
            for error in [by_batch, by_statement] {
                assert!(error.to_string().contains("not authorized"), "{sql}: {error}");
            }
        }
    }
    insert("after")(&fixture.db).unwrap();
    assert_eq!(fixture.texts(), ["after"]);
}

#[test]
fn closures_can_use_a_full_text_index() {
    let fixture = fixture();
    let found = fixture.db.write("index", |tx| {
        tx.execute_batch(
            "CREATE VIRTUAL TABLE words USING fts5(body, content = '', contentless_delete = 1);
             INSERT INTO words(rowid, body) VALUES(1, 'one two'), (2, 'two three')",
        )?;
        tx.execute("DELETE FROM words WHERE rowid = ?1", [1])?;
        tx.query_all("SELECT rowid FROM words('two')", [], |row| row.get::<_, i64>(0))
    });
    assert_eq!(found.unwrap(), [2]);
}

#[test]
fn nesting_is_an_error_at_once() {
    let fixture = fixture();
    let other = self::fixture();
    let (db, second) = (fixture.db.clone(), other.db.clone());
    let nest = move || -> Vec<ErrorKind> {
        let mut kinds = Vec::new();
        for db in [&db, &second] {
            kinds.push(db.read(|_| Ok::<_, DbError>(())).unwrap_err().kind());
            kinds.push(db.write("nested", |_| Ok::<_, DbError>(())).unwrap_err().kind());
            kinds.push(db.exclusive(|_| Ok(())).unwrap_err().kind());
            let future = db.write_async("nested", |_| Ok::<_, DbError>(()));
            kinds.push(block_on(future).unwrap_err().kind());
            kinds.push(db.maintain(|_| Ok(())).unwrap_err().kind());
            kinds.push(crate::BulkWriter::open(db, None).map(drop).unwrap_err().kind());
            let options = DbOptions::new(db.path(), schema());
            kinds.push(Db::open(options.clone()).unwrap_err().kind());
            kinds.push(Db::open_read_only(options).unwrap_err().kind());
        }
        kinds
    };
    let all = vec![ErrorKind::Nested; 16];
    assert_eq!(fixture.db.read(|_| Ok::<_, DbError>(nest())).unwrap(), all);
    assert_eq!(fixture.db.exclusive(|_| Ok(nest())).unwrap(), all);
    let in_write = fixture.db.clone();
    assert_eq!(in_write.write("outer", move |_| Ok::<_, DbError>(nest())).unwrap(), all);
    // Nothing of that stays behind on this thread.
    insert("after")(&fixture.db).unwrap();
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

#[test]
fn a_future_dropped_before_its_turn_does_nothing() {
    let fixture = fixture();
    let ran = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&ran);
    let write = |text: &'static str| {
        fixture.db.write_async("stays", move |tx| tx.execute("INSERT INTO item(text) VALUES(?1)", [text]))
    };
    // The lead is held meanwhile, so nobody takes anything out of the queue.
    let (first, last) = fixture
        .db
        .maintain(|_| {
            let first = write("a");
            let dropped = fixture.db.write_async("dropped", move |tx| {
                counter.fetch_add(1, Ordering::SeqCst);
                tx.execute("INSERT INTO item(text) VALUES('dropped')", []).map(drop)
            });
            let last = write("b");
            assert_eq!(fixture.db.writers_queued(), 3);
            drop(dropped);
            assert_eq!(fixture.db.writers_queued(), 2);
            Ok((first, last))
        })
        .unwrap();
    assert_eq!(block_on(async { (first.await.unwrap(), last.await.unwrap()) }), (1, 1));
    assert_eq!(ran.load(Ordering::SeqCst), 0);
    assert_eq!(fixture.texts(), ["a", "b"]);
}

#[test]
fn async_writes_need_no_particular_runtime() {
    let fixture = fixture();
    let write = |text: &'static str| {
        fixture.db.write_async("async", move |tx| tx.execute("INSERT INTO item(text) VALUES(?1)", [text]))
    };
    let count = || {
        let count =
            |conn: &crate::ReadConn<'_>| conn.query_row("SELECT count(*) FROM item", [], |row| row.get(0));
        fixture.db.read_async(count)
    };
    let current = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let seen: i64 = current.block_on(async {
        write("current").await.unwrap();
        // The blocking calls too: they must not panic inside a runtime.
        insert("blocking in current")(&fixture.db).unwrap();
        count().await.unwrap()
    });
    assert_eq!(seen, 2);
    let multi = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    let db = fixture.db.clone();
    let seen: i64 = multi.block_on(async {
        write("multi").await.unwrap();
        let spawned = tokio::spawn(async move { insert("blocking in multi")(&db) });
        spawned.await.unwrap().unwrap();
        count().await.unwrap()
    });
    assert_eq!(seen, 4);
    // Outside of any runtime a read says so instead of panicking.
    let outside = futures_lite_poll(fixture.db.read_async(|_| Ok::<_, DbError>(())));
    assert_eq!(outside.unwrap_err().kind(), ErrorKind::Invalid);
}

/// Polls once, outside of any runtime.
fn futures_lite_poll<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    match future.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop())) {
        std::task::Poll::Ready(value) => value,
        std::task::Poll::Pending => panic!("not ready at once"),
    }
}

#[test]
fn async_writes_join_groups_led_by_the_helper() {
    let fixture = fixture();
    let before = fixture.commits();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    runtime.block_on(async {
        let tasks: Vec<_> = (0..256)
            .map(|n| {
                let db = fixture.db.clone();
                tokio::spawn(async move {
                    db.write_async("async", move |tx| {
                        tx.execute("INSERT INTO item(text) VALUES(?1)", [format!("{n}")])
                    })
                    .await
                })
            })
            .collect();
        for task in tasks {
            assert_eq!(task.await.unwrap().unwrap(), 1);
        }
    });
    assert_eq!(fixture.texts().len(), 256);
    assert!(fixture.commits() - before < 256, "no two of 256 shared a commit");
}

#[test]
fn a_leader_that_ends_by_a_bug_answers_and_hands_on() {
    let fixture = fixture();
    let bug: Write = Box::new(|db| {
        BUG.set(true);
        let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| insert("leader")(db)));
        assert!(caught.is_err());
        Ok(())
    });
    let before = fixture.commits();
    let results = fixture.as_one_group(vec![bug, insert("follower")]);
    // The follower was in the committed group, but its leader could no longer say so.
    assert_eq!(kinds(&results), [None, Some(ErrorKind::Ambiguous)]);
    assert_eq!(fixture.commits() - before, 1);
    insert("after")(&fixture.db).unwrap();
    assert_eq!(fixture.texts(), ["leader", "follower", "after"]);
}

#[test]
fn a_helper_that_ends_by_a_bug_goes_on() {
    let fixture = fixture();
    *HELPER_BUG.lock().unwrap_or_else(PoisonError::into_inner) = Some(fixture.db.path().to_path_buf());
    let write = |text: &'static str| {
        fixture
            .db
            .write_async("async", move |tx| tx.execute("INSERT INTO item(text) VALUES(?1)", [text]).map(drop))
    };
    // Two in the queue: the bug ends the group of the first, or of both.
    let (first, second) = (write("a"), write("b"));
    let (first, second) = block_on(async { (first.await, second.await) });
    for answer in [first, second] {
        assert!(matches!(answer, Ok(()) | Err(DbError::Ambiguous { .. })), "{answer:?}");
    }
    block_on(write("after")).unwrap();
    assert!(fixture.texts().contains(&"after".to_owned()));
}

/// A failing closure may have seen what others did; if their commit fails it was told a tale.
#[test]
fn a_failure_is_told_after_the_commit_that_it_rests_on() {
    let fixture = fixture();
    let order = Arc::new(Mutex::new(Vec::new()));
    let (seen, told) = (Arc::clone(&order), Arc::clone(&order));
    let results = fixture.as_one_group(vec![
        // Holds a key, and fails at COMMIT.
        Box::new(|db| {
            db.write("key and orphan", |tx| {
                tx.execute("INSERT INTO item(text) VALUES('key')", [])?;
                tx.execute("INSERT INTO child(item) VALUES(999)", []).map(drop)
            })
        }),
        Box::new(move |db| {
            let seen = Arc::clone(&seen);
            let answer = db.write("key", move |tx| {
                let taken = tx.execute("INSERT INTO item(text) VALUES('key')", []);
                seen.lock().unwrap().push(taken.is_ok());
                taken.map(drop)
            });
            told.lock().unwrap().push(answer.is_ok());
            answer
        }),
    ]);
    assert_eq!(kinds(&results), [Some(ErrorKind::Constraint), None]);
    // First it met the key of one who was never there, then it got the key.
    assert_eq!(*order.lock().unwrap(), [false, true, true]);
    assert_eq!(fixture.texts(), ["key"]);
}

#[test]
fn an_action_that_panics_with_a_transaction_open_leaves_none() {
    let fixture = fixture();
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        fixture.db.exclusive(|conn| -> Result<()> {
            conn.execute_batch("BEGIN IMMEDIATE")?;
            panic!("on purpose");
        })
    }));
    assert!(panicked.is_err());
    let other = fixture.db.open_connection().unwrap();
    other.busy_timeout(Duration::ZERO).unwrap();
    other.execute_batch("BEGIN IMMEDIATE; COMMIT").unwrap();
    fixture
        .db
        .writing("weaker")
        .durability(Durability::Process)
        .run(|tx| tx.execute("INSERT INTO item(text) VALUES('a')", []))
        .unwrap();
}

#[test]
fn a_group_runs_at_its_strictest_level() {
    let process: fn(&'static str) -> Write = |text| {
        Box::new(move |db| {
            db.writing("process")
                .durability(Durability::Process)
                .run(move |tx| tx.execute("INSERT INTO item(text) VALUES(?1)", [text]).map(drop))
        })
    };
    let synchronous = |fixture: &Fixture| {
        let writer = fixture.db.writer_for_tests();
        crate::pragmas::integer(&writer.lead().write.conn, "synchronous").unwrap()
    };
    let fixture = fixture();
    // A power-proof write does not join a group that is not.
    let before = fixture.commits();
    fixture.as_one_group(vec![process("a"), process("b"), insert("c")]);
    assert_eq!(fixture.commits() - before, 2);
    assert_eq!(synchronous(&fixture), 2);
    // The other way round it costs nothing.
    let before = fixture.commits();
    fixture.as_one_group(vec![insert("d"), process("e")]);
    assert_eq!(fixture.commits() - before, 1);
    assert_eq!(synchronous(&fixture), 2);
    process("f")(&fixture.db).unwrap();
    assert_eq!(synchronous(&fixture), 1);
    // What is done alone (vacuum, checkpoints, conversions) is power-proof whoever wrote before.
    let alone = fixture.db.maintain(|conn| crate::pragmas::integer(conn, "synchronous"));
    assert_eq!(alone.unwrap(), 2);
}

#[test]
fn a_group_takes_no_more_than_its_size() {
    let fixture = fixture();
    let before = fixture.commits();
    let (entered, wait_entered) = channel();
    let (leave, wait_leave) = channel::<()>();
    let db = fixture.db.clone();
    let holder = std::thread::spawn(move || {
        db.maintain(|_| {
            entered.send(()).unwrap();
            wait_leave.recv().unwrap();
            Ok(())
        })
    });
    wait_entered.recv().unwrap();
    let writes: Vec<_> = (0..600)
        .map(|n| {
            fixture.db.write_async("many", move |tx| {
                tx.execute("INSERT INTO item(text) VALUES(?1)", [format!("{n}")])
            })
        })
        .collect();
    leave.send(()).unwrap();
    holder.join().unwrap().unwrap();
    block_on(async {
        for write in writes {
            write.await.unwrap();
        }
    });
    assert!(fixture.commits() - before >= 3);
    assert_eq!(fixture.texts().len(), 600);
}

#[test]
fn waiting_ends_at_the_callers_deadline() {
    let fixture = fixture_with(|options| options.deadline(Duration::from_millis(50)));
    let ran = Arc::new(AtomicUsize::new(0));
    let (db, counter) = (fixture.db.clone(), Arc::clone(&ran));
    // The lead is held until both waiters have given up.
    let errors = fixture
        .db
        .maintain(move |_| {
            let threads: Vec<_> = (0..2)
                .map(|_| {
                    let (db, counter) = (db.clone(), Arc::clone(&counter));
                    std::thread::spawn(move || {
                        db.write("late", move |_| {
                            counter.fetch_add(1, Ordering::SeqCst);
                            Ok::<_, DbError>(())
                        })
                    })
                })
                .collect();
            Ok(threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>())
        })
        .unwrap();
    assert_eq!(kinds(&errors), [Some(ErrorKind::Busy), Some(ErrorKind::Busy)]);
    assert!(errors[0].as_ref().unwrap_err().is_retryable());
    assert_eq!(ran.load(Ordering::SeqCst), 0);
    insert("after")(&fixture.db).unwrap();
}

/// Scenario 33, with limits of 0.3 and 0.8 s: who holds SQLite's lock is another connection.
#[test]
fn a_lock_held_elsewhere_is_waited_for_until_the_deadline() {
    let fixture = fixture_with(|options| options.deadline(Duration::from_millis(800)));
    let mut other = fixture.db.open_connection().unwrap();
    let held_for = |held: Duration, other: &mut crate::WritableConnection| {
        std::thread::scope(|scope| {
            let transaction =
                other.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).unwrap();
            let (db, clock) = (fixture.db.clone(), conclave_retry::SystemClock);
            let started = clock.monotonic();
            let writer = scope.spawn(move || {
                let answer = insert("late")(&db);
                (answer, clock.monotonic().saturating_sub(started))
            });
            let (_never, wait) = channel::<()>();
            // The time is the scenario: nothing in the code says when a lock is released.
            let _ = wait.recv_timeout(held);
            drop(transaction);
            writer.join().unwrap()
        })
    };
    let (answer, waited) = held_for(Duration::from_millis(300), &mut other);
    answer.unwrap();
    assert!(waited >= Duration::from_millis(300), "{waited:?}");
    let (answer, waited) = held_for(Duration::from_millis(1600), &mut other);
    let error = answer.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Busy);
    assert!(error.to_string().contains("database is locked"), "{error}");
    assert!(waited >= Duration::from_millis(800) && waited < Duration::from_millis(1600), "{waited:?}");
    assert!(fixture.db.metrics().retries > 0);
    assert_eq!(fixture.texts(), ["late"]);
}

#[test]
fn a_file_replaced_under_the_handle_is_noticed() {
    let fixture = fixture();
    insert("a")(&fixture.db).unwrap();
    let path = fixture.db.path().to_path_buf();
    let away = path.with_extension("away");
    std::fs::rename(&path, &away).unwrap();
    assert_eq!(insert("b")(&fixture.db).unwrap_err().kind(), ErrorKind::Replaced);
    // Nor is it vacuumed or checkpointed: that would put the log beside whatever has its name.
    let alone = fixture.db.maintain(|_| -> Result<()> { panic!("in a file that is gone") });
    assert_eq!(alone.unwrap_err().kind(), ErrorKind::Replaced);
    std::fs::write(&path, b"another file").unwrap();
    assert_eq!(insert("c")(&fixture.db).unwrap_err().kind(), ErrorKind::Replaced);
    assert_eq!(std::fs::read(&path).unwrap(), b"another file");
    std::fs::rename(&away, &path).unwrap();
    insert("d")(&fixture.db).unwrap();
    assert_eq!(fixture.texts(), ["a", "d"]);
}

/// More readers than connections near at hand, so that both ways in are kept shut.
#[test]
fn exclusive_waits_for_readers_and_keeps_new_ones_out() {
    let fixture = fixture();
    let (alone, done) = (AtomicBool::new(false), AtomicBool::new(false));
    std::thread::scope(|scope| {
        for _ in 0..12 {
            scope.spawn(|| {
                while !done.load(Ordering::SeqCst) {
                    fixture
                        .db
                        .read(|conn| {
                            assert!(!alone.load(Ordering::SeqCst), "a reader came in");
                            conn.query_row("SELECT count(*) FROM item", [], |row| row.get::<_, i64>(0))?;
                            std::thread::yield_now();
                            assert!(!alone.load(Ordering::SeqCst), "a reader was not waited for");
                            Ok::<_, DbError>(())
                        })
                        .unwrap();
                }
            });
        }
        for _ in 0..50 {
            fixture
                .db
                .exclusive(|conn| {
                    alone.store(true, Ordering::SeqCst);
                    assert_eq!(fixture.db.metrics().readers, 0);
                    conn.execute_batch("VACUUM")?;
                    std::thread::yield_now();
                    alone.store(false, Ordering::SeqCst);
                    Ok(())
                })
                .unwrap();
        }
        done.store(true, Ordering::SeqCst);
    });
    assert!(fixture.db.metrics().reads > 0);
}
