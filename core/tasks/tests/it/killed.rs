//! Processes that are killed while they import, export and sync.

use std::path::{Path, PathBuf};
use std::time::Duration;

use conclave_db::{Db, DbOptions};
use conclave_tasks::exchange::{self, ExportOptions, ImportOptions, Order, SyncOptions};
use conclave_tasks::work::{self, Change};
use conclave_testkit::{Failure, Fault, FaultDisk, KillDriver, Op, Parent, Rerun, TempProject};

use crate::importing::{exported, lines};
use crate::project::schema;

/// Tasks of an import.
const TASKS: usize = 120;

fn variable(name: &str) -> String {
    std::env::var(name).unwrap()
}

fn open(folder: &Path) -> Db {
    Db::open(DbOptions::new(folder.join("state.db"), schema())).unwrap()
}

fn records(of: usize) -> String {
    (0..of)
        .map(|n| {
            format!(
                "{{\"id\":\"t-{n:04}\",\"title\":\"{}\",\"dependencies\":[\"t-{:04}\"]}}\n",
                "words ".repeat(20),
                n + 1
            )
        })
        .collect::<Vec<_>>()
        .concat()
}

/// In a child: does the work, and dies at the operation of the disk that the parent has named.
fn work_in_child(mut parent: Parent, work: impl FnOnce(&Db, &Path)) {
    let folder = PathBuf::from(variable("FOLDER"));
    let disk = FaultDisk::watch(&folder);
    let db = open(&folder);
    parent.wait_for_release();
    let op = if parent.role() == "sync" { Op::Sync } else { Op::Write };
    disk.fail(Fault { op, nth: variable("NTH").parse().unwrap(), error: Failure::Kill, sticky: false });
    work(&db, &folder);
    parent.say("done");
}

/// Kills a child at every n-th operation in turn, until one comes to its end; gives how many were killed.
fn kill_everywhere(
    test: &str,
    op: &str,
    step: usize,
    make: impl Fn(&Path),
    look: impl Fn(&Path, &str),
) -> u32 {
    for (killed, nth) in (0..).zip((1_u64..).step_by(step)) {
        let folder = TempProject::new();
        make(folder.root());
        let mut child = Rerun::of(test)
            .role(op)
            .variable("FOLDER", folder.root().display().to_string())
            .variable("NTH", nth.to_string())
            .start();
        child.release();
        let said = child.lines();
        child.wait();
        look(folder.root(), &format!("{op} {nth}"));
        if said == ["done"] {
            return killed;
        }
    }
    unreachable!("some child comes to its end")
}

#[test]
fn an_import_is_all_or_nothing() {
    if let Some(parent) = Parent::of_this_process() {
        return work_in_child(parent, |db, _| {
            exchange::import(db, "w", lines(records(TASKS).as_bytes()), ImportOptions::default()).unwrap();
        });
    }
    let seen = std::cell::Cell::new((0, 0));
    for (op, step) in [("sync", 1), ("write", 11)] {
        let killed = kill_everywhere(
            "killed::an_import_is_all_or_nothing",
            op,
            step,
            |folder| drop(open(folder)),
            |folder, context| {
                let db = open(folder);
                let (nothing, all) = seen.get();
                match exported(&db, Order::File) {
                    out if out.is_empty() => seen.set((nothing + 1, all)),
                    out => {
                        assert_eq!(out, records(TASKS), "{context}");
                        seen.set((nothing, all + 1));
                    }
                }
                let report =
                    exchange::import(&db, "w", lines(records(TASKS).as_bytes()), ImportOptions::default())
                        .unwrap();
                assert_eq!(report.created + report.unchanged, TASKS as u64, "{context}");
                let audited: i64 = db
                    .read(|conn| conn.query_row("SELECT count(*) FROM task_audit", [], |row| row.get(0)))
                    .unwrap();
                assert_eq!(audited, i64::try_from(TASKS).unwrap(), "{context}");
            },
        );
        assert!(killed > 0, "{op}");
    }
    let (nothing, all) = seen.get();
    assert!(nothing > 0 && all > 0, "{nothing} without a task, {all} with all");
}

