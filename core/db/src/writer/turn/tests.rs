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

#[test]
fn without_the_files_writing_goes_on() {
    let mut turn = Turn::new(std::path::Path::new("/no/such/folder/state.db"), Duration::from_mins(1), true);
    assert!(turn.acquire().locks.is_none());
    assert!(
        Turn::new(std::path::Path::new("state.db"), Duration::from_mins(1), false).acquire().locks.is_none()
    );
}
