//! What waits is stored, kept within its bound, or counted.

use std::sync::{Arc, Mutex};

use std::collections::BTreeMap;
use std::time::Duration;

use conclave_spool::drops::Reason;

use conclave_testkit::ManualClock;

use super::{BESIDE, Kept, MOST, MUCH, PAUSE, Shared, State, Store, serve, wait_until_due};

/// Stores nothing the first so many times.
struct Fails {
    times: u32,
    stored: Arc<Mutex<Vec<Vec<u8>>>>,
    /// What it counted as dropped.
    counted: Arc<Mutex<BTreeMap<Reason, u64>>>,
}

impl Store for Fails {
    fn store(&mut self, lines: &mut Vec<Vec<u8>>) -> (Kept, Option<Reason>) {
        if self.times > 0 {
            self.times -= 1;
            return (Kept { problem: Some("busy".into()), ..Kept::default() }, Some(Reason::DiskFull));
        }
        let stored = lines.len() as u64;
        self.stored.lock().unwrap().append(lines);
        (Kept { stored, ..Kept::default() }, None)
    }

    fn count(&mut self, reason: Reason, events: u64) -> bool {
        *self.counted.lock().unwrap().entry(reason).or_default() += events;
        true
    }
}

fn waiting(lines: &[&str]) -> Shared {
    let shared = Shared::default();
    let mut state = shared.lock();
    state.lines = lines.iter().map(|line| line.as_bytes().to_vec()).collect();
    state.bytes = state.lines.iter().map(|line| line.len() + BESIDE).sum();
    drop(state);
    shared
}

#[test]
fn the_last_time_everything_is_tried_once_more_and_what_is_lost_is_counted() {
    for (times, lost) in [(0, 0), (1, 3)] {
        let shared = waiting(&["a", "b", "c"]);
        let stored = Arc::<Mutex<Vec<Vec<u8>>>>::default();
        let counted = Arc::<Mutex<BTreeMap<Reason, u64>>>::default();
        shared.lock().closed = true;
        serve(&shared, Fails { times, stored: Arc::clone(&stored), counted: Arc::clone(&counted) });
        let state = shared.lock();
        assert_eq!((state.kept.stored, state.kept.dropped), (3 - lost, lost));
        assert_eq!((stored.lock().unwrap().len() as u64, state.lines.len()), (3 - lost, 0));
        assert_eq!(state.kept.problem.is_some(), times > 0);
        assert_eq!(counted.lock().unwrap().get(&Reason::DiskFull).copied(), (lost > 0).then_some(lost));
        assert_eq!(counted.lock().unwrap().len(), usize::from(lost > 0));
    }
}

#[test]
fn what_could_not_be_stored_stays_in_front_and_within_the_bound() {
    let shared = waiting(&["new"]);
    let mut state = shared.lock();
    let (busy, now) = (Some(Reason::Busy), Duration::from_secs(9));
    state.put_back(vec![b"old".to_vec(), b"older".to_vec()], busy, now);
    assert_eq!(state.lines, [b"old".to_vec(), b"older".to_vec(), b"new".to_vec()]);
    assert!(state.failed == busy && !state.is_due());
    state.asked = true;
    assert!(!state.is_due(), "not before a pause");
    state.put_back(vec![vec![b'x'; MOST], vec![b'y'; 10]], busy, now);
    assert_eq!((state.lines.len(), state.kept.dropped), (4, 1), "the oldest goes");
    assert_eq!(state.uncounted, BTreeMap::from([(Reason::Busy, 1)]));
    assert!(state.bytes <= MOST);
    state.put_back(Vec::new(), None, now);
    assert!(state.failed.is_none() && state.is_due());
}

#[test]
fn what_comes_does_not_put_off_the_next_attempt() {
    let shared = waiting(&["old"]);
    let mut state = shared.lock();
    assert_eq!(State::default().due_in(PAUSE), None);
    let tried = Duration::from_secs(100);
    let lines = std::mem::take(&mut state.lines);
    state.put_back(lines, Some(Reason::Busy), tried);
    assert_eq!(state.due_in(tried), Some(PAUSE));
    state.lines.push(b"new".to_vec());
    state.asked = true;
    assert_eq!(state.due_in(tried + PAUSE / 4), Some(PAUSE * 3 / 4));
    assert_eq!(state.due_in(tried + PAUSE * 2), Some(Duration::ZERO));
    drop(state);
    let clock = ManualClock::new();
    clock.advance(tried + PAUSE);
    let shared = Shared { clock: Arc::new(clock), ..shared };
    assert_eq!(wait_until_due(&shared).lines.len(), 2);
}

#[test]
fn much_of_it_is_due_at_once_and_so_is_the_end_of_an_attempt() {
    let mut state = State::default();
    assert!(!state.is_due());
    state.asked = true;
    assert!(!state.is_due(), "there is nothing");
    state.lines.push(b"x".to_vec());
    assert!(state.is_due());
    (state.asked, state.bytes) = (false, MUCH - 1);
    assert!(!state.is_due());
    state.bytes = MUCH;
    assert!(state.is_due());
    let shared = Shared::default();
    shared.lock().closed = true;
    assert!(wait_until_due(&shared).lines.is_empty(), "an end is waited for by nobody");
}