/// The file and the store as a sync finds them: both have changed, one title differently.
fn diverged(folder: &Path) {
    let db = open(folder);
    let file = folder.join("f.jsonl");
    let line = |title: &str, more: &str| {
        format!("{{\"id\":\"a\",\"title\":\"{title}\",\"updated_at\":\"2026-01-01T00:00:00Z\"{more}}}\n")
    };
    std::fs::write(&file, format!("{}{}", line("A", ""), records(5))).unwrap();
    exchange::sync(&db, "w", &file, &SyncOptions::default()).unwrap();
    let change = Change { title: Some("ours".to_owned()), priority: Some(1), ..Change::default() };
    work::update(&db, "w", &["a".to_owned()], change).unwrap();
    let theirs = format!("{}{}", line("theirs", ",\"labels\":[\"l\"],\"priority\":2"), records(4));
    std::fs::write(&file, theirs).unwrap();
}

#[test]
fn a_sync_is_made_good_by_the_next_one() {
    if let Some(parent) = Parent::of_this_process() {
        return work_in_child(parent, |db, folder| {
            exchange::sync(db, "w", &folder.join("f.jsonl"), &SyncOptions::default()).unwrap();
        });
    }
    for (op, step, least) in [("sync", 1, 2), ("write", 3, 4)] {
        let killed = kill_everywhere(
            "killed::a_sync_is_made_good_by_the_next_one",
            op,
            step,
            diverged,
            |folder, context| {
                let (db, file) = (open(folder), folder.join("f.jsonl"));
                exchange::sync(&db, "w", &file, &SyncOptions::default()).unwrap();
                let is = std::fs::read_to_string(&file).unwrap();
                assert_eq!(is, exported(&db, Order::Id), "{context}");
                assert!(is.contains("\"ours\"") && is.contains("\"labels\":[\"l\"]"), "{context}: {is}");
                assert!(is.contains("\"priority\":1") && !is.contains("t-0004\",\"title"), "{context}: {is}");
                let keys: Vec<String> = db
                    .read(|conn| {
                        conn.query_all(
                            "SELECT key FROM task_audit, json_each(changes) WHERE operation = 'conflict' ORDER BY 1",
                            [],
                            |row| row.get(0),
                        )
                    })
                    .unwrap();
                assert_eq!(keys, ["priority", "title"], "{context}: each conflict once");
                let again = exchange::sync(&db, "w", &file, &SyncOptions::default()).unwrap();
                assert_eq!((again.conflicts.len(), again.written, again.updated), (0, 0, 0), "{context}");
            },
        );
        assert!(killed >= least, "{op}: {killed}");
    }
}

#[test]
fn an_exported_file_is_never_torn() {
    if let Some(mut parent) = Parent::of_this_process() {
        let folder = PathBuf::from(variable("FOLDER"));
        let db = open(&folder);
        parent.wait_for_release();
        for n in 0.. {
            let options = ExportOptions { order: Order::Id, force: true };
            work::comment(&db, "w", "t-0000", &n.to_string()).unwrap();
            exchange::export_to_file(&db, &folder.join("f.jsonl"), options).unwrap();
            parent.say(&n.to_string());
        }
        return;
    }
    let folder = TempProject::new();
    let file = folder.path("f.jsonl");
    let db = open(folder.root());
    exchange::import(&db, "w", lines(records(TASKS).as_bytes()), ImportOptions::default()).unwrap();
    let mut driver = KillDriver::new(11);
    let mut most = 0;
    for round in 0..12 {
        let child = Rerun::of("killed::an_exported_file_is_never_torn")
            .variable("FOLDER", folder.root().display().to_string())
            .start();
        let killed = driver.run_and_kill(child, 6, Duration::from_millis(15));
        assert!(!killed.ended, "round {round}");
        let Ok(bytes) = std::fs::read(&file) else {
            assert!(killed.lines.is_empty() && most == 0, "round {round}: what was acknowledged is there");
            continue;
        };
        let read = lines(&bytes);
        assert!(bytes.ends_with(b"\n") && read.bad.is_empty(), "round {round}");
        assert_eq!(read.good.len(), TASKS, "round {round}");
        let conclave_tasks::record::Line::Task(first) = &read.good[0].1 else { panic!("no task") };
        let comments = first.projection().comments.len();
        assert!(
            comments >= most + killed.lines.len(),
            "round {round}: {comments} of {most} + {:?}",
            killed.lines
        );
        most = comments;
        // Whoever comes next clears up.
        exchange::export_to_file(&db, &file, ExportOptions { order: Order::Id, force: true }).unwrap();
    }
    let left = std::fs::read_dir(folder.root()).unwrap().flatten();
    let left: Vec<_> =
        left.map(|entry| entry.file_name()).filter(|name| name.to_string_lossy().ends_with(".tmp")).collect();
    assert!(left.len() <= 1, "{left:?}");
    assert!(most > 0);
}
