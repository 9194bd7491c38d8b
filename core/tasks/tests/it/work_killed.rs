//! `kill -9` at any moment of claiming, changing and closing: what was acknowledged is there, all of it or nothing of
//! the rest, and the audit log explains every state.

use std::path::PathBuf;
use std::time::Duration;

use conclave_tasks::read::{self, ReadyQuery};
use conclave_tasks::work::{self, Attempt, Change, Closing, NewTask, Set};
use conclave_testkit::{KillDriver, Parent, Random, Rerun};

use crate::project::{Project, open, parts, texts, titled};

/// Claims, changes and closes one task after the other, each with a new one that waits for it, and says each.
fn work_on(mut parent: Parent) {
    let db = open(&PathBuf::from(std::env::var_os("STORE").unwrap()));
    let who = std::env::var("WHO").unwrap();
    parent.wait_for_release();
    for n in 0.. {
        let ttl = (n % 2 == 0).then_some(Duration::from_hours(1));
        let Some(row) = work::claim_ready(&db, &who, &ReadyQuery::default(), ttl).unwrap().pop() else {
            return;
        };
        let id = row.id().to_owned();
        parent.say(&format!("claimed {id}"));
        let change = Change {
            result: Set::To(format!("{who} {n}")),
            attempt: Some(Attempt::Next),
            add_labels: texts(&[&who]),
            ..Change::default()
        };
        work::update(&db, &who, std::slice::from_ref(&id), change).unwrap();
        parent.say(&format!("tried {id}"));
        let dependencies = vec![(id.clone(), "blocks".to_owned())];
        let next =
            work::create(&db, &who, NewTask { dependencies, ..titled(&format!("{who} {n}")) }).unwrap();
        parent.say(&format!("created {}", next.id()));
        let freed = work::close(&db, &who, std::slice::from_ref(&id), &Closing::default()).unwrap().ready;
        assert!(freed.iter().any(|id| id == next.id()), "{freed:?}");
        parent.say(&format!("closed {id}"));
    }
}

/// Beginning with a search: the check of FTS5 does not see that somebody else has written since its connection looked
/// last (SQLite 3.53.2, `fts5IntegrityMethod`), and calls what it then misses a corruption.
fn integrity(project: &Project) -> String {
    let checked = project.db.read(|conn| {
        conn.query_all("SELECT rowid FROM task_search('child')", [], |_| Ok(()))?;
        conn.query_row("PRAGMA integrity_check", [], |row| row.get(0))
    });
    checked.unwrap()
}

#[test]
fn acknowledged_work_survives_kill_and_its_log_explains_it() {
    if let Some(parent) = Parent::of_this_process() {
        return work_on(parent);
    }
    let project = Project::new();
    for n in 0..3 {
        project.task(&format!("t-{n}"));
    }
    let mut driver = KillDriver::with(Random::from_env(6));
    for round in 0..12 {
        let who = format!("child-{round}");
        let child = Rerun::of("work_killed::acknowledged_work_survives_kill_and_its_log_explains_it")
            .variable("STORE", project.db.path().display().to_string())
            .variable("WHO", who.clone())
            .start();
        let killed = driver.run_and_kill(child, 40, Duration::from_millis(4));
        assert!(!killed.ended, "there is always something to do");
        for line in &killed.lines {
            let (done, id) = line.split_once(' ').unwrap();
            let row = project.row(id);
            let operations: Vec<String> =
                project.audit(id).into_iter().filter(|row| row.who == who).map(|row| row.operation).collect();
            let tried = read::attempts(&project.db, id).unwrap();
            let is_there = match done {
                "claimed" => operations.contains(&"claimed".to_owned()),
                "tried" => tried[0].who == who && row.record.text("result") == tried[0].result,
                "created" => operations.contains(&"created".to_owned()),
                _ => row.status.as_deref() == Some("closed"),
            };
            assert!(is_there, "{line} by {who}: {row:?}");
        }
        // What was begun and not acknowledged is there as a whole, or not at all.
        let all: Vec<String> = project.column("SELECT id FROM tasks");
        for id in &all {
            let record = project.row(id).record;
            assert_eq!(project.replayed(id), parts(record.bytes()));
            assert_eq!(record.projection().oddities, []);
        }
        let said = killed.lines.iter().filter(|line| line.starts_with("created")).count();
        assert!(all.len() >= 3 + said);
        let counts = "SELECT (SELECT count(*) FROM task_attempts), (SELECT count(*) FROM task_audit WHERE operation = 'updated' AND who <> 'keeper'),
                      (SELECT count(*) FROM tasks WHERE blocked <> EXISTS (
                         SELECT 1 FROM task_edges AS e JOIN tasks AS t ON t.id = e.target
                         WHERE e.task = tasks.number AND t.status <> 'closed'))";
        let (attempts, updates, wrong) = project
            .db
            .read(|conn| {
                conn.query_row(counts, [], |row| {
                    Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?))
                })
            })
            .unwrap();
        assert_eq!((attempts, wrong), (updates, 0));
        assert_eq!(integrity(&project), "ok");
        // Its claims would lie there for ever; somebody takes care of them.
        let open: Vec<String> = project.column("SELECT id FROM tasks WHERE status = 'in_progress'");
        let free = Change { status: Some("open".to_owned()), assignee: Set::Clear, ..Change::default() };
        for id in open {
            work::update(&project.db, "keeper", &[id], free.clone()).unwrap();
        }
    }
}
