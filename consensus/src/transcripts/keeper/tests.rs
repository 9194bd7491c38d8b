//! What waits is stored, kept within its bound, or counted.

use std::sync::{Arc, Mutex};

use super::{BESIDE, Kept, MOST, MUCH, Shared, State, Store, serve, wait_until_due};

/// Stores nothing the first so many times.
struct Fails {
    times: u32,
    stored: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Store for Fails {
    fn store(&mut self, lines: &mut Vec<Vec<u8>>) -> Kept {
        if self.times > 0 {
            self.times -= 1;
            return Kept { problem: Some("busy".into()), ..Kept::default() };
        }
        let stored = lines.len() as u64;
        self.stored.lock().unwrap().append(lines);
        Kept { stored, ..Kept::default() }
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
fn the_last_time_everything_is_tried_once_more() {
    for (times, stored) in [(0, 3), (1, 0)] {
        let shared = waiting(&["a", "b", "c"]);
        let kept = Arc::<Mutex<Vec<Vec<u8>>>>::default();
        shared.lock().closed = true;
        serve(&shared, Fails { times, stored: Arc::clone(&kept) });
        let state = shared.lock();
        assert_eq!((state.kept.stored, state.lines.len()), (stored, 3 - kept.lock().unwrap().len()));
        assert_eq!(state.kept.problem.is_some(), times > 0);
    }
}

#[test]
fn what_could_not_be_stored_stays_in_front_and_within_the_bound() {
    let shared = waiting(&["new"]);
    let mut state = shared.lock();
    state.put_back(vec![b"old".to_vec(), b"older".to_vec()]);
    assert_eq!(state.lines, [b"old".to_vec(), b"older".to_vec(), b"new".to_vec()]);
    assert!(state.failed && !state.is_due());
    state.asked = true;
    assert!(!state.is_due(), "not before a pause");
    state.put_back(vec![vec![b'x'; MOST], vec![b'y'; 10]]);
    assert_eq!((state.lines.len(), state.kept.dropped), (4, 1), "the oldest goes");
    assert!(state.bytes <= MOST);
    state.put_back(Vec::new());
    assert!(!state.failed && state.is_due());
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
