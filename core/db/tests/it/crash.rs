//! `kill -9` at any moment: what was acknowledged is there, nothing is half there.

use std::sync::Mutex;
use std::time::Duration;

use conclave_db::{Db, DbOptions, Durability, ErrorKind};
use conclave_testkit::{KillDriver, Parent, Rerun};

use crate::fixture::{Scratch, insert, schema, texts};

/// Two hundred kills of one file (or as many as `CONCLAVE_TEST_KILLS` says): every next start meets what the
/// last one left.
#[test]
fn acknowledged_writes_survive_kill() {
    let kills: u64 = std::env::var("CONCLAVE_TEST_KILLS").map_or(200, |kills| kills.parse().unwrap());
    if let Some(mut parent) = Parent::of_this_process() {
        let path = parent.role().to_owned();
        // Small logs, so that many kills meet a checkpoint.
        let db = Db::open(DbOptions::new(path, schema()).checkpoint_pages(20)).unwrap();
        parent.wait_for_release();
        write_until_killed(&db, parent);
        return;
    }
    let scratch = Scratch::new();
    drop(scratch.open());
    let rerun = Rerun::of("crash::acknowledged_writes_survive_kill").role(scratch.path().to_str().unwrap());
    let mut driver = KillDriver::new(20_261_121);
    let mut acknowledged = Vec::new();
    let mut in_flight = 0;
    for kill in 0..kills {
        let killed = driver.run_and_kill(rerun.start(), 40, Duration::from_millis(3));
        acknowledged.extend(killed.lines);
        let db = scratch.open();
        let stored = texts(&db);
        let names: std::collections::HashSet<&str> = stored.iter().map(String::as_str).collect();
        for text in &acknowledged {
            assert!(names.contains(text.as_str()), "kill {kill}: {text} was acknowledged and is lost");
        }
        // Both rows of a write, or none.
        for text in &stored {
            let other = match text.strip_suffix('\'') {
                Some(first) => first.to_owned(),
                None => format!("{text}'"),
            };
            assert!(names.contains(other.as_str()), "kill {kill}: half of {text} is there");
        }
        in_flight = stored.len() / 2 - acknowledged.len();
        let sound = db.read(|conn| {
            let check: String = conn.pragma("integrity_check")?;
            let orphans = conn.query_all("SELECT * FROM pragma_foreign_key_check", [], |_| Ok(()))?;
            Ok::<_, conclave_db::DbError>((check, orphans.len()))
        });
        assert_eq!(sound.unwrap(), ("ok".to_owned(), 0), "kill {kill}");
    }
    assert!(acknowledged.len() as u64 > kills, "only {} writes were acknowledged", acknowledged.len());
    // Some writes were durable and not yet said when the kill came: the kills did hit the middle of things.
    assert!(in_flight > 0, "no kill hit a write in flight");
}

fn write_until_killed(db: &Db, parent: Parent) {
    let process = std::process::id();
    let parent = Mutex::new(parent);
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let parent = &parent;
            scope.spawn(move || {
                for n in 0_u64.. {
                    let text = format!("{process} {thread} {n}");
                    let row = text.clone();
                    // Killing a process is no power cut: both levels survive it.
                    let level = if n % 2 == 0 { Durability::Power } else { Durability::Process };
                    let written = db.writing("pair").durability(level).run(move |tx| {
                        tx.execute("INSERT INTO item(text) VALUES(?1)", [&row])?;
                        tx.execute("INSERT INTO item(text, n) VALUES(?1 || '''', 1)", [&row])
                    });
                    assert_eq!(written.unwrap(), 1);
                    parent.lock().unwrap().say(&text);
                }
            });
        }
    });
}

/// A process that dies while it creates or migrates the file leaves something that the next one finishes.
#[test]
fn a_first_open_that_is_killed_is_finished_by_the_next() {
    if let Some(mut parent) = Parent::of_this_process() {
        let path = parent.role().to_owned();
        parent.wait_for_release();
        for n in 0.. {
            let path = format!("{path}/{n}/state.db");
            parent.say(&path);
            let db = Db::open(DbOptions::new(&path, schema())).unwrap();
            insert(&db, "first").unwrap();
            drop(db);
        }
        return;
    }
    let mut driver = KillDriver::new(7);
    for _ in 0..40 {
        let scratch = Scratch::new();
        let rerun = Rerun::of("crash::a_first_open_that_is_killed_is_finished_by_the_next")
            .role(scratch.dir.path().to_str().unwrap());
        let killed = driver.run_and_kill(rerun.start(), 4, Duration::from_millis(8));
        for path in killed.lines {
            match Db::open_read_only(DbOptions::new(&path, schema())) {
                Ok(_) => {}
                Err(error) => assert!(
                    matches!(error.kind(), ErrorKind::Missing | ErrorKind::NeedsMigration),
                    "{path}: {error}"
                ),
            }
            let db = Db::open(DbOptions::new(&path, schema())).unwrap();
            insert(&db, "second").unwrap();
            let auto_vacuum: i64 = db.read(|conn| conn.pragma("auto_vacuum")).unwrap();
            assert_eq!(auto_vacuum, 2, "{path}");
        }
    }
}
