use conclave_testkit::ManualClock;

use super::*;

#[test]
fn one_has_it_until_it_is_dropped() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(".lock");
    let held = Flock::try_take(&path).unwrap().unwrap();
    assert!(Flock::try_take(&path).unwrap().is_none());
    let clock = ManualClock::new();
    let waited = Flock::take_within(&path, Duration::from_secs(1), &clock, &clock).unwrap();
    assert!(waited.is_none());
    assert_eq!(clock.monotonic(), Duration::from_secs(1));
    drop(held);
    assert!(Flock::try_take(&path).unwrap().is_some());
}

#[test]
fn whoever_removes_the_file_lets_the_next_one_in() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(".lock");
    let _held = Flock::try_take(&path).unwrap().unwrap();
    std::fs::remove_file(&path).unwrap();
    assert!(Flock::try_take(&path).unwrap().is_some());
}

#[test]
fn a_link_is_not_followed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(".lock");
    std::os::unix::fs::symlink(dir.path().join("elsewhere"), &path).unwrap();
    assert!(Flock::try_take(&path).is_err());
    assert!(!dir.path().join("elsewhere").exists());
}

// Found by the tests themselves: one that starts processes made others see a live writer where there was none.
#[test]
fn a_child_that_is_being_started_does_not_keep_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lock");
    let lock = Flock::try_take(&path).unwrap().unwrap();
    // What fork(2) gives the child: another descriptor of the same open file.
    let of_child = lock.file.try_clone().unwrap();
    drop(lock);
    assert!(Flock::try_take(&path).unwrap().is_some());
    drop(of_child);
}
