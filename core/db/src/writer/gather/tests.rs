//! When a pause is worth it.

use std::time::Duration;

use super::Gather;

const COMMIT: Duration = Duration::from_micros(800);

fn after(groups: &[(bool, usize, usize)]) -> Gather {
    let mut gather = Gather { usual_commit: COMMIT, ..Gather::default() };
    for (paused, members, waiting) in groups {
        gather.committed(*paused, *members, *waiting, COMMIT);
    }
    gather
}

#[test]
fn a_lone_writer_is_never_held_up() {
    assert_eq!(after(&[]).pause(1), Duration::ZERO);
    assert_eq!(after(&[(false, 1, 0); 5]).pause(1), Duration::ZERO);
}

#[test]
fn those_who_were_there_are_waited_for_a_fraction_of_a_commit() {
    let gather = after(&[(false, 4, 4)]);
    assert_eq!(gather.pause(4), COMMIT / 2);
    assert!(!gather.is_complete(7) && gather.is_complete(8));
    assert_eq!(gather.pause(8), Duration::ZERO);
}

#[test]
fn a_vain_pause_is_not_repeated_at_once() {
    let mut gather = after(&[(false, 4, 4), (true, 4, 4)]);
    let mut skipped = 0;
    while gather.pause(4).is_zero() {
        gather.committed(false, 4, 4, COMMIT);
        skipped += 1;
    }
    assert_eq!(skipped, 1);
    gather.committed(true, 4, 4, COMMIT);
    for _ in 0..2 {
        assert_eq!(gather.pause(4), Duration::ZERO);
        gather.committed(false, 4, 4, COMMIT);
    }
    assert_eq!(gather.pause(4), COMMIT / 2);
    // One that paid off ends the caution.
    gather.committed(true, 8, 0, COMMIT);
    assert_eq!(gather.pause(4), COMMIT / 2);
}

#[test]
fn a_slow_disk_does_not_make_pauses_long() {
    let mut gather = after(&[]);
    for _ in 0..100 {
        gather.committed(false, 4, 4, Duration::from_secs(1));
    }
    assert!(gather.pause(4) <= Duration::from_millis(2));
}
