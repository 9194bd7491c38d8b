//! The turn: taken when free, waited for with patience, never in the way for long.

use std::fs::File;
use std::sync::mpsc::channel;
use std::time::Duration;

use super::Turn;
use crate::file::beside;

fn lock(path: &std::path::Path, suffix: &str) -> File {
    let file = super::open(&beside(path, suffix)).unwrap();
    file.lock().unwrap();
    file
}

fn is_free(path: &std::path::Path, suffix: &str) -> bool {
    super::open(&beside(path, suffix)).unwrap().try_lock().is_ok()
}

#[test]
fn a_free_turn_is_held_and_given_back() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state.db");
    let mut turn = Turn::new(&path, Duration::from_mins(1), true);
    let granted = turn.acquire();
    assert!(!is_free(&path, "-turn"));
    assert!(is_free(&path, "-queue"));
    drop(granted);
    assert!(is_free(&path, "-turn"));
}

#[test]
fn a_waiter_gets_the_turn_when_it_is_freed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state.db");
    let holder = lock(&path, "-turn");
    let (waiting, path_of_waiter) = (channel(), path.clone());
    let waiter = std::thread::spawn(move || {
        let mut turn = Turn::new(&path_of_waiter, Duration::from_mins(1), true);
        waiting.0.send(()).unwrap();
        let granted = turn.acquire();
        (granted.locks.is_some(), !is_free(&path_of_waiter, "-turn"))
    });
    waiting.1.recv().unwrap();
    // The waiter has its place in the queue before the turn is freed.
    while is_free(&path, "-queue") {
        std::thread::yield_now();
    }
    drop(holder);
    assert_eq!(waiter.join().unwrap(), (true, true));
    assert!(is_free(&path, "-turn"));
}

/// Else all who wait would meet at the turn, in whatever order the system likes, and who frees it could take it
/// again at once.
#[test]
fn who_waits_for_the_turn_keeps_its_place_in_the_queue() {
    use std::os::unix::fs::MetadataExt;
    if !std::path::Path::new("/proc/locks").exists() {
        conclave_testkit::skipped("no /proc/locks here");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state.db");
    // One meets the turn taken, the other the queue: both end up waiting for the turn.
    for first in ["-turn", "-queue"] {
        let holder = lock(&path, "-turn");
        let ahead = (first == "-queue").then(|| lock(&path, "-queue"));
        let inode = format!(":{} ", holder.metadata().unwrap().ino());
        let path_of_waiter = path.clone();
        let waiter = std::thread::spawn(move || {
            let mut turn = Turn::new(&path_of_waiter, Duration::from_mins(1), true);
            turn.acquire().locks.is_some()
        });
        drop(ahead);
        let waits = |line: &str| line.contains(" -> ") && line.contains(&inode);
        while !std::fs::read_to_string("/proc/locks").unwrap().lines().any(waits) {
            std::thread::yield_now();
        }
        assert!(!is_free(&path, "-queue"), "{first}");
        drop(holder);
        assert!(waiter.join().unwrap());
        assert!(is_free(&path, "-turn") && is_free(&path, "-queue"));
    }
}

/// A process that is stopped with the turn in hand costs one wait, not one each time.
#[test]
fn patience_ends_once_and_the_turn_comes_back() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state.db");
    for suffix in ["-turn", "-queue"] {
        let holder = lock(&path, suffix);
        let mut turn = Turn::new(&path, Duration::from_millis(30), true);
        assert!(turn.acquire().locks.is_none(), "went on with a turn that {suffix} should have kept");
        turn.patience = Duration::from_hours(1);
        assert!(turn.acquire().locks.is_none(), "waited again");
        drop(holder);
        // The thread that was left behind takes the turn, sees that nobody wants it, and gives it back.
        while turn.acquire().locks.is_none() {
            std::thread::yield_now();
        }
        assert!(is_free(&path, "-turn") && is_free(&path, "-queue"));
    }
}

/// Else a call to a model would wait a second for the turn of a process that was stopped, though it said 200 ms.
#[test]
fn who_has_little_time_left_does_not_wait_for_the_whole_patience() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state.db");
    let _holder = lock(&path, "-turn");
    let mut turn = Turn::new(&path, Duration::from_hours(1), true);
    assert!(turn.acquire_within(Duration::from_millis(1)).locks.is_none());
}

#[test]
fn without_the_files_writing_goes_on() {
    let mut turn = Turn::new(std::path::Path::new("/no/such/folder/state.db"), Duration::from_mins(1), true);
    assert!(turn.acquire().locks.is_none());
    assert!(
        Turn::new(std::path::Path::new("state.db"), Duration::from_mins(1), false).acquire().locks.is_none()
    );
}
