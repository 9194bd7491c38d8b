//! Scenario 3 and two to sixty-four at once: many threads and processes on one file.

use std::path::{Path, PathBuf};
use std::sync::Barrier;

use conclave_db::{Db, DbOptions};
use conclave_testkit::{Parent, Rerun};

use crate::fixture::{Scratch, insert, schema, texts};

fn open_and_write(path: &Path, who: &str) {
    let db = Db::open(DbOptions::new(path, schema())).unwrap();
    insert(&db, who).unwrap();
}

/// Ten threads and eight processes open one fresh path, 200 times: no error, one schema, everyone's row.
#[test]
fn many_open_one_fresh_path() {
    const THREADS: usize = 10;
    const PROCESSES: usize = 8;
    const ROUNDS: usize = 200;
    if let Some(mut parent) = Parent::of_this_process() {
        parent.wait_for_release();
        while let Some(path) = parent.hear() {
            open_and_write(Path::new(&path), &format!("process {}", std::process::id()));
            parent.say("done");
        }
        return;
    }
    let scratch = Scratch::new();
    let rerun = Rerun::of("race::many_open_one_fresh_path");
    let mut children: Vec<_> = (0..PROCESSES).map(|_| rerun.start()).collect();
    for child in &mut children {
        child.release();
    }
    for round in 0..ROUNDS {
        // Every other time in a folder that is not there yet either.
        let path: PathBuf = match round % 2 {
            0 => scratch.dir.path().join(format!("{round}.db")),
            _ => scratch.dir.path().join(format!("{round}/state.db")),
        };
        let barrier = Barrier::new(THREADS + 1);
        std::thread::scope(|scope| {
            for thread in 0..THREADS {
                let (barrier, path) = (&barrier, &path);
                scope.spawn(move || {
                    barrier.wait();
                    open_and_write(path, &format!("thread {thread}"));
                });
            }
            for child in &mut children {
                child.send(path.to_str().unwrap());
            }
            barrier.wait();
            for child in &mut children {
                assert_eq!(child.line().as_deref(), Some("done"), "round {round}");
            }
        });
        let db = Db::open_read_only(DbOptions::new(&path, schema())).unwrap();
        assert_eq!(texts(&db).len(), THREADS + PROCESSES, "round {round}");
        let found = db.read(|conn| {
            Ok::<_, conclave_db::DbError>((
                conn.pragma::<i64>("user_version")?,
                conn.pragma::<i64>("auto_vacuum")?,
                conn.pragma::<String>("journal_mode")?,
                conn.query_row("SELECT count(*) FROM schema_migrations", [], |row| row.get::<_, i64>(0))?,
                conn.pragma::<String>("integrity_check")?,
            ))
        });
        assert_eq!(found.unwrap(), (100, 2, "wal".to_owned(), 1, "ok".to_owned()), "round {round}");
    }
}

/// Each process adds to one counter; a lost update would show in the sum.
#[test]
fn processes_lose_no_update_and_nobody_is_locked_out() {
    const PROCESSES: usize = 8;
    const EACH: i64 = 100;
    let increment = |db: &Db| {
        db.write("increment", |tx| {
            let n: i64 = tx.query_row("SELECT n FROM item WHERE text = 'counter'", [], |row| row.get(0))?;
            tx.execute("UPDATE item SET n = ?1 WHERE text = 'counter'", [n + 1])
        })
    };
    if let Some(mut parent) = Parent::of_this_process() {
        let db = Db::open(DbOptions::new(parent.role(), schema())).unwrap();
        parent.wait_for_release();
        for _ in 0..EACH {
            increment(&db).unwrap();
        }
        return;
    }
    let scratch = Scratch::new();
    let db = scratch.open();
    insert(&db, "counter").unwrap();
    let rerun = Rerun::of("race::processes_lose_no_update_and_nobody_is_locked_out")
        .role(scratch.path().to_str().unwrap());
    let mut fleet = rerun.start_fleet(PROCESSES);
    fleet.release();
    for _ in 0..EACH {
        increment(&db).unwrap();
    }
    fleet.finish();
    let n: i64 = db.read(|conn| conn.query_row("SELECT n FROM item", [], |row| row.get(0))).unwrap();
    assert_eq!(n, EACH * (i64::try_from(PROCESSES).unwrap() + 1));
}

/// A process that is stopped with the turn in hand holds others up for their patience, not for ever; one that
/// is stopped inside a transaction holds SQLite's own lock, and others hear so at their deadline.
#[test]
fn a_stopped_process_holds_nobody_up_for_ever() {
    use conclave_db::{DbError, ErrorKind};
    use std::time::Duration;

    const PATH: &str = "CONCLAVE_TEST_PATH";
    if let Some(mut parent) = Parent::of_this_process() {
        let path = PathBuf::from(std::env::var_os(PATH).unwrap());
        if parent.role() == "turn" {
            let turn =
                std::fs::File::options().write(true).open(path.with_file_name("state.db-turn")).unwrap();
            turn.lock().unwrap();
            parent.wait_for_release();
            parent.say("holds");
            parent.hear();
        } else {
            let db = Db::open(DbOptions::new(&path, schema())).unwrap();
            parent.wait_for_release();
            let parent = std::sync::Mutex::new(parent);
            db.write("holds", move |_| {
                let mut parent = parent.lock().unwrap();
                parent.say("holds");
                parent.hear();
                Ok::<_, DbError>(())
            })
            .unwrap();
        }
        return;
    }
    for role in ["turn", "transaction"] {
        let scratch = Scratch::new();
        let db = scratch.open();
        insert(&db, "before").unwrap();
        let rerun = Rerun::of("race::a_stopped_process_holds_nobody_up_for_ever")
            .role(role)
            .variable(PATH, scratch.path().to_str().unwrap());
        let mut child = rerun.start();
        child.release();
        assert_eq!(child.line().as_deref(), Some("holds"));
        child.stop();
        let during = db
            .writing("during")
            .deadline(Duration::from_secs(3))
            .run(|tx| tx.execute("INSERT INTO item(text) VALUES('during')", []));
        if role == "turn" {
            during.unwrap();
        } else {
            let error = during.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Busy);
            assert!(error.to_string().contains("locked"), "{error}");
        }
        child.kill();
        // Locks end with their process.
        insert(&db, "after").unwrap();
    }
}
