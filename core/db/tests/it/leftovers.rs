//! What a copy leaves behind whose process was killed.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::sync::Arc;

use conclave_db::backup::{BackupOptions, backup, default_folder};
use conclave_db::doctor::{self, CheckState};
use conclave_db::{Db, DbOptions, process};
use conclave_testkit::{ManualClock, Parent, Rerun};

use crate::backup::{keep, names};
use crate::fixture::{Scratch, insert, schema};

fn unfinished(scratch: &Scratch) -> Vec<String> {
    let mut found = names(&default_folder(&scratch.path()));
    found.retain(|name| name.starts_with(".copy-"));
    found
}

fn leftovers(db: &Db) -> CheckState {
    doctor::checks(db).iter().find(|check| check.name == "leftovers").unwrap().state
}

/// Makes one backup after the other until it is killed.
fn back_up_for_ever(mut parent: Parent) {
    let db = Db::open(DbOptions::new(parent.role(), schema())).unwrap();
    parent.wait_for_release();
    loop {
        backup(&db, &default_folder(db.path()), &keep(1)).unwrap();
    }
}

#[test]
fn what_a_killed_copy_leaves_goes_with_the_next_backup_or_the_doctor() {
    if let Some(parent) = Parent::of_this_process() {
        return back_up_for_ever(parent);
    }
    let scratch = Scratch::new();
    let db = scratch.open();
    insert(&db, &"x".repeat(4 << 20)).unwrap();
    for by_doctor in [false, true] {
        let mut child =
            Rerun::of("leftovers::what_a_killed_copy_leaves_goes_with_the_next_backup_or_the_doctor")
                .role(scratch.path().to_str().unwrap())
                .start();
        child.release();
        // In the middle of a copy, whenever that is.
        let left = loop {
            while unfinished(&scratch).is_empty() {
                std::thread::yield_now();
            }
            child.stop();
            let found = unfinished(&scratch);
            if !found.is_empty() {
                break found;
            }
            child.go_on();
        };
        // It stands still, and lives: its copy is its own.
        backup(&db, &default_folder(db.path()), &BackupOptions::default()).unwrap();
        assert_eq!((unfinished(&scratch), leftovers(&db)), (left.clone(), CheckState::Ok));
        child.kill();
        assert_eq!((unfinished(&scratch), leftovers(&db)), (left, CheckState::Warn));
        if by_doctor {
            let done = doctor::fix(&db).unwrap();
            assert!(done.iter().any(|done| done.contains(".copy-")), "{done:?}");
        } else {
            backup(&db, &default_folder(db.path()), &BackupOptions::default()).unwrap();
        }
        assert_eq!((unfinished(&scratch), leftovers(&db)), (Vec::new(), CheckState::Ok));
    }
}

#[test]
fn what_a_process_left_that_cannot_be_seen_from_here_goes_when_it_is_old() {
    let scratch = Scratch::new();
    let clock = ManualClock::at_wall_ms(0);
    let db = Db::open(scratch.options().clock(Arc::new(clock.clone()))).unwrap();
    insert(&db, "one").unwrap();
    let folder = scratch.dir.path().join("copies");
    fs::create_dir(&folder).unwrap();
    let me = process::current().unwrap();
    let (pid, start, space, boot) = (me.pid, me.start_time, me.pid_namespace, me.boot_id);
    let elsewhere = [
        format!(".copy-{pid}-{start}-7-0-{boot}.tmp"),
        format!(".copy-{pid}-{start}-{space}-0-other.tmp-wal"),
    ];
    let ours = format!(".copy-{pid}-{start}-{space}-7-{boot}.tmp");
    // A later process with the pid of the one that made it.
    let reused = format!(".copy-{pid}-1{start}-{space}-0-{boot}.tmp");
    for name in [&elsewhere[0], &elsewhere[1], &ours, &reused, ".copy-x.tmp"] {
        fs::write(folder.join(name), "").unwrap();
    }
    let there = |name: &str| folder.join(name).exists();
    backup(&db, &folder, &BackupOptions::default()).unwrap();
    assert!(!there(&reused), "certainly dead");
    assert!(elsewhere.iter().all(|name| there(name)), "they may be at work");
    let made_ms = fs::metadata(folder.join(&elsewhere[0])).unwrap().mtime() * 1000;
    clock.set_wall_ms(made_ms + 59 * 60_000);
    backup(&db, &folder, &keep(1)).unwrap();
    assert!(elsewhere.iter().all(|name| there(name)), "they may be at work still");
    clock.set_wall_ms(made_ms + 61 * 60_000);
    backup(&db, &folder, &keep(1)).unwrap();
    assert!(!elsewhere.iter().any(|name| there(name)));
    assert!(there(&ours) && there(".copy-x.tmp"));
}
